"""SampleGate's pure rule: three bands, several readings of a rubric, spread, reasons; as tables."""

import itertools
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config_errors import ConfigError
from pipeline.gate import DEFAULTS, HOLDS_FOR_PEOPLE, Reading, judge_verdict, load_gate

BOTH = ["factuality", "reasoning"]
RANGE = {"judge_f_threshold": 70, "judge_r_threshold": 60, "accept_f_from": 90, "accept_r_from": 85}


def two(f, r, **of_reasoning):
    return [Reading("factuality", f), Reading("reasoning", r, **of_reasoning)]


def several(*scores, rubric="factuality"):
    """Readings from (judge, score) pairs, with a flawless reading of the other rubric."""
    other = "reasoning" if rubric == "factuality" else "factuality"
    return [*(Reading(rubric, score, judge=judge) for judge, score in scores), Reading(other, 100)]


@pytest.mark.parametrize(
    ("f", "r", "gate", "band"),
    [
        (80, 80, {}, "accept"),  # without a range of its own the accept band begins at the threshold
        (79.99, 100, {}, "refuse"),
        (90, 85, RANGE, "accept"),
        (89.9, 85, RANGE, "people"),
        (90, 84.9, RANGE, "people"),  # both must reach it
        (100, 60, RANGE, "people"),
        (70, 60, RANGE, "people"),
        (69.9, 100, RANGE, "refuse"),
        (100, 59.9, RANGE, "refuse"),
        (70, 80, {"judge_f_threshold": 70, "accept_r_from": 90}, "people"),  # one may have a range, the other none
        (70, 90, {"judge_f_threshold": 70, "accept_r_from": 90}, "accept"),
        (0, 0, {"judge_f_threshold": 0, "judge_r_threshold": 0}, "accept"),
        (99, 100, {"accept_f_from": 100, "accept_r_from": 100}, "people"),
        (0, 0, {"decides": False}, "accept"),  # shown only: they keep nothing back
    ],
)
def test_the_band(f, r, gate, band):
    verdict = judge_verdict(two(f, r), BOTH, load_gate(gate))
    assert (verdict.band, verdict.passed) == (band, band != "refuse")
    assert not verdict.needs_people
    assert verdict.score == pytest.approx((f + r) / 2)


@pytest.mark.parametrize("f", [0, 79, 85, 100])
@pytest.mark.parametrize(
    "held",
    [
        {"flags": ("safety_dual_use",)},
        {"requires_human_review": True},
    ],
)
def test_what_needs_people_is_in_their_band_whatever_the_scores(f, held):
    verdict = judge_verdict(two(f, 100, **held), BOTH, load_gate(RANGE))
    assert (verdict.band, verdict.passed, verdict.needs_people) == ("people", False, True)


@pytest.mark.parametrize(
    ("scores", "value", "spread", "n"),
    [
        ([("a", 85)], 85, 0, 1),
        ([("a", 80), ("a", 90)], 85, 10, 2),
        ([("a", 90), ("b", 70)], 80, 20, 2),
        ([("a", 90), ("a", 90), ("a", 90), ("b", 70)], 80, 20, 4),  # who is asked more often does not weigh more
        ([("a", 100), ("a", 0), ("b", 50)], 50, 100, 3),
        ([("a", 79.9), ("b", 80.1)], 80, 0.2, 2),  # no error of binary fractions at the threshold
    ],
)
def test_several_readings_are_one_score(scores, value, spread, n):
    verdict = judge_verdict(several(*scores), BOTH, load_gate({}))
    found = verdict.measurements[0]
    assert found == {
        "rule": "judge_f_score",
        "value": value,
        "limit": 80,
        "ok": value >= 80,
        "spread": spread,
        "n": n,
    }
    assert verdict.score == (value + 100) / 2


@pytest.mark.parametrize(
    ("most", "scores", "disagree"),
    [
        (None, [("a", 100), ("b", 0)], False),
        (20, [("a", 90), ("b", 70)], False),
        (20, [("a", 90), ("b", 69.9)], True),
        (20, [("a", 90), ("a", 60), ("b", 80)], True),  # repeats of one judge count as well
        (0, [("a", 90), ("b", 90)], False),
        (0, [("a", 90), ("b", 91)], True),
    ],
)
def test_readings_too_far_apart_go_to_people(most, scores, disagree):
    verdict = judge_verdict(several(*scores), BOTH, load_gate({"max_spread": most}))
    assert ("judges_disagree" in verdict.reasons) == verdict.needs_people == disagree


