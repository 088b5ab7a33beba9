"""Texts of a hundred thousand characters that repeat one thing: every rule comes to an end, and quickly enough."""

import json

import pytest

from pipeline.filters import Answer, check, load_rules
from tests.test_filters_rules import everything_on

ATOMS = [
    *(
        "a",
        " ",
        "\n",
        ".",
        ". ",
        "1. ",
        "1.\n",
        "(",
        "[",
        "{",
        "{{",
        "<",
        "|",
        "*",
        "**",
        "#",
        "_",
        "`",
        "$",
        "\\",
        "@",
        "-",
        "+",
    ),
    *(
        "+1 ",
        "1-",
        "(1",
        "12 ",
        "1,234 ",
        "10^",
        "e1 ",
        "1.5e",
        "555-",
        "555.123.",
        "a@b.",
        "a@",
        "the ",
        "of the ",
        "not ",
        "if ",
    ),
    *(
        "if, ",
        "will ",
        "bsl-",
        "bsl-3 not ",
        "release the ",
        "enhance the ",
        "edit the ",
        "is known ",
        "has been ",
        "studies have ",
    ),
    *(
        "et al",
        "(Smith ",
        "Smith, ",
        "Smith and ",
        "van de ",
        "A",
        "Aa ",
        "Aa Bb ",
        "MoS2",
        "A-1",
        "in conclusion ",
        "I ",
        "i can",
    ),
    *(
        "sorry ",
        "[insert ",
        "<think>",
        "step ",
        "> ",
        "- ",
        "control ",
        "without ",
        "é",
        "温",
        "𝛼",
        "İ",
        "\u2009",
        "’",
        "…",
        "tel: ",
    ),
]


@pytest.mark.parametrize("atom", ATOMS)
def test_a_long_strange_text_is_measured_to_its_end(atom):
    text = (atom * (100_000 // len(atom)))[:100_000]
    rules = load_rules({**everything_on(), "refusal_strings": ["no"]})
    answer = Answer(text, "methodology", text, hypothesis=text[:5000], parsed={"variable": text, "control": text})
    assert len(json.dumps([measured._asdict() for measured in check(answer, rules)])) < 50_000
