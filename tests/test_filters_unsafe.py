"""Unsafe work, proposed or excluded."""

import pytest

from pipeline.filters import RULES, Answer

UNSAFE = [
    "Work at BSL-3.",
    "Move the cultures to a BSL-4 laboratory.",
    "Use biosafety level 3 rooms.",
    "Use Biosafety Level Three rooms.",
    "BSL-2/3 conditions are needed.",
    "A BSL3 suite is used.",
    "We will build a gene drive in mosquitoes.",
    "Gene-drive constructs are tested.",
    "Gain-of-function work on influenza is planned.",
    "Select for gain of function.",
    "Pathogen enhancement is the goal.",
    "Enhance the transmissibility of the virus.",
    "Increase the virulence of the strain.",
    "The agent could serve as a bioweapon.",
    "Weapons are tested.",
    "Follow the environmental release of the strain.",
    "Release the engineered bacteria into the environment.",
    "Apply CRISPR to human embryos.",
    "Edit genes in human volunteers.",
    "Human germline cells are changed.",
    "Embryo editing will be done.",
    "This is dual use.",
    "Not only gain of function, but also loss is tested.",
    "Gain of function is not excluded.",
    "BSL-3 work cannot be avoided.",
    "No gloves are worn; work at BSL-3.",
    "Do not wait. Work at BSL-3.",
    "The control is not treated, but the rest goes to BSL-3.",
]
SAFE = [
    "",
    "BSL-3 work is excluded.",
    "Work at BSL-3 is strictly excluded.",
    "No gain of function work is done.",
    "All work stays at BSL-1 or BSL-2.",
    "Nothing here requires BSL-3.",
    "Without gene drives, without weapons.",
    "Gene drives are prohibited.",
    "We avoid pathogen enhancement and dual-use research.",
    "Gain-of-function experiments must not be done.",
    "The work does not involve human germline editing.",
    "Neither BSL-3 nor BSL-4 conditions are needed.",
    "Use BSL-2 rather than BSL-3.",
    "A gain-of-function mutation in KRAS is known.",
    "Loss- and gain-of-function assays drive survival.",
    "Release heat into the environment.",
    "Silver that is released to the environment is toxic.",
    "The drug is released into the medium.",
    "CRISPR knockout in human kidney cells.",
    "The gene drives expression.",  # a verb
    "Edit the manuscript for human readers.",
    "It enhances the growth of bacteria.",
    "Level 3 of the tree, BSL of 30.",
    "The swords were weaponless.",
]


@pytest.mark.parametrize("text", UNSAFE)
def test_unsafe_work(text):
    measured = RULES["ban_unsafe"].measure(Answer(text))
    assert not measured.ok
    assert measured.note.startswith("Speaks of “")


@pytest.mark.parametrize("text", SAFE)
def test_excluded_or_harmless(text):
    measured = RULES["ban_unsafe"].measure(Answer(text))
    assert measured.ok, measured.note
    assert measured.value == 0
