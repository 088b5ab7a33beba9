"""The form of asking again: which prompts, and what it may cost."""

from django import forms

from curation.models import Run, State
from pipeline import filters
from pipeline.forms import RunForm
from pipeline.stages.again import AgainFilter, WrongFilter

KNOWN = 200  # values that are offered at most
CHOSEN_BY = ("state", "task_type", "domain", "rule", "reason", "answered_by", "error_class", "key", "decided")
ASKED = ("limit", "cap_usd", "cap_tokens", "teacher", "mode", "fresh")


class AgainForm(RunForm):
    """What `AgainFilter` chooses by, and what `jobs.start` takes for a collect run. Empty: every undecided answer."""

    stage = None
    state = forms.MultipleChoiceField(
        choices=State, required=False, widget=forms.CheckboxSelectMultiple, label="State", help_text="None: any."
    )
    task_type = forms.ChoiceField(required=False, label="Task")
    domain = forms.ChoiceField(required=False, label="Domain")
    rule = forms.ChoiceField(
        choices=[("", "any"), *((name, rule.label) for name, rule in filters.RULES.items())],
        required=False,
        label="Failed rule",
    )
    reason = forms.CharField(
        max_length=60, required=False, label="Reason", help_text="Of SampleGate or a reviewer, such as too_vague."
    )
    answered_by = forms.ChoiceField(required=False, label="Answered by")
    error_class = forms.ChoiceField(required=False, label="Parked for")
    key = forms.CharField(max_length=64, required=False, label="Key", help_text="A prompt's, or its beginning.")
    decided = forms.BooleanField(
        required=False,
        label="Decided ones too",
        help_text="Accepted, rejected, or decided by a person; a state or a key names them as well.",
    )

    def __init__(self, data, project):
        super().__init__(data)
        for name, field in (
            ("task_type", "task_type"),
            ("domain", "domain"),
            ("answered_by", "current_response__model_id"),
            ("error_class", "error_class"),
        ):
            found = project.prompts.order_by().exclude(**{f"{field}__in": ("", None)}).values_list(field, flat=True)
            values = sorted({*found.distinct()[:KNOWN], *filter(None, [data.get(name)])} - {None})
            self.fields[name].choices = [("", "any"), *((value, value) for value in values)]
        self.fields["limit"].help_text = "At most so many are asked; empty asks all that are chosen."
        self.fields["fresh"].label = "Ask even what has not changed"
        self.fields["fresh"].help_text = "Buys another answer to the very same request, for imported answers too."

    @property
    def chosen_by(self):
        """The fields that choose prompts."""
        return [self[name] for name in CHOSEN_BY if name not in ("state", "decided")]

    @property
    def asked(self):
        """The fields that say how they are asked."""
        return [self[name] for name in ASKED]

    def clean(self):
        data = super().clean()
        said = {name: data.get(name) for name in CHOSEN_BY}
        said["teacher"] = said.pop("answered_by")
        try:
            self.wanted = AgainFilter.from_json(said)
        except WrongFilter as wrong:
            self.add_error(None, str(wrong))
        return data | {"stage": Run.Stage.COLLECT}
