"""Decisions taken in once, weighed, taken back, and taking effect."""

from datetime import timedelta

import pytest
from django.utils import timezone

from curation.models import Annotation, Event, Prompt, Resolution, ReviewClaim, State, TeacherResponse
from curation.reviewing import (
    Choice,
    Conflict,
    TooLate,
    claim_next,
    last_decision,
    recount,
    reopen,
    settle,
    submit,
    take_back,
)
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def undo(settings):
    settings.REVIEW_UNDO_SECONDS = 30
    return settings


@pytest.fixture
def project(db):
    return factories.project(reviews_required=1, paired=False)


@pytest.fixture
def people(project):
    return [factories.member(project, "reviewer", name=name) for name in ("ada", "bob", "cleo")]


@pytest.fixture
def prompt(project):
    return factories.prompt(project, State.TO_REVIEW)


def required(project, number, **fields):
    project.reviews_required = number
    for name, value in fields.items():
        setattr(project, name, value)
    project.save()


def decide(prompt, user, action="accept", key=None, **more):
    prompt.refresh_from_db()
    more.setdefault("response_id", prompt.current_response_id)
    key = key or f"{user}-{Annotation.objects.count()}"
    return submit(prompt.project, user, [Choice(action=action, **more)], idempotency_key=key)


def pass_time(seconds=31):
    """As if everything decided so far had been decided that much earlier."""
    past = timedelta(seconds=seconds)
    for row in Annotation.objects.all():
        Annotation.objects.filter(pk=row.pk).update(created_at=row.created_at - past)
    for row in Resolution.objects.all():
        Resolution.objects.filter(pk=row.pk).update(effective_at=row.effective_at - past)


def state(prompt):
    return Prompt.objects.get(pk=prompt.pk).state


STATES = {"accept": State.ACCEPTED, "reject": State.REJECTED, "regenerate": State.TO_REGENERATE}


@pytest.mark.parametrize("action", STATES)
def test_a_decision_takes_effect_when_it_is_old_enough(project, people, prompt, action):
    decide(prompt, people[0], action, reasons=("too_vague",), comment="say how much")

    assert settle(project) == 0
    assert state(prompt) == State.TO_REVIEW
    pass_time()
    assert settle(project) == 1
    assert settle(project) == 0

    assert state(prompt) == STATES[action]
    held = Resolution.objects.get()
    assert (held.action, held.by, held.current, held.reasons) == (action, "consensus", True, ["too_vague"])
    assert held.comment == "say how much"
    assert held.text == (prompt.current_response.text if action == "accept" else "")
    assert held.applied_at
    kinds = list(Event.objects.filter(prompt=prompt).values_list("kind", "to_state"))
    assert kinds == [("decided", ""), ("resolved", STATES[action])]


@pytest.mark.parametrize("action", STATES)
def test_without_a_time_to_undo_it_takes_effect_at_once(project, people, prompt, action, undo):
    undo.REVIEW_UNDO_SECONDS = 0
    decide(prompt, people[0], action)

    assert state(prompt) == STATES[action]
    assert last_decision(project, people[0]) is None


def test_an_edited_text_is_authoritative_with_its_own_line_ends(project, people, prompt):
    text = prompt.current_response.text
    decide(prompt, people[0], edited_text="First line\r\nsecond  line \r\n")

    held = Resolution.objects.get()
    assert (held.text, held.edited) == ("First line\nsecond  line", True)
    assert TeacherResponse.objects.get().text == text


@pytest.mark.parametrize("ending", ["", "\n", "  \r\n\r\n"])
def test_a_form_that_sends_the_text_back_unchanged_edits_nothing(project, people, prompt, ending):
    text = prompt.current_response.text
    decide(prompt, people[0], edited_text=text.replace("\n", "\r\n") + ending)

    assert Annotation.objects.get().edited_text is None
    held = Resolution.objects.get()
    assert (held.text, held.edited) == (text, False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "perhaps"},
        {"action": ""},
        {"reasons": ("ugly",)},
        {"edited_text": "  \n"},
        {"key": "k" * 65},
    ],
)
def test_a_wrong_choice_is_refused_and_stores_nothing(people, prompt, wrong):
    with pytest.raises(ValueError, match="decision|reasons|empty|characters"):
        decide(prompt, people[0], **wrong)

    assert not Annotation.objects.exists()


