"""JSON that was cut off: a field is whole, word for word, or it is left out; nothing is made up."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.answers import JudgeUnreadable, parse_answer, parse_judgement
from pipeline.answers.json_in_text import decode
from pipeline.answers.repairing import repair
from pipeline.answers.schemas import METHOD_PARTS

HYPOTHESIS = {
    "statement": "If kinase 1 is inhibited, then lactate in the medium will decrease by 30 %.",
    "variable": "kinase 1",
    "outcome": "lactate in the medium",
    "direction": "decrease",
    "support": ["Lactate fell.", "It rose."],
}
METHOD = {name: f"The {name}." for name in METHOD_PARTS} | {"steps": ["Seed.", "Add.", "Wait.", "Read."], "support": []}
WHOLE = json.dumps(HYPOTHESIS)
BEFORE_SUPPORT = WHOLE[: WHOLE.index(', "support"')]


@pytest.mark.parametrize(
    ("raw", "support"),
    [
        (WHOLE[:-1], HYPOTHESIS["support"]),
        (WHOLE[:-2], []),
        (WHOLE[:-9], []),
        (BEFORE_SUPPORT, []),
        (f"{BEFORE_SUPPORT}, ", []),
        (f'{BEFORE_SUPPORT}, "supp', []),
        (f'{BEFORE_SUPPORT}, "support"', []),
        (f'{BEFORE_SUPPORT}, "support":', []),
        (f"```json\n{BEFORE_SUPPORT}\n```", []),
        (f"```json\n{WHOLE[:-9]}", []),
        (f"```json\n{WHOLE[:-9]}\n```", []),
        (f"Here it is:\n{WHOLE[:-1]}", HYPOTHESIS["support"]),
        (f"[{WHOLE[:-1]}", HYPOTHESIS["support"]),
        (f'{{"hypothesis": {WHOLE[:-1]}', HYPOTHESIS["support"]),
        (f'{{"hypothesis": {WHOLE}', HYPOTHESIS["support"]),
        (f"{BEFORE_SUPPORT},}}", []),
        (WHOLE.replace('"It rose."', '"It rose.",'), HYPOTHESIS["support"]),
        (f"<think>hm</think>{WHOLE[:-1]}", HYPOTHESIS["support"]),
    ],
)
def test_what_only_lacks_its_end_is_closed(raw, support):
    parsed = parse_answer(raw, "hypothesis")
    assert parsed.fields == HYPOTHESIS | {"support": support}
    assert (parsed.error, parsed.text) == ("", HYPOTHESIS["statement"])
    assert parsed.form == "repaired_json"
    assert parsed.note.startswith("The JSON was ")


def test_the_note_names_what_was_left_out():
    assert "“support”" in parse_answer(WHOLE[:-9], "hypothesis").note
    assert "not closed" in parse_answer(WHOLE[:-1], "hypothesis").note
    assert "comma" in parse_answer(f"{BEFORE_SUPPORT},}}", "hypothesis").note
    assert parse_answer(WHOLE, "hypothesis").note == ""


@pytest.mark.parametrize(
    ("raw", "task_type"),
    [
        (WHOLE[:40], "hypothesis"),
        (WHOLE[: WHOLE.index('"direction"')], "hypothesis"),
        (json.dumps(METHOD)[:-25], "methodology"),
        (json.dumps({"steps": METHOD["steps"]} | METHOD)[:-60], "methodology"),
        (f"{WHOLE[:-1]}\n{WHOLE[:-1]}", "hypothesis"),
        (WHOLE.replace("kinase 1", 'the "kinase" 1'), "hypothesis"),
        (WHOLE[:-1].replace('"kinase 1"', "'kinase 1'"), "hypothesis"),
        (WHOLE[:-1].replace('"kinase 1"', "NaN"), "hypothesis"),
        (WHOLE[:-1].replace(', "outcome"', ' "outcome"'), "hypothesis"),
        (WHOLE[:-1].replace('"variable":', '"variable"'), "hypothesis"),
        (WHOLE[:-1].replace('"variable"', "variable"), "hypothesis"),
    ],
)
def test_what_lacks_more_stays_as_it_came(raw, task_type):
    parsed = parse_answer(raw, task_type)
    assert parsed.fields is None
    assert (parsed.text, parsed.form, parsed.note) == (raw.rstrip(), "json", "")
    assert parsed.error


def test_a_method_without_its_sources_is_whole():
    parsed = parse_answer(json.dumps(METHOD)[:-1], "methodology")
    assert (parsed.fields, parsed.form) == (METHOD, "repaired_json")


def test_the_earlier_scripts_form_is_closed_too():
    parsed = parse_answer('{"distilled_response": "Short.", "evidence_trace": ["a", "b', "explanation")
    assert (parsed.text, parsed.form) == ("Short.", "repaired_json")


def test_latex_in_a_cut_answer_survives():
    parsed = parse_answer(WHOLE[:-1].replace("kinase 1 is", r"\\alpha and \frac{a}{b} is"), "hypothesis")
    assert r"\alpha and \frac{a}{b} is" in parsed.text


JUDGED = '{"rationale": "Good.", "flags": ["safety"], "requires_human_review": true, "score": 85'


def test_a_judgement_is_closed_but_never_without_its_flags():
    judgement = parse_judgement(f"{JUDGED}, ")
    assert (judgement.score, judgement.flags, judgement.requires_human_review) == (85, ("safety",), True)
    for cut in (
        JUDGED,
        '{"score": 85, "requires_human_review": false, "fla',
        '{"score": 85,',
        '{"score": 85, "flags": []',
    ):
        with pytest.raises(JudgeUnreadable):
            parse_judgement(cut)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdefgh"), VALUES, min_size=1), st.integers(0, 400), st.sampled_from([None, 1])
)
def test_whatever_is_cut_off_what_remains_was_said(value, cut, indent):
    """Every field of a cut object is one of the whole object's, unchanged, and they are its first ones."""
    whole = json.dumps(value, indent=indent)
    found = repair(whole[:cut])
    if found is None:
        return
    said = decode(whole)
    wrapped = next(iter(said.values()))
    assert starts(found.value, said) or isinstance(wrapped, dict) and starts_within(found.value, wrapped)


def starts(part, whole):
    return list(part.items()) == list(whole.items())[: len(part)]


def starts_within(part, whole):
    inner = next(iter(whole.values()), None)
    return starts(part, whole) or isinstance(inner, dict) and starts_within(part, inner)


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from(list('{}[]":,\\ntrue12.`\n ab')), max_size=60))
def test_no_text_makes_it_raise(text):
    found = repair('{"a": ' + text)
    assert found is None or found.value
