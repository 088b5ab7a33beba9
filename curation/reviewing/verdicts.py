"""What machines measured of a response, as pages show it: rules, the gate, and every reading of every judge."""

from dataclasses import dataclass, field
from itertools import groupby
from statistics import fmean

from ..labels import words
from ..models import FilterResult, GateResult, JudgeScore


@dataclass
class Dimension:
    """One dimension of a rubric over all readings: `value` is the mean of numbers, else the word that was chosen."""

    label: str
    value: float | str
    low: float | None = None
    high: float | None = None

    @property
    def is_number(self):
        return self.low is not None

    @property
    def varies(self):
        """Whether the readings differ."""
        return self.is_number and self.low != self.high


@dataclass
class Judgement:
    """What the judges say of a response by one rubric: each reading, by judge and repeat."""

    rubric: str
    readings: list[JudgeScore]
    dimensions: list[Dimension]
    measured: dict | None = None  # the gate's measurement of it
    earlier: list[JudgeScore] = field(default_factory=list)  # by versions of the rubric that hold no more

    @property
    def readable(self):
        return [reading for reading in self.readings if reading.score is not None]

    @property
    def unreadable(self):
        """How many replies could not be read."""
        return len(self.readings) - len(self.readable)

    @property
    def score(self):
        """The gate's score where it has one, else the mean over judges of the mean of their readings; None without."""
        if self.measured:
            return self.measured["value"]
        by_judge = groupby(self.readable, key=lambda reading: reading.judge_id)
        means = [fmean(reading.score for reading in of_judge) for _, of_judge in by_judge]
        return fmean(means) if means else None

    @property
    def counted(self):
        """How many readings the score is made of: those by judges who are asked no more stand beside it."""
        return (self.measured or {}).get("n", len(self.readable))

    @property
    def low(self):
        return min(reading.score for reading in self.readable)

    @property
    def high(self):
        return max(reading.score for reading in self.readable)

    @property
    def varies(self):
        """Whether readings differ."""
        return len(self.readable) > 1 and self.low != self.high

    @property
    def judges(self):
        """How many judges read it."""
        return len({reading.judge_id for reading in self.readings})

    @property
    def flags(self):
        """Every flag that any reading raised, once."""
        return list(dict.fromkeys(flag for reading in self.readings for flag in reading.flags))

    @property
    def requires_human_review(self):
        """Whether any reading asks for a person."""
        return any(reading.requires_human_review for reading in self.readings)


@dataclass
class Verdicts:
    """What machines measured of one response, the newest of each kind.

    `hidden`: the reader is to decide without the judges' word, and has no gate and no judgements here; what judges say
    of dangers stands in `hazards`.
    """

    filters: FilterResult | None = None
    gate: GateResult | None = None
    judgements: list[Judgement] = field(default_factory=list)
    hidden: bool = False
    hazards: list[str] = field(default_factory=list)

    @property
    def failures(self):
        """Measurements of the filters that missed their limit."""
        return [each for each in self.filters.measurements if not each.get("ok", True)] if self.filters else []

    @property
    def passed_rules(self):
        return sum(1 for each in self.filters.measurements if each.get("ok", True)) if self.filters else 0

    @property
    def other_reasons(self):
        """Reasons of the gate that no measurement shows, such as a safety flag."""
        return [r for r in self.gate.reasons if not r.endswith("_low_score")] if self.gate else []


def judgements_of(scores, gate, labels):
    """A Judgement for each rubric of `scores` (of one response, judges selected), by name.

    A judge's readings by a former version of the rubric are `earlier`. `labels` are those of labels.dimensions.
    """
    # A reader compares the same place from card to card, and which judge answered first is chance.
    scores = sorted(scores, key=lambda score: (score.rubric, score.judge.name, score.judge_id, score.repeat, score.pk))
    measured = {each.get("rule", ""): each for each in (gate.measurements if gate else [])}
    return [
        _judgement(rubric, list(rows), measured.get(f"judge_{rubric[:1]}_score"), labels.get(rubric, {}))
        for rubric, rows in groupby(scores, key=lambda score: score.rubric)
    ]


def _judgement(rubric, rows, measured, labels):
    newest = {}  # judge -> the version that judge read by last
    for row in sorted(rows, key=lambda row: row.pk):
        newest[row.judge_id] = row.rubric_version
    holds = [row for row in rows if row.rubric_version == newest[row.judge_id]]
    earlier = [row for row in rows if row.rubric_version != newest[row.judge_id]]
    return Judgement(rubric, holds, _dimensions(holds, labels), measured, earlier)


def _dimensions(readings, labels):
    """Dimensions over the readings, in the order of the rubric, then of the replies."""
    values = {}
    for reading in readings:
        for name, value in reading.dimensions.items():
            values.setdefault(name, []).append(value)
    known = [name for name in labels if name in values]
    return [_dimension(labels.get(name) or words(name), values[name]) for name in dict.fromkeys(known + [*values])]


def _dimension(label, values):
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        return Dimension(label, fmean(values), min(values), max(values))
    return Dimension(label, ", ".join(dict.fromkeys(str(value) for value in values)))
