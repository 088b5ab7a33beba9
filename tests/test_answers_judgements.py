"""Replies of judges: read where they can be read, refused by reason where not, never a made-up number."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.answers import Judgement, JudgeUnreadable, judgement_from_column, parse_judgement

REPLY = {
    "rationale": "Plausible.",
    "dimensions": {"plausibility": 90, "grounding": 80},
    "flags": [],
    "requires_human_review": False,
    "score": 85,
}
READ = Judgement(85.0, {"plausibility": 90.0, "grounding": 80.0}, (), False, "Plausible.")


@pytest.mark.parametrize(
    "raw",
    [
        json.dumps(REPLY),
        json.dumps(REPLY, indent=2),
        f"```json\n{json.dumps(REPLY)}\n```",
        f"My verdict:\n{json.dumps(REPLY)}\nThat is all.",
        f'<think>Perhaps {{"score": 3}}?</think>{json.dumps(REPLY)}',
        f"{json.dumps(REPLY)}\n{json.dumps(REPLY)}",
    ],
)
def test_a_reply_is_read_wherever_its_json_stands(raw):
    assert parse_judgement(raw) == READ


@pytest.mark.parametrize(
    ("score", "read"),
    [
        (0, 0.0),
        (100, 100.0),
        (79.5, 79.5),
        ("85", 85.0),
        (" 85.5 ", 85.5),
        ("85/100", 85.0),
        ("85 %", 85.0),
        (0.8, 0.8),
    ],
)
def test_scores(score, read):
    assert parse_judgement(json.dumps(REPLY | {"score": score})).score == read


@pytest.mark.parametrize(
    "score", [True, False, None, "", "high", "8/10", -1, 100.5, 150, "150", [85], {"value": 85}, "1e2"]
)
def test_what_is_no_score_is_refused(score):
    with pytest.raises(JudgeUnreadable, match="score is .*; it must be a number from 0 to 100") as error:
        parse_judgement(json.dumps(REPLY | {"score": score}))
    assert error.value.kind == "schema"


@pytest.mark.parametrize(
    ("raw", "kind", "said"),
    [
        ("", "missing", "empty"),
        (None, "missing", "empty"),
        ("<think>Hm", "missing", "not closed"),
        ("I would say 85.", "json", "no whole JSON object"),
        (json.dumps(REPLY)[:-10], "json", "cut off or broken"),
        ('So: {"dimensions": {"plausibility": {"score": 90}}, "sco', "json", "no whole JSON object"),
        ('{"dimensions": {"plausibility": {"score": 90}}, "sco', "json", "cut off or broken"),
        ('{"score": NaN}', "json", "NaN"),
        ('{"score": 1e999}', "schema", "inf"),
        ("[85]", "schema", "is list"),
        ("85", "schema", "is int"),
        ('{"rating": 85}', "schema", "no score; its keys are rating"),
        ("{}", "schema", "no score; its keys are none"),
        ('{"dimensions": {"plausibility": 90}}', "schema", "no score"),
        ('{"score": 85, "dimensions": {"grounding": "good"}}', "schema", "grounding is 'good'"),
        ('{"score": 85, "dimensions": {"grounding": 200}}', "schema", "grounding is 200"),
        ('{"score": 85, "flags": [1]}', "schema", "flags is [1]"),
        ('{"score": 85, "requires_human_review": "maybe"}', "schema", "requires_human_review is 'maybe'"),
        ('{"score": 20} but the answer says {"score": 100}', "schema", "2 judgements that differ"),
    ],
)
def test_what_cannot_be_read_says_why(raw, kind, said):
    with pytest.raises(JudgeUnreadable) as error:
        parse_judgement(raw)
    assert error.value.kind == kind
    assert said in error.value.reason


@pytest.mark.parametrize(
    ("flags", "read"),
    [
        (None, ()),
        ([], ()),
        ("", ()),
        ("none", ()),
        (["None", "N/A"], ()),
        (["hallucination", "hallucination"], ("hallucination",)),
        (["Safety: gain of function"], ("safety_gain_of_function",)),
        ("unsupported number, safety_bsl4", ("unsupported_number", "safety_bsl4")),
        ({"hallucination": True, "safety_dual_use": False}, ("hallucination",)),
    ],
)
def test_flags(flags, read):
    assert parse_judgement(json.dumps(REPLY | {"flags": flags})).flags == read


@pytest.mark.parametrize(
    ("value", "read"),
    [(True, True), (False, False), (None, False), ("true", True), ("No", False), (1, True), (0, False), (1.0, True)],
)
def test_requires_human_review(value, read):
    assert parse_judgement(json.dumps(REPLY | {"requires_human_review": value})).requires_human_review is read


def test_only_the_score_must_be_there():
    assert parse_judgement('{"score": 85}') == Judgement(85.0)


def test_a_dimension_that_is_null_is_left_out():
    assert parse_judgement('{"score": 85, "dimensions": {"a": null, "b": 1}}').dimensions == {"b": 1.0}


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (REPLY, READ),
        (json.dumps(REPLY), READ),
        ({"overall_score": 70, "safety_awareness": 55, "flags": None}, Judgement(70.0, {"safety_awareness": 55.0})),
        ({"factuality": 91, "reasoning": "It holds."}, Judgement(91.0, rationale="It holds.")),
        (
            {"reasoning_score": 60, "scores": {"method_rigour": {"score": 40, "why": "x"}}},
            Judgement(60.0, {"method_rigour": 40.0}),
        ),
        ({"score": 80, "novelty": None, "plausibility": math.nan}, Judgement(80.0)),
        ({"score": 80, "requires_human_review": math.nan}, Judgement(80.0)),
    ],
)
def test_imported_columns(value, read):
    assert judgement_from_column(value) == read


def test_imported_columns_as_parquet_readers_hand_them():
    pandas = pytest.importorskip("pandas")
    numpy = pytest.importorskip("numpy")
    value = {"score": numpy.float64(85), "flags": numpy.array(["Safety"]), "requires_human_review": numpy.True_}
    assert judgement_from_column(value) == Judgement(85.0, {}, ("safety",), True)
    with pytest.raises(JudgeUnreadable) as error:
        judgement_from_column(pandas.NA)
    assert error.value.kind == "missing"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("{'score': 85, 'flags': None, 'requires_human_review': False}", Judgement(85.0)),
        (
            "{'score': 85.0, 'flags': ['Safety'], 'reason': \"It's so.\"}",
            Judgement(85.0, {}, ("safety",), False, "It's so."),
        ),
        ("{'score': 60, 'dimensions': {'grounding': nan}}", Judgement(60.0)),
    ],
)
def test_a_column_that_pandas_printed(text, read):
    assert judgement_from_column(text) == read


@pytest.mark.parametrize("value", [None, math.nan, "", {}, {"score": None, "flags": None}, "  ", "nan", "None", "<NA>"])
def test_a_missing_judge_is_missing_not_wrong(value):
    with pytest.raises(JudgeUnreadable) as error:
        judgement_from_column(value)
    assert error.value.kind == "missing"


@pytest.mark.parametrize(("value", "kind"), [("not json", "json"), ("{broken", "json"), (5, "schema"), ([], "schema")])
def test_a_wrong_judge_column(value, kind):
    with pytest.raises(JudgeUnreadable) as error:
        judgement_from_column(value)
    assert error.value.kind == kind


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["score", "flags", "dimensions", "requires_human_review", "x"]), inner)
    ),
    max_leaves=10,
)


def score_or_reason(read, value):
    """The score, or 0 where the reply was refused with a reason; any other exception is a failure."""
    try:
        return read(value).score
    except JudgeUnreadable as error:
        return 0 if error.reason and error.kind in ("missing", "json", "schema") else math.nan


@given(st.text() | JSON.map(json.dumps))
def test_a_reply_is_read_or_refused(raw):
    assert 0 <= score_or_reason(parse_judgement, raw) <= 100


@given(JSON)
def test_a_column_is_read_or_refused(value):
    assert 0 <= score_or_reason(judgement_from_column, value) <= 100
