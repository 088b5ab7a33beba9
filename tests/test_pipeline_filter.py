"""The filter stage: every value kept, every failure named, and new rules that respect what people decided."""

import pytest

from curation.models import FilterResult, State
from pipeline import jobs
from pipeline.filters import patterns
from tests import factories
from tests.running import run

pytestmark = pytest.mark.django_db

SHORT = "Heat it, then it will grow."
CITED = factories.HYPOTHESIS + " This follows from earlier work [1, 2]."


@pytest.fixture
def project(settings):
    settings.REVIEW_UNDO_SECONDS = 0
    return factories.project(paired=False)


def rules(project, **body):
    """These rules alone are in force."""
    return factories.ruleset(project, body=body)


@pytest.mark.parametrize(
    ("answer", "failed"),
    [(factories.HYPOTHESIS, []), (SHORT, ["min_char_length"]), (CITED, ["ban_citations"])],
)
def test_every_rule_is_measured_and_every_failure_named(project, answer, failed):
    prompt = factories.prompt(project, State.TO_FILTER, answer=answer)
    run(project, "filter")
    result = FilterResult.objects.get()
    assert set(result.failed) >= set(failed)
    assert {m["rule"] for m in result.measurements} >= {"min_char_length", "max_char_length", "ban_citations"}
    assert all("value" in m and "limit" in m for m in result.measurements)
    prompt.refresh_from_db()
    assert prompt.state == (State.TO_REGENERATE if failed else State.TO_REVIEW)


def test_a_pattern_that_takes_too_long_ends_the_run_in_a_sentence(project, monkeypatch):
    monkeypatch.setattr(patterns, "SECONDS", 0.2)
    rules(project, forbidden_patterns=["(a|aa)+$"])
    prompt = factories.prompt(project, State.TO_FILTER, answer=f"It is {'a' * 100}!")
    with pytest.raises(patterns.SlowPattern):
        run(project, "filter")
    ended, prompt = project.runs.get(), project.prompts.get(pk=prompt.pk)
    assert (ended.state, prompt.state) == ("failed", State.TO_FILTER)
    assert "'(a|aa)+$' takes too long on a text of 107 characters" in ended.error


@pytest.mark.parametrize("policy", ["to_regenerate", "to_review", "rejected"])
def test_a_failure_goes_where_the_project_says(project, policy):
    project.on_filter_fail = policy
    project.save()
    prompt = factories.prompt(project, State.TO_FILTER, answer=SHORT)
    run(project, "filter")
    prompt.refresh_from_db()
    assert prompt.state == policy


def test_with_judges_what_passes_goes_to_them(project):
    project.judge_factuality = project.judge_reasoning = factories.teacher()
    project.save()
    prompt = factories.prompt(project, State.TO_FILTER)
    run(project, "filter")
    prompt.refresh_from_db()
    assert prompt.state == State.TO_JUDGE


def test_looser_rules_bring_back_what_the_filters_had_sent_away(project):
    prompt = factories.prompt(project, State.TO_FILTER, answer=SHORT)
    run(project, "filter")
    rules(project, min_char_length=10)
    run(project, "filter")
    prompt.refresh_from_db()
    assert prompt.state == State.TO_REVIEW
    assert [r.passed for r in FilterResult.objects.order_by("pk")] == [False, True]


def test_what_fell_with_its_hypothesis_stays_down(project):
    project.paired = True
    project.save()
    pair = factories.pair(project, State.TO_FILTER)
    run(project, "filter")
    pair.hypothesis.refresh_from_db()
    pair.hypothesis.go(State.REJECTED, "rejected_for_a_test")
    rules(project, min_char_length=10)
    ended = run(project, "filter")
    assert set(project.prompts.values_list("state", flat=True)) == {State.REJECTED}
    assert (ended.done, ended.total, ended.counters["measured_where_they_stand"]) == (2, 2, 2)
    with pytest.raises(jobs.CannotStart, match="2 rejected"):
        jobs.prepare(project, "filter")
