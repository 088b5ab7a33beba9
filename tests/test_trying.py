"""What other rules would flip: equal to a recount by the rules themselves, and nothing is written for it."""

import random

import numpy
import pytest

from curation.models import FilterResult, Prompt, Ruleset
from pipeline import filters, trying
from pipeline.config_errors import ConfigError
from pipeline.stages import filtering
from pipeline.trying import columns
from tests import factories

pytestmark = pytest.mark.django_db

SENTENCES = (
    "If the dust on the snow is doubled, then the melt comes at least three days earlier.",
    "Measure the mass of each plate, and compare both groups.",
    "1. Prepare ten films.\n2. Anneal five of them.\n3. Record the resistance.",
    "As shown before [3], the effect is small.",
    "I cannot assist with that request.",
    "The control group stays untreated; wear gloves.",
    "**Note: this is bold and never closed",
    "TODO: [insert the value here]",
    "It is well known that water is wet.",
    "Send the data to jane@example.org by 12 May.",
)


@pytest.fixture(autouse=True)
def nothing_kept():
    columns.cache.clear()


def answers(project, number, seed=1):
    """Prompts of three task types with answers that pass and fail all kinds of rules."""
    dice = random.Random(seed)
    for place in range(number):
        text = "\n".join(dice.choices(SENTENCES, k=dice.randint(0, 9)))
        task = ("hypothesis", "methodology", "summary")[place % 3]
        factories.prompt(project, "to_review", task_type=task, answer=text)


def measure(project, ruleset):
    """Verdicts of `ruleset` on every current response, as the filter stage stores them."""
    rules = filters.load_rules(ruleset.body)
    for prompt in project.prompts.select_related("current_response"):
        measured = filters.check(filtering.answer_of(prompt, prompt.current_response), rules)
        failed = filters.failed(measured)
        FilterResult.objects.create(
            response=prompt.current_response,
            ruleset=ruleset,
            measurements=[each._asdict() for each in measured],
            failed=failed,
            passed=not failed,
        )


def rules_of(mapping=None):
    return filters.load_rules(mapping or {})


def only(**values):
    """A filters.yaml with these values and no other rule switched on."""
    return {rule.settings[0].key: rule.settings[0].off for rule in filters.RULES.values()} | values


def recorded(project, mapping=None):
    return Ruleset.record(project, "filter", filters.rules_to_mapping(rules_of(mapping)))


def recount(project, before, after):
    """The same numbers, by running the rules over every response."""
    counts = dict.fromkeys(("passed_now", "passed_then", "to_pass", "to_fail", "decided_flips"), 0)
    decided = set(project.prompts.all().decided_by_people().values_list("pk", flat=True))
    for prompt in project.prompts.select_related("current_response"):
        answer = filtering.answer_of(prompt, prompt.current_response)
        now, then = (not filters.failed(filters.check(answer, rules)) for rules in (before, after))
        counts["passed_now"] += now
        counts["passed_then"] += then
        counts["to_pass"] += then and not now
        counts["to_fail"] += now and not then
        counts["decided_flips"] += now != then and prompt.pk in decided
    return counts


def said(trial):
    return {name: getattr(trial, name) for name in ("passed_now", "passed_then", "to_pass", "to_fail", "decided_flips")}


def other_value(setting, now, dice):
    """Another value of a key, of its kind; null or false as often as not."""
    if isinstance(setting.default, bool) or setting.kind is filters.registry.kinds.switch:
        return not now
    if isinstance(now, tuple):
        return dice.choice([["measure", "record"], ["anneal"], ["prepare", "compare", "wear"]])
    choices = [None, 0, 1, 2, 3, 5, 10, 40, 80, 120, 200, 400, 0.1, 0.25, 0.5, 0.9]
    return dice.choice(choices)


