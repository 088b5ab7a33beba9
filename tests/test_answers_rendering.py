"""Fields become the one text of a response."""

import pytest

from pipeline.answers import RENDERER_VERSION, render_answer

METHOD = {
    "system": "confluent kidney epithelial cells",
    "perturbation": "10 µM dichloroacetate for 48 h",
    "control": "vehicle-treated wells",
    "readout": "lactate by enzymatic assay at 340 nm",
    "safety": "BSL-1, gloves, biological waste",
    "steps": [
        "Seed cells in twelve wells",
        "Add dichloroacetate to six wells.",
        "Collect medium every 12 h.",
        "Compare both groups by a t test.",
    ],
    "support": [],
}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {"variable": "temperature", "outcome": "conductivity", "direction": "decrease"},
            "Raising the temperature will lower the conductivity.",
        ),
        (
            {"variable": "temperatures", "outcome": "ionic conductivity of films", "direction": "decrease"},
            "Raising the temperature will lower the conductivity"
            " (measured: ionic conductivity of films, expected to decrease).",
        ),
        (
            {"variable": "annealing time.", "outcome": "grain size", "direction": "other"},
            "Raising the temperature will lower the conductivity (varied: annealing time; measured: grain size).",
        ),
        (
            {"variable": "", "outcome": "grain size", "direction": "no change"},
            "Raising the temperature will lower the conductivity (measured: grain size, expected not to change).",
        ),
        ({}, "Raising the temperature will lower the conductivity."),
    ],
)
def test_a_hypothesis_is_its_statement_with_what_it_does_not_name(fields, text):
    fields = {"statement": "Raising the temperature will lower the conductivity."} | fields
    assert render_answer(fields, "hypothesis") == text


def test_a_methodology_is_a_line_a_step_with_all_five_parts():
    assert render_answer(METHOD, "methodology") == (
        "1. Seed cells in twelve wells. System: confluent kidney epithelial cells.\n"
        "2. Add dichloroacetate to six wells. Perturbation: 10 µM dichloroacetate for 48 h."
        " Control: vehicle-treated wells.\n"
        "3. Collect medium every 12 h. Readout: lactate by enzymatic assay at 340 nm.\n"
        "4. Compare both groups by a t test. Safety: BSL-1, gloves, biological waste."
    )


def test_parts_that_the_steps_name_are_not_said_twice():
    steps = [
        "Grow confluent epithelial kidney cells in twelve wells.",
        "Add 10 µM dichloroacetate to six wells for 48 h; six vehicle-treated wells stay without.",
        "Measure lactate by an enzymatic assay at 340 nm.",
        "Wear gloves (BSL-1) and discard all as biological waste.",
    ]
    text = render_answer(METHOD | {"steps": steps}, "methodology")
    assert text == "\n".join(f"{number}. {step}" for number, step in enumerate(steps, start=1))


@pytest.mark.parametrize("steps", [4, 5, 6])
def test_four_to_six_steps_stay_four_to_six_lines(steps):
    text = render_answer(METHOD | {"steps": [f"Do the {n}th thing." for n in range(steps)]}, "methodology")
    lines = text.splitlines()
    assert [line.split(".")[0] for line in lines] == [str(n) for n in range(1, steps + 1)]
    for label in ("System:", "Perturbation:", "Control:", "Readout:", "Safety:"):
        assert text.count(label) == 1


@pytest.mark.parametrize("steps", [["Only one."], ["One.", "Two."]])
def test_fewer_steps_carry_all_parts_too(steps):
    text = render_answer(METHOD | {"steps": steps}, "methodology")
    assert len(text.splitlines()) == len(steps)
    assert text.count(":") >= 5


def test_the_order_of_steps_is_kept():
    steps = ["Gamma first.", "Alpha second.", "Delta third.", "Beta fourth."]
    lines = render_answer({"steps": steps}, "methodology").splitlines()
    assert lines == ["1. Gamma first.", "2. Alpha second.", "3. Delta third.", "4. Beta fourth."]


@pytest.mark.parametrize("task_type", ["hypothesis", "methodology", "explanation"])
def test_nothing_gives_nothing(task_type):
    assert render_answer({}, task_type) == ""


def test_the_rendering_has_a_version():
    assert RENDERER_VERSION == 1
