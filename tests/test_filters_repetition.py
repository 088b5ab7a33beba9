"""Filler, and texts that say the same again."""

import pytest

from pipeline.filters import RULES, Answer


def value(rule, text):
    return RULES[rule].measure(Answer(text), limit=20)


LOOP = "1. Prepare the control loop with the help of care. 2. Treat the control loop with the help of care. " * 2
PLAIN = "1. Prepare films of 50 nm.\n2. Treat six of them with iron.\n3. Measure the mass of every film."


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        ("", 0),
        (PLAIN, 0),
        ("It falls. It falls.", 0),  # too short to count
        ("The mass of it falls. The mass of it falls.", 50),
        ("The mass of it falls! The mass  of it falls. The mass of it rises.", 33),
        ("the the the the the the", 0),
    ],
)
def test_repeated_sentences(text, percent):
    measured = value("max_repeated_sentences_percent", text)
    assert measured.value == percent
    assert measured.ok is (percent <= 20)


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        ("", 0),
        (PLAIN, 20),
        ("Prepare 1.0, 2018-03-04, 2019-05-07, 2019-06-07.", 92),
        ("MoS2 at 10 K", 25),
    ],
)
def test_bare_numbers(text, percent):
    assert value("max_numbers_percent", text).value == percent


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("", 0, 0),
        ("word", 0, 0),
        (PLAIN, 0, 0),
        (LOOP, 60, 90),
        ("new " * 100, 90, 100),
        ("a b c d e f a b c d e", 45, 46),
        ("温度 " * 50, 85, 100),
    ],
)
def test_repeated_wording(text, low, high):
    measured = value("max_repeated_words_percent", text)
    assert low <= measured.value <= high
    assert bool(measured.note) is not measured.ok


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        ("", 0),
        (PLAIN, 0),
        ("Therefore, if the yield is doubled by the new salt, then the cost of it will fall by half.", 5),
        ("In conclusion, this highlights it.", 80),
        ("Overall, it falls. Furthermore, it rises. Moreover, it stays.", 33),
        ("Thusly the overalls of Henceforth fell.", 0),
        ("The overall yield of the plant was measured in dry air.", 0),
        ("The yield in short circuits fell while power in addition circuits rose.", 0),
    ],
)
def test_filler(text, percent):
    assert value("max_filler_percent", text).value == percent


def test_the_claim_behind_a_therefore_passes():
    """The earlier scripts dropped "Therefore, if …", the claim itself, as filler."""
    text = "Therefore, if the temperature is raised to 40 °C, then the yield will fall."
    assert RULES["max_filler_percent"].measure(Answer(text), limit=15).ok
