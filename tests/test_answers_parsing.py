"""Replies of teachers in every form they come in."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.answers import JudgeUnreadable, parse_answer, parse_judgement, render_answer
from pipeline.answers.json_in_text import split_thinking

STATEMENT = "If kinase 1 is inhibited, lactate in the medium will decrease by 30 %."
HYPOTHESIS = {
    "statement": STATEMENT,
    "variable": "kinase 1",
    "outcome": "lactate in the medium",
    "direction": "decrease",
    "support": ["Lactate fell."],
}
METHOD = {
    "system": "kidney cells",
    "perturbation": "10 µM inhibitor",
    "control": "vehicle only",
    "readout": "lactate assay",
    "safety": "gloves",
    "steps": ["Seed cells.", "Add it.", "Wait 24 h.", "Measure."],
    "support": [],
}
TASKS = st.sampled_from(["hypothesis", "methodology", "explanation", ""])


def reply(fields):
    return json.dumps(fields, ensure_ascii=False)


@pytest.mark.parametrize(
    ("raw", "form"),
    [
        (reply(HYPOTHESIS), "json"),
        (f"\n\n  {reply(HYPOTHESIS)}\n", "json"),
        (json.dumps(HYPOTHESIS, indent=2), "json"),
        (f"```json\n{reply(HYPOTHESIS)}\n```", "fenced_json"),
        (f"```\n{json.dumps(HYPOTHESIS, indent=1)}\n```", "fenced_json"),
        (f"Here it is:\n\n```json\n{reply(HYPOTHESIS)}\n```\nGood luck!", "fenced_json"),
        (f"Here it is: {reply(HYPOTHESIS)} Good luck!", "json"),
        (f"```json\n{reply(HYPOTHESIS)}", "json"),
        (f"The set {{1, 2}} gives {reply(HYPOTHESIS)}", "json"),
        (reply([HYPOTHESIS]), "json"),
        (reply({"hypothesis": HYPOTHESIS}), "json"),
        (reply({"hypotheses": [HYPOTHESIS]}), "json"),
        (reply(HYPOTHESIS | {"comment": "an unknown key"}), "json"),
        (reply(HYPOTHESIS | {"direction": "Decrease"}), "json"),
    ],
)
def test_json_by_schema_is_read_wherever_it_stands(raw, form):
    parsed = parse_answer(raw, "hypothesis")
    assert parsed.fields == HYPOTHESIS
    assert (parsed.form, parsed.error, parsed.text) == (form, "", STATEMENT)


def test_fields_of_lesser_weight_may_be_missing():
    parsed = parse_answer(reply({"statement": STATEMENT, "direction": "up"}), "hypothesis")
    assert parsed.fields == {
        **{"statement": STATEMENT, "variable": "", "outcome": "", "direction": "other", "support": []},
    }
    assert parsed.text == STATEMENT


@pytest.mark.parametrize(
    "steps",
    [
        ["Seed cells.", "Add it.", "Wait 24 h.", "Measure."],
        ["1. Seed cells.", "2. Add it.", "3. Wait 24 h.", "4. Measure."],
        ["Step 1: Seed cells.", "Step 2: Add it.", "Step 3: Wait 24 h.", "Step 4: Measure."],
        [{"step": 1, "text": "Seed cells."}, {"step": 2, "text": "Add it."}, "Wait\n24 h.", "(4) Measure.", ""],
        "1) Seed cells.\n2) Add it.\n3) Wait 24 h.\n4) Measure.",
    ],
)
def test_steps_lose_their_own_numbers(steps):
    assert parse_answer(reply(METHOD | {"steps": steps}), "methodology").fields == METHOD


def test_a_step_that_begins_with_a_quantity_keeps_it():
    fields = parse_answer(reply(METHOD | {"steps": ["2.5 mM salt is added.", "10 wells"]}), "methodology").fields
    assert fields["steps"] == ["2.5 mM salt is added.", "10 wells"]


@pytest.mark.parametrize(
    ("raw", "task_type", "said"),
    [
        (reply(HYPOTHESIS)[:80], "hypothesis", "cut off or broken"),
        (f"```json\n{reply(HYPOTHESIS)[:80]}", "hypothesis", "cut off or broken"),
        (reply(METHOD)[:-20], "methodology", "cut off or broken"),
        ('{"statement": NaN}', "hypothesis", "NaN is no JSON number"),
        ('{"claim": "x"}', "hypothesis", "the JSON has no statement"),
        ('{"statement": 5}', "hypothesis", "the JSON has no statement"),
        ('{"statement": "  "}', "hypothesis", "the JSON has no statement"),
        ('{"system": "cells"}', "methodology", "the JSON has no steps"),
        (reply([HYPOTHESIS, HYPOTHESIS]), "hypothesis", "2 answers in one reply"),
        (f"{reply(HYPOTHESIS)}\n{reply(HYPOTHESIS | {'statement': 'Another.'})}", "hypothesis", "2 answers in one"),
        ('{"a": ' + "[" * 5000, "hypothesis", "nested too deeply"),
    ],
)
def test_json_that_cannot_be_used_stays_as_it_came_and_says_why(raw, task_type, said):
    parsed = parse_answer(raw, task_type)
    assert parsed.fields is None
    assert parsed.text == raw.strip()
    assert parsed.form == "json"
    assert said in parsed.error


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (
            reply({"instruction": "i", "distilled_response": 'The "real" answer.\n2. line', "evidence_trace": []}),
            'The "real" answer.\n2. line',
        ),
        ('```json\n{"distilled_response": "Short."}\n```', "Short."),
        ("**Distilled Response**\nOne.\nTwo.\n\n**Reasoning**\nBecause.", "One.\nTwo."),
        ("**Distilled Response:** One.\n**Reasoning:** Because.", "One."),
        (
            "**Instruction**\nDo.\n\n**Distilled Response**\n1. One.\n2. Two.\n\n**Evidence Trace**\nx",
            "1. One.\n2. Two.",
        ),
        ("### Distilled Response\nOne.\n### Reasoning\nBecause.", "One."),
        ("Distilled Response: One.\nReasoning that goes on.\nReasoning: Because.", "One.\nReasoning that goes on."),
    ],
)
@pytest.mark.parametrize("task_type", ["hypothesis", "methodology", "explanation"])
def test_the_forms_of_the_earlier_scripts(raw, text, task_type):
    parsed = parse_answer(raw, task_type)
    assert (parsed.text, parsed.form, parsed.error, parsed.fields) == (text, "distilled", "", None)


def test_an_empty_distilled_part_is_an_empty_answer_with_an_error():
    for raw in ("**Distilled Response**\n\n**Reasoning**\nx", '{"distilled_response": " "}'):
        parsed = parse_answer(raw, "hypothesis")
        assert not parsed.text.strip()
        assert parsed.error


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Just text.", "Just text."),
        ("\n\n  1. One.\n     a) Deep.\n\n2. Two.  \n\n", "  1. One.\n     a) Deep.\n\n2. Two."),
        ("a\r\nb\rc", "a\nb\nc"),
        ("The form \\frac{a}{b} with {x | x > 0}.", "The form \\frac{a}{b} with {x | x > 0}."),
        ("NUL \0 and surrogate \ud800 here", "NUL \\x00 and surrogate \\ud800 here"),
    ],
)
@pytest.mark.parametrize("task_type", ["hypothesis", "explanation"])
def test_plain_text_keeps_its_lines(raw, text, task_type):
    parsed = parse_answer(raw, task_type)
    assert (parsed.text, parsed.form, parsed.fields, parsed.error) == (text, "plain", None, "")


def test_json_is_plain_text_where_no_schema_was_asked_for():
    parsed = parse_answer('{"a": 1}', "explanation")
    assert (parsed.text, parsed.form, parsed.error) == ('{"a": 1}', "plain", "")


@pytest.mark.parametrize("raw", ["", None, " \n "])
def test_an_empty_reply(raw):
    parsed = parse_answer(raw, "hypothesis")
    assert (parsed.text, parsed.fields) == ("", None)
    assert "no answer" in parsed.error


@pytest.mark.parametrize(
    ("raw", "text", "thinking"),
    [
        ('<think>Let me see {"statement": "no"}.</think>\n\nIt falls.', "It falls.", 'Let me see {"statement": "no"}.'),
        ("Let me see.</think>\nIt falls.", "It falls.", "Let me see."),
        ("<thinking>a</thinking>It falls.<think>b</think>", "It falls.", "a\n\nb"),
        ("<think>a<think>b</think>c</think>It falls.", "It falls.", "ab\n\nc"),
        ("a</think>b</think>It falls.", "It falls.", "a\n\nb"),
        ("<think>\n\n</think>\n\nIt falls.", "It falls.", ""),
        ("[THINK]a[/THINK]It falls.", "It falls.", "a"),
        ("<seed:think>a</seed:think>It falls.", "It falls.", "a"),
    ],
)
def test_reasoning_is_kept_apart(raw, text, thinking):
    parsed = parse_answer(raw, "hypothesis")
    assert (parsed.text, parsed.thinking, parsed.error) == (text, thinking, "")


def test_reasoning_before_json():
    parsed = parse_answer(f"<think>hm</think>{reply(HYPOTHESIS)}", "hypothesis")
    assert parsed.fields == HYPOTHESIS
    assert parsed.thinking == "hm"


@pytest.mark.parametrize(
    ("raw", "thinking"),
    [
        ("<think>It may fall, or", "It may fall, or"),
        ('<think>It may fall: {"statement": "no"}', 'It may fall: {"statement": "no"}'),
        ("<think>a</think><think>It may", "a\n\nIt may"),
        ("<think>a<think>b</think>", "ab"),
    ],
)
def test_reasoning_without_an_end_is_no_answer(raw, thinking):
    parsed = parse_answer(raw, "hypothesis")
    assert (parsed.text, parsed.thinking, parsed.fields) == ("", thinking, None)
    assert parsed.error


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"\alpha and \Delta", r"\alpha and \Delta"),
        (r"\frac{a}{b} \beta \tau \nu_0 \rho \times \text{max} \nabla \upsilon", None),
        (r"\\alpha \\frac{a}{b}", r"\alpha \frac{a}{b}"),
        (r"one\ntwo\tthree \u00b5m", "one\ntwo\tthree µm"),
        (r"a \"quoted\" word", 'a "quoted" word'),
        (r"\nThe next line", "\nThe next line"),
    ],
)
def test_latex_in_json_survives(written, meant):
    parsed = parse_answer('{"statement": "X ' + written + ' Y"}', "hypothesis")
    assert parsed.fields["statement"] == f"X {meant or written} Y"


def test_escaped_nul_and_surrogates_in_json_are_shown_escaped():
    parsed = parse_answer(r'{"statement": "a \u0000 b \ud800 c \ud83d\ude00"}', "hypothesis")
    assert parsed.text == "a \\x00 b \\ud800 c 😀"


@given(st.text(), TASKS)
def test_no_text_makes_it_raise(text, task_type):
    parsed = parse_answer(text, task_type)
    parsed.text.encode()
    parsed.thinking.encode()


NASTY = st.text(alphabet=st.sampled_from(list('{}[]"\\:,\n`*#<>/thinkabc01 \0\ud800')), max_size=60)


@given(NASTY, TASKS)
def test_no_torn_json_or_markup_makes_it_raise(text, task_type):
    parse_answer(text, task_type).text.encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["statement", "variable", "steps", "system", "support", "direction", "distilled_response"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(JSON, TASKS)
def test_no_json_makes_it_raise(value, task_type):
    parsed = parse_answer(json.dumps(value), task_type)
    parsed.text.encode()
    if parsed.fields:
        assert render_answer(parsed.fields, task_type) == parsed.text
        assert parse_answer(json.dumps(parsed.fields), task_type).text == parsed.text


@pytest.mark.parametrize(
    "hostile",
    [
        "</think>" * 50_000,
        "</think>" + "<think>" * 50_000,
        "```" + " " * 400_000 + "x",
        "```\n" + " " * 400_000,
        '{"a"' + " " * 400_000 + "x",
        '{"a"' + " \n" * 200_000 + "x",
    ],
    ids=lambda text: f"{text[:12]!r}…{text[-8:]!r}",
)
@pytest.mark.parametrize(
    "read", [lambda text: parse_answer(text, "methodology"), parse_judgement], ids=["answer", "judge"]
)
def test_a_reply_that_repeats_one_thing_comes_to_an_end(hostile, read):
    """Where every way to read it were tried, each of these would take from minutes to hours."""
    with suppress(JudgeUnreadable):
        read(hostile)


@pytest.mark.parametrize(
    ("text", "answer", "thinking"),
    [
        ("a<think>b</think>c</think>d", "d", "b\n\nac"),
        ("<think>a<think>b</think>c", "c", "ab"),
        ("a</think>b<think>c</think>d<think>e", "bd", "c\n\na\n\ne"),
        ("a</think>b</think>c", "c", "a\n\nb"),
    ],
)
def test_reasoning_is_found_among_any_tags(text, answer, thinking):
    assert split_thinking(text)[:2] == (answer, thinking)


@given(st.dictionaries(st.sampled_from(list(METHOD) + list(HYPOTHESIS)), JSON), TASKS)
def test_rendering_never_raises(fields, task_type):
    assert isinstance(render_answer(fields, task_type), str)