def random_rules(before, dice):
    """Rules that differ from `before` in one to four keys, for all task types or for one."""
    while True:
        mapping = filters.rules_to_mapping(before)
        for key in dice.sample(sorted(filters.registry.known_settings()), dice.randint(1, 4)):
            setting = filters.registry.known_settings()[key]
            task = dice.choice(["", "hypothesis", "methodology", "summary"])
            place = mapping["task_types"].setdefault(task, {}) if task else mapping
            place[key] = other_value(setting, before.settings(task)[key], dice)
        try:
            return filters.load_rules(mapping)
        except ConfigError:
            continue


@pytest.mark.parametrize("seed", range(40))
def test_what_would_flip_equals_a_recount(project, seed):
    dice = random.Random(seed)
    answers(project, 30, seed)
    start = random_rules(rules_of(), dice) if seed % 2 else rules_of()
    measure(project, recorded(project, filters.rules_to_mapping(start)))
    for prompt in list(project.prompts.all())[::4]:
        factories.resolution(prompt.current_response)
    sample = trying.sample_of(project)
    assert sample.exact
    for _ in range(4):
        rules = random_rules(start, dice)
        trial = trying.would(sample, rules)
        assert said(trial) == recount(project, start, rules), filters.rules_to_yaml(rules)


def test_what_an_older_version_measured_still_serves_while_only_limits_changed(project, monkeypatch):
    answers(project, 24)
    measure(project, recorded(project))
    recorded(project, {"min_char_length": 200})
    monkeypatch.setattr(columns, "_answers", None)  # measuring afresh would fail
    trial = trying.would(trying.sample_of(project), rules_of({"min_char_length": 40}))
    expected = recount(project, rules_of({"min_char_length": 200}), rules_of({"min_char_length": 40}))
    assert said(trial) == expected
    assert not trial.afresh


def test_a_few_answers_without_a_verdict_by_these_rules_are_measured_afresh(project):
    answers(project, 24)
    measure(project, recorded(project, {"ban_citations": False, "require_action_verb": False}))
    now = recorded(project)
    trial = trying.would(trying.sample_of(project), rules_of({"min_char_length": 40}))
    assert said(trial) == recount(project, filters.load_rules(now.body), rules_of({"min_char_length": 40}))


def test_before_the_first_filter_run_the_shipped_rules_are_tried_on_fresh_measurements(project):
    answers(project, 12)
    sample = trying.sample_of(project)
    assert project.filter_ruleset is None
    assert Ruleset.objects.count() == FilterResult.objects.count() == 0
    shipped = trying.in_force(project)[1]
    assert said(trying.would(sample, rules_of({"min_char_length": 5}))) == recount(
        project, shipped, rules_of({"min_char_length": 5})
    )


def test_an_empty_project_has_nothing_to_flip(project):
    trial = trying.would(trying.sample_of(project), rules_of({"min_char_length": 5}))
    assert (trial.total, trial.flips, trial.examples) == (0, 0, [])


def test_what_waits_for_its_first_verdict_has_none_that_could_flip(project):
    answers(project, 6)
    measure(project, recorded(project))
    factories.prompt(project, "to_filter", answer="x")
    assert trying.sample_of(project).total == 6


def test_an_answer_that_fails_two_rules_does_not_flip_when_one_is_relaxed(project):
    factories.prompt(project, "to_review", answer="Too short [1].")
    measure(project, recorded(project, only(min_char_length=120, ban_citations=True)))
    sample = trying.sample_of(project)
    assert trying.would(sample, rules_of(only(ban_citations=True))).flips == 0
    both = trying.would(sample, rules_of(only()))
    assert both.to_pass == 1
    effects = {each.rule.id: each for each in both.effects}
    assert (effects["ban_citations"].failed_now, effects["ban_citations"].failed_then) == (1, 0)
    assert effects["ban_citations"].to_pass == 0  # alone it would change nothing


def test_examples_show_both_ways_and_what_they_fail(project):
    for number in range(12):
        factories.prompt(project, "to_review", answer="Measure the plate. " * 8 + str(number))
        factories.prompt(project, "to_review", answer=f"Short {number}: measure the plate and compare.")
    measure(project, recorded(project, only(min_char_length=120)))
    rules = rules_of(only(min_char_length=20, max_char_length=60))
    trial = trying.would(trying.sample_of(project), rules)
    assert [example.passes for example in trial.examples] == [True] * 5 + [False] * 5
    rule, value, limit = trial.examples[0].why[0]
    assert (rule.id, limit) == ("min_char_length", 120)
    assert value < 120
    assert trial.examples[-1].why[0][0].id == "max_char_length"


