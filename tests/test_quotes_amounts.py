"""Percentiles of sums: tables of what they must be, and that more is never cheaper."""

import random
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.quotes.amounts import Amount, share_of, sum_of_draws, t_90, total_of

SEEN = st.lists(st.floats(0, 5000), min_size=5, max_size=60)


@pytest.mark.parametrize(
    ("degrees", "table"), [(4, 1.533), (5, 1.476), (9, 1.383), (19, 1.328), (29, 1.311), (99, 1.290), (10**9, 1.2816)]
)
def test_students_t_is_that_of_the_tables(degrees, table):
    assert t_90(degrees) == pytest.approx(table, rel=0.005)


@pytest.mark.parametrize(
    ("population", "drawn", "low", "mid", "high"),
    [
        (0, [], 0, 0, 0),
        (3, [1, 2, 3], 6, 6, 6),  # all were seen
        (1, [1, 2, 3], 2, 2, 2),  # fewer than were seen: their mean
        (100, [5.0], 500, 500, 500),
        (100, [2.0] * 10, 200, 200, 200),
    ],
)
def test_what_is_known_has_no_range(population, drawn, low, mid, high):
    assert total_of(population, drawn) == Amount(low, mid, high)


def test_a_share_of_what_always_passed_is_no_law():
    share = share_of(1000, 10, 10)
    assert share.mid == share.high == 1
    assert 0.7 < share.low < 0.95
    assert share_of(0, 3, 4) == Amount.exactly(0.75)


@pytest.mark.parametrize("seen", [5, 20, 200])
@pytest.mark.parametrize("wanted", [1, 30, 2000])
def test_eight_of_ten_sums_lie_between_p10_and_p90(seen, wanted):
    dice, draw, inside = random.Random(f"{seen} {wanted}"), NormalDist(170, 40), 0
    for trial in range(300):
        known = [max(0, value) for value in draw.samples(seen, seed=dice.random())]
        said = sum_of_draws(Amount.exactly(wanted), known)
        inside += said.low <= sum(draw.samples(wanted, seed=-1 - trial)) <= said.high
    assert 0.72 <= inside / 300 <= 0.88


@given(seen=SEEN, few=st.integers(0, 10**6), more=st.integers(0, 10**6))
def test_more_draws_are_never_less(seen, few, more):
    fewer, all_of_them = (sum_of_draws(Amount.exactly(n), seen) for n in (few, few + more))
    for one, other in zip(fewer.percentiles, all_of_them.percentiles, strict=True):
        assert one <= other * (1 + 1e-9) + 1e-6


@given(seen=SEEN, few=st.integers(0, 10**6), more=st.integers(0, 10**6))
def test_a_larger_population_is_never_less(seen, few, more):
    fewer, all_of_them = (total_of(n, seen) for n in (few, few + more))
    for one, other in zip(fewer.percentiles, all_of_them.percentiles, strict=True):
        assert one <= other * (1 + 1e-9) + 1e-6


@given(seen=SEEN, number=st.integers(1, 10**6))
def test_percentiles_stand_in_their_order(seen, number):
    for amount in (sum_of_draws(Amount.exactly(number), seen), total_of(number, seen)):
        assert 0 <= amount.low <= amount.mid * (1 + 1e-9) <= amount.high * (1 + 2e-9) + 1e-9


@given(seen=st.integers(5, 3000), passed=st.integers(0, 3000), number=st.integers(1, 10**6))
def test_a_share_is_a_share(seen, passed, number):
    share = share_of(number, min(passed, seen), seen)
    assert 0 <= share.low <= share.mid <= share.high <= 1
