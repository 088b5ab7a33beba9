"""Krippendorff's alpha with its interval, for answers to a question of few choices.

Value and interval are by one formula over kinds of units, which tests hold against NLTK's on every draw: NLTK itself
takes seconds to load, for which no page should wait.
"""

import math
from collections import Counter
from dataclasses import dataclass

import numpy

from .decisions import ENOUGH
from .resampling import DRAWS, SEED, percentiles
from .statistics import CONFIDENCE

ALL_EQUAL = "undefined, all answers equal"
TOO_FEW = "too few to say"


@dataclass(frozen=True)
class Alpha:
    """How far people agree on `n` answers that several decided, of which `equal` were decided alike by all.

    `value` is None where it is not told, or is not defined since all answers are equal; `interval` is of 95 %.
    """

    n: int
    equal: int
    value: float | None = None
    interval: tuple | None = None

    @property
    def text(self):
        """The value in words or with two places."""
        if self.n < ENOUGH:
            return TOO_FEW
        return ALL_EQUAL if self.value is None else f"{self.value:.2f}"


def alpha_of(units):
    """The Alpha of `units`, each the values (of a nominal scale) that several people gave to one thing."""
    return alpha_of_kinds(_kinds([unit for unit in map(list, units) if len(unit) > 1]))


def alpha_of_kinds(kinds):
    """The Alpha of {how often each value is given in a unit, as a tuple: how many such units there are}.

    However many units there are, kinds are few: one adds them up without holding a unit in memory.
    """
    kinds = {kind: number for kind, number in kinds.items() if number and sum(kind) > 1}
    n, equal = sum(kinds.values()), sum(number for kind, number in kinds.items() if max(kind) == sum(kind))
    if n < ENOUGH:
        return Alpha(n, equal)
    numbers, counts = _sorted(kinds)
    value = float(_nominal(numbers[None], counts)[0])
    if math.isnan(value):
        return Alpha(n, equal)
    return Alpha(n, equal, value, _interval(kinds))


def interval(units, *, draws=DRAWS, confidence=CONFIDENCE, seed=SEED):
    """(low, high) of nominal alpha by drawing units with replacement; None where no draw has two values.

    Units with the same values count alike, so that drawing them is drawing from a multinomial distribution over the
    few kinds that there are. The same units give the same interval.
    """
    return _interval(_kinds(units), draws, confidence, seed)


def _interval(kinds, draws=DRAWS, confidence=CONFIDENCE, seed=SEED):
    numbers, counts = _sorted(kinds)
    drawn = numpy.random.default_rng(seed).multinomial(numbers.sum(), numbers / numbers.sum(), size=draws)
    return percentiles(_nominal(drawn, counts), 100 * (1 - confidence) / 2)


def _kinds(units):
    """{how often each value is given in a unit: how many such units there are}"""
    values = sorted({value for unit in units for value in unit})
    return Counter(tuple(unit.count(value) for value in values) for unit in units)


def _sorted(kinds):
    """(how many units there are of each kind, how often each value is given in a unit of that kind)."""
    return numpy.array([kinds[kind] for kind in sorted(kinds)]), numpy.array(sorted(kinds), dtype=float)


def _nominal(drawn, counts):
    """Alpha of each draw: one minus the disagreement within units over that among all values."""
    size = counts.sum(1)
    within = drawn @ ((size**2 - (counts**2).sum(1)) / (size - 1))
    given = drawn @ counts
    n = given.sum(1)
    among = n**2 - (given**2).sum(1)
    expected = numpy.divide(among, n - 1, out=numpy.full(n.shape, numpy.nan), where=among > 0)
    return 1 - within / expected
