"""Forms of the run, import and template pages."""

import os

from django import forms
from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.template.defaultfilters import filesizeformat
from django.utils.text import get_valid_filename

from curation.importing import DEFAULT_TASK_TYPES, FIELDS
from curation.models import Run, Teacher
from pipeline import prompts, rubrics
from pipeline.config_errors import ConfigError

LONGEST_NAME = 100  # bytes of an uploaded file's name that are kept
# What each stage does, in one sentence; the order is that of the page.
STAGES = {
    Run.Stage.PIPELINE: "Ask the teacher, measure the answers by the filters, have the judges score what passes.",
    Run.Stage.COLLECT: "Ask the teacher.",
    Run.Stage.FILTER: "Measure answers by the filter rules; no calls.",
    Run.Stage.JUDGE: "Have the judges score answers that passed the filters.",
    Run.Stage.REGENERATE: "Ask again, more strictly, with the failed answer and the reasons.",
}


BATCHED = (Run.Stage.COLLECT, Run.Stage.JUDGE, Run.Stage.REGENERATE)  # stages that can be asked in batches


class RunForm(forms.Form):
    """Which stage, on how many prompts at most, by which teacher, and what it may cost.

    A field that the chosen stage knows nothing of is left out, not refused.
    """

    stage = forms.ChoiceField(choices=[(stage.value, stage.label) for stage in STAGES])
    limit = forms.IntegerField(
        min_value=1, required=False, label="Prompts", help_text="At most so many; empty takes all that wait."
    )
    cap_usd = forms.DecimalField(
        max_digits=14, decimal_places=8, required=False, label="Cap in USD", help_text="Never spent over; empty: none."
    )
    cap_tokens = forms.IntegerField(
        required=False, label="Cap in tokens", help_text="Read and written together; empty: none."
    )
    teacher = forms.ModelChoiceField(
        Teacher.objects.exclude(kind=Teacher.Kind.IMPORTED), required=False, empty_label="as the project's settings say"
    )
    mode = forms.ChoiceField(
        choices=[
            ("online", "Online: answers come at once"),
            ("batch", "Batch: within a day, at the teacher's batch price"),
        ],
        required=False,
        initial="online",
    )
    fresh = forms.BooleanField(
        required=False,
        label="Ask again what was answered before",
        help_text="Otherwise an answer to the very same request, bought earlier here, is used again and costs nothing.",
    )

    @property
    def parameters(self):
        """What `jobs.start` takes, of what the chosen stage knows."""
        # A cap of 0 is something that was said: it is refused, not left out.
        said = {name: value for name, value in self.cleaned_data.items() if value or value == 0 and value is not False}
        stage = said.pop("stage", None)
        known = {"limit"}
        if stage != Run.Stage.FILTER:
            known |= {"cap_usd", "cap_tokens", "fresh"}
        if stage in (Run.Stage.COLLECT, Run.Stage.REGENERATE):
            known.add("teacher")
        if stage in BATCHED and said.get("mode") == "batch":
            known.add("mode")
        as_json = {"teacher": lambda teacher: teacher.pk, "cap_usd": lambda amount: f"{amount:f}"}
        return {name: as_json.get(name, lambda same: same)(value) for name, value in said.items() if name in known}


class UploadForm(forms.Form):
    """One file to import. Its name loses whatever could lead out of a folder."""

    file = forms.FileField(
        label="File",
        help_text="Parquet, CSV, JSON Lines, JSON, plain text or Markdown; each may be gzipped (.gz).",
        widget=forms.ClearableFileInput(attrs={"accept": ".parquet,.csv,.jsonl,.ndjson,.json,.txt,.md,.gz"}),
    )

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file.size > settings.MAX_UPLOAD_BYTES:
            raise forms.ValidationError(too_large())
        try:
            # The end holds the format, so a long name loses its beginning; file systems count bytes.
            name = get_valid_filename(os.path.basename(file.name.replace("\\", "/")))
            file.safe_name = name.encode()[-LONGEST_NAME:].decode(errors="ignore").lstrip(".-")
        except SuspiciousFileOperation:
            file.safe_name = ""
        if not file.safe_name:
            raise forms.ValidationError("Give the file a name with letters or digits, such as abstracts.parquet.")
        return file


def too_large():
    """The sentence that refuses an upload."""
    most = filesizeformat(settings.MAX_UPLOAD_BYTES)
    return f"The file is larger than {most}. Cut it, or import it with `manage.py import_inputs` on the server."


class MappingForm(forms.Form):
    """Which column is what. A field left out is an empty choice."""

    def __init__(self, data=None, *, columns=(), initial=None):
        super().__init__(data, initial={"task_types": ", ".join(DEFAULT_TASK_TYPES)} | (initial or {}))
        choices = [("", "none"), *((column, column) for column in columns)]
        for field, text in FIELDS.items() if columns else ():
            self.fields[field] = forms.ChoiceField(
                choices=choices, required=False, label=field.replace("_", " ").capitalize(), help_text=text
            )
        self.fields["task_types"] = forms.CharField(
            label="Task types", help_text="For rows that do not name theirs: one prompt for each."
        )
        self.fields["limit"] = forms.IntegerField(
            min_value=1, required=False, label="At most", help_text="Rows; empty imports all."
        )

    def clean_task_types(self):
        return [name.strip() for name in self.cleaned_data["task_types"].split(",") if name.strip()]

    @property
    def mapping(self):
        """{field: column}; "" where a field is left out."""
        return {field: self.cleaned_data.get(field, "") for field in FIELDS if field in self.fields}


class TemplateForm(forms.Form):
    """A new version of a prompt text."""

    body = forms.CharField(
        strip=False, label="Text", widget=forms.Textarea(attrs={"rows": 24, "class": "mono tall", "spellcheck": "true"})
    )

    def clean_body(self):
        body = self.cleaned_data["body"].replace("\r\n", "\n").rstrip("\n")
        if not body.strip():
            raise forms.ValidationError("A template needs a text.")
        unknown = [name for name in prompts.placeholders(body) if name not in prompts.NAMES]
        if unknown:
            known = ", ".join("{{" + name + "}}" for name in prompts.NAMES)
            named = ", ".join("{{" + name + "}}" for name in unknown)
            raise forms.ValidationError(f"Unknown placeholder: {named}. Known are {known}.")
        return body


class RubricForm(forms.Form):
    """A new version of a rubric, as YAML; what is wrong is said key by key."""

    body = forms.CharField(
        strip=False,
        label="Rubric, as YAML",
        widget=forms.Textarea(attrs={"rows": 30, "class": "mono tall", "spellcheck": "true"}),
    )

    def clean_body(self):
        try:
            return rubrics.from_yaml(self.cleaned_data["body"])
        except ConfigError as error:
            raise forms.ValidationError(error.messages) from None
