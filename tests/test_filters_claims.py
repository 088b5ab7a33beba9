"""A hypothesis names what is varied and what is measured, claims something open, and tells no known fact."""

import pytest

from pipeline.filters import RULES, Answer


def measure(rule, text, **parts):
    return RULES[rule].measure(Answer(text, "hypothesis", **parts))


NAMED = [
    "If the temperature is raised, then the yield will fall.",
    "If the class imbalance is corrected, the accuracy will rise.",
    "If the concentration of iron is raised from 0 to 1,000 µM, then the overpotential will fall.",
    "The conductivity will rise when the annealing temperature is lowered.",
    "Knockdown of PDK1 will lower lactate output.",
    "Increasing the field strength will raise the dissipated power.",
    "Higher humidity leads to slower growth.",
    "If $T_c$ depends on the thickness $d$, then halving the film thickness should lower the resistivity.",
    "If the pH is lowered by 1, then enzyme activity will drop.",
    "If catalysts are doped with nickel, then yields will rise.",
    "IF THE PRESSURE IS DOUBLED, THEN THE DENSITY WILL RISE.",
]


@pytest.mark.parametrize("text", NAMED)
def test_variable_outcome_and_claim_are_found(text):
    for rule in ("require_variable", "require_outcome", "require_claim"):
        measured = measure(rule, text)
        assert measured.ok, (rule, measured)
        assert measured.value >= 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "If the original conditions are altered, it will increase.",
        "If the condition is changed, the temperature will rise.",
        "If it is changed, then the yield will fall.",
        "If the new method is used, then the rate will rise.",
        "If the parameters of this system are varied, the yield will change.",
    ],
)
def test_a_vague_word_names_no_variable(text):
    measured = measure("require_variable", text)
    assert (measured.value, measured.ok) == (0, False)
    assert measured.note


@pytest.mark.parametrize(
    "text",
    [
        "",
        "If the temperature is raised, it will increase.",
        "If the temperature is raised, then it will be very difficult to fabricate.",
        "If the dose is raised, the results will be different.",
        "In this phase a specific generative model is used.",  # once "ph", "if" and "rate" were found in these words
        # What changes is named in the conditions alone: "it" is nothing.
        "If the coupling factor increases, it will increase, but if the coupling factor decreases, it will decrease.",
        "If the number of reconfigurations increases, it will increase, and if the number of resources used decreases, "
        "it will decrease.",
    ],
)
def test_no_outcome_is_named(text):
    assert not measure("require_outcome", text).ok


@pytest.mark.parametrize(
    ("rule", "fields", "ok"),
    [
        ("require_variable", {"variable": "annealing temperature"}, True),
        ("require_variable", {"variable": "the conditions"}, False),
        ("require_variable", {"variable": ""}, False),
        ("require_variable", {"variable": None}, False),
        ("require_outcome", {"outcome": "lactate in the medium"}, True),
        ("require_outcome", {"outcome": "the results"}, False),
        ("require_outcome", {"outcome": ["lactate"]}, False),
        ("require_outcome", {"outcome": "the wind speed", "variable": "wind speed"}, False),
    ],
)
def test_the_fields_of_a_structured_answer_count(rule, fields, ok):
    assert measure(rule, "If it is changed, it will change.", parsed=fields).ok is ok


@pytest.mark.parametrize(
    "text",
    [
        "Therefore, if the yield is doubled, the cost will fall.",
        "We hypothesize that zinc slows the reaction.",
        "Raising the dose lowers survival.",
        "An increased dose reduces survival.",
        "Zinc is predicted to slow it.",
        "It should fall.",
    ],
)
def test_a_claim(text):
    assert measure("require_claim", text).ok


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Tilting traps more particles.",
        "The specific phase of the drift was recorded.",
        "Zinc was added to the bath and the rate was measured.",
        "The willow grows by the shoulder of the road.",
    ],
)
def test_no_claim(text):
    measured = measure("require_claim", text)
    assert (measured.value, measured.ok) == (0, False)


@pytest.mark.parametrize(
    "text",
    [
        "It is well established that boron nitride conducts heat.",
        "It is known that zinc slows the reaction.",
        "Zinc is known to slow the reaction.",
        "It has been shown that zinc slows the reaction.",
        "Studies indicate that zinc slows the reaction.",
        "Previous research has shown a slower reaction with zinc.",
        "As is well known, zinc slows the reaction.",
        "It is a well-known fact that water boils.",
        "It is common knowledge that water boils.",
        "It is well established that water will boil at 100 °C.",
    ],
)
def test_a_known_fact(text):
    measured = measure("ban_known_facts", text)
    assert not measured.ok
    assert measured.note.startswith("Told as known already: “")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "If zinc is added, then the reaction will slow down.",
        "Because zinc is known to bind iodide, adding 5 mM zinc will slow the reaction.",
        "It is not known whether zinc slows the reaction; if it does, the rate will fall.",
        "It is unknown how zinc acts.",
        "If known amounts of zinc are added, the rate will fall.",
        "Since studies have shown a slower reaction with zinc, removing it should make it faster.",
        "Little is known about zinc.",
    ],
)
def test_no_known_fact(text):
    measured = measure("ban_known_facts", text)
    assert measured.ok, measured.note
