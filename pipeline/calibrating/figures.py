"""Pairs of a judge's score and what people said of the same answer, as numbers; None where there is too little."""

from dataclasses import dataclass
from statistics import fmean, median

import numpy

from curation.agreement import krippendorff_alpha, mean_interval, wilson
from curation.agreement.resampling import absolute_error_of, estimates, kappa_of, kendall_of, spearman_of

ENOUGH = 20  # decided answers below which nothing but their number is told
BIN = 10  # points of a score


@dataclass(frozen=True)
class Number:
    """A measure with its 95 % interval; `value` is None where it is not defined, as for scores that are all equal."""

    value: float | None
    interval: tuple | None = None


@dataclass(frozen=True)
class Confusion:
    """The judge at a threshold, people's verdict: passed and accepted, passed and refused, held and …"""

    threshold: float
    passed_accepted: int
    passed_refused: int
    held_accepted: int
    held_refused: int

    @property
    def n(self):
        return self.passed_accepted + self.passed_refused + self.held_accepted + self.held_refused

    @property
    def same(self):
        """How many answers both judged alike."""
        return self.passed_accepted + self.held_refused

    @property
    def percent(self):
        return 100 * self.same / self.n if self.n else None

    @property
    def interval(self):
        """(low, high) of `percent` by Wilson."""
        found = wilson(self.same, self.n)
        return found and tuple(100 * each for each in found)


@dataclass(frozen=True)
class Figures:
    """One kind of score against people. All but `n` and `confusion` are None for fewer than ENOUGH answers.

    `error` and `bias` are in points: the distance from the share of people who accept, × 100, without and with its
    sign; a positive bias flatters.
    """

    n: int
    confusion: Confusion
    kappa: Number | None = None
    spearman: Number | None = None
    kendall: Number | None = None
    error: Number | None = None
    bias: Number | None = None
    alpha: Number | None = None

    @property
    def enough(self):
        return self.n >= ENOUGH


@dataclass(frozen=True)
class Bias:
    """How much higher than people a judge scores a group of answers; `mean` is None where there are too few."""

    group: str
    n: int
    mean: float | None
    interval: tuple | None


@dataclass(frozen=True)
class Reliability:
    """Answers of like scores: how many of them people accept, in per cent with Wilson's interval."""

    low: int
    high: int
    mean: float
    hits: int
    n: int
    interval: tuple

    @property
    def percent(self):
        return 100 * self.hits / self.n


@dataclass(frozen=True)
class Spread:
    """Highest minus lowest of a judge's repeated readings of the same answer, in points."""

    n: int
    mean: float
    median: float
    nine_of_ten: float
    most: float


def figures(scores, values, verdicts, threshold, *, with_alpha=False):
    """The Figures of a judge's `scores` (0-100) for answers that people gave `values` (0-100) and `verdicts`.

    A verdict is True for accepted, False for refused, None where people are split.
    """
    scores, values = numpy.asarray(scores, float), numpy.asarray(values, float)
    told = numpy.array([said is not None for said in verdicts], bool)
    passed, accepted = scores[told] >= threshold, numpy.array([said for said in verdicts if said is not None], bool)
    n, table = len(scores), confusion(passed, accepted, threshold)
    if n < ENOUGH:
        return Figures(n, table)
    measures = {"spearman": spearman_of, "kendall": kendall_of, "error": absolute_error_of}
    found = estimates(scores, values, measures) | estimates(passed, accepted, {"kappa": kappa_of})
    differences = (scores - values).tolist()
    return Figures(
        n,
        table,
        **{name: Number(*each) for name, each in found.items()},
        bias=Number(fmean(differences), mean_interval(differences)),
        alpha=Number(krippendorff_alpha([passed.tolist(), accepted.tolist()])) if with_alpha else None,
    )


def confusion(passed, accepted, threshold):
    """The Confusion of two arrays: whether the judge passed each answer, and whether people accepted it."""
    cells = (passed & accepted, passed & ~accepted, ~passed & accepted, ~passed & ~accepted)
    return Confusion(threshold, *(int(cell.sum()) for cell in cells))


def bias_by(groups, scores, values, order=()):
    """[Bias] for each of `groups`, one name an answer: those of `order` as it says, then the largest first."""
    found = {}
    for group, score, value in zip(groups, scores, values, strict=True):
        found.setdefault(group, []).append(score - value)
    place = {group: number for number, group in enumerate(order)}
    rows = sorted(found.items(), key=lambda item: (place.get(item[0], len(place)), -len(item[1]), item[0]))
    return [bias_of(group, differences) for group, differences in rows]


def bias_of(group, differences):
    """The Bias of a group: the mean difference with its interval, once there are ENOUGH."""
    n = len(differences)
    if n < ENOUGH:
        return Bias(group, n, None, None)
    return Bias(group, n, fmean(differences), mean_interval(differences))


def terciles(lengths):
    """A name for each length: of the third that it lies in, shortest first, with the third's ends in characters."""
    low, high = (float(each) for each in numpy.quantile(lengths, [1 / 3, 2 / 3])) if len(lengths) else (0, 0)
    names = (f"up to {low:,.0f} characters", f"up to {high:,.0f} characters", f"over {high:,.0f} characters")
    return [names[0] if each <= low else names[1] if each <= high else names[2] for each in lengths]


def reliability(scores, verdicts):
    """[Reliability] of each ten points of score that hold an answer; 100 is in the last."""
    found = {}
    for score, said in zip(scores, verdicts, strict=True):
        if said is not None:
            found.setdefault(min(int(score // BIN), 100 // BIN - 1), []).append((score, said))
    made = []
    for place in sorted(found):
        n, hits = len(found[place]), sum(said for _, said in found[place])
        interval = tuple(100 * each for each in wilson(hits, n))
        mean = fmean(score for score, _ in found[place])
        made.append(Reliability(place * BIN, (place + 1) * BIN, mean, hits, n, interval))
    return made


def spread_of(repeats):
    """The Spread of answers with several readings, [[score, …], …]; None where none has two."""
    wide = [max(scores) - min(scores) for scores in repeats if len(scores) > 1]
    if not wide:
        return None
    return Spread(len(wide), fmean(wide), float(median(wide)), float(numpy.quantile(wide, 0.9)), max(wide))
