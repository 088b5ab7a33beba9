"""The report on second chances, counted by hand: fix rates by reason, recipes and teacher, and what each cost."""

from decimal import Decimal

import pytest
from django.core.cache import cache
from django.urls import reverse

from curation.models import Ruleset, State
from pipeline.regenerating import record_recipes, shipped
from pipeline.regenerating.outcomes import outcomes_of
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(db):
    cache.clear()
    return factories.project(slug="films", reviews_required=1)


@pytest.fixture
def small(db):
    return factories.teacher("Small one")


@pytest.fixture
def strong(db):
    return factories.teacher("Strong one")


def first_answer(project, cost="0.001"):
    made = factories.prompt(project, State.TO_REVIEW)
    call = factories.call(project, cost=None if cost is None else Decimal(cost))
    made.responses.update(call=call)
    return made


def attempt(prompt, teacher, *codes, cost="0.010", recipes=None, met=None, state=State.TO_REVIEW, source="reviewer"):
    """A second attempt that was asked to mend `codes`; returns its response."""
    call = factories.call(prompt.project, teacher=teacher, cost=None if cost is None else Decimal(cost))
    response = factories.response(prompt, "A better answer.", teacher=teacher, call=call)
    for code in codes:
        factories.complaint(response, code, source=source, recipes=recipes, met=met)
    type(prompt).objects.filter(pk=prompt.pk).update(state=state)
    return response


def of(project, key, **chosen):
    tally = outcomes_of(project).by_reason(**chosen)[key]
    return tally.asked, tally.known, tally.met, tally.settled, tally.accepted


def test_what_machines_measured_is_met_or_not(project, small):
    for met in (True, True, False, None):
        attempt(first_answer(project), small, "ban_citations", source="filter", met=met)
    assert of(project, "filter:ban_citations") == (4, 3, 2, 0, 0)


@pytest.mark.parametrize(
    ("ticks", "known", "met"),
    [([True], 1, 1), ([False], 1, 0), ([True, True, False], 1, 1), ([True, False], 0, 0), ([], 0, 0)],
)
def test_a_reviewers_reason_is_met_as_most_reviewers_ticked(project, small, ticks, known, met):
    response = attempt(first_answer(project), small, "too_vague")
    for tick in ticks:
        given = factories.annotation(response, factories.user())
        response.complaints.get().checks.create(annotation=given, met=tick)
    assert of(project, "reviewer:too_vague") == (1, known, met, 0, 0)


def test_ticks_that_were_taken_back_or_were_checks_of_a_reviewer_do_not_count(project, small):
    response = attempt(first_answer(project), small, "too_vague")
    for fields in ({"current": False}, {"purpose": "repeat"}):
        given = factories.annotation(response, factories.user(), **fields)
        response.complaints.get().checks.create(annotation=given, met=True)
    assert of(project, "reviewer:too_vague") == (1, 0, 0, 0, 0)


def test_without_a_tick_an_accepted_answer_met_it_and_one_with_the_same_reason_did_not(project, small):
    attempt(first_answer(project), small, "too_vague", state=State.ACCEPTED)
    again = attempt(first_answer(project), small, "too_vague", state=State.TO_REGENERATE)
    factories.annotation(again, factories.user(), "regenerate", reasons=["too_vague"])
    other = attempt(first_answer(project), small, "too_vague", state=State.REJECTED)
    factories.annotation(other, factories.user(), "reject", reasons=["off_topic"])
    assert of(project, "reviewer:too_vague") == (3, 2, 1, 2, 1)


def test_an_attempt_that_was_followed_by_another_was_not_accepted(project, small, strong):
    prompt = first_answer(project)
    attempt(prompt, small, "too_vague")
    attempt(prompt, strong, "too_vague", state=State.ACCEPTED)
    found = outcomes_of(project).by(0)
    assert {name: (tally.settled, tally.accepted) for name, (_, tally) in found.items()} == {
        "Small one": (1, 0),
        "Strong one": (1, 1),
    }


def test_what_was_withdrawn_since_is_neither_accepted_nor_refused(project, small):
    prompt = first_answer(project)
    attempt(prompt, small, "too_vague", state=State.REJECTED)
    type(prompt).objects.filter(pk=prompt.pk).update(withdrawal=factories.withdrawal(project))
    assert of(project, "reviewer:too_vague") == (1, 0, 0, 0, 0)


def test_versions_and_teachers_narrow_it(project, small, strong):
    one = record_recipes(project, shipped())
    two = record_recipes(project, shipped() | {"otherwise": {"addendum": "Another."}})
    attempt(first_answer(project), small, "too_vague", recipes=one, state=State.ACCEPTED)
    attempt(first_answer(project), strong, "too_vague", recipes=one, state=State.REJECTED)
    attempt(first_answer(project), strong, "too_vague", "no_control", recipes=two, state=State.ACCEPTED)
    assert of(project, "reviewer:too_vague", version=1) == (2, 1, 1, 2, 1)
    assert of(project, "reviewer:too_vague", teacher="Strong one") == (2, 1, 1, 2, 1)
    assert of(project, "reviewer:no_control", teacher="Strong one", version=2) == (1, 1, 1, 1, 1)
    assert outcomes_of(project).by_reason(teacher="Small one", version=2) == {}
    attempts = outcomes_of(project).by(1, teacher="Strong one")
    assert {version: tally.asked for version, (_, tally) in attempts.items()} == {1: 1, 2: 1}  # not one a complaint