@pytest.mark.parametrize(
    ("readings", "configured", "reasons", "score"),
    [
        ([], BOTH, ["missing_judge_scores"], None),
        ([], [], ["missing_judge_scores"], None),
        (two(90, 90)[:1], BOTH, ["missing_judge_scores"], None),
        (two(90, 90)[:1], ["factuality"], ["missing_dual_judge"], 90),
        (two(90, 90), ["factuality", "factuality", "reasoning"], ["missing_judge_scores"], 90),
        (two(90, None, error="no JSON"), BOTH, ["judge_unreadable"], None),
        (two(90, None, error="no JSON", invalid="json"), BOTH, ["invalid_judge_r_json"], None),
        (two(90, None, error="no score", invalid="schema"), BOTH, ["invalid_judge_r_schema"], None),
        (
            [Reading("factuality", None, error="x", invalid="json"), Reading("reasoning", 10)],
            BOTH,
            ["invalid_judge_f_json", "judge_r_low_score"],
            None,
        ),
        # One of two readings could not be read: the other is shown, and people decide.
        ([*two(90, 80), Reading("reasoning", None, error="x", judge="b")], BOTH, ["judge_unreadable"], 85),
        (
            [Reading("factuality", 90, ("safety_x",)), *two(90, 90)[1:]],
            BOTH,
            ["safety_critical_flag"],
            90,
        ),
    ],
)
def test_reasons_for_people(readings, configured, reasons, score):
    verdict = judge_verdict(readings, configured, load_gate({}))
    assert (verdict.reasons, verdict.score, verdict.band, verdict.passed) == (reasons, score, "people", False)


def test_one_flag_of_many_readings_is_enough():
    clean = [Reading(rubric, 95, judge=judge) for rubric in BOTH for judge in "abc"]
    one = Reading("factuality", 95, flags=("safety_chemical",), judge="d")
    assert judge_verdict(clean, BOTH, load_gate({})).band == "accept"
    assert judge_verdict([*clean, one], BOTH, load_gate({})).reasons == ["safety_critical_flag"]


def test_one_judge_is_enough_where_the_project_says_so():
    one = judge_verdict([Reading("reasoning", 90)], ["reasoning"], load_gate({"require_both": False}))
    assert (one.band, one.score) == ("accept", 90)


share = st.floats(0, 100) | st.integers(0, 100)
reading = st.builds(Reading, st.sampled_from(BOTH), share, judge=st.sampled_from("ab"))


@given(st.lists(reading, max_size=8), share, share, share)
def test_the_verdict_against_its_words(readings, f, r, spread):
    gate = load_gate({"judge_f_threshold": f, "judge_r_threshold": r, "max_spread": spread})
    verdict = judge_verdict(readings, BOTH, gate)
    values = {each["rule"]: each for each in verdict.measurements}
    for rubric, key, limit in (("factuality", "judge_f_score", f), ("reasoning", "judge_r_score", r)):
        judges = [[x.score for x in readings if (x.rubric, x.judge) == (rubric, judge)] for judge in "ab"]
        judges = [each for each in judges if each]
        if judges:
            assert values[key]["value"] == pytest.approx(fmean(fmean(each) for each in judges), abs=1e-8)
            assert values[key]["n"] == len(list(itertools.chain(*judges)))
            assert values[key]["ok"] == (values[key]["value"] >= limit)
    assert verdict.needs_people == bool(HOLDS_FOR_PEOPLE.intersection(verdict.reasons))
    assert verdict.passed == (verdict.band != "refuse" and not verdict.needs_people)
    assert (verdict.score is None) == (len(values) < 2)


def test_old_gates_have_the_new_keys_by_default():
    assert load_gate({"judge_f_threshold": 70}) == DEFAULTS | {"judge_f_threshold": 70}
    assert load_gate(dict.fromkeys(DEFAULTS)) == DEFAULTS


@pytest.mark.parametrize(
    ("mapping", "named"),
    [
        ({"accept_f_from": 79}, "accept_f_from"),
        ({"judge_r_threshold": 90, "accept_r_from": 89.9}, "accept_r_from"),
        ({"accept_r_from": "90"}, "accept_r_from"),
        ({"accept_r_from": True}, "accept_r_from"),
        ({"max_spread": -1}, "max_spread"),
        ({"max_spread": float("nan")}, "max_spread"),
        ({"judge_f_threshold": float("inf")}, "judge_f_threshold"),
        ({"require_both": "yes"}, "require_both"),
        ({"spread": 3}, "gate.spread is not a known key"),
    ],
)
def test_a_wrong_gate_is_refused_by_name(mapping, named):
    with pytest.raises(ConfigError) as refused:
        load_gate(mapping)
    assert len(refused.value.messages) == 1
    assert named in str(refused.value)
