"""The reasons of a project as lines of text: code | label | help."""

import re

from django import forms

from .reviewing.reasons import REASONS, Reason

MOST = 60  # more than a page can offer at a glance
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")
LABEL_LENGTH, HELP_LENGTH = 60, 200


class ReasonListField(forms.CharField):
    """One reason a line; its value is a tuple of Reasons, the shipped ones where nothing is written."""

    widget = forms.Textarea(attrs={"rows": 8, "class": "code", "spellcheck": "false"})

    def __init__(self, **options):
        super().__init__(**{"required": False, "max_length": 20_000} | options)

    def prepare_value(self, value):
        """The lines of stored rows; what was typed stays as it is."""
        if isinstance(value, str):
            return value
        rows = [Reason(row["code"], row["label"], row.get("help", "")) for row in value or () if not row.get("retired")]
        return "\n".join(" | ".join(part for part in reason if part) for reason in rows or REASONS)

    def clean(self, value):
        text = super().clean(value)
        return read_reasons(text) if text.strip() else REASONS

    def has_changed(self, initial, data):
        before, after = self.prepare_value(initial), data or self.prepare_value(())
        return _plain(before) != _plain(after)


def _plain(text):
    return [" | ".join(part.strip() for part in line.split("|")) for line in text.splitlines() if line.strip()]


def read_reasons(text):
    """The Reasons in `text`; raises ValidationError with every line that is wrong and what is right."""
    found, wrong = {}, []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        reason = Reason(*([part.strip() for part in line.split("|", 2)] + ["", ""])[:3])
        problem = _problem(reason, found)
        if problem:
            wrong.append(f"Line {number}: {problem}")
        found[reason.code] = reason
    if len(found) > MOST:
        wrong.append(f"{len(found)} reasons are more than a reviewer can look through: {MOST} at most.")
    if wrong:
        raise forms.ValidationError(wrong)
    return tuple(found.values())


def _problem(reason, found):
    if not _CODE.fullmatch(reason.code):
        return f"“{reason.code[:60]}” is no code: small letters, digits and _, as in no_control | No control."
    if reason.code in found:
        return f"{reason.code} stands there twice."
    if not reason.label:
        return f"{reason.code} has no label: write {reason.code} | what reviewers read."
    if len(reason.label) > LABEL_LENGTH or len(reason.help) > HELP_LENGTH:
        return f"a label has {LABEL_LENGTH} characters at most, its help {HELP_LENGTH}."
    return ""
