"""JSON typed by a person: kept as it was typed, told exactly where it is wrong."""

import json
import math

from django import forms
from django.forms.fields import InvalidJSONInput


class JSONText(forms.JSONField):
    """A JSON object. What a database would not take (NUL, NaN, half characters) is refused in words."""

    def __init__(self, *, example, **options):
        self.example = example
        options.setdefault("widget", forms.Textarea(attrs={"rows": 4, "class": "mono", "spellcheck": "false"}))
        super().__init__(required=False, **options)

    def to_python(self, value):
        if value in self.empty_values:
            return {}
        if not isinstance(value, str):
            return value
        try:
            found = json.loads(value, parse_constant=_no_constant, object_pairs_hook=_without_doubles)
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            raise forms.ValidationError(f"This is not valid JSON: {error.msg}, at {where}.") from None
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"This is not valid JSON: {_words(error)}.") from None
        if not isinstance(found, dict):
            raise forms.ValidationError(f"Give a JSON object, such as {self.example}.")
        problem = _not_storable(found)
        if problem:
            raise forms.ValidationError(problem)
        return found

    def bound_data(self, data, initial):
        return None if data is None else InvalidJSONInput(data)

    def prepare_value(self, value):
        if isinstance(value, InvalidJSONInput):
            return value
        return json.dumps(value, ensure_ascii=False, indent=2) if value else ""

    def has_changed(self, initial, data):
        try:
            return self.to_python(initial) != self.to_python(data)
        except forms.ValidationError:
            return True


def _no_constant(name):
    raise ValueError(f"{name} is no number of JSON")


def _without_doubles(pairs):
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"“{next(name for name in names if names.count(name) > 1)}” stands there twice")
    return found


def _words(error):
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def _not_storable(value):
    """Why a database would refuse a JSON value; "" if it would not."""
    if isinstance(value, dict):
        return next(filter(None, (_not_storable(each) for pair in value.items() for each in pair)), "")
    if isinstance(value, list):
        return next(filter(None, map(_not_storable, value)), "")
    if isinstance(value, float) and not math.isfinite(value):
        return "A number is too large."
    if isinstance(value, str) and any(each == "\0" or 0xD800 <= ord(each) < 0xE000 for each in value):
        return "A text holds a NUL or half a character, which no endpoint takes: leave it out."
    return ""
