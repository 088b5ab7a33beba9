"""Who is given what: capacity, order, pairs, leases, and why a queue is empty."""

from datetime import timedelta

import pytest
from django.utils import timezone

from curation.models import Prompt, ReviewClaim, State
from curation.reviewing import (
    Choice,
    EmptyQueue,
    ReviewItem,
    claim_next,
    open_prompt,
    pending_counts,
    renew,
    skip,
    submit,
)
from tests import factories
from tests.reviewed import to_review

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(db):
    return factories.project(reviews_required=1, paired=False)


def pair(project, hypothesis=State.TO_REVIEW, methodology=State.TO_REVIEW):
    project.paired = True
    project.save()
    return factories.pair(project, hypothesis, methodology_state=methodology)


def keys(item):
    assert isinstance(item, ReviewItem), item
    return [prompt.pk for prompt in item.prompts]


def decide(project, user, prompt, action="accept", **more):
    prompt.refresh_from_db()
    choice = Choice(prompt.current_response_id, action, **more)
    return submit(project, user, [choice], idempotency_key=f"{user}{prompt.pk}{action}{prompt.current_response_id}")


def lapse(user):
    ReviewClaim.objects.filter(reviewer=user).update(until=timezone.now() - timedelta(seconds=1))


def test_the_oldest_comes_first_and_two_people_get_two_items(project, ada, bob):
    first, second = to_review(project, 2)

    assert keys(claim_next(project, ada)) == [first.pk]
    assert keys(claim_next(project, bob)) == [second.pk]


def test_asking_again_goes_on_with_what_one_holds(project, ada):
    first, _ = to_review(project, 2)

    claim_next(project, ada)

    assert keys(claim_next(project, ada)) == [first.pk]
    assert ReviewClaim.objects.count() == 1


def test_as_many_people_as_reviews_are_required_get_the_same_item(project, ada, bob):
    project.reviews_required = 2
    project.save()
    (only,) = to_review(project)
    cleo = factories.member(project, "reviewer", name="cleo")

    assert keys(claim_next(project, ada)) == keys(claim_next(project, bob)) == [only.pk]
    empty = claim_next(project, cleo)

    assert isinstance(empty, EmptyQueue)
    assert (empty.held, empty.holders) == (1, ("ada", "bob"))
    assert empty.held_until


def test_a_decision_takes_the_place_of_the_claim(project, ada, bob):
    project.reviews_required = 2
    project.save()
    (only,) = to_review(project)
    cleo = factories.member(project, "reviewer", name="cleo")
    claim_next(project, ada)
    decide(project, ada, only)

    assert keys(claim_next(project, bob)) == [only.pk]
    assert isinstance(claim_next(project, cleo), EmptyQueue)
    mine = claim_next(project, ada)
    assert (mine.waiting_for_others, mine.held) == (1, 0)


def test_a_lapsed_claim_is_nobodys(project, ada, bob):
    (only,) = to_review(project)
    claim_next(project, ada)
    lapse(ada)

    assert keys(claim_next(project, bob)) == [only.pk]
    assert isinstance(claim_next(project, ada), EmptyQueue)


def test_what_lapsed_in_ones_hands_comes_back_first(project, ada, bob):
    first, second = to_review(project, 2)
    claim_next(project, bob)
    assert keys(claim_next(project, ada)) == [second.pk]
    lapse(ada)
    lapse(bob)

    assert keys(claim_next(project, ada)) == [second.pk]


def test_nobody_gets_what_they_decided(project, ada):
    first, second = to_review(project, 2)
    decide(project, ada, first)

    assert keys(claim_next(project, ada)) == [second.pk]


def test_skipped_ones_come_last_the_longest_ago_first(project, ada):
    first, second, third = to_review(project, 3)
    seen = []
    for _ in range(4):
        (held,) = keys(claim_next(project, ada))
        seen.append(held)
        skip(project, ada, [held])

    assert seen == [first.pk, second.pk, third.pk, first.pk]


def test_a_skipped_one_is_free_for_others_at_once(project, ada, bob):
    (only,) = to_review(project)
    claim_next(project, ada)
    skip(project, ada, [only.pk])

    assert keys(claim_next(project, bob)) == [only.pk]


def test_only_what_waits_for_people_is_given(project, ada):
    for state in State.values:
        if state != State.TO_REVIEW:
            factories.prompt(project, state, answer="x")

    empty = claim_next(project, ada)

    assert isinstance(empty, EmptyQueue)
    assert (empty.waiting_for_run, empty.to_resolve, empty.all_done) == (4, 1, False)


def test_the_queue_of_another_project_is_not_mixed_in(project, ada):
    elsewhere = factories.project(paired=False)
    elsewhere.add_member(ada, "reviewer")
    to_review(elsewhere)

    assert isinstance(claim_next(project, ada), EmptyQueue)
    assert claim_next(project, ada).all_done


def test_a_decided_one_waits_for_its_time_to_be_taken_back(project, ada, bob, settings):
    settings.REVIEW_UNDO_SECONDS = 30
    (only,) = to_review(project)
    decide(project, ada, only)

    empty = claim_next(project, bob)

    assert (empty.taking_effect, empty.held, empty.all_done) == (1, 0, False)