def test_a_response_of_another_project_does_not_exist(people, prompt):
    foreign = factories.prompt(factories.project(), State.TO_REVIEW)

    with pytest.raises(TeacherResponse.DoesNotExist):
        decide(prompt, people[0], response_id=foreign.current_response_id)
    assert not Annotation.objects.exists()


# --- several people


def test_agreement_of_two(project, people, prompt):
    required(project, 2)
    decide(prompt, people[0])
    assert not Resolution.objects.exists()
    decide(prompt, people[1])
    assert Resolution.objects.get().action == "accept"


@pytest.mark.parametrize("second", [{"action": "reject"}, {"action": "accept", "edited_text": "Another text."}])
def test_disagreement_goes_to_the_resolve_queue_at_once(project, people, prompt, second):
    required(project, 2)
    decide(prompt, people[0])
    decide(prompt, people[1], **second)

    assert state(prompt) == State.TO_RESOLVE
    assert not Resolution.objects.exists()
    event = Event.objects.get(kind="disagreement")
    assert event.detail == {"decisions": {"ada": "accept", "bob": second["action"]}}


def test_the_last_of_the_deciding_decisions_starts_the_clock(project, people, prompt):
    required(project, 2)
    decide(prompt, people[0])
    pass_time(1000)
    decide(prompt, people[1])

    assert settle(project) == 0
    assert Resolution.objects.get().effective_at > timezone.now()


@pytest.mark.parametrize("settled", [False, True])
def test_a_decision_that_comes_too_late_is_kept_without_effect(project, people, prompt, settled):
    decide(prompt, people[0])
    if settled:
        pass_time()
        settle(project)
    decide(prompt, people[1], "reject")
    pass_time()
    settle(project)

    assert state(prompt) == State.ACCEPTED
    late = Annotation.objects.get(reviewer=people[1])
    assert (late.surplus, late.current, late.action) == (True, True, "reject")
    assert Resolution.objects.get().action == "accept"


def test_a_decision_after_the_claim_lapsed_counts_while_there_is_room(project, people, prompt):
    claim_next(project, people[0])
    ReviewClaim.objects.update(until=timezone.now() - timedelta(hours=1))
    claim_next(project, people[1])

    decide(prompt, people[0])
    decide(prompt, people[1], "reject")

    first, second = Annotation.objects.order_by("pk")
    assert (first.surplus, second.surplus) == (False, True)
    assert not ReviewClaim.objects.exists()


def test_a_changed_number_applies_to_undecided_responses_only(project, people, prompt):
    other = factories.prompt(project, State.TO_REVIEW)
    required(project, 2)
    decide(prompt, people[0], "reject")
    required(project, 1)
    decide(other, people[0])
    required(project, 3)

    assert recount(project) == 0
    pass_time()
    settle(project)
    assert (state(other), state(prompt)) == (State.ACCEPTED, State.TO_REVIEW)

    required(project, 1)
    assert recount(project) == 1
    settle(project)
    assert state(prompt) == State.REJECTED


def test_an_empty_queue_decides_what_a_lowered_number_left_behind(project, people, prompt):
    required(project, 2)
    decide(prompt, people[0])
    required(project, 1)

    claim_next(project, people[1])

    assert Resolution.objects.get().action == "accept"


# --- the same form again


def test_the_same_submit_again_returns_the_first_result(project, people, prompt):
    first = decide(prompt, people[0], key="once")
    again = decide(prompt, people[0], key="once")

    assert Annotation.objects.count() == 1
    assert again.annotations == first.annotations
    assert (first.repeated, again.repeated, again.differs) == (False, True, False)


def test_the_same_key_with_something_else_in_it_says_so(project, people, prompt):
    decide(prompt, people[0], key="once")
    again = decide(prompt, people[0], "reject", key="once")

    assert (again.repeated, again.differs) == (True, True)
    assert Annotation.objects.get().action == "accept"


def test_the_same_key_still_returns_the_first_result_when_the_prompt_has_moved_on(project, people, prompt):
    decide(prompt, people[0], key="once")
    pass_time()
    settle(project)

    assert decide(prompt, people[0], key="once").repeated


