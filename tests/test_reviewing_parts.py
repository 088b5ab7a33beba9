"""Sentences and steps of an answer: what they lean on, and taking one into another text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.reviewing.parts import part_text, parts_of, spans_of, with_part
from curation.reviewing.support import Quote
from curation.reviewing.terms import Piece, pieces

IRON = "Iron was added to the cobalt oxide films."
FALL = "The overpotential fell by 60 mV within two hours."
STEPS = "1. Prepare films. Weigh them.\n2. Measure for 2 h\n   at 25 °C.\n3) Compare."
anything = st.text(st.sampled_from("aA1.)-*•\n \t!?“”étal") | st.characters(codec="utf-8"), max_size=80)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        (" \n\t", []),
        ("If A, then B.", ["If A, then B."]),
        ("One. Two.\n\nThree", ["One.", "Two.", "Three"]),
        ("Wrapped\nlines. Two.", ["Wrapped\nlines.", "Two."]),
        (STEPS, ["1. Prepare films. Weigh them.", "2. Measure for 2 h\n   at 25 °C.", "3) Compare."]),
        ("Method:\n- wash\n• dry\nThen stop. Wait.", ["Method:", "- wash", "• dry", "Then stop.", "Wait."]),
        ("In 2019. 5 mL.", ["In 2019.", "5 mL."]),
        ("1.5 V is applied. It holds.", ["1.5 V is applied.", "It holds."]),
        ("See Smith et al. (2019).", ["See Smith et al. (2019)."]),
    ],
)
def test_parts(text, parts):
    assert [text[start:end] for start, end in spans_of(text)] == parts


@given(anything)
def test_together_they_are_the_text(text):
    before, parts = parts_of(text, [Piece(text)] if text else [])
    assert before + "".join(part.text + part.after for part in parts) == text
    assert not before.strip()
    assert all(part.text.strip() == part.text and part.text and not part.after.strip() for part in parts)
    assert [part_text(text, part.number) for part in parts] == [part.text for part in parts]


@given(anything, st.sampled_from(["a", "A1", "é"]))
def test_terms_stay_marked_across_parts(text, term):
    _, parts = parts_of(text, pieces(text, {"variable": term}))
    assert "".join(part.text + part.after for part in parts) == text.lstrip() or not parts


def test_a_part_keeps_its_marked_terms():
    text = "Iron rises. The iron film falls."
    _, (first, second) = parts_of(text, pieces(text, {"variable": "iron"}))
    assert [(piece.text, piece.kind) for piece in first.pieces] == [("Iron", "variable"), (" rises.", "")]
    assert [piece.text for piece in second.pieces if piece.kind] == ["iron"]


def test_a_single_sentence_leans_on_every_quote():
    quotes = [Quote("a", IRON), Quote("b", FALL)]
    _, (only,) = parts_of("It does so.", [Piece("It does so.")], quotes)
    assert only.quotes == quotes


@pytest.mark.parametrize(
    ("step", "anchors"),
    [
        ("1. Add iron to six cobalt oxide films.", ["a"]),
        ("1. Record the overpotential for two hours.", ["b"]),
        ("1. Add iron to the films and record the overpotential for two hours.", ["a", "b"]),
        ("1. Wear gloves.", []),
        ("1. Use iron.", []),  # one word is not enough
    ],
)
def test_a_step_leans_on_the_quotes_that_share_its_words(step, anchors):
    text = f"{step}\n2. Wait."
    _, parts = parts_of(text, [Piece(text)], [Quote("a", IRON), Quote("b", FALL)])
    assert [quote.anchor for quote in parts[0].quotes] == anchors


@pytest.mark.parametrize(
    ("text", "part", "made"),
    [
        ("", "2. Measure.", "2. Measure."),
        ("One.", "Two.", "One. Two."),
        ("One.\n\n", "Two.", "One. Two."),
        ("1. Wash.\n2. Dry.\n", "7) Measure twice.", "1. Wash.\n2. Dry.\n3. Measure twice."),
        ("  1) Wash.", "- Dry.", "  1) Wash.\n  2) Dry."),
        ("1. Wash.", "It is safe.", "1. Wash.\nIt is safe."),
        ("Method.", "1. Wash.", "Method.\n1. Wash."),
        ("- wash", "- dry", "- wash\n- dry"),
    ],
)
def test_a_part_of_another_answer_comes_to_the_end(text, part, made):
    assert with_part(text, part) == made


@pytest.mark.parametrize("number", [0, 4, 99])
def test_a_part_that_is_not_there(number):
    assert part_text(STEPS, number) is None
