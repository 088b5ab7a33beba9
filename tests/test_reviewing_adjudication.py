"""Disagreements: who may decide, what then holds, and what stays on record."""

from datetime import timedelta

import pytest
from django.utils import timezone

from curation.models import Annotation, Event, Prompt, Resolution, State
from curation.reviewing import (
    Choice,
    Conflict,
    NotYours,
    TooLate,
    adjudicate,
    pending_counts,
    settle,
    submit,
    take_back,
    take_back_adjudication,
)
from pipeline.regenerating import complaints_of
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def undo(settings):
    settings.REVIEW_UNDO_SECONDS = 30
    return settings


@pytest.fixture
def project(db):
    return factories.project(reviews_required=2, paired=False)


@pytest.fixture
def people(project):
    return {
        "ada": factories.member(project, "reviewer", name="ada"),
        "bob": factories.member(project, "reviewer", name="bob", can_resolve=True),
        "mia": factories.member(project, "manager", name="mia"),
    }


@pytest.fixture
def prompt(project):
    return factories.prompt(project, State.TO_REVIEW)


def disagree(prompt, one, other):
    for user, action in ((one, "accept"), (other, "reject")):
        choice = Choice(prompt.current_response_id, action)
        submit(prompt.project, user, [choice], idempotency_key=f"{user}")
    prompt.refresh_from_db()
    assert prompt.state == State.TO_RESOLVE


def take_effect(project):
    Resolution.objects.update(effective_at=timezone.now() - timedelta(seconds=1))
    return settle(project)


STATES = {"accept": State.ACCEPTED, "reject": State.REJECTED, "regenerate": State.TO_REGENERATE}


@pytest.mark.parametrize("action", STATES)
def test_the_adjudicator_decides_and_stays_on_record(project, people, prompt, action):
    disagree(prompt, people["ada"], people["bob"])
    response = prompt.current_response

    adjudicate(project, people["mia"], response, action, reasons=("no_control",), comment="Read the source again.")
    assert pending_counts(project, people["mia"])["resolve"] == 0
    assert take_effect(project) == 1

    assert Prompt.objects.get().state == STATES[action]
    held = Resolution.objects.get()
    assert (held.by, held.decided_by, held.comment) == ("adjudicator", people["mia"], "Read the source again.")
    assert held.reasons == ["no_control"]
    assert held.text == (response.text if action == "accept" else "")
    assert Event.objects.get(kind="resolved").actor == people["mia"]
    assert Annotation.objects.filter(current=True).count() == 2


def test_the_adjudicator_may_write_the_text(project, people, prompt):
    disagree(prompt, people["ada"], people["bob"])

    held = adjudicate(project, people["mia"], prompt.current_response, "accept", text="My own words.\r\n")

    assert (held.text, held.edited) == ("My own words.", True)


def test_those_who_disagree_leave_it_to_another(project, people, prompt):
    disagree(prompt, people["ada"], people["bob"])

    with pytest.raises(NotYours, match="mia can decide"):
        adjudicate(project, people["bob"], prompt.current_response, "accept")
    assert not Resolution.objects.exists()


def test_where_there_is_no_other_one_of_them_decides(project, people, prompt):
    disagree(prompt, people["ada"], people["bob"])
    people["mia"].is_active = False
    people["mia"].save()

    assert adjudicate(project, people["bob"], prompt.current_response, "accept").decided_by == people["bob"]


def test_the_same_decision_again_is_the_first_one(project, people, prompt):
    disagree(prompt, people["ada"], people["bob"])
    first = adjudicate(project, people["mia"], prompt.current_response, "reject")

    assert adjudicate(project, people["mia"], prompt.current_response, "reject") == first
    take_effect(project)
    assert adjudicate(project, people["mia"], prompt.current_response, "reject") == first
    assert Resolution.objects.count() == 1


def test_a_second_adjudicator_is_told_that_it_is_decided(project, people, prompt):
    disagree(prompt, people["ada"], people["bob"])
    adjudicate(project, people["mia"], prompt.current_response, "reject")
    zoe = factories.member(project, "manager", name="zoe")

    with pytest.raises(Conflict) as caught:
        adjudicate(project, zoe, prompt.current_response, "accept", text="What Zoe typed.")
    assert [problem.kind for problem in caught.value.problems] == ["decided"]
    assert caught.value.problems[0].choice.edited_text == "What Zoe typed."


def test_nothing_is_decided_where_nobody_disagrees_any_more(project, people, prompt):
    disagree(prompt, people["ada"], people["bob"])
    take_back(people["bob"], Annotation.objects.get(reviewer=people["bob"]))

    with pytest.raises(Conflict):
        adjudicate(project, people["mia"], prompt.current_response, "accept")


def test_it_can_be_taken_back_until_it_takes_effect(project, people, prompt):
    disagree(prompt, people["ada"], people["bob"])
    held = adjudicate(project, people["mia"], prompt.current_response, "reject")
    take_back_adjudication(people["mia"], held)

    assert pending_counts(project, people["mia"])["resolve"] == 1
    with pytest.raises(TooLate):
        take_back_adjudication(people["mia"], held)
    again = adjudicate(project, people["mia"], prompt.current_response, "accept")
    with pytest.raises(TooLate):
        take_back_adjudication(people["bob"], again)
    take_effect(project)
    with pytest.raises(TooLate):
        take_back_adjudication(people["mia"], again)
    assert Prompt.objects.get().state == State.ACCEPTED


def test_those_who_disagree_take_nothing_back_once_it_is_decided(project, people, prompt):
    disagree(prompt, people["ada"], people["bob"])
    adjudicate(project, people["mia"], prompt.current_response, "reject")

    with pytest.raises(TooLate):
        take_back(people["bob"], Annotation.objects.get(reviewer=people["bob"]))


def test_without_a_time_to_undo_it_takes_effect_at_once(project, people, prompt, undo):
    undo.REVIEW_UNDO_SECONDS = 0
    disagree(prompt, people["ada"], people["bob"])

    assert adjudicate(project, people["mia"], prompt.current_response, "accept").applied_at
    assert Prompt.objects.get().state == State.ACCEPTED


@pytest.mark.parametrize(("then", "state"), [("rejected", State.REJECTED), ("to_review", State.TO_REVIEW)])
def test_regenerate_without_attempts_left_follows_the_project(project, people, prompt, then, state):
    project.attempt_limit, project.on_exhausted = 1, then
    project.save()
    disagree(prompt, people["ada"], people["bob"])
    adjudicate(project, people["mia"], prompt.current_response, "regenerate")
    take_effect(project)

    assert Prompt.objects.get().state == state
    assert Event.objects.get(kind="attempts_used_up").to_state == state


def test_the_next_attempt_is_told_why_the_adjudicator_sent_it_back(project, people, prompt):
    disagree(prompt, people["ada"], people["bob"])
    adjudicate(
        project, people["mia"], prompt.current_response, "regenerate", reasons=["no_control"], comment="Add one."
    )
    take_effect(project)
    prompt.refresh_from_db()

    assert {(said.code, said.words) for said in complaints_of(prompt)} >= {("no_control", "Add one.")}
