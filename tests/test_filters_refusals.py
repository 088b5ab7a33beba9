"""Answers in which the teacher declines, and answers that merely say "cannot"."""

import pytest

from pipeline.filters import RULES, Answer


def measure(text="", phrases=(), **parts):
    return RULES["refusal"].measure(Answer(text, **parts), phrases=phrases)


LONG = "Cells in galactose depend on respiration, so that lactate in the medium falls when it is added. " * 5

REFUSALS = [
    "I cannot help with that.",
    "I can't assist with that request.",
    "I can’t assist with that request.",
    "I can not provide a hypothesis.",
    "I am unable to answer.",
    "I'm unable to answer.",
    "I'm not able to do that.",
    "I won't be able to write this.",
    "I must decline.",
    "As an AI language model, I have no access to laboratories.",
    "As an AI, I do not perform experiments.",
    "I'm sorry, but there is no safe way to do this.",
    "I'm sorry, I can't do that.",
    "Sorry, but I can't help.",
    "Unfortunately, I cannot help with this.",
    "I apologize, but I cannot continue.",
    "My apologies, I am unable to continue.",
    "Hypothesis: I cannot form one.",
    "**Answer:** I cannot provide one.",
    "1. I cannot provide steps.",
    "Thank you for the passage. I cannot comply.",
    "I understand your interest, but I cannot help.",
    "I do not have access to the paper.",
    "I don't have enough information.",
    "It is not possible for me to plan this.",
    "The provided context does not contain enough information to form a hypothesis.",
    "There is not enough information to answer.",
    f"I cannot verify this, yet: {LONG}",
    f"{LONG} However, I cannot provide the remaining steps.",
    f"{LONG}\n3. I'm sorry, but I can't assist with the toxin.",
    f"{LONG} This request goes against my guidelines.",
    f"{LONG} As an AI language model, I do not work in a laboratory.",
]

ANSWERS = [
    "",
    "Cells cannot divide without cyclin, so blocking it will stop growth.",
    "The enzyme can't bind ATP at low pH.",
    "Type I cannot bind while type II can.",
    "Collagen I cannot form fibrils above 40 °C.",
    "We cannot exclude an effect of temperature; we will therefore vary it.",
    "We will not heat the control.",
    "If cells cannot divide, then their number will stay the same.",
    "It is not possible for water to freeze here.",
    "The model does not provide enough resolution below 10 nm.",
    "Unfortunately common impurities lower the yield.",
    "As an antioxidant, it will lower the rate.",
    "As an artificial substrate it will raise the rate.",
    "Our guidelines for waste apply; the policy of the laboratory holds.",
    f"{LONG} Class I cannot be measured at this temperature.",
    f"{LONG} I cannot be neglected where I is the current.",
]


@pytest.mark.parametrize("text", REFUSALS)
def test_a_refusal_fails(text):
    measurement = measure(text)
    assert not measurement.ok
    assert measurement.note.startswith("The teacher declines: “")


@pytest.mark.parametrize("text", ANSWERS)
def test_an_answer_passes(text):
    measurement = measure(text)
    assert measurement.ok, measurement.note


@pytest.mark.parametrize(
    "parts", [{"refusal": "I can't help with that."}, {"finish_reason": "content_filter"}, {"finish_reason": "refusal"}]
)
def test_what_the_endpoint_calls_a_refusal_is_one(parts):
    assert not measure("A good hypothesis all the same.", **parts).ok


@pytest.mark.parametrize(
    ("text", "ok"),
    [
        ("No comment on this passage.", False),
        ("1. no  comment", False),
        ("He made no comment on it.", True),
        ("No commentary is needed.", True),
    ],
)
def test_own_phrases_count_where_a_sentence_begins(text, ok):
    assert measure(text, phrases=("No comment",)).ok is ok


@pytest.mark.parametrize("text", ["I understand " * 3000, "thank you " * 5000, "sorry " * 5000, "- " * 9000 + "i can"])
def test_a_strange_text_is_measured_quickly_enough_to_end(text):
    assert measure(text).rule == "refusal"
