"""What is not known exactly: an amount with its tenth, fiftieth and ninetieth percentile, and sums of what was seen.

A sum of n draws from a distribution known by k of them is predicted by the normal approximation (Hahn, Meeker and
Escobar, Statistical Intervals, 2nd ed., 2017, section 4.6): mean n·m, half-width t·s·√(n + n²/k), with Student's t of
k - 1 degrees of freedom. A total over n of which k were drawn without replacement has the half-width t·s·√(n² - nk)/√k
(Cochran, Sampling Techniques, 3rd ed., 1977, section 2.9): nothing, where all were seen. Amounts are added percentile
by percentile, as if they all erred the same way: the range is rather too wide than too narrow.
"""

import math
from dataclasses import dataclass
from statistics import fmean, stdev

Z_90 = 1.2815515655446004  # the 90th percentile of the normal distribution


@dataclass(frozen=True)
class Amount:
    """The 10th, 50th and 90th percentile of something that cannot be known before; never below 0."""

    low: float = 0.0
    mid: float = 0.0
    high: float = 0.0

    @classmethod
    def exactly(cls, number):
        return cls(number, number, number)

    @property
    def is_exact(self):
        return self.low == self.mid == self.high

    @property
    def percentiles(self):
        return (self.low, self.mid, self.high)

    def __add__(self, other):
        return Amount(self.low + other.low, self.mid + other.mid, self.high + other.high)

    def __mul__(self, other):
        if not isinstance(other, Amount):
            other = Amount.exactly(other)
        return Amount(self.low * other.low, self.mid * other.mid, self.high * other.high)

    def at_most(self, other):
        """The same, cut off at the percentiles of `other`."""
        return Amount(min(self.low, other.low), min(self.mid, other.mid), min(self.high, other.high))

    def rounded(self):
        """In whole numbers."""
        return Amount(*(round(value) for value in self.percentiles))

    def as_json(self):
        return {"p10": self.low, "p50": self.mid, "p90": self.high}


def t_90(degrees):
    """The 90th percentile of Student's t, to 0.5 % from 4 degrees of freedom on (Abramowitz and Stegun, 26.7.5)."""
    z = Z_90
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    return z + first / degrees + second / degrees**2


def sum_of_draws(number, seen):
    """The sum of `number` (an Amount) further draws from what `seen`, at least two values of 0 or more, was drawn from.

    Nothing is below 0. More draws are never less: the low end is a convex function that begins at 0.
    """
    mean, spread = fmean(seen), stdev(seen)

    def half(n):
        return t_90(len(seen) - 1) * spread * math.sqrt(n + n * n / len(seen))

    low = max(0.0, number.low * mean - half(number.low))
    return Amount(low, number.mid * mean, number.high * mean + half(number.high))


def total_of(population, drawn):
    """The total over `population` things of which those in `drawn` were taken at random, all of them or some.

    Nothing is below 0, so the total is at least that of the ones that were seen. Where more were drawn than the
    population has, their mean counts.
    """
    known = math.fsum(drawn)
    if not drawn or len(drawn) >= population:
        return Amount.exactly(known * (min(1, population / len(drawn)) if drawn else 0))
    mean = known / len(drawn)
    half = 0.0
    if len(drawn) > 1:
        spread = stdev(drawn) / math.sqrt(len(drawn))
        half = t_90(len(drawn) - 1) * spread * math.sqrt(population**2 - population * len(drawn))
    return Amount(max(known, population * mean - half), population * mean, population * mean + half)


def share_of(number, passed, seen):
    """Which share of `number` further ones will pass where `passed` of `seen` did, at least two."""
    if not number:
        return Amount.exactly(passed / seen)
    # One more of each, so that what always passed so far is not taken for a law (Agresti and Coull).
    votes = [1.0] * (passed + 1) + [0.0] * (seen - passed + 1)
    total = sum_of_draws(Amount.exactly(number), votes)
    mid = passed / seen
    return Amount(min(mid, total.low / number), mid, min(1.0, max(mid, total.high / number)))
