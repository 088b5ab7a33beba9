"""The language of an answer."""

import pytest
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from pipeline.filters import RULES, Answer, kinds


def measure(text, allowed=("en",)):
    return RULES["languages"].measure(Answer(text), allowed=allowed)


@pytest.mark.parametrize(
    "text",
    [
        "If the temperature is raised to 40 °C, then the yield of the reaction will fall.",
        "1. Mix 5 g NaCl with water.\n2. Heat to 80 °C.\n3. Weigh residue.\n4. Wear gloves.",
        "If $T_c \\propto \\lambda^{-2}$ holds, then halving $\\lambda$ will raise $T_c$ by a factor of 4.",
        "The naïve Schrödinger–Poisson solver of Müller is used for the Gödel universe.",
        "Staphylococcus aureus, Escherichia coli, Bacillus subtilis",
        "LiNi0.8Mn0.1Co0.1O2 || Li, 4.3 V, C/3, 25 °C",
    ],
)
def test_english(text):
    measured = measure(text)
    assert measured.ok, measured
    assert measured.value in ("en", "")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Wenn die Temperatur der Probe steigt, dann sinkt die elektrische Leitfähigkeit um zehn Prozent.", "de"),
        ("Si la température augmente de dix degrés, alors la conductivité du film va diminuer nettement.", "fr"),
        ("Si la temperatura aumenta diez grados, entonces la conductividad de la muestra va a disminuir.", "es"),
        ("如果温度升高，则样品的电导率会降低，因为缺陷的数量会增加。", "zh"),
        ("Если температура повысится, то проводимость образца снизится на десять процентов.", "ru"),
    ],
)
def test_another_language(text, code):
    measured = measure(text)
    assert (measured.value, measured.limit, measured.ok) == (code, "en", False)
    assert code in measured.note
    assert measure(text, ("en", code)).ok


@pytest.mark.parametrize("text", ["", None, "5", "NaCl", "???", "$$x$$", "!" * 50])
def test_what_cannot_be_told_passes(text):
    assert measure(text, ("de",)).ok


def test_english_fails_where_it_is_not_wanted():
    assert not measure("If the temperature is raised, then the yield of it will fall.", ("de",)).ok


def test_the_codes_that_a_file_may_name_are_those_that_can_be_told():
    labels = LanguageIdentifier.from_model_file(MODEL_FILE).labels
    assert set(labels) - {"zxx"} == kinds.LANGUAGES  # its code for no language