# --- pairs


def test_a_pair_is_claimed_as_one_the_hypothesis_first(project, ada, bob):
    both = pair(project)

    item = claim_next(project, ada)

    assert keys(item) == [both.hypothesis_id, both.methodology_id]
    assert item.for_reading == ()
    assert isinstance(claim_next(project, bob), EmptyQueue)


def test_in_an_unpaired_project_each_prompt_is_its_own_item(project, ada, bob):
    both = factories.pair(project, State.TO_REVIEW)

    assert keys(claim_next(project, ada)) == [both.hypothesis_id]
    assert keys(claim_next(project, bob)) == [both.methodology_id]


@pytest.mark.parametrize("partner", [State.TO_COLLECT, State.TO_FILTER, State.TO_JUDGE, State.TO_REGENERATE])
@pytest.mark.parametrize("half", ["hypothesis", "methodology"])
def test_a_pair_waits_while_a_half_is_with_the_machines(project, ada, half, partner):
    other = "methodology" if half == "hypothesis" else "hypothesis"
    pair(project, **{half: State.TO_REVIEW, other: partner})

    empty = claim_next(project, ada)

    assert isinstance(empty, EmptyQueue)
    assert (empty.waiting_for_partner, empty.waiting_for_run) == (1, 1)
    assert pending_counts(project, ada)["review"] == 0


@pytest.mark.parametrize("partner", [State.ACCEPTED, State.REJECTED, State.PARKED, State.TO_RESOLVE])
@pytest.mark.parametrize("half", ["hypothesis", "methodology"])
def test_a_half_that_is_done_is_shown_for_reading(project, ada, half, partner):
    other = "methodology" if half == "hypothesis" else "hypothesis"
    both = pair(project, **{half: State.TO_REVIEW, other: partner})

    item = claim_next(project, ada)

    assert keys(item) == [getattr(both, half).pk]
    assert [prompt.pk for prompt in item.for_reading] == [getattr(both, other).pk]


@pytest.mark.parametrize("action", ["reject", "regenerate"])
def test_a_method_whose_hypothesis_was_refused_is_not_given_alone(project, ada, bob, action, settings):
    settings.REVIEW_UNDO_SECONDS = 30
    both = pair(project)
    decide(project, ada, both.hypothesis, action)

    for person in (ada, bob):
        empty = claim_next(project, person)
        assert isinstance(empty, EmptyQueue)
        assert empty.taking_effect == 2


def test_whoever_refused_a_hypothesis_is_not_given_its_method_while_others_think(project, ada, bob):
    project.reviews_required = 2
    both = pair(project)
    decide(project, ada, both.hypothesis, "reject")

    assert isinstance(claim_next(project, ada), EmptyQueue)
    assert keys(claim_next(project, bob)) == [both.hypothesis_id, both.methodology_id]


def test_once_the_hypothesis_stands_its_method_is_given_to_those_who_refused_it(project, ada):
    project.reviews_required = 2
    both = pair(project)
    decide(project, ada, both.hypothesis, "reject")
    Prompt.objects.filter(pk=both.hypothesis_id).update(state=State.ACCEPTED)

    assert keys(claim_next(project, ada)) == [both.methodology_id]


# --- leases


def test_a_heartbeat_renews_a_live_claim(project, ada, settings):
    settings.REVIEW_CLAIM_SECONDS = 100
    (only,) = to_review(project)
    before = claim_next(project, ada).until

    settings.REVIEW_CLAIM_SECONDS = 500
    assert renew(project, ada, [only.pk]) > before + timedelta(seconds=300)


def test_a_heartbeat_takes_a_lapsed_claim_up_again_if_there_is_room(project, ada):
    (only,) = to_review(project)
    claim_next(project, ada)
    lapse(ada)

    assert renew(project, ada, [only.pk]) > timezone.now()


def test_a_heartbeat_takes_nothing_away_from_others(project, ada, bob):
    (only,) = to_review(project)
    claim_next(project, ada)
    lapse(ada)
    claim_next(project, bob)

    assert renew(project, ada, [only.pk]) is None
    assert renew(project, bob, [only.pk])


def test_a_heartbeat_claims_nothing_new(project, ada):
    (only,) = to_review(project)

    assert renew(project, ada, [only.pk]) is None
    assert not ReviewClaim.objects.exists()


# --- opened by address


def test_a_prompt_opened_by_its_address_is_held_if_there_is_room(project, ada, bob):
    (only,) = to_review(project)

    assert open_prompt(project, ada, only).until
    other = open_prompt(project, bob, only)

    assert other.until is None
    assert keys(other) == [only.pk]


# --- counts


def test_counts_are_what_this_person_could_do_now(project, ada, bob):
    first, second, _ = to_review(project, 3)
    factories.prompt(project, State.TO_RESOLVE)
    decide(project, ada, first)
    open_prompt(project, bob, second)

    assert pending_counts(project, ada) == {"review": 1, "resolve": 1}
    assert pending_counts(project, bob) == {"review": 2, "resolve": 1}


def test_claiming_asks_the_same_number_of_queries_however_long_the_queue(project, ada, django_assert_max_num_queries):
    to_review(project, 30)
    with django_assert_max_num_queries(16):
        claim_next(project, ada)
