"""An answer beside its source: what is copied, and which numbers and names are new."""

import math

import pytest

from pipeline.filters import RULES, Answer

SOURCE = (
    "Adding twelve percent of zinc oxide to the resin raised its conductivity from 0.2 to 1,500 W/mK at 300 K "
    "while the breakdown strength fell by 30 % in dry nitrogen (n = 5) over 1.5 x 10^4 cycles of MoS$_2$ wear, "
    "as X-ray diffraction (XRD) and knowledge management showed."
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (SOURCE, 100),
        (SOURCE.upper(), 100),
        ("", 0),
        (None, 0),
        ("If zinc oxide is replaced by boron nitride, then the conductivity will rise.", 0),
        ("the breakdown strength fell by 30 % in", 0),  # seven words are no copy
        ("the breakdown strength fell by 30 % in dry", 100),  # eight are
        ("the breakdown strength fell by 30 % in dry nitrogen because of a b c d e f g", 50),
    ],
)
def test_copied(text, value):
    measured = RULES["max_copied_percent"].measure(Answer(text, context=SOURCE), limit=60)
    assert (measured.value, measured.ok) == (value, value <= 60)
    assert bool(measured.note) is not measured.ok


@pytest.mark.parametrize("shift", range(8))
def test_a_copied_run_is_found_wherever_it_begins(shift):
    words = SOURCE.split()[shift : shift + 10]
    text = " ".join(["so"] * 5 + words)
    assert RULES["max_copied_percent"].measure(Answer(text, context=SOURCE), limit=0).value > 0


@pytest.mark.parametrize("context", ["", None, math.nan, "Short."])
def test_without_a_source_nothing_is_copied_and_nothing_new(context):
    answer = Answer("Heat VMX-12 to 999 K with 17 Bq.", context=context or "")
    assert RULES["max_copied_percent"].measure(answer, limit=0).value == 0
    if not answer.context.strip():
        assert RULES["max_new_numbers"].measure(answer, limit=0).value == 0
        assert RULES["max_new_names"].measure(answer, limit=0).value == 0


def new_numbers(text, context=SOURCE, **parts):
    return RULES["max_new_numbers"].measure(Answer(text, "hypothesis", context, **parts), limit=0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "No number at all.",
        "It rose to 1500 W/mK, to 1\u2009500 W/mK, to 1.5×10^3 and 1.5e3.",
        "It rose to 1,500.0 at 300 K and 300K.",
        "It fell by 30%, a share of 0.3, and by 0.30.",
        "It lasted 15,000, 15000 or $1.5 \\times 10^{4}$ cycles, 1.5·10⁴ in all.",
        "With 12 % of zinc oxide.",  # twelve, in words
        "From 0.2, in 5 samples.",
        "Use 1, 2 or 3 of them, and 100 % of the rest.",
        "1. Mix.\n2. Heat.\n4. Weigh.\n17) Clean.",
        "Step 4: heat. See Figure 7 and Table 9.",
        "H2O, IL-6, CO_2, x^9, p53, MG1655 and log_{10} count nothing.",
        "BSL-2 and Group 8 are names.",
    ],
)
def test_numbers_of_the_source_are_not_new(text):
    measured = new_numbers(text)
    assert measured.ok, measured.note
    assert measured.value == 0


@pytest.mark.parametrize(
    ("text", "value", "note"),
    [
        ("Heat to 450 K.", 1, "450"),
        ("Heat to 450 K, then to 450 K again.", 1, "450"),
        ("Heat from 20-35 °C.", 2, "20, 35"),
        ("A dose of 7.5 mg/kg, 10^6 cells, 10⁵ more.", 3, "7.5, 10^6, 10⁵"),
        ("At 1,501 W/mK.", 1, "1,501"),
        ("It takes 48h and 60min.", 2, "48, 60"),
    ],
)
def test_a_new_number_counts_once(text, value, note):
    measured = new_numbers(text)
    assert (measured.value, measured.ok) == (value, False)
    assert measured.note == f"Not in the source: {note}."


def test_a_method_may_use_the_numbers_and_names_of_its_hypothesis():
    assert new_numbers("Heat to 450 K.", hypothesis="If it is heated to 450 K, it falls.").ok
    answer = Answer("Add GNQX.", "methodology", SOURCE, hypothesis="GNQX will slow it.")
    assert RULES["max_new_names"].measure(answer, limit=0).ok


def new_names(text):
    return RULES["max_new_names"].measure(Answer(text, "hypothesis", SOURCE), limit=0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Heat the film.",
        "The Film is heated. The Next one too.",
        "MoS2, MoS$_2$, MOS2 and XRD are in the source.",
        "Knowledge management (KM) is spelled out there.",
        "DNA, PCR, pH, NaCl, H2O and CO2 are usual.",
        "Zinc Oxide Resin is named by its words.",
        "STEP 1 is done. IF NOT, then go.",
    ],
)
def test_names_of_the_source_and_usual_ones_are_not_new(text):
    measured = new_names(text)
    assert measured.ok, measured.note


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("The VMX is heated.", "VMX"),
        ("Use TP53 and wait.", "TP53"),
        ("Use Li7La3Zr2O12 instead.", "Li7La3Zr2O12"),
        ("We use the Zeta Potential Analyzer of the house.", "Zeta Potential Analyzer"),
        ("It runs on the Mentor-1001.", "Mentor-1001"),
    ],
)
def test_a_new_name(text, name):
    measured = new_names(text)
    assert measured.value == 1
    assert measured.note == f"Not in the source: “{name}”."
