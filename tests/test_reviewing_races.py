"""People who press at the same moment: real threads, each with a connection of its own, on either database."""

import time
from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from curation.models import Annotation, Event, Prompt, Resolution, ReviewClaim, State
from curation.reviewing import Choice, EmptyQueue, ReviewItem, TooLate, claim_next, claims, settle, submit, take_back
from tests import factories
from tests.threads import together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def undo(settings):
    settings.REVIEW_UNDO_SECONDS = 30
    return settings


def set_up(reviewers, prompts, **fields):
    project = factories.project(**({"paired": False} | fields))
    people = [factories.member(project, "reviewer") for _ in range(reviewers)]
    made = [factories.prompt(project, State.TO_REVIEW) for _ in range(prompts)]
    return project, people, made


def choice(prompt, action="accept"):
    return [Choice(prompt.current_response_id, action)]


@pytest.mark.parametrize("attempt", range(5))
def test_two_who_press_review_get_two_items(attempt):
    project, people, _ = set_up(2, 2, reviews_required=1)

    items = together(*[lambda user=user: claim_next(project, user) for user in people])

    assert len({item.prompts[0].pk for item in items}) == 2


@pytest.mark.parametrize("required", [1, 2])
def test_nobody_is_given_more_than_there_is_room_for(required):
    project, people, _ = set_up(6, 2, reviews_required=required)

    items = together(*[lambda user=user: claim_next(project, user) for user in people])

    given = Counter(item.prompts[0].pk for item in items if isinstance(item, ReviewItem))
    assert sorted(given.values()) == [required, required]
    assert sum(isinstance(item, EmptyQueue) for item in items) == 6 - 2 * required


def test_a_pair_is_never_split_between_two():
    project = factories.project(paired=True, reviews_required=1)
    people = [factories.member(project, "reviewer") for _ in range(4)]
    pairs = [factories.pair(project, State.TO_REVIEW) for _ in range(3)]

    items = together(*[lambda user=user: claim_next(project, user) for user in people])

    held = sorted(tuple(prompt.pk for prompt in item.prompts) for item in items if isinstance(item, ReviewItem))
    assert held == sorted((pair.hypothesis_id, pair.methodology_id) for pair in pairs)


def test_a_double_click_is_one_annotation():
    project, (user,), (prompt,) = set_up(1, 1)

    results = together(*[lambda: submit(project, user, choice(prompt), idempotency_key="once")] * 4)

    assert Annotation.objects.count() == 1
    assert Event.objects.filter(kind="decided").count() == 1
    assert sorted(result.repeated for result in results) == [False, True, True, True]


@pytest.mark.parametrize("actions", [("accept", "accept"), ("accept", "reject")])
def test_two_last_decisions_at_once_are_one_outcome(actions):
    project, people, (prompt,) = set_up(2, 1, reviews_required=2)

    together(
        *[
            lambda user=user, action=action: submit(project, user, choice(prompt, action), idempotency_key="k")
            for user, action in zip(people, actions, strict=True)
        ]
    )

    assert Annotation.objects.filter(surplus=False).count() == 2
    agreed = len(set(actions)) == 1
    assert Resolution.objects.count() == (1 if agreed else 0)
    assert Prompt.objects.get().state == (State.TO_REVIEW if agreed else State.TO_RESOLVE)
    assert Event.objects.filter(kind="disagreement").count() == (0 if agreed else 1)


def test_more_decisions_at_once_than_required_decide_once():
    project, people, (prompt,) = set_up(5, 1, reviews_required=2)

    together(*[lambda user=user: submit(project, user, choice(prompt), idempotency_key="k") for user in people])

    assert (Annotation.objects.count(), Annotation.objects.filter(surplus=True).count()) == (5, 3)
    assert Resolution.objects.count() == 1


def test_one_settles_what_many_try_to_settle():
    project, (user,), (prompt,) = set_up(1, 1)
    submit(project, user, choice(prompt), idempotency_key="k")
    Resolution.objects.update(effective_at=Annotation.objects.get().created_at)

    results = together(*[lambda: settle(project)] * 4)

    assert sum(results) == 1
    assert Event.objects.filter(kind="resolved").count() == 1


@pytest.mark.parametrize("moment", [0.0, 0.03, 0.05, 0.07])
def test_taking_back_while_it_takes_effect_leaves_one_truth(moment):
    project, (user,), (prompt,) = set_up(1, 1)
    (row,) = submit(project, user, choice(prompt), idempotency_key="k").annotations
    due = timezone.now() + timedelta(seconds=0.05)
    Resolution.objects.update(effective_at=due)

    def try_to_take_back():
        time.sleep(moment)
        try:
            return take_back(user, row)
        except TooLate:
            return None

    def settle_until_due():
        while timezone.now() < due + timedelta(seconds=0.05):
            settle(project)

    taken_back, _ = together(try_to_take_back, settle_until_due)
    settle(project)

    state = Prompt.objects.get().state
    if taken_back:
        assert (state, Resolution.objects.filter(current=True).count()) == (State.TO_REVIEW, 0)
    else:
        assert state == State.ACCEPTED


def test_reviewers_who_never_pause_leave_each_prompt_with_what_it_needs():
    project, people, prompts = set_up(4, 12, reviews_required=2)

    def review(user):
        done = 0
        for number in range(40):
            item = claim_next(project, user)
            if isinstance(item, EmptyQueue):
                if item.held or item.waiting_for_run:
                    continue
                break
            submit(project, user, choice(item.prompts[0]), idempotency_key=f"{number}")
            done += 1
        return done

    results = together(*[lambda user=user: review(user) for user in people])

    assert sum(results) == 24, results
    per_prompt = Counter(Annotation.objects.values_list("response__prompt", flat=True))
    assert set(per_prompt.values()) == {2}
    assert len(per_prompt) == len(prompts)
    assert not Annotation.objects.filter(surplus=True).exists()
    assert not ReviewClaim.objects.exists()
    assert Resolution.objects.count() == 12


def test_pairs_decided_and_settled_at_once_never_wait_for_each_other(undo):
    undo.REVIEW_UNDO_SECONDS = 0
    project = factories.project(paired=True, reviews_required=1)
    people = [factories.member(project, "reviewer") for _ in range(4)]
    for _ in range(8):
        factories.pair(project, State.TO_REVIEW)

    def review(user):
        number = 0
        while isinstance(item := claim_next(project, user), ReviewItem):
            choices = [Choice(prompt.current_response_id, "reject") for prompt in item.prompts[:1]]
            submit(project, user, choices, idempotency_key=f"{number}")
            number += 1
        return number

    results = together(*[lambda user=user: review(user) for user in people])

    assert sum(results) == 8, results
    assert Prompt.objects.filter(state=State.REJECTED).count() == 16


def test_what_is_decided_between_two_looks_at_it_is_no_item(monkeypatch):
    project = factories.project(paired=True, reviews_required=1)
    user = factories.member(project, "reviewer")
    first, second = (factories.pair(project, State.TO_REVIEW) for _ in range(2))
    looked, unit_of = [], claims.unit_of

    def moved_meanwhile(project, prompt_id):
        if not looked:
            looked.append(prompt_id)
            Prompt.objects.filter(pk__in=[first.hypothesis_id, first.methodology_id]).move(State.REJECTED, "rejected")
        return unit_of(project, prompt_id)

    monkeypatch.setattr(claims, "unit_of", moved_meanwhile)
    item = claim_next(project, user)
    assert looked == [first.hypothesis_id]
    assert [prompt.pk for prompt in item.prompts] == [second.hypothesis_id, second.methodology_id]
