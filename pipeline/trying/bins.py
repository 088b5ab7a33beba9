"""Measured values as the bins of a histogram."""

import numpy

BINS = 24
STEPS = (1, 2, 2.5, 5, 10)
TAIL = 0.995  # what lies above is counted, not drawn: one answer of 90,000 characters would flatten all others


def bins(values, *, whole=True, limit=None):
    """([(from, to, count)], how many values lie above the last bin). The limit is always within the bins."""
    if not len(values):
        return [], 0
    low, high = span(values, whole=whole, limit=limit)
    step = _step((high - low) / BINS, whole)
    start = numpy.floor(low / step) * step
    if whole and step == 1:
        start = low - 0.5  # a bar stands over its number
    edges = start + step * numpy.arange(int(numpy.ceil((high - start) / step + 1e-9)) + 1)
    if edges[-1] <= high:
        edges = numpy.append(edges, edges[-1] + step)
    counts, _ = numpy.histogram(values, edges)
    above = int((values > edges[-1]).sum())
    return [(_plain(a), _plain(b), int(n)) for a, b, n in zip(edges, edges[1:], counts, strict=False)], above


def span(values, *, whole=True, limit=None):
    """(lowest, highest) number worth drawing: of most values, and the limit."""
    numbers = [0.0] if not len(values) else [float(values.min()), float(numpy.quantile(values, TAIL))]
    if limit is not None:
        numbers.append(float(limit))
    low, high = min(numbers), max(numbers)
    return (float(numpy.floor(low)), float(numpy.ceil(high))) if whole else (low, high if high > low else low + 1)


def _step(least, whole):
    """The next round number: 1, 2, 2.5 (5 for whole numbers), 10 times a power of ten."""
    if whole and least <= 1:
        return 1
    power = 10 ** numpy.floor(numpy.log10(least))
    steps = [step * power for step in STEPS if not whole or (step * power).is_integer()]
    return next(step for step in steps if step >= least * (1 - 1e-9))


def _plain(number):
    return int(number) if float(number).is_integer() else round(float(number), 6)
