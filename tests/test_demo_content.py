"""The demo's passages, sample answers and prompts are what their documentation promises."""

import json
from collections import Counter, defaultdict

import pytest
from django.conf import settings

from pipeline import filters
from pipeline.config import read_yaml
from pipeline.prompts import placeholders, shipped

NOTES = {
    "passages": "Written for the Nexa Distill demo; not a real study.",
    "sample_answers": "Written for the Nexa Distill demo.",
}
FAILS_BY = {
    "too_short": "min_char_length",
    "too_long": "max_char_length",
    "too_few_tokens": "min_token_length",
    "no_action_verbs": "require_action_verb",
    "citations": "ban_citations",
    "refusal": "refusal",
    "broken_markdown": "broken_markdown",
    "known_fact": "ban_known_facts",
    "template_placeholder": "ban_leftovers",
    "unsafe": "ban_unsafe",
}
# What cannot but fail by another rule as well: four words claim nothing, a long answer has many sentences.
ALSO = {
    "too_short": {"require_variable", "require_outcome", "require_claim"},
    "too_long": {"max_sentences"},
    "too_few_tokens": {"min_method_parts"},
    "known_fact": {"require_claim"},
}
ANSWERED = [f"demo:{number:03}" for number in range(1, 16)]
LIVE = [f"demo:{number:03}" for number in range(16, 31)]


def lines(name):
    text = (settings.CONFIG_DIR / "demo" / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


PASSAGES = lines("passages")
ANSWERS = lines("sample_answers")


def called(answer):
    return f"{answer['locator']}-{answer['task_type']}"


@pytest.mark.parametrize("passage", PASSAGES, ids=lambda passage: passage["locator"])
def test_a_passage_is_whole(passage):
    assert passage["id"] == passage["locator"].replace(":", "-")
    assert passage["title"]
    assert passage["domain"]
    assert passage["licence"] == "CC0-1.0"
    assert 80 <= len(passage["text"].split()) <= 200


def test_passages_for_the_live_model_come_first_and_none_twice():
    assert [passage["locator"] for passage in PASSAGES] == LIVE + ANSWERED
    assert len({passage["text"] for passage in PASSAGES}) == len(PASSAGES)


@pytest.mark.parametrize("half", [LIVE, ANSWERED], ids=["live", "answered"])
def test_passages_come_from_at_least_five_sciences(half):
    assert len({passage["domain"] for passage in PASSAGES if passage["locator"] in half}) >= 5


@pytest.mark.parametrize("name", NOTES)
def test_every_line_says_for_what_it_was_written(name):
    assert {line["note"] for line in lines(name)} == {NOTES[name]}


def test_every_answered_passage_has_both_tasks_once():
    asked = Counter((answer["locator"], answer["task_type"]) for answer in ANSWERS)
    assert asked == {(locator, task): 1 for locator in ANSWERED for task in ("hypothesis", "methodology")}


def test_one_answer_of_each_failure_and_enough_pairs_without_any():
    kinds = Counter(answer["sample"] for answer in ANSWERS)
    good = kinds.pop("good")
    assert kinds == dict.fromkeys(FAILS_BY, 1)
    assert good == len(ANSWERS) - len(kinds)
    of_passage = defaultdict(list)
    for answer in ANSWERS:
        of_passage[answer["locator"]].append(answer["sample"])
    assert list(of_passage.values()).count(["good", "good"]) >= 8


@pytest.mark.parametrize("answer", ANSWERS, ids=called)
def test_a_sample_fails_by_the_rule_it_stands_for_and_by_no_other(answer):
    rules = filters.load_rules(read_yaml(settings.CONFIG_DIR / "filters.yaml"))
    context = next(passage["text"] for passage in PASSAGES if passage["locator"] == answer["locator"])
    measured = filters.check(filters.Answer(answer["text"], answer["task_type"], context), rules)
    rule = FAILS_BY.get(answer["sample"])
    assert set(filters.failed(measured)) == ({rule} | ALSO.get(answer["sample"], set()) if rule else set())


@pytest.mark.parametrize(
    "answer",
    [answer for answer in ANSWERS if answer["sample"] == "good" and answer["task_type"] == "methodology"],
    ids=called,
)
def test_a_good_methodology_is_four_to_six_numbered_steps_with_a_control_and_a_word_on_safety(answer):
    steps = answer["text"].split("\n")
    assert 4 <= len(steps) <= 6
    assert [step.split(" ")[0] for step in steps] == [f"{number}." for number in range(1, len(steps) + 1)]
    assert len(answer["text"].split()) >= 80
    assert any(word in answer["text"] for word in ("control", "reference"))
    assert any(word in answer["text"] for word in ("gloves", "goggles"))


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("hypothesis", {"context"}),
        ("methodology", {"context", "hypothesis"}),
        ("system_toolproto", set()),
        ("system_regen", {"reasons", "instructions", "previous"}),
        ("judge_factuality", {"context", "prompt", "response", "rubric"}),
        ("judge_reasoning", {"context", "prompt", "response", "rubric", "hypothesis"}),
        ("demo/hypothesis", {"context"}),
        ("demo/methodology", {"context", "hypothesis"}),
        ("demo/system", set()),
        ("demo/judge_factuality", {"context", "response"}),
        ("demo/judge_reasoning", {"context", "response"}),
    ],
)
def test_a_prompt_asks_for_what_is_documented(name, asked):
    assert set(placeholders(shipped(name))) == asked
