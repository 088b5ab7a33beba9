"""Measures of agreement against published values, against counting by hand, and against other people's code."""

import itertools
import random
from statistics import fmean

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, kendalltau, spearmanr

from curation.agreement import (
    cohen_kappa,
    kendall,
    krippendorff_alpha,
    mean_absolute_error,
    mean_interval,
    percent_agreement,
    spearman,
    upper_bound,
    wilson,
)
from curation.agreement import resampling as rs

# K. Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011, section C: four observers, twelve units.
TABLE_C = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]


@pytest.mark.parametrize(
    ("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)]
)
def test_alpha_as_published(level, published):
    assert round(krippendorff_alpha(TABLE_C, level), 3) == published


def test_alpha_of_two_observers_as_published():
    """Sections A and B of the same paper: binary data, and nominal data without missing values."""
    binary = [[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]]
    assert round(krippendorff_alpha(binary), 3) == 0.095
    nominal = [list("aabbdcccedda"), list("babbbccceddd")]
    assert round(krippendorff_alpha(nominal), 3) == 0.692


def alpha_by_hand(observers):
    """Nominal alpha by its definition: one minus observed over expected disagreement, pair by pair."""
    units = [[v for v in unit if v is not None] for unit in zip(*observers, strict=True)]
    units = [unit for unit in units if len(unit) > 1]
    values = list(itertools.chain(*units))
    observed = sum(sum(a != b for a, b in itertools.permutations(unit, 2)) / (len(unit) - 1) for unit in units)
    expected = sum(a != b for a, b in itertools.permutations(values, 2)) / (len(values) - 1)
    return 1 - observed / expected


@pytest.mark.parametrize("seed", range(8))
def test_alpha_is_its_definition(seed):
    rng = random.Random(seed)
    data = [[rng.choice(["accept", "reject", None]) for _ in range(25)] for _ in range(4)]
    assert krippendorff_alpha(data) == pytest.approx(alpha_by_hand(data))


@pytest.mark.parametrize("data", [[[1, None], [None, 1]], [[1, 1], [1, 1]], [[], []], [[1, 2, 3]]])
def test_alpha_where_there_is_nothing_to_tell_apart(data):
    assert krippendorff_alpha(data) is None


def test_alpha_of_an_unknown_level():
    with pytest.raises(ValueError, match="use nominal, ordinal, interval, ratio"):
        krippendorff_alpha(TABLE_C, "metric")


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        # R. G. Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_as_published(hits, n, low, high):
    assert [round(each, 4) for each in wilson(hits, n)] == [low, high]


@given(st.integers(0, 400), st.integers(1, 400))
def test_wilson_as_scipy(hits, more):
    n = hits + more
    theirs = binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson(hits, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert wilson(n, n)[1] == 1.0


@pytest.mark.parametrize(
    ("hits", "n", "percent"),
    # "Rule of three" and the tables of zero-failure sampling plans: 59 without a bad one for 5 %, 299 for 1 %.
    [(0, 59, 5.0), (0, 299, 1.0), (0, 1, 95.0), (1, 93, 5.0), (2, 124, 5.0), (5, 5, 100.0), (0, 0, 100.0)],
)
def test_upper_bound_as_tabulated(hits, n, percent):
    assert round(100 * upper_bound(hits, n), 1) == percent


@given(st.integers(0, 60), st.integers(1, 60))
def test_upper_bound_as_defined(hits, more):
    """At the bound, so few hits come in one draw of twenty."""
    n = hits + more
    assert binom.cdf(hits, n, upper_bound(hits, n)) == pytest.approx(0.05, abs=1e-9)


def test_upper_bound_of_no_share():
    with pytest.raises(ValueError, match="no share"):
        upper_bound(3, 2)


def test_wilson_of_nothing():
    assert wilson(0, 0) is None
    with pytest.raises(ValueError, match="3 of 2"):
        wilson(3, 2)


@pytest.mark.parametrize(
    ("measure", "one", "other", "value"),
    [
        (percent_agreement, "aab", "aba", 100 / 3),
        (percent_agreement, "", "", None),
        (mean_absolute_error, [90, 10], [100, 50], 25),
        (mean_absolute_error, [], [], None),
        (spearman, [1, 2, 3], [2, 4, 9], 1),
        (spearman, [1, 1, 1], [2, 4, 9], None),
        (spearman, [1], [2], None),
        (kendall, [1, 2, 3], [9, 4, 2], -1),
        (kendall, [1, 2, 3], [5, 5, 5], None),
        # M. G. Kendall, "The treatment of ties in ranking problems", 1945: both sides with ties.
        (kendall, [1, 2.5, 2.5, 4.5, 4.5, 6.5, 6.5, 8, 9.5, 9.5], [1, 2, 4.5, 4.5, 4.5, 4.5, 8, 8, 8, 10], 0.859),
        (cohen_kappa, "aaaa", "rrrr", 0),
    ],
)
def test_a_pair_of_sequences(measure, one, other, value):
    assert measure(one, other) == (value if value is None else pytest.approx(value, abs=5e-4))


@pytest.mark.parametrize("measure", [percent_agreement, mean_absolute_error, cohen_kappa, spearman, kendall])
def test_both_answer_the_same_questions(measure):
    with pytest.raises(ValueError, match="1 answers against 2"):
        measure([1], [1, 2])


def test_the_interval_of_a_mean():
    assert mean_interval([1]) is None
    assert mean_interval([4, 4, 4]) == (4, 4)
    low, high = mean_interval(range(1, 101))
    assert (low + high) / 2 == pytest.approx(50.5)
    assert high - low == pytest.approx(2 * 1.959964 * numpy.std(range(1, 101), ddof=1) / 10)


pairs = st.lists(st.tuples(st.integers(0, 12), st.sampled_from([0, 50, 100])), min_size=3, max_size=60)


@given(pairs)
def test_tables_say_what_sequences_say(found):
    one, other = zip(*found, strict=True)
    rows, columns, counts = rs.table(one, other)
    counts = counts[None]
    assert rs.absolute_error_of(counts, rows, columns)[0] == pytest.approx(mean_absolute_error(one, other))
    for of_table, of_rows in ((rs.spearman_of, spearman), (rs.kendall_of, kendall), (rs.kappa_of, cohen_kappa)):
        value, expected = of_table(counts, rows, columns)[0], of_rows(one, other)
        assert numpy.isnan(value) if expected is None else value == pytest.approx(expected, abs=1e-9)


def test_the_bootstrap_draws_rows_with_replacement():
    """Against the plain way, 2,000 draws of the rows themselves: the same interval within what chance leaves open."""
    rng = numpy.random.default_rng(5)
    one = rng.integers(0, 101, 150)
    other = numpy.where(one + rng.normal(0, 40, 150) > 60, 100, 0)
    measures = {"spearman": rs.spearman_of, "kendall": rs.kendall_of, "error": rs.absolute_error_of}
    found = {name: interval for name, (_, interval) in rs.estimates(one, other, measures, draws=2000).items()}
    plain = {"spearman": [], "kendall": [], "error": []}
    for _ in range(2000):
        rows = rng.integers(0, 150, 150)
        plain["spearman"].append(spearmanr(one[rows], other[rows]).statistic)
        plain["kendall"].append(kendalltau(one[rows], other[rows]).statistic)
        plain["error"].append(numpy.abs(one[rows] - other[rows]).mean())
    for name, values in plain.items():
        low, high = numpy.percentile(values, [2.5, 97.5])
        assert found[name] == pytest.approx((low, high), abs=0.1 * (high - low))


def test_the_bootstrap_is_the_same_each_time_and_however_much_fits_into_memory(monkeypatch):
    one, other = [10, 20, 30, 40, 50, 60], [0, 0, 100, 0, 100, 100]
    first = rs.estimates(one, other, {"spearman": rs.spearman_of})
    assert rs.estimates(one, other, {"spearman": rs.spearman_of}) == first
    monkeypatch.setattr(rs, "AT_ONCE", 30)
    assert rs.estimates(one, other, {"spearman": rs.spearman_of}) == first
    value, (low, high) = first["spearman"]
    assert value == pytest.approx(spearman(one, other))
    assert low < value <= high


def test_the_bootstrap_of_too_little():
    measures = {"spearman": rs.spearman_of, "kappa": rs.kappa_of}
    nothing = {"spearman": (None, None), "kappa": (None, None)}
    assert rs.estimates([1], [1], measures) == nothing
    assert rs.estimates([1, 1], [1, 1], measures) == nothing


def test_the_average_of_kappa_over_draws_is_near_its_value():
    one, other = list("aarrarar" * 30), list("aarrraar" * 30)
    coded = [[value == "a" for value in side] for side in (one, other)]
    value, interval = rs.estimates(*coded, {"kappa": rs.kappa_of})["kappa"]
    assert value == pytest.approx(cohen_kappa(one, other))
    assert fmean(interval) == pytest.approx(value, abs=0.03)
