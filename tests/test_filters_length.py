"""Rules on the length of an answer, and on answers that are empty or cut off."""

import math

import pytest

from pipeline.filters import RULES, Answer, check, failed, load_rules


def measure(rule, answer, **thresholds):
    return RULES[rule].measure(answer, **thresholds)


@pytest.mark.parametrize(
    ("text", "length", "ok"),
    [("x" * 120, 120, True), ("x" * 119, 119, False), ("  \n" + "x" * 119 + "\n\n", 119, False), ("", 0, False)],
)
def test_min_char_length(text, length, ok):
    measurement = measure("min_char_length", Answer(text), limit=120)
    assert (measurement.value, measurement.limit, measurement.ok) == (length, 120, ok)
    assert bool(measurement.note) is not ok


@pytest.mark.parametrize(("length", "ok"), [(1200, True), (1201, False)])
def test_max_char_length(length, ok):
    measurement = measure("max_char_length", Answer("x" * length), limit=1200)
    assert (measurement.value, measurement.ok) == (length, ok)


@pytest.mark.parametrize(
    ("text", "tokens", "value", "ok", "estimated"),
    [
        ("short", 80, 80, True, False),  # what the endpoint counted goes before the look of the text
        ("x" * 4000, 79, 79, False, False),
        ("x" * 320, None, 80, True, True),
        ("x" * 317, None, 80, True, True),  # rounded up
        ("x" * 316, None, 79, False, True),
        ("x" * 400, 0, 0, False, False),  # a count of zero is a count
    ],
)
def test_min_token_length(text, tokens, value, ok, estimated):
    measurement = measure("min_token_length", Answer(text, tokens=tokens), limit=80)
    assert (measurement.value, measurement.ok) == (value, ok)
    assert ("Estimated" in measurement.note) is estimated
    assert ("too short" in measurement.note) is not ok


@pytest.mark.parametrize(
    ("text", "ok"), [("", False), (" \n\t ", False), ("too short", False), ("ten chars.", True), (None, False)]
)
def test_empty(text, ok):
    assert measure("empty", Answer(text)).ok is ok


@pytest.mark.parametrize(
    ("finish_reason", "ok"),
    [("stop", True), ("", True), ("length", False), ("max_tokens", False), ("content_filter", True)],
)
def test_truncated(finish_reason, ok):
    assert measure("truncated", Answer("text", finish_reason=finish_reason)).ok is ok


@pytest.mark.parametrize("missing", [None, math.nan])
def test_a_missing_answer_is_measured_like_an_empty_one(missing):
    """The earlier scripts ended with an exception on a null output."""
    assert Answer(missing).text == ""
    failures = failed(check(Answer(missing, "methodology"), load_rules({})))
    assert {"empty", "min_char_length", "min_token_length", "require_action_verb"} <= set(failures)


def test_a_text_that_is_none_is_refused():
    with pytest.raises(TypeError, match="Answer.text is int"):
        Answer(5)
