"""The five parts of a method, and a method beside the hypothesis it tests."""

import pytest

from pipeline.filters import RULES, Answer

WHOLE = """1. Prepare twelve cobalt oxide films on glass.
2. Treat six with 20 µM iron; keep six untreated.
3. Record the overpotential every five minutes.
4. Wear gloves."""


def parts(text, **rest):
    return RULES["min_method_parts"].measure(Answer(text, "methodology", **rest), limit=5)


def test_a_method_with_all_five():
    measured = parts(WHOLE)
    assert (measured.value, measured.ok, measured.note) == (5, True, "")


@pytest.mark.parametrize(
    ("line", "instead", "missing"),
    [
        ("cobalt oxide films on glass", "things", "the experimental system"),
        ("; keep six untreated", "", "the control"),
        ("Record the overpotential", "Wait", "the readout"),
        ("Wear gloves.", "Go home.", "safety"),
    ],
)
def test_what_is_missing_is_named(line, instead, missing):
    measured = parts(WHOLE.replace(line, instead))
    assert (measured.value, measured.ok) == (4, False)
    assert measured.note == f"Not named: {missing}."


@pytest.mark.parametrize("text", ["", None, "Do it.", "A phase of generative thought."])
def test_nothing_is_named(text):
    assert parts(text).value == 0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Keep the control group beside it.", True),
        ("Untreated cells serve as controls.", True),
        ("One set without zinc is kept.", True),
        ("Compare with the wild type.", True),
        ("Use vehicle alone for the others.", True),
        ("A baseline is taken.", True),
        ("Control: none.", True),
        ("Control the temperature.", False),
        ("The control system is switched on.", False),
        ("A controlled atmosphere of argon.", False),
        ("Use the temperature control unit.", False),
        ("For quality control, repeat it.", False),
    ],
)
def test_a_control_is_no_steering(text, named):
    assert ("the control" not in parts(text).note) is named


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Handle it under BSL-2 rules.", True),
        ("Wear protective gloves and goggles.", True),
        ("Dispose of the solvent.", True),
        ("Autoclave all plates.", True),
        ("Work in a fume hood.", True),
        ("Consume the hooded crow.", False),
        ("Unsafely.", False),
    ],
)
def test_safety(text, named):
    assert ("safety" not in parts(text).note) is named


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"control": "cells at 37 °C", "safety": "laser curtain"}, 2),
        ({"control": "", "safety": None, "readout": 5, "system": "the system"}, 0),
        ({"perturbation": "methylation"}, 1),
    ],
)
def test_fields_of_a_structured_answer_count(fields, value):
    assert parts("Go.", parsed=fields).value == value


HYPOTHESIS = (
    "If the concentration of iron is raised to 20 µM, then the overpotential of the oxide film will fall by 30 mV."
)


def share(rule, text, hypothesis=HYPOTHESIS, fields=None):
    answer = Answer(text, "methodology", hypothesis=hypothesis, hypothesis_fields=fields)
    return RULES[rule].measure(answer, limit=50)


@pytest.mark.parametrize(
    ("rule", "text", "value", "note"),
    [
        ("min_variable_percent", "Raise iron concentrations.", 100, ""),
        ("min_variable_percent", "Add iron.", 50, "Not in the method: concentration."),
        ("min_variable_percent", "Heat the flask.", 0, "Not in the method: concentration, iron."),
        ("min_variable_percent", "Concentrate the environment.", 50, "Not in the method: iron."),
        ("min_outcome_percent", "Read overpotentials of oxides on each film.", 100, ""),
        ("min_outcome_percent", "Weigh the film.", 33, "Not in the method: overpotential, oxide."),
        ("min_outcome_percent", "", 0, "Not in the method: overpotential, oxide, film."),
    ],
)
def test_a_method_and_its_hypothesis(rule, text, value, note):
    measured = share(rule, text)
    assert (measured.value, measured.note) == (value, note)
    assert measured.ok is (value >= 50)


@pytest.mark.parametrize("rule", ["min_variable_percent", "min_outcome_percent"])
@pytest.mark.parametrize("hypothesis", ["", None, "It is so.", "…"])
def test_without_a_hypothesis_nothing_is_missing(rule, hypothesis):
    assert share(rule, "Mix.", hypothesis).value == 100


def test_the_fields_of_the_hypothesis_go_before_its_words():
    fields = {"variable": "nitrogen content", "outcome": "dye removal"}
    assert share("min_variable_percent", "Vary the nitrogen content.", fields=fields).value == 100
    assert share("min_outcome_percent", "Follow the dye.", fields=fields).note == "Not in the method: removal."
    assert share("min_outcome_percent", "Weigh films.", fields={"outcome": 3}).value == 33


@pytest.mark.parametrize(
    ("hypothesis", "method"),
    [
        ("The yield will fall when the pressure is raised.", "Raise the pressure."),
        ("Raising the pressure will lower the yield.", "Raise the pressure."),
        ("Raising the pressure lowers the yield.", "Raise the pressure."),
        ("If the pressure is raised from 1 to 1,000 Pa, the yield will fall.", "Raise the pressure, in Pa."),
    ],
)
def test_the_variable_is_found_wherever_the_hypothesis_names_it(hypothesis, method):
    assert share("min_variable_percent", method, hypothesis).value == 100
    assert share("min_outcome_percent", method, hypothesis).value == 0
