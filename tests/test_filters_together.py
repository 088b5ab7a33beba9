"""Answers measured many at once get what each would get alone."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import filters
from pipeline.filters import verbs

ALL = filters.load_rules({})
CLASSIC = filters.stored_rules(
    {
        "ban_empty": True,
        "min_char_length": 40,
        "max_char_length": 400,
        "min_token_length": 10,
        "max_token_length": 200,
        "ban_truncated": True,
        "require_action_verb": True,
        "allowed_action_verbs": ["measure", "mix", "run", "culture", "analyze", "spin-coat", "test", "prepare"],
        "ban_citations": True,
        "ban_refusals": True,
        "task_types": {"methodology": {"refusal_strings": ["No can do"]}},
    }
)
FRAGMENTS = (
    *(
        "We measured it.",
        "the long run",
        "runs",
        "Run the gel",
        "to mix",
        "step mix",
        "1. Mix",
        "(mix",
        "mix,",
        "mix-up",
    ),
    *(
        "“measure”",
        "naïvemix",
        "µmeasure",
        "measure–then",
        "co-culture",
        "culture",
        "MIX",
        "re_mix_ed",
        "mixed²",
        "test",
    ),
    *(
        "a t test",
        "\nTest",
        "spin-coated",
        "coated",
        "analyse",
        "ANALYZED",
        "ma\N{KELVIN SIGN}e",
        "m\u0130x",
        "Cells cannot divide",
    ),
    *(
        "[1]",
        "[1, 2]",
        "x[0]",
        "(Smith et al., 2019)",
        "Smith (2019) shows",
        "doi: 10.1000/x",
        "10.5 mM",
        "doi\u00a0: 10.1/x",
    ),
    *(
        "arXiv:2101.00001",
        "PMID 12345",
        "(see ref. 3)",
        "refs. 4",
        "\\cite{a}",
        "[citation needed]",
        "(in 20１9, Lee)",
        "et al.",
    ),
    *(
        "I'm sorry, but no.",
        "I cannot assist",
        "As an AI language model,",
        "i'm",
        "type I cannot",
        "I’m sorry",
        "we cannot help",
    ),
    *(
        "No can do.",
        "it violates my guidelines",
        "don’t ",
        "\n",
        "\t",
        "  ",
        "°C",
        "\u00a0",
        "🙂",
        "\x1c",
        "Ref.",
        "\u2028",
        "1",
    ),
)


def one_by_one(answers, rules):
    return [tuple(filters.check(answer, rules)) for answer in answers]


@settings(deadline=None, max_examples=300)
@given(
    texts=st.lists(st.lists(st.sampled_from(FRAGMENTS), max_size=12), max_size=6),
    separator=st.sampled_from([" ", "", ". ", "\n", "—", "_"]),
    dice=st.randoms(use_true_random=False),
)
def test_together_as_one_by_one(texts, separator, dice):
    answers = [
        filters.Answer(
            separator.join(fragments),
            task_type=dice.choice(["hypothesis", "methodology", "other"]),
            tokens=dice.choice([None, 5, 50]),
            finish_reason=dice.choice(["stop", "length", "content_filter", ""]),
            refusal=dice.choice(["", "", "No."]),
        )
        for fragments in texts
    ]
    assert filters.check_all(answers, CLASSIC) == one_by_one(answers, CLASSIC)


def test_rules_without_a_screen_measure_each_answer():
    answers = [filters.Answer(text, task_type="methodology") for text in ("1. Mix it.\n2. Measure it [1].", "", "No.")]
    assert filters.check_all(answers, ALL) == one_by_one(answers, ALL)


@pytest.mark.parametrize(
    "answers", [[], [filters.Answer("half a character \ud800, measured [1]")]], ids=["none", "odd"]
)
def test_no_answers_and_odd_ones(answers):
    assert filters.check_all(answers, CLASSIC) == one_by_one(answers, CLASSIC)


def test_where_a_verb_may_follow_is_told_the_same_with_and_without_the_pattern():
    dice = random.Random(7)
    parts = [
        "and",
        "the",
        "to",
        "step",
        "quickly",
        "ly",
        "we",
        "prior",
        "films",
        "1.",
        "(",
        "\n",
        " ",
        "  ",
        "co-",
        "É",
        "or",
    ]
    for _ in range(20_000):
        before = "".join(dice.choices([*parts, " ", " "], k=dice.randint(0, 7)))[-verbs.LOOK_BACK :]
        assert verbs.verb_may_follow(before) == bool(verbs.VERB_MAY_FOLLOW.search(before)), repr(before)
