"""Action verbs in all their forms, and words that only look like them."""

import pytest

from pipeline.filters import RULES, Answer
from pipeline.filters.verbs import DEFAULT_VERBS, action_verbs


def measure(text, verbs=DEFAULT_VERBS):
    return RULES["require_action_verb"].measure(Answer(text, "methodology"), verbs=verbs)


@pytest.mark.parametrize(
    ("text", "verb"),
    [
        ("Absorbance was measured at 600 nm.", "measure"),
        ("We finish by measuring the pH.", "measure"),
        ("The probe measures ATP in each well.", "measure"),
        ("1. Measures the ATP content.", "measure"),
        ("MEASURE the pH.", "measure"),
        ("Spectra are collected while simulating the decay.", "simulate"),
        ("The solver simulates the flow.", "simulate"),
        ("Cells were pre-incubated for 1 h.", "incubate"),
        ("Co-cultured cells grew faster.", "culture"),
        ("Data were analysed in triplicate.", "analyze"),
        ("Analyse the spectra.", "analyze"),
        ("The polymer is synthesised at 80 °C.", "synthesize"),
        ("1. Run the gel for 40 min.", "run"),
        ("Gels were run at 100 V.", "run"),
        ("The model ran for 10 ns.", "run"),
        ("Running buffer is added.", "run"),
        ("- Mix both solutions.", "mix"),
        ("The phases are mixed by hand.", "mix"),
        ("Step 2: Culture the cells in DMEM.", "culture"),
        ("**Step 3:** Test each film.", "test"),
        ("Wash the plates, then test the films.", "test"),
        ("Carefully mix the powder.", "mix"),
        ("In the long run, we measure the drift.", "measure"),
        ("Grow the film and measure OD600.", "measure"),
        ("_Validated_ by a second reader.", "validate"),
    ],
)
def test_a_verb_is_found_in_any_form(text, verb):
    measurement = measure(text)
    assert measurement.ok
    assert measurement.value >= 1
    assert action_verbs(Answer(text)) == [verb]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "In the long run the effect persists.",
        "A long-run average is taken.",
        "Each run lasted an hour.",
        "Three runs of the instrument.",
        "Over all runs, the drift is small.",
        "Use a test tube and a clean beaker.",
        "The tests revealed nothing.",
        "A measure of disorder.",
        "Safety measures are in place.",
        "The culture grew well.",
        "Bacterial cultures were kept warm.",
        "The mix is kept cold.",
        "Statistical analyses were done.",
        "Prior to culture, the flasks are rinsed.",
        "Test 1: nothing is added.",
        "Culture: E. coli in LB.",
        "Range and random brunt transects.",  # "ran", "run" and "test" inside other words
        "The measurement and the comparison are described.",
        "Latest contest, remix, outrun.",
    ],
)
def test_no_verb_is_found_in_nouns_and_other_words(text):
    measurement = measure(text)
    assert not measurement.ok
    assert measurement.value == 0
    assert "measure" in measurement.note


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("apply", "applied applies applying"),
        ("stir", "stirred stirring stirs"),
        ("dye", "dyed dyeing"),
        ("freeze", "froze frozen freezing"),
        ("quench", "quenches quenched"),
        ("inject", "injects injected injecting"),
        ("label", "labelled labeled labelling"),
        ("grow", "grew grown"),
        ("tie", "tying tied"),
    ],
)
def test_forms_of_the_projects_own_verbs(verb, forms):
    for form in forms.split():
        assert action_verbs(Answer(f"It is so that they {form} something."), (verb,)) == [verb], form


def test_the_value_counts_different_verbs():
    assert measure("We measured, then we measured again, and compared both.").value == 2