def test_the_same_key_of_another_person_is_another_submit(project, people, prompt):
    decide(prompt, people[0], key="once")

    assert not decide(prompt, people[1], key="once").repeated


def test_a_changed_mind_is_a_new_version(project, people, prompt):
    required(project, 2)
    decide(prompt, people[0])
    decide(prompt, people[0], "reject", version=1)

    assert list(Annotation.objects.order_by("version").values_list("version", "action", "current")) == [
        (1, "accept", False),
        (2, "reject", True),
    ]


def test_a_changed_mind_replaces_a_resolution_that_has_no_effect_yet(project, people, prompt):
    decide(prompt, people[0])
    decide(prompt, people[0], "reject", version=1)

    assert list(Resolution.objects.order_by("pk").values_list("action", "current")) == [
        ("accept", False),
        ("reject", True),
    ]
    pass_time()
    settle(project)
    assert state(prompt) == State.REJECTED


# --- conflicts


def conflict(prompt, user, **more):
    before = Annotation.objects.count()
    with pytest.raises(Conflict) as caught:
        decide(prompt, user, **more)
    assert Annotation.objects.count() == before
    (problem,) = caught.value.problems
    return problem


def test_a_form_for_an_older_answer_is_handed_back(project, people, prompt):
    old = prompt.current_response
    new = factories.response(prompt, "A new answer.")

    problem = conflict(prompt, people[0], response_id=old.pk, edited_text="What I typed.")

    assert (problem.kind, problem.shown, problem.now) == ("newer_answer", old, new)
    assert problem.choice.edited_text == "What I typed."


def test_a_second_window_is_told_what_the_first_one_said(project, people, prompt):
    decide(prompt, people[0])

    problem = conflict(prompt, people[0], action="reject", version=0)

    assert (problem.kind, problem.own.action) == ("own_newer", "accept")


def test_a_decision_in_effect_is_not_changed(project, people, prompt):
    decide(prompt, people[0])
    pass_time()

    assert conflict(prompt, people[0], action="reject", version=1).kind == "decided"


def test_a_disagreement_is_not_changed_by_those_who_disagree(project, people, prompt):
    required(project, 2)
    decide(prompt, people[0])
    decide(prompt, people[1], "reject")

    assert conflict(prompt, people[1], action="accept", version=1).kind == "decided"


@pytest.mark.parametrize("elsewhere", [State.TO_COLLECT, State.TO_FILTER, State.TO_JUDGE])
def test_what_is_with_the_machines_is_not_decided(project, people, prompt, elsewhere):
    Prompt.objects.filter(pk=prompt.pk).update(state=elsewhere)

    assert conflict(prompt, people[0]).kind == "not_open"


def test_a_form_from_before_the_decision_was_taken_back_is_handed_back(project, people, prompt):
    (row,) = decide(prompt, people[0], key="once").annotations
    take_back(people[0], row)

    assert conflict(prompt, people[0], key="once").kind == "own_newer"


# --- taking back


def test_a_decision_can_be_taken_back_and_comes_again(project, people, prompt):
    factories.prompt(project, State.TO_REVIEW)
    (row,) = decide(prompt, people[0], "reject").annotations
    claim_next(project, people[0])

    assert last_decision(project, people[0]).annotations == (row,)
    take_back(people[0], row)

    row.refresh_from_db()
    assert (row.current, Resolution.objects.filter(current=True).exists()) == (False, False)
    assert last_decision(project, people[0]) is None
    assert claim_next(project, people[0]).prompts == (prompt,)
    pass_time()
    assert settle(project) == 0
    decide(prompt, people[0], version=1)
    pass_time()
    settle(project)
    assert state(prompt) == State.ACCEPTED


def test_a_disagreement_ends_when_one_of_them_takes_it_back(project, people, prompt):
    required(project, 2)
    decide(prompt, people[0])
    (row,) = decide(prompt, people[1], "reject").annotations
    take_back(people[1], row)

    assert state(prompt) == State.TO_REVIEW
    decide(prompt, people[1], version=1)
    assert Resolution.objects.get().action == "accept"


