"""Alpha with its interval: the same as NLTK's on every draw, wide for few answers, and words where it says nothing."""

import random

import numpy
import pytest

from curation.agreement import ALL_EQUAL, ENOUGH, TOO_FEW, Alpha, alpha_of, krippendorff_alpha
from curation.agreement import alpha as module


def answers(number, *, agree, seed=1, people=3):
    """So many answers of some people, who follow the same coin as often as `agree` says."""
    chance = random.Random(seed)
    units = []
    for _ in range(number):
        coin = chance.choice("arg")
        units.append([coin if chance.random() < agree else chance.choice("arg") for _ in range(people)])
    return units


@pytest.mark.parametrize("seed", range(6))
def test_each_draw_has_the_alpha_that_nltk_gives_it(seed):
    units = [unit[: 2 + place % 2] for place, unit in enumerate(answers(60, agree=0.6, seed=seed))]
    chance, drawn = random.Random(seed), []
    counts = numpy.array([[unit.count(value) for value in "agr"] for unit in units], dtype=float)
    for _ in range(5):
        chosen = [chance.randrange(len(units)) for _ in units]
        drawn.append(numpy.bincount(chosen, minlength=len(units)))
        again = [units[place] + [None] * (3 - len(units[place])) for place in chosen]
        by_nltk = krippendorff_alpha(list(zip(*again, strict=True)))
        assert module._nominal(numpy.array(drawn[-1:]), counts)[0] == pytest.approx(by_nltk)


def test_the_interval_holds_the_value_and_narrows_with_more_answers():
    few, many = (alpha_of(answers(number, agree=0.7)) for number in (40, 2000))
    for found in (few, many):
        assert found.interval[0] < found.value < found.interval[1]
    assert few.interval[1] - few.interval[0] > 4 * (many.interval[1] - many.interval[0])
    assert alpha_of(answers(40, agree=0.7)) == few  # the same answers, the same interval


def test_the_interval_keeps_its_promise():
    """Of 95 % intervals about as many hold the true value, which very many answers tell."""
    true = alpha_of(answers(30_000, agree=0.7, seed=99)).value
    held = 0
    for seed in range(200):
        low, high = module.interval(answers(80, agree=0.7, seed=seed), draws=300)
        held += low <= true <= high
    assert 178 <= held <= 198


def test_complete_agreement_is_one_where_there_was_something_to_tell_apart():
    found = alpha_of([["a", "a"]] * 20 + [["r", "r"]] * 20)
    assert (found.value, found.interval, found.text) == (1, (1, 1), "1.00")
    assert (found.n, found.equal) == (40, 40)


@pytest.mark.parametrize(
    ("units", "said", "n"),
    [
        ([["a", "a"]] * ENOUGH, ALL_EQUAL, ENOUGH),
        ([["a", "r"]] * (ENOUGH - 1), TOO_FEW, ENOUGH - 1),
        ([["a"]] * 100, TOO_FEW, 0),
        ([["a", "r"]] + [["a"]] * 100, TOO_FEW, 1),
        ([], TOO_FEW, 0),
    ],
)
def test_words_where_a_figure_would_mislead(units, said, n):
    found = alpha_of(units)
    assert (found.text, found.n, found.value, found.interval) == (said, n, None, None)


def test_what_is_not_told_has_no_value():
    assert Alpha(3, 3).text == TOO_FEW
