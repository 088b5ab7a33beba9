"""The forms by which decisions leave and come."""

from django import forms
from django.contrib.auth import get_user_model

from pipeline.forms import UploadForm


class ExportForm(forms.Form):
    """What is written, and how."""

    format = forms.ChoiceField(
        choices=[("jsonl", "JSON Lines"), ("parquet", "Parquet"), ("csv", "CSV, for spreadsheets")], label="File"
    )
    checks = forms.BooleanField(
        required=False,
        label="With decisions on gold and repeated items",
        help_text="Their purpose says which they are.",
    )


class LabelsForm(UploadForm):
    """A file of decisions, and whose those are that name nobody."""

    reviewer = forms.ModelChoiceField(
        queryset=None,
        label="Whose decisions",
        empty_label=None,
        help_text="For rows that name no member of this project.",
    )

    def __init__(self, *args, project, **options):
        super().__init__(*args, **options)
        may = project.memberships.filter(role__in=("reviewer", "manager"), user__is_active=True)
        self.fields["reviewer"].queryset = (
            get_user_model().objects.filter(pk__in=may.values("user")).order_by("username")
        )
        self.fields["file"].help_text = "JSON Lines: label files of the scripts, rejected.jsonl, or an export."
        self.fields["file"].widget.attrs["accept"] = ".jsonl,.ndjson"