def test_a_surplus_decision_moves_up_when_a_deciding_one_is_taken_back(project, people, prompt):
    (row,) = decide(prompt, people[0]).annotations
    decide(prompt, people[1], "reject")
    take_back(people[0], row)

    assert Resolution.objects.get(current=True).action == "reject"
    assert not Annotation.objects.get(reviewer=people[1]).surplus


def test_taking_back_a_surplus_decision_leaves_what_was_decided(project, people, prompt):
    decide(prompt, people[0])
    (row,) = decide(prompt, people[1], "reject").annotations
    take_back(people[1], row)

    assert Resolution.objects.get(current=True).action == "accept"


@pytest.mark.parametrize("how", ["old", "settled", "twice", "somebody else's", "no window"])
def test_what_can_no_longer_be_taken_back(project, people, prompt, how, undo):
    undo.REVIEW_UNDO_SECONDS = 0 if how == "no window" else 30
    (row,) = decide(prompt, people[0]).annotations
    if how in ("old", "settled"):
        pass_time()
    if how == "settled":
        settle(project)
    if how == "twice":
        take_back(people[0], row)
    before = state(prompt)

    with pytest.raises(TooLate):
        take_back(people[1] if how == "somebody else's" else people[0], row)
    assert state(prompt) == before


# --- attempts, and what was overtaken


@pytest.mark.parametrize(("then", "expected"), [("rejected", State.REJECTED), ("to_review", State.TO_REVIEW)])
def test_regenerate_without_attempts_left_follows_the_project(project, people, prompt, then, expected):
    required(project, 1, attempt_limit=1, on_exhausted=then)
    decide(prompt, people[0], "regenerate")
    pass_time()
    settle(project)

    assert state(prompt) == expected
    event = Event.objects.get(kind="attempts_used_up")
    assert (event.detail["then"], event.detail["attempt_limit"], event.to_state) == (then, 1, expected)
    assert Annotation.objects.filter(current=True).exists() is (then == "rejected")
    if then == "to_review":
        assert claim_next(project, people[0]).prompts == (prompt,)
        assert settle(project) == 0


def test_a_resolution_overtaken_by_a_new_answer_moves_nothing(project, people, prompt):
    decide(prompt, people[0])
    Prompt.objects.filter(pk=prompt.pk).move(State.TO_REGENERATE, "hypothesis_changed", source=State.TO_REVIEW)
    factories.response(prompt, "A new answer.")
    pass_time()

    assert settle(project) == 0
    assert settle(project) == 0
    assert state(prompt) == State.TO_REGENERATE
    assert not Resolution.objects.get().current
    assert Event.objects.filter(kind="resolution_overtaken").count() == 1


def test_settling_all_projects(project, people, prompt):
    decide(prompt, people[0])
    elsewhere = factories.project(reviewers=[people[0]])
    other = factories.prompt(elsewhere, State.TO_REVIEW)
    decide(other, people[0])
    pass_time()

    assert settle() == 2


# --- pairs


@pytest.fixture
def pair(project):
    required(project, 1, paired=True)
    return factories.pair(project, State.TO_REVIEW)


def decide_pair(pair, user, hypothesis, methodology=None, key="pair"):
    choices = [Choice(pair.hypothesis.current_response_id, hypothesis)]
    if methodology:
        choices.append(Choice(pair.methodology.current_response_id, methodology))
    return submit(pair.project, user, choices, idempotency_key=key, seconds=41)


def test_both_halves_are_decided_in_one_submit(project, people, pair):
    done = decide_pair(pair, people[0], "accept", "regenerate")
    pass_time()
    settle(project)

    assert [row.seconds for row in done.annotations] == [20, 20]
    assert (state(pair.hypothesis), state(pair.methodology)) == (State.ACCEPTED, State.TO_REGENERATE)


def test_both_halves_are_taken_back_together(project, people, pair):
    done = decide_pair(pair, people[0], "accept", "reject")
    assert len(last_decision(project, people[0]).annotations) == 2

    assert len(take_back(people[0], done.annotations[1])) == 2
    assert not Annotation.objects.filter(current=True).exists()
    assert not Resolution.objects.filter(current=True).exists()


