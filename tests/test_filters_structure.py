"""Sentences, lines and ordered steps, counted as a reader would."""

import math

import pytest

from pipeline.filters import RULES, Answer


def value(rule, text, limit=1):
    return RULES[rule].measure(Answer(text), limit=limit).value


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        (None, 0),
        (math.nan, 0),
        ("...", 0),
        ("If it rises, it falls.", 1),
        ("If it rises, it falls", 1),
        ("One falls. Two rise. Three stay.", 3),
        ("The value rose by 0.5 to 3.2 V. Then it fell.", 2),
        ("S. cerevisiae and E. coli grow.", 1),
        ("Cells of E. Coli will grow.", 1),
        ("Growth (cf. Fig. 2, approx. 30 %) will rise, e.g. in soil, i.e. outdoors.", 1),
        ("It uses vitamin C. The dose is 5 mg.", 2),
        ("Was it measured at 5 p.m. or 6 a.m.? Nobody knows!", 2),
        ("Smith et al. found it.", 1),
        ("Will it fall?! It will.", 2),
        ("It holds (if at all). “It falls.” Then it ends.", 3),
        ("1. Mix the salts.\n2. Heat them.\n3. Weigh them.", 3),
        ("- Mix the salts\n- Heat them", 2),
        ("**Hypothesis:**\n\nIf it rises, it falls.", 1),
        ("# Hypothesis\nIf it rises, it falls.", 1),
        ("Hypothesis:\nIf it rises, it falls.", 1),
        ("If the rate\nrises, then the yield\nfalls.", 1),
        ("If it rises, it falls.\r\n\r\nThen it ends.", 2),
        ("The ratio $a/b = 1.5$ will fall. So will $x_{i}$.", 2),
        ("温度升高。电导率降低。", 2),
        ("E = mc². It holds.", 2),
        ("The pH is 7.4.", 1),
    ],
)
def test_sentences(text, count):
    assert value("max_sentences", text) == value("min_sentences", text) == count


@pytest.mark.parametrize(("count", "ok"), [(1, True), (3, True), (4, False)])
def test_a_hypothesis_has_one_to_three_sentences(count, ok):
    measured = RULES["max_sentences"].measure(Answer("It falls. " * count, "hypothesis"), limit=3)
    assert (measured.value, measured.limit, measured.ok) == (count, 3, ok)
    assert bool(measured.note) is not ok


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("", 0),
        ("Mix the salts and heat them.", 0),
        ("1. Mix\n2. Heat\n3. Weigh", 3),
        ("1) Mix\n2) Heat\n3) Weigh", 3),
        ("(1) Mix\n(2) Heat", 2),
        ("Step 1: Mix.\nStep 2: Heat.\nStep 3: Weigh.", 3),
        ("**Step 1.** Mix.\n\n**Step 2.** Heat.", 2),
        ("### Step 1\nMix.\n### Step 2\nHeat.", 2),
        ("**1. Mix**\nText\n**2. Heat**\nText", 2),
        ("Protocol:\n\n1. Mix\n   - salt\n   - water\n2. Heat", 2),
        ("1. Mix\n   1. salt\n   2. water\n2. Heat\n3. Weigh", 3),
        ("3. Weigh\n1. Mix\n2. Heat", 2),
        ("1. Mix\n1. Heat\n1. Weigh", 1),
        ("a) Mix\nb) Heat\nc) Weigh", 3),
        ("i. Mix\nii. Heat\niii. Weigh", 3),
        ("0. Plan\n1. Mix\n2. Heat", 3),
        ("- Mix\n- Heat\n- Weigh", 0),
        ("1. Mix the salts. 2. Heat them at pH 2. 3. Weigh them.", 3),
        ("We (1) mix the salts, (2) heat them and (3) weigh them.", 3),
        ("The pH fell from 1. It rose to 2. It stayed at 3.", 0),
        ("First, mix the salts. Then heat them. Finally, weigh them.", 3),
        ("First-order kinetics hold. Next-generation tools help.", 0),
        ("Cells were kept at 37 °C for 2. 5 h.", 0),
        ("Version 1.2 is used. Version 2.0 is not.", 0),
    ],
)
def test_ordered_steps(text, steps):
    assert value("min_steps", text) == steps


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", 0),
        ("Mix.", 1),
        ("Mix.\n\n\nHeat.\n   \nWeigh.", 3),
        ("1. Mix\n   - salt\n   - water\n2. Heat", 2),
        ("Here is a plan:\n1. Mix\n2. Heat\n3. Weigh\n4. Clean", 4),
        ("- Mix\n- Heat\n- Weigh", 3),
    ],
)
def test_lines_or_steps(text, lines):
    assert value("min_lines", text) == value("max_lines", text) == lines


@pytest.mark.parametrize(
    ("steps", "failed"), [(2, {"min_lines", "min_steps"}), (3, {"min_lines"}), (4, set()), (7, {"max_lines"})]
)
def test_a_method_has_four_to_six_lines_and_three_steps(steps, failed):
    answer = Answer("\n".join(f"{n}. Weigh." for n in range(1, steps + 1)), "methodology")
    limits = {"min_lines": 4, "max_lines": 6, "min_steps": 3}
    assert {rule for rule, limit in limits.items() if not RULES[rule].measure(answer, limit=limit).ok} == failed


def test_a_flattened_method_still_has_its_steps():
    """The earlier scripts made one line of a method's steps."""
    assert value("min_steps", "1. Prepare films. 2. Treat six films. 3. Measure all of them.") == 3
