"""How numbers spread: the lowest, the highest, and what lies between."""

from typing import NamedTuple

import numpy


class Spread(NamedTuple):
    """`n` numbers, `unknown` more that nobody knows; the rest is None without numbers."""

    n: int
    unknown: int
    lowest: float | None = None
    tenth: float | None = None
    median: float | None = None
    ninetieth: float | None = None
    highest: float | None = None
    mean: float | None = None


def spread(values):
    """The Spread of numbers, None among them counting as unknown."""
    known = [value for value in values if value is not None]
    unknown = len(values) - len(known)
    if not known:
        return Spread(0, unknown)
    numbers = numpy.array(known, float)
    lowest, tenth, median, ninetieth, highest = numpy.quantile(numbers, (0, 0.1, 0.5, 0.9, 1)).tolist()
    return Spread(len(known), unknown, lowest, tenth, median, ninetieth, highest, float(numbers.mean()))
