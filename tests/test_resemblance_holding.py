"""Near-duplicates in the review queue: the best is offered, the others wait until it is refused."""

import pytest
from django.db import connection
from django.db.models import F

from curation.models import Fingerprint, Pair, Prompt, Resolution, State
from curation.reviewing import (
    Choice,
    EmptyQueue,
    claim_next,
    held_prompts,
    mates,
    open_prompt,
    pending_by_project,
    pending_counts,
    settle,
    submit,
)
from tests import factories
from tests.threads import together

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_once(settings):
    settings.REVIEW_UNDO_SECONDS = 0


def cluster(*prompts, scores=None, lengths=None):
    """These prompts' current responses as one cluster, in the order of their scores."""
    made = [
        factories.fingerprint(
            prompt,
            prompt.current_response,
            score=scores[n] if scores else 0,
            length=lengths[n] if lengths else 0,
            unit=unit_of(prompt),
        )
        for n, prompt in enumerate(prompts)
    ]
    Fingerprint.objects.filter(pk__in=[row.pk for row in made]).update(cluster=made[0].pk)


def unit_of(prompt):
    pair = Pair.objects.filter(methodology=prompt, project__paired=True).first()
    return pair.hypothesis_id if pair else prompt.pk


@pytest.fixture
def project(db):
    return factories.project(paired=False, near_duplicate_percent=80)


@pytest.fixture
def reviewer(project):
    return factories.member(project, "reviewer")


def three(project, states=(State.TO_REVIEW,) * 3):
    return [factories.prompt(project, state) for state in states]


def offered_now(project, user):
    item = claim_next(project, user)
    return item if isinstance(item, EmptyQueue) else item.prompts[0]


@pytest.mark.parametrize(
    ("scores", "lengths", "best"),
    [
        ([70, 90, 80], None, 1),
        ([80, 80, 80], [100, 120, 110], 1),
        ([80, 80, 80], [100, 100, 100], 0),
        ([-1, -1, 0], [500, 400, 300], 2),
    ],
)
def test_the_best_of_a_cluster_is_offered(project, reviewer, scores, lengths, best):
    prompts = three(project)
    cluster(*prompts, scores=scores, lengths=lengths)
    assert offered_now(project, reviewer) == prompts[best]
    assert pending_counts(project, reviewer)["review"] == 1
    assert pending_by_project(reviewer, [project])[project.pk]["review"] == 1
    assert set(held_prompts(project)) == {prompt for n, prompt in enumerate(prompts) if n != best}


@pytest.mark.parametrize(
    ("state", "held"),
    [
        (State.ACCEPTED, True),
        (State.TO_RESOLVE, True),
        (State.REJECTED, False),
        (State.TO_REGENERATE, False),
        (State.TO_FILTER, False),
        (State.TO_JUDGE, False),
        (State.PARKED, False),
    ],
)
def test_what_holds_back_whatever_its_score(project, reviewer, state, held):
    other = factories.prompt(project, state, answer="An answer.")
    mine = factories.prompt(project, State.TO_REVIEW)
    cluster(other, mine, scores=[10, 99])
    found = claim_next(project, reviewer)
    assert isinstance(found, EmptyQueue) is held
    if held:
        assert (found.held_by_cluster, found.all_done, found.taking_effect) == (1, True, 0)


@pytest.mark.parametrize("action", ["reject", "regenerate"])
def test_the_next_is_offered_when_the_best_is_refused(project, reviewer, action):
    prompts = three(project)
    cluster(*prompts, scores=[70, 90, 80])
    for place in (1, 2, 0):
        found = offered_now(project, reviewer)
        assert found == prompts[place]
        submit(project, reviewer, [Choice(found.current_response_id, action)], idempotency_key=f"k{place}")
    assert claim_next(project, reviewer).held_by_cluster == 0


def test_an_accepted_best_holds_the_others_until_it_is_reopened(project, reviewer):
    first, second, third = three(project)
    cluster(first, second, third, scores=[90, 80, 70])
    submit(project, reviewer, [Choice(first.current_response_id, "accept")], idempotency_key="k")
    assert claim_next(project, reviewer).held_by_cluster == 2
    Prompt.objects.filter(pk=first.pk).update(state=State.REJECTED)
    assert offered_now(project, reviewer) == second


def test_a_new_answer_holds_nobody_by_the_old_one(project, reviewer):
    better, mine = factories.prompt(project, State.TO_REVIEW), factories.prompt(project, State.TO_REVIEW)
    cluster(better, mine, scores=[90, 80])
    factories.response(better, "Quite another answer.")
    assert held_prompts(project).count() == 0


