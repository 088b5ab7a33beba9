"""The form of the near-duplicates page: evaluation texts to hold a project against."""

from django import forms

from pipeline.forms import UploadForm
from pipeline.stages.decontaminate import DEFAULT_N, SMALLEST_N


class EvaluationForm(UploadForm):
    """A file of evaluation texts, which column holds them, and how many words in a row count as shared."""

    column = forms.CharField(
        max_length=200, required=False, label="Column", help_text="With the texts; empty: every column with text."
    )
    n = forms.IntegerField(
        min_value=SMALLEST_N,
        max_value=100,
        initial=DEFAULT_N,
        label="Words in a row",
        help_text="That count as shared. Texts with fewer words are compared as a whole.",
    )
