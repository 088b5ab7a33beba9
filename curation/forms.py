"""Forms of the project pages. A page keeps what was typed and says at the field what is right."""

from django import forms
from django.contrib.auth.forms import UserCreationForm

from .models import Event, Membership, Project, Teacher
from .models.project import DEFAULT_SHARES


class ProjectCreateForm(forms.ModelForm):
    """A new project needs a name; everything else has a default and is changed in its settings."""

    class Meta:
        model = Project
        fields = ["name"]

    def save(self, commit=True):
        self.instance.slug = Project.free_slug(self.cleaned_data["name"])
        return super().save(commit)


class ProjectForm(forms.ModelForm):
    """Name, guidelines, policies and models of a project."""

    GROUPS = (
        ("Project", ("name", "notice", "guidelines")),
        ("Review", ("reviews_required", "consensus", "paired", "auto_accept_percent")),
        ("When something fails", ("on_filter_fail", "on_gate_fail", "attempt_limit", "on_exhausted")),
        (
            "Models",
            ("teacher", "more_teachers", "samples", "regen_teacher", "judge_factuality", "judge_reasoning"),
        ),
    )
    MODELS = ("teacher", "regen_teacher", "judge_factuality", "judge_reasoning")

    class Meta:
        model = Project
        fields = [
            *("name", "notice", "guidelines", "reviews_required", "consensus", "paired", "auto_accept_percent"),
            *("on_filter_fail", "on_gate_fail", "attempt_limit", "on_exhausted"),
            *("teacher", "more_teachers", "samples", "regen_teacher", "judge_factuality", "judge_reasoning"),
        ]
        labels = {
            "reviews_required": "Decisions an answer needs",
            "paired": "Pairs",
            "auto_accept_percent": "Accepted without a person, per cent",
            "on_filter_fail": "When a filter fails",
            "on_gate_fail": "When SampleGate fails",
            "attempt_limit": "Attempts a prompt",
            "on_exhausted": "When attempts are used up",
            "teacher": "Teacher",
            "more_teachers": "Further teachers",
            "samples": "Answers from each teacher",
            "regen_teacher": "Teacher for regeneration",
            "judge_factuality": "Judge of factuality",
            "judge_reasoning": "Judge of reasoning and safety",
        }
        help_texts = {
            "reviews_required": "A change applies to answers that are not decided yet.",
            "attempt_limit": "How often a prompt is asked; the answers that are asked for at once are one attempt.",
            "more_teachers": "Asked too. Filters and judges look at every answer; the best one goes on.",
            "samples": "Calls for a prompt: this number times the teachers. Another attempt asks for one answer.",
            "regen_teacher": "Best a stronger model than the teacher; without one the teacher is asked again.",
            "judge_factuality": "Without judges, what passes the filters goes to people.",
        }
        widgets = {
            "notice": forms.Textarea(attrs={"rows": 2}),
            "guidelines": forms.Textarea(attrs={"rows": 14, "class": "tall"}),
            "more_teachers": forms.CheckboxSelectMultiple,
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        endpoints = Teacher.objects.exclude(kind=Teacher.Kind.IMPORTED)
        for name in self.MODELS:
            self.fields[name].queryset = endpoints
            self.fields[name].empty_label = "none"
        self.fields["more_teachers"].queryset = endpoints

    def groups(self):
        """[(heading, bound fields)] in the order of the page."""
        return [(heading, [self[name] for name in names]) for heading, names in self.GROUPS]

    def clean(self):
        data = super().clean()
        further, teacher = data.get("more_teachers"), data.get("teacher")
        if further and not teacher and "teacher" not in self.errors:
            self.add_error("teacher", "Choose the first teacher here; the further ones are asked beside it.")
        elif further:
            data["more_teachers"] = [each for each in further if each != teacher]
        return data

    def save_by(self, user):
        """Save, and leave an Event that names what was changed."""
        project = self.save()
        if self.changed_data:
            Event.objects.create(project=project, actor=user, kind="settings", detail={"changed": self.changed_data})
        return project


class SplitSharesForm(forms.Form):
    """Shares of train, validation and test in per cent. They steer groups that are not yet assigned."""

    train = forms.IntegerField(min_value=1, max_value=100, label="Train, per cent")
    validation = forms.IntegerField(min_value=0, max_value=99, label="Validation, per cent")
    test = forms.IntegerField(min_value=0, max_value=99, label="Test, per cent")

    def __init__(self, data=None, *, project):
        self.project = project
        shares = {name: round(100 * project.split_shares.get(name, 0)) for name in DEFAULT_SHARES}
        super().__init__(data, initial=shares)

    def clean(self):
        values = [self.cleaned_data.get(name) for name in DEFAULT_SHARES]
        if None not in values and sum(values) != 100:
            raise forms.ValidationError(f"The shares add up to {sum(values)} per cent; they must make 100.")
        return self.cleaned_data

    def save_by(self, user):
        """Store the shares, with an Event."""
        self.project.split_shares = {name: self.cleaned_data[name] / 100 for name in DEFAULT_SHARES}
        self.project.save(update_fields=["split_shares"])
        Event.objects.create(project=self.project, actor=user, kind="settings", detail={"changed": ["split_shares"]})


class MemberForm(forms.Form):
    """What a member may do."""

    role = forms.ChoiceField(choices=Membership.Role)
    can_resolve = forms.BooleanField(required=False, label="may resolve")


class InvitationForm(MemberForm):
    """A one-time link: its role, and a word on whom it is for."""

    note = forms.CharField(max_length=120, required=False, label="For whom", help_text="Only managers see this.")
    days = forms.IntegerField(min_value=1, max_value=60, initial=7, label="Days it is valid")

    field_order = ["note", "role", "can_resolve", "days"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["role"].initial = Membership.Role.REVIEWER
        self.fields["can_resolve"].label = "May decide where reviewers disagree"


class SignUpForm(UserCreationForm):
    """A new person who holds an invitation."""

    class Meta(UserCreationForm.Meta):
        fields = ["username", "email"]
        labels = {"email": "Email address (optional)"}
        help_texts = {"username": "", "email": "For resetting a forgotten password."}