def test_nothing_is_held_where_the_project_looks_for_none(project, reviewer):
    prompts = three(project)
    cluster(*prompts)
    type(project).objects.update(near_duplicate_percent=0)
    project.refresh_from_db()
    assert pending_counts(project, reviewer)["review"] == 3
    assert pending_by_project(reviewer, [project])[project.pk]["review"] == 3
    assert mates(prompts[0].current_response) == []


def test_a_held_prompt_opens_by_its_address_and_goes_on(project, reviewer):
    best, held = factories.prompt(project, State.TO_REVIEW), factories.prompt(project, State.TO_REVIEW)
    cluster(best, held, scores=[90, 80])
    item = open_prompt(project, reviewer, held)
    assert item.prompts == (held,)
    assert item.until
    assert offered_now(project, reviewer) == held


def test_who_comes_before_whom_is_told(project):
    first, second, third = three(project, (State.ACCEPTED, State.TO_REVIEW, State.TO_REVIEW))
    cluster(first, second, third, scores=[10, 90, 80])
    assert [(mate.prompt, mate.ahead) for mate in mates(second.current_response)] == [(first, True), (third, False)]
    assert [(mate.prompt, mate.ahead) for mate in mates(third.current_response)] == [(second, True), (first, True)]


# -- pairs ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def paired(db):
    return factories.project(paired=True, near_duplicate_percent=80)


def pairs(project, number=2, state=State.TO_REVIEW):
    return [factories.pair(project, state) for _ in range(number)]


def test_either_half_holds_back_the_pair(paired):
    user = factories.member(paired, "reviewer")
    one, other = pairs(paired)
    cluster(one.methodology, other.methodology, scores=[80, 90])
    found = claim_next(paired, user)
    assert set(found.prompts) == {other.hypothesis, other.methodology}
    assert set(held_prompts(paired)) == {one.hypothesis, one.methodology}
    assert pending_by_project(user, [paired])[paired.pk]["review"] == 2


def test_two_halves_of_a_pair_do_not_hold_each_other(paired):
    (pair,) = pairs(paired, 1)
    cluster(pair.hypothesis, pair.methodology, scores=[80, 80])
    assert not held_prompts(paired).exists()


def test_half_decided_pairs_do_not_wait_for_each_other(paired):
    one, other = pairs(paired)
    cluster(one.hypothesis, other.hypothesis)
    cluster(one.methodology, other.methodology)
    Prompt.objects.filter(pk__in=[one.hypothesis_id, other.methodology_id]).update(state=State.ACCEPTED)
    assert not held_prompts(paired).exists()


@pytest.mark.parametrize("accepted", ["hypothesis", "methodology"])
def test_an_accepted_half_holds_back_other_pairs(paired, accepted):
    one, other = pairs(paired)
    cluster(one.hypothesis, other.hypothesis, scores=[10, 99])
    Prompt.objects.filter(pk=getattr(one, f"{accepted}_id")).update(state=State.ACCEPTED)
    held = {other.hypothesis, other.methodology} if accepted == "hypothesis" else set()
    assert set(held_prompts(paired)) == held


# -- at the same moment ---------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(3))
def test_two_claim_one_is_refused_and_the_next_appears(attempt):
    project = factories.project(paired=False, near_duplicate_percent=80)
    people = [factories.member(project, "reviewer") for _ in range(2)]
    prompts = three(project)
    cluster(*prompts, scores=[70, 90, 80])
    for place in (1, 2, 0):
        items = together(*[lambda user=user: claim_next(project, user) for user in people])
        given = [item for item in items if not isinstance(item, EmptyQueue)]
        assert [item.prompts for item in given] == [(prompts[place],)]
        holder = people[items.index(given[0])]
        submit(project, holder, [Choice(prompts[place].current_response_id, "reject")], idempotency_key=f"k{place}")
    settle(project)
    assert Resolution.objects.filter(action="reject").count() == 3
    assert all(Prompt.objects.filter(state=State.REJECTED, pk=prompt.pk).exists() for prompt in prompts)
    assert Prompt.objects.filter(current_response=F("current_response")).count() == 3


def _steps(of):
    """How many hundred steps SQLite's machine takes for it."""
    taken = []
    connection.connection.set_progress_handler(lambda: taken.append(1), 100)
    try:
        of()
    finally:
        connection.connection.set_progress_handler(None, 0)
    return len(taken)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="counts the steps of SQLite's machine")
def test_twice_as_large_a_cluster_takes_twice_as_long_wherever_its_best_stands(project, reviewer):
    steps = []
    for number in (150, 300):
        prompts = [factories.prompt(project, State.TO_REVIEW, answer="The same answer.") for _ in range(number)]
        cluster(*prompts, scores=range(number))  # the best is the last one
        steps.append(_steps(lambda: pending_counts(project, reviewer)))
        project.prompts.update(state=State.REJECTED)
    assert steps[1] < 3 * steps[0]