def test_a_rejected_hypothesis_takes_its_method_with_it(project, people, pair):
    decide_pair(pair, people[0], "reject")
    pass_time()
    settle(project)

    assert (state(pair.hypothesis), state(pair.methodology)) == (State.REJECTED, State.REJECTED)
    assert Event.objects.filter(prompt=pair.methodology, kind="hypothesis_rejected").exists()


def test_a_conflict_in_one_half_stores_neither(project, people, pair):
    choices = [
        Choice(pair.hypothesis.current_response_id, "accept"),
        Choice(pair.methodology.current_response_id, "accept"),
    ]
    factories.response(pair.methodology, "A new method.")

    with pytest.raises(Conflict) as caught:
        submit(project, people[0], choices, idempotency_key="pair")
    assert [problem.kind for problem in caught.value.problems] == ["newer_answer"]
    assert not Annotation.objects.exists()


@pytest.mark.parametrize("ids", [lambda r: [], lambda r: [r.pk, r.pk], lambda r: [r.pk, r.pk + 1, r.pk + 2]])
def test_a_submit_is_about_one_or_two_responses(project, people, prompt, ids):
    with pytest.raises(ValueError, match="one response"):
        submit(
            project,
            people[0],
            [Choice(pk, "accept") for pk in ids(prompt.current_response)],
            idempotency_key="k",
        )


# --- reopening


@pytest.mark.parametrize("action", ["accept", "reject"])
def test_a_reopened_prompt_is_asked_again_with_the_round_closed(project, people, prompt, action):
    decide(prompt, people[0], action)
    pass_time()
    settle(project)
    prompt.refresh_from_db()

    assert reopen(prompt, people[1], "The source was wrong.")

    assert state(prompt) == State.TO_REVIEW
    assert not Annotation.objects.filter(current=True).exists()
    assert not Resolution.objects.filter(current=True).exists()
    event = Event.objects.get(kind="reopened")
    assert (event.actor, event.detail) == (people[1], {"reason": "The source was wrong."})
    assert claim_next(project, people[0]).prompts == (prompt,)
    decide(prompt, people[0], "accept", version=1)
    assert Resolution.objects.get(current=True).action == "accept"


def test_reopening_needs_a_reason_and_something_decided(project, people, prompt):
    assert not reopen(prompt, people[0], "why not")
    with pytest.raises(ValueError, match="why"):
        reopen(prompt, people[0], "  ")
    unanswered = factories.prompt(project, State.REJECTED)
    with pytest.raises(ValueError, match="no answer"):
        reopen(unanswered, people[0], "why not")


def test_a_method_that_fell_with_its_hypothesis_comes_back_with_it(project, people, pair):
    decide_pair(pair, people[0], "reject")
    pass_time()
    settle(project)
    pair.hypothesis.refresh_from_db()

    reopen(pair.hypothesis, people[0], "A mistake.")

    assert (state(pair.hypothesis), state(pair.methodology)) == (State.TO_REVIEW, State.TO_REVIEW)


def test_a_method_rejected_for_itself_stays_rejected(project, people, pair):
    decide_pair(pair, people[0], "accept", "reject")
    pass_time()
    settle(project)
    pair.hypothesis.refresh_from_db()

    reopen(pair.hypothesis, people[0], "A mistake.")

    assert (state(pair.hypothesis), state(pair.methodology)) == (State.TO_REVIEW, State.REJECTED)


@pytest.mark.parametrize("action", STATES)
def test_a_prompt_that_comes_back_with_its_old_resolution_is_decided_anew(project, people, prompt, action):
    """As after a regeneration that was ordered and had no attempts left: no round was closed, the state alone moved."""
    decide(prompt, people[0], "regenerate")
    pass_time()
    settle(project)
    Annotation.objects.update(current=False)
    Prompt.objects.filter(pk=prompt.pk).move(State.TO_REVIEW, "attempts_used_up", source=State.TO_REGENERATE)

    assert claim_next(project, people[0]).prompts == (prompt,)
    (row,) = decide(prompt, people[0], action, version=1).annotations
    assert not row.surplus
    pass_time()
    settle(project)
    assert state(prompt) == STATES[action]
    assert Resolution.objects.get(current=True).action == action