def test_cost_of_an_accepted_answer_counts_the_refused_ones_too(project, small):
    attempt(first_answer(project), small, "too_vague", cost="0.010", state=State.ACCEPTED)
    attempt(first_answer(project), small, "too_vague", cost="0.030", state=State.REJECTED)
    found = outcomes_of(project)
    assert found.all_attempts().cost_each == Decimal("0.040")
    assert (found.first.asked, found.first.cost) == (2, Decimal("0.002"))
    assert found.first.cost_each is None  # none was accepted as it came


def test_what_is_open_or_withdrawn_is_in_no_price_of_an_accepted_answer(project, small):
    attempt(first_answer(project), small, "too_vague", cost="0.010", state=State.ACCEPTED)
    attempt(first_answer(project), small, "too_vague", cost="0.500")
    attempt(first_answer(project), small, "too_vague", cost=None)
    gone = first_answer(project)
    attempt(gone, small, "too_vague", cost="0.500", state=State.REJECTED)
    type(gone).objects.filter(pk=gone.pk).update(withdrawal=factories.withdrawal(project))
    later = outcomes_of(project).all_attempts()
    assert (later.asked, later.settled, later.accepted) == (4, 1, 1)
    assert later.cost_each == Decimal("0.010")
    assert (later.cost, later.unpriced) == (Decimal("1.010"), 1)


def test_first_attempts_are_settled_by_a_decision_or_another_attempt(project, small):
    taken = first_answer(project)
    type(taken).objects.filter(pk=taken.pk).update(state=State.ACCEPTED)
    attempt(first_answer(project), small, "too_vague")  # its first attempt was refused
    first_answer(project, cost="0.9")
    gone = first_answer(project, cost="0.9")
    type(gone).objects.filter(pk=gone.pk).update(state=State.REJECTED, withdrawal=factories.withdrawal(project))
    first = outcomes_of(project).first
    assert (first.asked, first.settled, first.accepted) == (4, 2, 1)
    assert first.cost_each == Decimal("0.002")
    assert first.cost == Decimal("1.802")


def test_a_call_that_serves_several_answers_is_paid_once(project, small):
    response = attempt(first_answer(project), small, "too_vague", cost="0.010", state=State.ACCEPTED)
    other = attempt(first_answer(project), small, "too_vague", cost="0.030", state=State.REJECTED)
    type(other).objects.filter(pk=other.pk).update(call=response.call)
    assert outcomes_of(project).all_attempts().cost_each == Decimal("0.010")
    elsewhere = factories.project("Elsewhere")
    third = attempt(first_answer(elsewhere), small, "too_vague", state=State.ACCEPTED)
    type(third).objects.filter(pk=third.pk).update(call=response.call)
    assert outcomes_of(elsewhere).all_attempts().cost_each == 0


def test_a_candidate_beside_the_answer_was_paid_too(project, small):
    response = attempt(first_answer(project), small, "too_vague", cost="0.010", state=State.ACCEPTED)
    call = factories.call(project, cost=Decimal("0.005"))
    factories.response(response.prompt, current=False, attempt=2, candidate=1, call=call)
    assert outcomes_of(project).all_attempts().cost_each == Decimal("0.015")


def test_an_unknown_price_makes_the_whole_unknown(project, small):
    attempt(first_answer(project), small, "too_vague", cost="0.010", state=State.ACCEPTED)
    attempt(first_answer(project), small, "too_vague", cost=None, state=State.REJECTED)
    found = outcomes_of(project).all_attempts()
    assert (found.cost_each, found.unpriced) == (None, 1)


def test_an_attempt_without_complaints_mends_nothing(project, small):
    attempt(first_answer(project), small, state=State.ACCEPTED)
    assert outcomes_of(project).all_attempts().asked == 0


def test_the_complaints_of_other_projects_are_not_counted(project, small):
    attempt(first_answer(factories.project()), small, "too_vague", state=State.ACCEPTED)
    assert outcomes_of(project).by_reason() == {}


def read(project, query=""):
    browser = factories.client(factories.member(project, "viewer"))
    response = browser.get(reverse("quality_regeneration", args=["films"]) + query)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_the_page_says_it_with_n_and_interval(project, small, strong):
    recipes = record_recipes(project, shipped())
    for state in (State.ACCEPTED, State.ACCEPTED, State.ACCEPTED, State.REJECTED):
        response = attempt(first_answer(project), strong, "too_vague", recipes=recipes, state=state)
        factories.annotation(response, factories.user(), "reject", reasons=["too_vague"] if state == "rejected" else [])
    attempt(first_answer(project), small, "ban_citations", source="filter", met=True, cost=None)
    text = read(project)
    assert '<strong>75 %</strong> <span class="soft small">(30–95), n = 4</span>' in text
    assert "Too vague" in text
    assert "USD 0.0133" in text  # 4 attempts at 0.01 for 3 accepted ones
    assert "unknown for 1" in text
    assert "<svg" in text
    assert "before recipes" in text
    assert "No citations" not in read(project, "?teacher=Strong+one")
    assert "No attempt is of these" in read(project, "?recipes=9")


def test_the_page_of_a_project_without_second_chances_says_what_it_is_for(project):
    assert "No answer was asked for again yet." in read(project)


def test_a_tick_that_was_just_made_is_counted(project, small):
    response = attempt(first_answer(project), small, "too_vague")
    given = factories.annotation(response, factories.user())
    assert "unknown" in read(project)
    response.complaints.get().checks.create(annotation=given, met=True)
    assert "<strong>100 %</strong>" in read(project)


def test_the_report_costs_the_same_however_many_attempts(project, small, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    attempt(first_answer(project), small, "too_vague", "no_control")
    with CaptureQueriesContext(connection) as before:
        outcomes_of(project)
    for _ in range(5):
        attempt(first_answer(project), small, "too_vague", "no_control")
    with django_assert_num_queries(len(before)):
        outcomes_of(project)
    assert Ruleset.objects.count() == 0
