"""Bootstrap intervals of rank correlations and the like, from tables of counts: exact, seeded, and fast for many rows.

Drawing n pairs with replacement is drawing the cells of their table from a multinomial distribution. There are few
cells however many rows, so that all draws are computed at once. B. Efron, R. Tibshirani, "An Introduction to the
Bootstrap", 1993, chapter 13: percentile intervals.
"""

import numpy

from .statistics import CONFIDENCE

DRAWS = 500
AT_ONCE = 2_000_000  # cells in memory at a time
SEED = 20110125


def estimates(one, other, measures, *, draws=DRAWS, confidence=CONFIDENCE, seed=SEED):
    """{name: (value, (low, high))} of each of `measures`, {name: function of a table}, for pairs of numbers.

    A function takes counts of shape (draws, values of `one`, values of `other`) with both axes' values, and returns
    one number a draw; a draw in which it is not defined is left out. None stands for a value that is not defined and
    for an interval where no draw is. The same pairs give the same intervals.
    """
    rows, columns, counts = table(one, other)
    if counts.sum() < 2:
        return dict.fromkeys(measures, (None, None))
    at_once = max(1, AT_ONCE // counts.size)
    rng = numpy.random.default_rng(seed)
    found = {name: [] for name in measures}
    for start in range(0, draws, at_once):
        drawn = _drawn(rng, counts, min(at_once, draws - start))
        for name, measure in measures.items():
            found[name].append(measure(drawn, rows, columns))
    tail = 100 * (1 - confidence) / 2
    values = {name: float(measure(counts[None], rows, columns)[0]) for name, measure in measures.items()}
    return {
        name: (None if numpy.isnan(values[name]) else values[name], percentiles(numpy.concatenate(found[name]), tail))
        for name in measures
    }


def _drawn(rng, counts, size):
    """`size` tables of as many pairs as `counts` has, drawn from it with replacement."""
    filled = numpy.flatnonzero(counts)
    drawn = numpy.zeros((size, counts.size), counts.dtype)
    drawn[:, filled] = rng.multinomial(counts.sum(), counts.ravel()[filled] / counts.sum(), size=size)
    return drawn.reshape(size, *counts.shape)


def table(one, other):
    """(values of `one`, values of `other`, how often each pair occurs)."""
    rows, row = numpy.unique(numpy.asarray(one, dtype=float), return_inverse=True)
    columns, column = numpy.unique(numpy.asarray(other, dtype=float), return_inverse=True)
    counts = numpy.zeros((len(rows), len(columns)), dtype=numpy.int64)
    numpy.add.at(counts, (row, column), 1)
    return rows, columns, counts


def spearman_of(counts, rows, columns):
    """Spearman's rank correlation of each table."""
    down, across = counts.sum(2), counts.sum(1)
    n = down.sum(1)[:, None]
    # Ranks are counted from the middle, so that nothing large is taken from something large.
    row_ranks, column_ranks = (numpy.cumsum(each, 1) - each / 2 - n / 2 for each in (down, across))
    together = numpy.einsum("bij,bi,bj->b", counts, row_ranks, column_ranks)
    return _ratio(together, numpy.sqrt((down * row_ranks**2).sum(1)) * numpy.sqrt((across * column_ranks**2).sum(1)))


def kendall_of(counts, rows, columns):
    """Kendall's tau-b of each table."""
    counts = counts.astype(float)
    higher = numpy.cumsum(counts[:, ::-1], 1)[:, ::-1] - counts  # of the same column, in the rows below
    to_the_right = numpy.cumsum(higher[:, :, ::-1], 2)[:, :, ::-1] - higher
    to_the_left = numpy.cumsum(higher, 2) - higher
    difference = (counts * (to_the_right - to_the_left)).sum((1, 2))
    total = counts.sum((1, 2))
    tied = [(each * (each - 1)).sum(1) / 2 for each in (counts.sum(2), counts.sum(1))]
    pairs = total * (total - 1) / 2
    return _ratio(difference, numpy.sqrt(pairs - tied[0]) * numpy.sqrt(pairs - tied[1]))


def absolute_error_of(counts, rows, columns):
    """The mean distance of the two values of each table's pairs."""
    return (counts * numpy.abs(rows[:, None] - columns)).sum((1, 2)) / counts.sum((1, 2))


def kappa_of(counts, rows, columns):
    """Cohen's kappa of each table; both axes take values from the same answers."""
    n = counts.sum((1, 2))
    equal = (counts * (rows[:, None] == columns)).sum((1, 2))
    down, across = counts.sum(2), counts.sum(1)
    by_chance = numpy.einsum("bi,bj,ij->b", down, across, rows[:, None] == columns)
    return _ratio(equal * n - by_chance, n * n - by_chance)


def _ratio(above, below):
    below = below.astype(float)
    return numpy.divide(above, below, out=numpy.full(below.shape, numpy.nan), where=below > 0)


def percentiles(found, tail):
    """(low, high) that leave `tail` per cent of the defined numbers out on either side; None without one."""
    defined = found[~numpy.isnan(found)]
    if not len(defined):
        return None
    low, high = numpy.percentile(defined, [tail, 100 - tail])
    return float(low), float(high)
