"""What a template, a chat or a model's machinery left in an answer, and what only looks like it."""

import pytest

from pipeline.filters import RULES, Answer

LEFT = [
    "Prepare {{context}} as said.",
    "Prepare {{ hypothesis }} as said.",
    "See {context} for more.",
    "Use ${material} here.",
    "Use %(material)s here.",
    "Take [INSERT MATERIAL HERE] of 5 nm.",
    "Take [insert X] g.",
    "Take [your sample] and heat it.",
    "Treat the cells with [specific inhibitor] for 2 h.",
    "Measure <insert readout>.",
    "TODO: add the control.",
    "The dose is TBD.",
    "Heat to XX °C for 2 h.",
    "Lorem ipsum dolor sit amet.",
    "As requested, here is the method.",
    "Sure! Here is the hypothesis: it falls.",
    "Sure, here's a hypothesis.",
    "Certainly! If it rises, it falls.",
    "Here is one falsifiable hypothesis: it falls.",
    "Here are the steps:\n1. Mix.",
    "**Here is the method:**\n1. Mix.",
    "<think>The user wants a method.</think> Mix.",
    "The reasoning ends here.</think>\nIf it rises, it falls.",
    "It falls.<|im_end|>",
    "[INST] Write it. [/INST] It falls.",
    "### Response: It falls.",
    "Assistant: it falls.",
    "It falls.\nUser: and then?",
    "Source:\nThe film was heated.",
    "It falls. Let me know if you need more.",
    "It falls. I hope this helps!",
    "[DRY RUN] no call was made",
    "Heat it for ____ min.",
]
CLEAN = [
    "",
    "If it rises, it falls.",
    "\\frac{a}{b} and x_{i} of \\text{context} hold.",
    "$\\mathbf{x}^{{2}}$ and $\\frac{{a}}{{b}}$ hold, as does Cor{{\\o}}n.",
    "The set {a, b} and the map {context: 3} differ.",
    "A name such as \\name{value} is set.",
    "The [control] group is kept; write to [email].",
    "A citation [1] or an index x[0], the interval [0, 1].",
    "a < b and c > d; p<0.05 > 0",
    "The response: it falls.",
    "The source of heat: a lamp.",
    "Surely it falls. Certainly not.",
    "Here the steps are repeated.",
    "Here are two films, one of them bare.",
    "The TBD (TATA-binding domain) binds; (TBD) is short.",
    "Users rated the assistant: 3 of 5.",
    "The XX chromosome and the XXZ chain.",
    "If they think, then they respond.",
    "snake_case_name and __init__ in code",
    "System under study: yeast.",
    "Context matters: it is so.",
]


@pytest.mark.parametrize("text", LEFT)
def test_a_leftover(text):
    measured = RULES["ban_leftovers"].measure(Answer(text))
    assert not measured.ok
    assert measured.value >= 1
    assert measured.note.startswith("Left over: “")


@pytest.mark.parametrize("text", CLEAN)
def test_what_only_looks_like_one(text):
    measured = RULES["ban_leftovers"].measure(Answer(text))
    assert measured.ok, measured.note
    assert (measured.value, measured.note) == (0, "")
