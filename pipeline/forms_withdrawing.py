"""Forms of the withdrawal pages."""

from django import forms

from curation import withdrawing
from curation.models import Withdrawal


class WithdrawalForm(forms.Form):
    """What is to be withdrawn; `preview` says what that comes to."""

    kind = forms.ChoiceField(
        choices=[
            ("source", "A source, by its locator: a DOI, an address or a file"),
            ("licence", "A licence: every prompt under it"),
            ("row", "One row of a release, by its id"),
        ],
        widget=forms.RadioSelect,
        initial=Withdrawal.Kind.SOURCE,
        label="What",
    )
    value = forms.CharField(
        max_length=500,
        label="Which",
        help_text="A DOI is found however it is written. Of a row id the first 12 characters will do.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, data, project):
        super().__init__(data)
        self.project = project

    def clean(self):
        cleaned = super().clean()
        if not self.errors:
            try:
                cleaned["value"] = withdrawing.spelled(self.project, cleaned["kind"], cleaned["value"])
            except withdrawing.WrongWish as wrong:
                self.add_error("value", str(wrong))
        return cleaned

    def preview(self):
        """What the withdrawal would come to, once the form is right."""
        return withdrawing.preview(self.project, self.cleaned_data["kind"], self.cleaned_data["value"])


class ReasonForm(forms.Form):
    """Why, in words."""

    reason = forms.CharField(
        max_length=2000,
        label="Reason",
        help_text="It stands with every release that held it, in the history of each prompt, and in tombstones.json of "
        "the patch release: name nobody who is not to be named there.",
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say why: the reason stands with every release that held it."},
    )


class PurgeForm(forms.Form):
    """Yes, blank them."""

    sure = forms.BooleanField(
        label="I know that these texts cannot be brought back",
        error_messages={"required": "Tick this first: nothing brings the texts back."},
    )
