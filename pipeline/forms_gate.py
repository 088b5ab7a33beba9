"""The limits of SampleGate as fields of a page."""

from django import forms

from pipeline.config_errors import ConfigError
from pipeline.gate import ACCEPT_FROM, THRESHOLDS, load_gate

DECIDES = {"yes": True, "no": False}


class GateForm(forms.Form):
    """The numbers of a gate that may be moved; what it has besides stays as in force.

    An accept band that begins at or below its threshold, or is left empty, begins at the threshold.
    """

    max_spread = forms.FloatField(
        label="To people if readings are further apart than",
        required=False,
        min_value=0,
        max_value=100,
        help_text="Points between the readings by one rubric; empty: however far.",
    )

    decides = forms.ChoiceField(
        label="The scores",
        choices=[("yes", "decide"), ("no", "are only shown")],
        help_text="Only shown, no score keeps an answer from people or sends it back.",
    )

    def __init__(self, in_force, rubrics, data=None):
        """`in_force` is the gate as load_gate gives it, `rubrics` those that answers are read by."""
        self.in_force, self.rubrics = in_force, rubrics
        known = data or {}
        super().__init__(self._start() | {name: known[name] for name in self._names() if name in known})
        for rubric in rubrics:
            self.fields[THRESHOLDS[rubric]] = _points("Refuse below", required=True)
            self.fields[ACCEPT_FROM[rubric]] = _points("Accept band from")

    def _names(self):
        names = [name for rubric in self.rubrics for name in (THRESHOLDS[rubric], ACCEPT_FROM[rubric])]
        return [*names, "max_spread", "decides"]

    def _start(self):
        start = {name: self.in_force[name] for name in self._names() if name != "decides"}
        for rubric in self.rubrics:
            if start[ACCEPT_FROM[rubric]] is None:
                start[ACCEPT_FROM[rubric]] = start[THRESHOLDS[rubric]]
        start = {name: "" if value is None else f"{value:g}" for name, value in start.items()}
        return start | {"decides": "yes" if self.in_force["decides"] else "no"}

    @property
    def pairs(self):
        """[(rubric, the field of its threshold, that of its accept band)]."""
        return [(rubric, self[THRESHOLDS[rubric]], self[ACCEPT_FROM[rubric]]) for rubric in self.rubrics]

    def clean(self):
        said = super().clean()
        for rubric in self.rubrics:
            begins, limit = said.get(ACCEPT_FROM[rubric]), said.get(THRESHOLDS[rubric])
            if begins is not None and limit is not None and begins <= limit:
                said[ACCEPT_FROM[rubric]] = None
        if not self.errors:
            try:
                self.gate = load_gate({**self.in_force, **{name: _plain(said[name]) for name in self._names()}})
            except ConfigError as wrong:
                raise forms.ValidationError(wrong.messages) from None
        return said

    @property
    def changed(self):
        """{key: (value in force, value here)} of what differs; of a valid form."""
        keys = [key for key in self.gate if self.gate[key] != self.in_force[key]]
        return {key: (self.in_force[key], self.gate[key]) for key in keys}


def _points(label, *, required=False):
    wrong = "Give a number from 0 to 100."
    widget = forms.NumberInput(attrs={"step": "any", "inputmode": "decimal", "autocomplete": "off"})
    messages = dict.fromkeys(("required", "invalid", "min_value", "max_value"), wrong)
    return forms.FloatField(
        label=label, required=required, min_value=0, max_value=100, widget=widget, error_messages=messages
    )


def _plain(value):
    if value in DECIDES:
        return DECIDES[value]
    return int(value) if value is not None and float(value).is_integer() else value
