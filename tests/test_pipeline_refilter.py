"""New rules over old decisions: every current answer gets a verdict, only what no person decided moves for it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from curation import reviewing
from curation.models import FilterResult, Prompt, Resolution, Run, State
from curation.models.prompt_queryset import PromptQuerySet
from pipeline import jobs
from tests import factories
from tests.running import run

pytestmark = pytest.mark.django_db

SHORT = "Heat it, then it will grow."


@pytest.fixture
def project(settings):
    settings.REVIEW_UNDO_SECONDS = 0
    return factories.project(paired=False)


def rules(project, **body):
    """These rules alone are in force."""
    return factories.ruleset(project, body=body)


def decide(prompt, action, *, text=None):
    """A reviewer's decision, which decides the prompt where one review is required."""
    prompt.refresh_from_db()
    choice = reviewing.Choice(
        response_id=prompt.current_response_id, action=action, reasons=("too_vague",) if action != "accept" else ()
    )
    reviewer = factories.member(prompt.project, "reviewer")
    reviewing.submit(prompt.project, reviewer, [choice], idempotency_key=f"{action} {prompt.pk}")
    reviewing.settle(prompt.project)


def accepted_by_people(prompt):
    decide(prompt, "accept")


def rejected_by_people(prompt):
    decide(prompt, "reject")


def sent_back_by_people(prompt):
    decide(prompt, "regenerate")


def two_who_differ(prompt):
    Prompt.objects.filter(pk=prompt.pk).update(state=State.TO_RESOLVE)
    for action in ("accept", "reject"):
        factories.annotation(prompt.current_response, factories.member(prompt.project, "reviewer"), action=action)


def accepted_by_policy(prompt):
    Prompt.objects.filter(pk=prompt.pk).update(state=State.ACCEPTED)
    factories.resolution(prompt.current_response, by=Resolution.By.POLICY)


def nobody(prompt):
    """It waits for review."""


@pytest.mark.parametrize(
    ("who", "stands", "then"),
    [
        (nobody, State.TO_REVIEW, State.TO_REGENERATE),
        (accepted_by_policy, State.ACCEPTED, State.TO_REGENERATE),
        (accepted_by_people, State.ACCEPTED, State.ACCEPTED),
        (rejected_by_people, State.REJECTED, State.REJECTED),
        (sent_back_by_people, State.TO_REGENERATE, State.TO_REGENERATE),
        (two_who_differ, State.TO_RESOLVE, State.TO_RESOLVE),
    ],
    ids=lambda each: getattr(each, "__name__", str(each)),
)
def test_new_rules_move_what_no_person_decided_and_list_the_rest(project, who, stands, then):
    rules(project, min_char_length=10)
    prompt = factories.prompt(project, State.TO_FILTER, answer=SHORT)
    run(project, "filter")
    prompt.refresh_from_db()
    who(prompt)
    prompt.refresh_from_db()
    assert prompt.state == stands
    decided = Prompt.objects.filter(pk=prompt.pk).decided_by_people().exists()
    rules(project, min_char_length=120)
    ended = run(project, "filter")
    prompt.refresh_from_db()
    assert prompt.state == then
    verdict = FilterResult.objects.get(run=ended)
    assert (verdict.passed, verdict.flips) == (False, decided)
    assert list(FilterResult.objects.filter(run=ended, flips=True)) == ([verdict] if decided else [])
    assert ended.counters.get("would_flip", 0) == decided
    assert (ended.state, ended.done, ended.total) == (Run.State.FINISHED, 1, 1)
    assert Resolution.objects.filter(by="policy", current=True).count() == 0
    with pytest.raises(jobs.CannotStart):
        jobs.prepare(project, "filter")


def test_what_flips_differs_from_the_verdict_that_people_saw_whatever_came_between(project):
    """The rules become stricter, stricter still, and as they were; people see the strictest and decide again."""
    prompt = factories.prompt(project, State.TO_FILTER, answer=SHORT)
    rules(project, min_char_length=10)
    run(project, "filter")
    accepted_by_people(prompt)

    def verdict(limit):
        rules(project, min_char_length=limit)
        found = FilterResult.objects.get(run=run(project, "filter"))
        return found.passed, found.flips

    assert verdict(120) == (False, True)
    assert verdict(130) == (False, True)
    assert verdict(11) == (True, False)
    assert verdict(140) == (False, True)
    prompt.refresh_from_db()
    reviewing.reopen(prompt, factories.member(project, "manager"), "The rules are stricter now.")
    decide(prompt, "accept", text="again")
    assert verdict(150) == (False, False)
    assert verdict(12) == (True, True)


def test_what_is_in_a_batch_for_hours_keeps_no_run_of_the_filters_waiting(project):
    prompt = factories.prompt(project, State.TO_FILTER, answer=SHORT)
    rules(project, min_char_length=10)
    run(project, "filter")
    sent_back_by_people(prompt)
    Prompt.objects.filter(pk=prompt.pk).update(lease_until=timezone.now() + timedelta(hours=26))
    rules(project, min_char_length=120)
    looks = iter([False] * 4 + [True])
    assert jobs.carry_out(jobs.prepare(project, "filter"), lambda: next(looks)) == "ended"
    prompt.refresh_from_db()
    assert prompt.lease_until > timezone.now() + timedelta(hours=25)


def test_what_a_person_decides_at_the_moment_of_the_recall_stays_where_it_is(project, monkeypatch):
    rules(project, min_char_length=10)
    prompt = factories.prompt(project, State.TO_FILTER, answer=SHORT)
    run(project, "filter")
    move = PromptQuerySet.move

    def decided_meanwhile(prompts, target, kind, **options):
        if kind == "refiltered":
            factories.annotation(prompt.current_response, factories.member(project, "reviewer"))
        return move(prompts, target, kind, **options)

    monkeypatch.setattr(PromptQuerySet, "move", decided_meanwhile)
    rules(project, min_char_length=120)
    ended = run(project, "filter")
    prompt.refresh_from_db()
    assert prompt.state == State.TO_REVIEW
    assert FilterResult.objects.get(run=ended).flips
