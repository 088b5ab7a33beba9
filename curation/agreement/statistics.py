"""Measures of agreement: plain sequences in, numbers out; None where a measure is not defined.

SciPy and NLTK are imported where they are used: they take a second that no start should wait for.
"""

from collections import Counter
from statistics import NormalDist, fmean, stdev

CONFIDENCE = 0.95
LEVELS = ("nominal", "ordinal", "interval", "ratio")


def percent_agreement(one, other):
    """The share, 0 to 100, of questions that both answered alike; None without a question."""
    pairs = _pairs(one, other)
    return 100 * sum(a == b for a, b in pairs) / len(pairs) if pairs else None


def cohen_kappa(one, other):
    """Cohen's kappa of two equally long sequences of answers; None where chance alone explains all of it.

    That is the case when all answers are equal: agreement is complete, but there was nothing to tell apart.
    (observed − expected) / (1 − expected): J. Cohen, "A Coefficient of Agreement for Nominal Scales", 1960.
    """
    pairs = _pairs(one, other)
    if not pairs:
        return None
    n = len(pairs)
    ones, others = (Counter(answers) for answers in zip(*pairs, strict=True))
    observed = sum(a == b for a, b in pairs) / n
    # In whole numbers, so that complete agreement by chance is found without an error of rounding.
    by_chance = sum(number * others[answer] for answer, number in ones.items())
    return None if by_chance == n * n else (observed - by_chance / n**2) / (1 - by_chance / n**2)


def krippendorff_alpha(observers, level="nominal"):
    """Krippendorff's alpha of several observers, each a sequence of values for the same units, None where missing.

    None where no unit has two values, or all values are equal. `level` is how far two values are apart: nominal,
    ordinal, interval or ratio. K. Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011, section D.
    """
    if level not in LEVELS:
        raise ValueError(f"{level!r} is no level of measurement: use {', '.join(LEVELS)}.")
    units = [[value for value in unit if value is not None] for unit in zip(*observers, strict=True)]
    paired = [unit for unit in units if len(unit) > 1]
    counts = Counter(value for unit in paired for value in unit)
    if len(counts) < 2:
        return None
    from nltk.metrics.agreement import AnnotationTask

    rows = [(place, number, value) for number, unit in enumerate(paired) for place, value in enumerate(unit)]
    return float(AnnotationTask(rows, _distance(level, counts)).alpha())


def _distance(level, counts):
    """The squared difference of two values at `level`; `counts` says how often each value was given."""
    if level == "nominal":
        return lambda a, b: float(a != b)
    if level == "interval":
        return lambda a, b: float(a - b) ** 2
    if level == "ratio":
        return lambda a, b: ((a - b) / (a + b)) ** 2 if a != b else 0.0
    below, so_far = {}, 0
    for value in sorted(counts):
        below[value] = so_far + counts[value] / 2  # the middle of the ranks that the value takes
        so_far += counts[value]
    return lambda a, b: (below[a] - below[b]) ** 2


def spearman(one, other):
    """Spearman's rank correlation, ties at their mean rank; None for fewer than two pairs or a constant side."""
    if not _varies(one, other):
        return None
    from scipy.stats import spearmanr

    return float(spearmanr(one, other).statistic)


def kendall(one, other):
    """Kendall's tau-b, which allows for ties; None for fewer than two pairs or a constant side."""
    if not _varies(one, other):
        return None
    from scipy.stats import kendalltau

    return float(kendalltau(one, other, variant="b").statistic)


def _varies(one, other):
    return len(_pairs(one, other)) > 1 and len(set(one)) > 1 and len(set(other)) > 1


def mean_absolute_error(one, other):
    """The mean distance of two sequences of numbers; None without a pair."""
    pairs = _pairs(one, other)
    return fmean(abs(a - b) for a, b in pairs) if pairs else None


def wilson(hits, n, confidence=CONFIDENCE):
    """(low, high) of a share of `hits` in `n`, each from 0 to 1; None without a case.

    The score interval of E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927:
    it stays within 0 and 1 and keeps its promise for few cases and for shares near 0 and 1.
    """
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} of {n} is no share.")
    if not n:
        return None
    z = _z(confidence)
    share, scale = hits / n, 1 + z * z / n
    middle = (share + z * z / (2 * n)) / scale
    half = z / scale * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    return (0.0 if hits == 0 else middle - half), (1.0 if hits == n else middle + half)


def upper_bound(hits, n, confidence=CONFIDENCE):
    """The exact upper bound, 0 to 1, of a share of which `hits` of `n` drawn ones are; 1 without a case.

    One-sided: with a true share above it, so few hits come with a chance of at most 1 − confidence.
    C. J. Clopper and E. S. Pearson, "The Use of Confidence or Fiducial Limits Illustrated in the Case of the
    Binomial", 1934.
    """
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} of {n} is no share.")
    if hits == n:
        return 1.0
    from scipy.stats import beta

    return float(beta.ppf(confidence, hits + 1, n - hits))


def mean_interval(values, confidence=CONFIDENCE):
    """(low, high) of the mean of many values, by the normal approximation; None for fewer than two."""
    values = list(values)
    if len(values) < 2:
        return None
    half = _z(confidence) * stdev(values) / len(values) ** 0.5
    return fmean(values) - half, fmean(values) + half


def _z(confidence):
    return NormalDist().inv_cdf((1 + confidence) / 2)


def _pairs(one, other):
    one, other = list(one), list(other)
    if len(one) != len(other):
        raise ValueError(f"{len(one)} answers against {len(other)}: agreement compares answers to the same questions.")
    return list(zip(one, other, strict=True))
