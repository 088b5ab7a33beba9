"""Forms of the project pages. A page keeps what was typed and says at the field what is right."""

from django import forms
from django.contrib.auth.forms import UserCreationForm

from .forms_reasons import ReasonListField
from .models import Event, Membership, Project, Teacher
from .models.project import DEFAULT_SHARES, MOST_AUTO_ACCEPTED
from .reviewing.reasons import rows_of


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
        (
            "Review",
            (
                *("reviews_required", "consensus", "queue_order", "paired", "blind_percent"),
                *("near_duplicate_percent", "reason_codes"),
            ),
        ),
        ("Quality of reviewing", ("gold_percent", "repeat_percent", "too_fast_seconds")),
        ("When something fails", ("on_filter_fail", "on_gate_fail", "attempt_limit", "on_exhausted")),
        ("Teachers", ("teacher", "more_teachers", "samples", "regen_teacher")),
        (
            "SampleGate",
            ("judge_factuality", "judge_reasoning", "more_judges", "judge_repeats", "auto_accept_percent"),
        ),
        ("Audit before a release", ("audit_sample", "audit_allowed")),
    )
    MODELS = ("teacher", "regen_teacher", "judge_factuality", "judge_reasoning")

    reason_codes = ReasonListField(
        label="Reasons",
        help_text="One a line: code | what reviewers read | when it applies. Reasons given before stay readable when "
        "their line goes; the field left empty brings the list back that came with Nexa Distill.",
    )

    class Meta:
        model = Project
        fields = [
            *("name", "notice", "guidelines", "reviews_required", "consensus", "paired", "blind_percent"),
            *("near_duplicate_percent", "on_filter_fail", "on_gate_fail", "attempt_limit", "on_exhausted"),
            *("teacher", "more_teachers", "samples", "regen_teacher", "judge_factuality", "judge_reasoning"),
            *("more_judges", "judge_repeats", "auto_accept_percent", "reason_codes"),
            *("gold_percent", "repeat_percent", "too_fast_seconds", "queue_order"),
            *("audit_sample", "audit_allowed"),
        ]
        labels = {
            "reviews_required": "Decisions an answer needs",
            "queue_order": "What reviewers get first",
            "paired": "Pairs",
            "blind_percent": "Blind reviews, per cent",
            "near_duplicate_percent": "Near-duplicates from, per cent",
            "auto_accept_percent": "Accepted without a person, per cent of the accept band",
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
            "more_judges": "Further judges",
            "judge_repeats": "Readings by each judge",
            "gold_percent": "Gold items, per cent",
            "repeat_percent": "Repeated items, per cent",
            "too_fast_seconds": "Too fast below, seconds",
            "audit_sample": "Rows looked at",
            "audit_allowed": "Bad ones allowed",
        }
        help_texts = {
            "reviews_required": (
                "A change applies to answers that are not decided yet. For single prompts their pages lower it."
            ),
            "queue_order": "What is pinned or assigned comes before. A change puts what waits in the new order.",
            "attempt_limit": "How often a prompt is asked; the answers that are asked for at once are one attempt.",
            "more_teachers": "Asked too. Filters and judges look at every answer; the best one goes on.",
            "samples": "Calls for a prompt: this number times the teachers. Another attempt asks for one answer.",
            "regen_teacher": "Best a stronger model than the teacher; without one the teacher is asked again.",
            "judge_factuality": "Without judges, what passes the filters goes to people.",
            "judge_reasoning": "Best of another family than the teacher: judges prefer the answers of their own kin.",
            "more_judges": "Each reads by every rubric that has a judge above; the mean over the judges counts.",
            "judge_repeats": "Calls for an answer: this number times its judges, for each rubric. Their mean counts.",
            "auto_accept_percent": (
                "Of the answers in SampleGate's accept band; the others go to people, as its audit. 0 accepts nothing "
                f"without a person, and at most {MOST_AUTO_ACCEPTED} leaves some for people."
            ),
            "blind_percent": (
                "Of the answers under review; the judges' scores are shown only after the decision. Against such "
                "decisions the judges are measured."
            ),
            "gold_percent": (
                "Of what reviewers are given: answers whose right decision is known, silently mixed in. Such decisions "
                "change no prompt and enter no release. Mark gold on the page of a prompt."
            ),
            "repeat_percent": (
                "Of what reviewers are given: what they decided before, once more, to see whether they stay with it. "
                "These change nothing either."
            ),
            "too_fast_seconds": "Decisions in less active time are counted as too fast; 0 counts none.",
            "audit_sample": (
                "Drawn by chance from what a release would hold; it is built once they were looked at. 0 asks for no "
                "audit. 59 rows without a bad one say, with 95 % certainty, that at most 5 % of all are bad; 299, that "
                "at most 1 % are."
            ),
            "audit_allowed": "With more of them nothing is released, unless a manager overrides it with a reason.",
            "near_duplicate_percent": (
                "Answers that share at least so much of their wording are near-duplicates: the best is reviewed, the "
                "others wait behind it. 0 looks for none."
            ),
        }
        widgets = {
            "notice": forms.Textarea(attrs={"rows": 2}),
            "guidelines": forms.Textarea(attrs={"rows": 14, "class": "tall"}),
            "more_teachers": forms.CheckboxSelectMultiple,
            "more_judges": forms.CheckboxSelectMultiple,
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        endpoints = Teacher.objects.exclude(kind=Teacher.Kind.IMPORTED)
        for name in self.MODELS:
            self.fields[name].queryset = endpoints
            self.fields[name].empty_label = "none"
        for name in ("more_teachers", "more_judges"):
            self.fields[name].queryset = endpoints

    def clean_reason_codes(self):
        return rows_of(self.instance, self.cleaned_data["reason_codes"])

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
        if data.get("more_judges") and not (data.get("judge_factuality") or data.get("judge_reasoning")):
            self.add_error("more_judges", "Choose a judge of factuality or of reasoning; these read beside it.")
        sample, allowed = data.get("audit_sample"), data.get("audit_allowed")
        if sample and allowed is not None and allowed >= sample:
            self.add_error("audit_allowed", f"Fewer than the {sample:,} rows looked at; otherwise no audit fails.")
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