def test_a_large_project_is_sampled_and_says_so(project):
    answers(project, 60)
    measure(project, recorded(project))
    sample = trying.sample_of(project, most=20)
    assert (len(sample), sample.total, sample.exact) == (20, 60, False)
    trial = trying.would(sample, rules_of({"min_char_length": 40}))
    assert (trial.looked_at, trial.total, trial.exact) == (20, 60, False)
    assert trial.passed_now + 0 == round(trial.passed_now / 3) * 3  # a multiple: one looked at stands for three


def test_rules_that_are_off_are_measured_on_the_small_part_alone(project, monkeypatch):
    monkeypatch.setattr(columns, "AFRESH", 10)
    monkeypatch.setattr(trying.drawing, "AFRESH", 10)
    answers(project, 30)
    measure(project, recorded(project, {"ban_citations": False}))
    sample = trying.sample_of(project)
    assert (sample.exact, len(sample.small)) == (True, 10)
    trial = trying.would(sample, rules_of({"ban_citations": True}))
    assert (trial.looked_at, trial.afresh, trial.total) == (10, True, 30)
    limits = trying.would(sample, rules_of({"ban_citations": False, "min_char_length": 40}))
    assert (limits.looked_at, limits.afresh) == (30, False)


def test_the_sample_is_kept_until_there_are_new_verdicts_or_rules(project, django_assert_num_queries):
    answers(project, 6)
    measure(project, recorded(project))
    first = trying.sample_of(project)
    with django_assert_num_queries(2):  # versions of the rules, and the newest verdict
        assert trying.sample_of(project).identity == first.identity
    factories.filter_result(factories.prompt(project, "to_review").current_response, failed=["empty"])
    assert trying.sample_of(project).total == 7
    recorded(project, {"min_char_length": 3})
    project.refresh_from_db()
    assert trying.sample_of(project).rules.general["min_char_length"] == 3


def test_while_a_run_adds_verdicts_the_sample_serves_for_a_while(project, monkeypatch):
    answers(project, 6)
    measure(project, recorded(project))
    factories.run(project, "filter", "running")
    assert trying.sample_of(project).total == 6
    factories.filter_result(factories.prompt(project, "to_review").current_response)
    assert trying.sample_of(project).total == 6
    monkeypatch.setattr(trying.drawing, "WHILE_RUNNING_SECONDS", 0)
    assert trying.sample_of(project).total == 7


def test_nothing_is_written(project):
    answers(project, 9)
    measure(project, recorded(project))
    rows = [(model, list(model.objects.order_by("pk").values())) for model in (Prompt, FilterResult, Ruleset)]
    trying.would(trying.sample_of(project), rules_of({"min_char_length": 1, "forbidden_patterns": ["dust"]}))
    assert all(list(model.objects.order_by("pk").values()) == before for model, before in rows)


@pytest.mark.parametrize(
    ("values", "whole", "limit", "first", "last", "above"),
    [
        ([0, 0, 1, 3], True, 0, (-0.5, 0.5, 2), (2.5, 3.5, 1), 0),
        ([5], True, None, (0, 1, 0), (5, 6, 1), 0),
        ([0.1, 0.9], False, 0.5, None, None, 0),
        (list(range(1000)) + [90_000], True, 120, (0, 50, 50), (950, 1000, 50), 1),
    ],
)
def test_bins_hold_every_value_or_say_how_many_lie_above(values, whole, limit, first, last, above):
    found, beyond = trying.bins(numpy.array(values, float), whole=whole, limit=limit)
    assert sum(count for _, _, count in found) + beyond == len(values)
    assert beyond == above
    assert len(found) <= 30
    if limit is not None:
        assert found[0][0] <= limit <= found[-1][1]
