"""What a teacher is sent: the row's own prompt or the template, and always the context."""

import math

import pytest

from pipeline.prompts import UNPAIRED, PromptError, user_message

CONTEXT = "Lactate fell.\n\n  ATP did not change."
HYPOTHESIS = "If kinase 1 is inhibited, lactate will fall."


def message(**parts):
    return user_message(**{"task_type": "hypothesis", "context": CONTEXT} | parts)


def test_the_rows_own_prompt_goes_first_and_the_context_follows():
    sent = message(user_prompt="Propose a hypothesis.\nBe brief.", template="Never used: {{context}}")
    assert sent == f"Propose a hypothesis.\nBe brief.\n\nContext:\n{CONTEXT}"


@pytest.mark.parametrize(
    "prompt", [f"Read this: {CONTEXT} Then propose.", "Lactate fell. ATP did not change. Propose a hypothesis."]
)
def test_a_context_that_the_prompt_holds_is_not_sent_twice(prompt):
    assert message(user_prompt=prompt) == prompt


@pytest.mark.parametrize("prompt", ["Read {context} and propose.", "Read {{context}} and propose."])
def test_a_placeholder_that_was_left_open_in_a_prompt_is_filled(prompt):
    assert message(user_prompt=prompt) == f"Read {CONTEXT} and propose."


def test_other_braces_of_a_prompt_survive():
    prompt = r"Use {{x}} and \frac{a}{b} and {title} and {context} and {hypothesis}."
    sent = message(user_prompt=prompt, title="T")
    assert sent == prompt.replace("{context}", CONTEXT)


@pytest.mark.parametrize("empty", ["", None, math.nan, "  \n "])
def test_without_a_prompt_the_template_is_filled(empty):
    sent = message(user_prompt=empty, template="Propose.\n\nSource ({{domain}}, {{title}}): {{context}}", title="T")
    assert sent == f"Propose.\n\nSource (, T): {CONTEXT}"


def test_a_template_that_does_not_place_the_context_gets_it_appended():
    assert message(template="Propose a {{task_type}}.") == f"Propose a hypothesis.\n\nContext:\n{CONTEXT}"


def test_a_template_of_the_earlier_scripts_is_filled():
    assert message(template='Answer {"a": 1} on {context}') == f'Answer {{"a": 1}} on {CONTEXT}'


@pytest.mark.parametrize("empty", ["", None, math.nan])
def test_nothing_is_never_a_word(empty):
    sent = message(user_prompt="Propose.", context=empty, hypothesis=empty, domain=empty, title=empty)
    assert sent == "Propose."


def test_a_template_without_a_context_to_fill_it_is_refused():
    with pytest.raises(PromptError, match="missing value: context"):
        message(template="Read {{context}}", context=None)


def test_neither_prompt_nor_template_is_refused():
    with pytest.raises(PromptError, match="neither a user prompt nor a template for the task type 'explanation'"):
        message(task_type="explanation")


@pytest.mark.parametrize(
    ("parts", "sent"),
    [
        (
            {"template": "Plan for {{hypothesis}} from {{context}}"},
            f"Plan for {HYPOTHESIS} from {CONTEXT}",
        ),
        (
            {"template": "Plan from {{context}}"},
            f"Plan from {CONTEXT}\n\nHypothesis to test:\n{HYPOTHESIS}",
        ),
        (
            {"user_prompt": "Plan."},
            f"Plan.\n\nContext:\n{CONTEXT}\n\nHypothesis to test:\n{HYPOTHESIS}",
        ),
        (
            {"user_prompt": f"Plan for {HYPOTHESIS}"},
            f"Plan for {HYPOTHESIS}\n\nContext:\n{CONTEXT}",
        ),
    ],
)
def test_a_paired_methodology_is_asked_with_its_hypothesis(parts, sent):
    assert message(task_type="methodology", hypothesis=HYPOTHESIS, paired=True, **parts) == sent


@pytest.mark.parametrize("missing", ["", None, " "])
def test_a_paired_methodology_without_its_hypothesis_is_refused(missing):
    with pytest.raises(PromptError, match="missing value: hypothesis") as error:
        message(task_type="methodology", user_prompt="Plan.", hypothesis=missing, paired=True)
    assert error.value.missing == ("hypothesis",)


def test_an_unpaired_methodology_is_told_to_choose_a_claim():
    sent = message(task_type="methodology", template="Plan for {{hypothesis}} from {{context}}")
    assert sent == f"Plan for {UNPAIRED} from {CONTEXT}"


def test_values_are_not_looked_at_again():
    sent = message(template="{{context}} {{title}}", context="{{title}} {domain}", title="{{context}}")
    assert sent == "{{title}} {domain} {{context}}"
