"""Forms of the withdrawal pages."""

from django import forms
from django.template.defaultfilters import filesizeformat

from curation import withdrawing
from curation.models import Withdrawal

MOST_BYTES = 256 * 1024 * 1024  # of a list: the longest lists of retractions have some 60 MB


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


class ListForm(forms.Form):
    """A list of what is to be withdrawn: a file, or lines that were pasted; `lines` are what it names."""

    kind = forms.ChoiceField(
        choices=[("source", "Sources, by DOI or other locator"), ("row", "Rows of releases, by id")],
        widget=forms.RadioSelect,
        initial=Withdrawal.Kind.SOURCE,
        label="What it names",
    )
    file = forms.FileField(
        required=False,
        label="File",
        help_text="Text with one a line, or CSV with a header. Lines that name nothing of this project do no harm.",
        widget=forms.ClearableFileInput(attrs={"accept": ".txt,.csv,.tsv,.list,text/plain,text/csv"}),
    )
    column = forms.CharField(
        required=False,
        max_length=200,
        label="Column",
        help_text="Of a CSV file; else usual names are looked for: OriginalPaperDOI, locator, doi, row_id, id.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    text = forms.CharField(
        required=False,
        label="Or paste it here",
        help_text="One a line.",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
    )

    def clean(self):
        cleaned = super().clean()
        file, text = cleaned.get("file"), cleaned.get("text", "").strip()
        if self.errors:
            return cleaned
        if bool(file) == bool(text):
            raise forms.ValidationError("Choose a file or paste lines: one of the two.")
        if file and file.size > MOST_BYTES:
            self.add_error("file", f"The file is larger than {filesizeformat(MOST_BYTES)}: cut it, or take its column.")
            return cleaned
        try:
            cleaned["lines"] = (
                withdrawing.read(file.file, cleaned["kind"], file.name, cleaned["column"])
                if file
                else withdrawing.of_text(text)
            )
        except withdrawing.WrongWish as wrong:
            self.add_error("file" if file else "text", str(wrong))
        return cleaned


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
