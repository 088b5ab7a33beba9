"""Bulk actions: what each touches and does, portion by portion, and what killing, cancelling or another run leaves."""

from datetime import timedelta

import pytest
from django.utils import timezone

from curation import changing, tallies
from curation.changing import bulk
from curation.models import Annotation, Assignment, Change, ChangeItem, Event, Prompt, Resolution, ReviewClaim, State
from curation.reviewing import Choice, submit
from pipeline.stages import bulk as stage
from tests import factories
from tests.threads import together

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(project):
    return factories.member(project, "manager", name="manager")


def begin(project, name, by, *, query="", keys=None, reason="Out of scope.", people=(), reasons=()):
    detail = {"query": query, "reason": reason, "people": list(people), "reasons": list(reasons)}
    if keys is not None:
        detail["keys"] = keys
    return changing.begin(project, name, detail, by)


def runs(change, **parameters):
    """A run over the change, worked on to its end."""
    run = factories.run(
        change.project, "bulk", parameters={"change": change.pk} | parameters, created_by=change.created_by
    )
    if not parameters:
        Change.objects.filter(pk=change.pk).update(run=run)
    assert stage.work(run) == "ended"
    run.refresh_from_db()
    return run


def do(project, name, by, **wish):
    """Begin an action and work on it to its end; returns (the change, its run)."""
    change = begin(project, name, by, **wish)
    run = runs(change)
    change.refresh_from_db()
    return change, run


def undo(change):
    run = runs(change, undo=True)
    change.refresh_from_db()
    return run


def state_of(prompt):
    return Prompt.objects.get(pk=prompt.pk).state


def as_kept(project):
    """Everything an undo must bring back, event history and times aside."""
    prompts = project.prompts.order_by("pk").values_list(
        *("pk", "state", "current_response", "pinned", "given", "parked_from", "error_class", "error_detail")
    )
    decisions = Annotation.objects.order_by("pk").values_list("pk", "current", "surplus")
    held = Resolution.objects.filter(current=True).order_by("pk").values_list("pk", "applied_at")
    assigned = Assignment.objects.order_by("prompt", "reviewer").values_list("prompt", "reviewer")
    return [list(rows) for rows in (prompts, decisions, held, assigned)]


# -- what is touched -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "touched"),
    [
        ("review", {"to_filter", "to_judge", "to_regenerate"}),
        ("reopen", {"accepted", "rejected"}),
        ("assign", {"to_review"}),
        ("pin", {"to_review"}),
        ("reject", set(State.values) - {"rejected"}),
        ("retry", {"parked"}),
    ],
)
def test_an_action_touches_its_states_and_says_why_it_leaves_the_others(project, manager, name, touched):
    for state in State.values:
        factories.prompt(project, state, answer="An answer.")
    action = changing.ACTIONS[name]
    seen = changing.preview(action, project.prompts.all())
    assert (seen.chosen, seen.touched, seen.capped) == (9, len(touched), False)
    assert {why for _, why in seen.left} == {
        f"they are {State(state).label.lower()}" for state in set(State.values) - touched
    }
    _, run = do(project, name, manager, people=[manager.pk])
    assert run.counters == {"changed": len(touched)}
    items = ChangeItem.objects.select_related("prompt")
    assert {item.before.get("state", "to_review") for item in items} == touched


def test_what_a_run_has_in_hand_or_has_no_answer_is_left(project, manager):
    live = factories.run(project, "filter", "running")
    factories.prompt(project, "to_filter", run=live)
    factories.prompt(project, "to_filter", lease_until=timezone.now() + timedelta(minutes=1))
    free = factories.prompt(project, "to_filter")
    seen = changing.preview(changing.ACTIONS["review"], project.prompts.all())
    assert (seen.touched, seen.left) == (1, ((2, "a run has them in hand"),))
    do(project, "review", manager)
    assert [p.pk for p in project.prompts.in_state(State.TO_REVIEW)] == [free.pk]

    unanswered = factories.prompt(project, "rejected")
    seen = changing.preview(changing.ACTIONS["reopen"], project.prompts.filter(pk=unanswered.pk))
    assert (seen.touched, seen.left) == (0, ((1, "they have no answer to review"),))


def test_the_filter_of_the_list_and_ticked_prompts_of_this_project_alone(project, manager):
    foreign = factories.prompt(factories.project(), "parked", domain="climate")
    here = {domain: factories.prompt(project, "parked", domain=domain) for domain in ("climate", "physics", "optics")}
    do(project, "retry", manager, query="domain=climate&state=parked")
    assert {name for name, prompt in here.items() if state_of(prompt) == State.PARKED} == {"physics", "optics"}
    do(project, "retry", manager, keys=[here["optics"].key, foreign.key])
    assert {name for name, prompt in here.items() if state_of(prompt) == State.PARKED} == {"physics"}
    assert state_of(foreign) == State.PARKED


def test_what_came_after_the_preview_is_left(project, manager):
    seen = factories.prompt(project, "parked")
    change = begin(project, "retry", manager)
    change.detail["seen_at"] = timezone.now().isoformat()
    change.save()
    later = factories.prompt(project, "parked", state_changed_at=timezone.now() + timedelta(seconds=1))
    runs(change)
    assert (state_of(seen), state_of(later)) == (State.TO_COLLECT, State.PARKED)


@pytest.mark.parametrize(
    ("name", "wish", "says"),
    [
        ("drop", {}, "no bulk action"),
        ("reopen", {"reason": " "}, "Say why"),
        ("reject", {"reason": ""}, "Say why"),
        ("assign", {}, "at least one member"),
        ("assign", {"people": ["viewer"]}, "at least one member"),
        ("assign", {"people": ["stranger"]}, "at least one member"),
        ("reject", {"reasons": ["ugly"]}, "Unknown reasons ugly"),
    ],
)
def test_a_wrong_wish_is_refused_with_what_is_missing(project, manager, name, wish, says):
    known = {"viewer": factories.member(project, "viewer"), "stranger": factories.user()}
    wish = wish | {"people": [known[each].pk for each in wish.get("people", ())]}
    with pytest.raises(ValueError, match=says):
        begin(project, name, manager, **wish)
    assert not Change.objects.exists()


# -- what each does, and back ----------------------------------------------------------------------------------------


def settled(project, action="accept"):
    """A prompt that one person decided, and that took effect."""
    prompt = factories.prompt(project, State.TO_REVIEW)
    person = factories.member(project, "reviewer")
    factories.annotation(prompt.current_response, person, action)
    factories.resolution(prompt.current_response, action, text="" if action == "reject" else "An answer.")
    prompt.go(State.ACCEPTED if action == "accept" else State.REJECTED, "resolved")
    return prompt


def test_reopened_prompts_wait_for_review_and_go_back_as_they_were(project, manager):
    accepted, rejected = settled(project), settled(project, "reject")
    before = as_kept(project)
    change, _ = do(project, "reopen", manager, reason="The guidelines changed.")
    for prompt in (accepted, rejected):
        prompt.refresh_from_db()
        assert (prompt.state, prompt.given) == (State.TO_REVIEW, 0)
        event = prompt.events.get(kind="reopened")
        assert (event.detail["reason"], event.actor, event.run) == ("The guidelines changed.", manager, change.run)
    assert not Annotation.objects.filter(current=True).exists()
    assert not Resolution.objects.filter(current=True).exists()
    run = undo(change)
    assert (run.counters, change.undone_by) == ({"taken_back": 2}, manager)
    assert as_kept(project) == before
    assert accepted.events.filter(kind="change_taken_back", to_state="accepted").count() == 1
    assert (tallies.states(project), tallies.decisions(project)) == tallies.counted(project)


@pytest.mark.parametrize("state", ["to_filter", "to_judge", "to_regenerate"])
def test_what_machines_had_goes_to_people_and_back(project, manager, state):
    prompt = factories.prompt(project, state)
    if state == "to_regenerate":
        factories.annotation(prompt.current_response, manager, "regenerate")
        factories.resolution(prompt.current_response, "regenerate", text="")
    before = as_kept(project)
    change, _ = do(project, "review", manager)
    assert state_of(prompt) == State.TO_REVIEW
    undo(change)
    assert as_kept(project) == before


@pytest.mark.parametrize("state", [state for state in State.values if state != "rejected"])
def test_rejected_ones_say_who_and_why_and_go_back(project, manager, state):
    prompt = factories.prompt(project, state, answer="An answer." if state not in ("to_collect", "parked") else None)
    reviewer = factories.member(project, "reviewer")
    if state in ("accepted", "to_review", "to_resolve"):
        factories.annotation(prompt.current_response, reviewer, "accept")
    if state == "accepted":
        factories.resolution(prompt.current_response)
    if state == "to_review":
        ReviewClaim.objects.create(prompt=prompt, reviewer=reviewer, until=timezone.now() + timedelta(minutes=5))
    before = as_kept(project)
    change, _ = do(project, "reject", manager, reason="Not chemistry.", reasons=["off_topic"])
    prompt.refresh_from_db()
    assert (prompt.state, prompt.error_class, prompt.claims.count()) == (State.REJECTED, "", 0)
    if prompt.current_response:
        held = Resolution.objects.get(current=True)
        assert (held.action, held.by, held.decided_by, held.comment) == (
            *("reject", "manager", manager, "Not chemistry."),
        )
        assert held.applied_at
        assert held.reasons == ["off_topic"]
    assert prompt.events.get(kind="rejected").detail["reason"] == "Not chemistry."
    undo(change)
    assert as_kept(project) == before
    assert (tallies.states(project), tallies.decisions(project)) == tallies.counted(project)


@pytest.mark.parametrize("target", ["accepted", "to_resolve", "parked"])
def test_the_ways_back_lead_back_and_nowhere_else(project, target):
    prompt = factories.prompt(project, "rejected", answer="An answer.")
    options = {"parked_from": "to_collect"} if target == "parked" else {}
    with pytest.raises(ValueError, match=f"from rejected to {target}"):
        prompt.go(target, "tested", source="rejected")
    assert prompt.go(target, "tested", source="rejected", back=True, **options)


def test_what_comes_to_people_takes_its_place_in_the_queue(project, manager):
    project.queue_order = "random"
    project.save()
    prompts = [settled(project) for _ in range(3)]
    do(project, "reopen", manager)
    assert len(set(project.prompts.filter(pk__in=[p.pk for p in prompts]).values_list("rank", flat=True))) == 3


def test_parked_ones_wait_again_and_are_parked_again(project, manager):
    call = factories.call(project)
    factories.prompt(project, "parked", failed_call=call)
    factories.prompt(project, "parked", parked_from="to_judge", error_class="quota", answer="An answer.")
    before = as_kept(project)
    change, _ = do(project, "retry", manager)
    assert sorted(project.prompts.values_list("state", flat=True)) == ["to_collect", "to_judge"]
    undo(change)
    assert as_kept(project) == before
    assert project.prompts.filter(failed_call=call).count() == 1


def test_pinned_ones_are_unpinned_again(project, manager):
    first, second = (factories.prompt(project, "to_review") for _ in range(2))
    Prompt.objects.filter(pk=second.pk).update(pinned=True)
    before = as_kept(project)
    change, run = do(project, "pin", manager)
    assert (project.prompts.filter(pinned=True).count(), run.counters) == (2, {"changed": 1})
    assert first.events.get().kind == "pinned"
    undo(change)
    assert as_kept(project) == before


def test_people_take_turns_and_nobody_gets_what_they_decided(project, manager):
    ada, ben = (factories.member(project, "reviewer", name=name) for name in ("ada", "ben"))
    prompts = [factories.prompt(project, "to_review") for _ in range(5)]
    factories.annotation(prompts[0].current_response, ada)
    before = as_kept(project)
    change, _ = do(project, "assign", manager, people=[ada.pk, ben.pk])
    given = dict(Assignment.objects.values_list("prompt", "reviewer__username"))
    assert given[prompts[0].pk] == "ben"
    assert sorted(given.values()) in (["ada", "ada", "ben", "ben", "ben"], ["ada", "ada", "ada", "ben", "ben"])
    more, run = do(project, "assign", manager, people=[ben.pk])
    assert run.counters == {"changed": list(given.values()).count("ada"), "left_as_they_were": 5 - more.items.count()}
    assert Assignment.objects.filter(reviewer=ben).count() == 5
    undo(more)
    assert dict(Assignment.objects.values_list("prompt", "reviewer__username")) == given
    undo(change)
    assert as_kept(project) == before


def test_a_pair_is_assigned_whole(project, manager):
    project.paired = True
    project.save()
    ada, ben = (factories.member(project, "reviewer", name=name) for name in ("ada", "ben"))
    pairs = [factories.pair(project, "to_review") for _ in range(3)]
    do(project, "assign", manager, people=[ada.pk, ben.pk])
    given = dict(Assignment.objects.values_list("prompt", "reviewer__username"))
    assert len(given) == 6
    assert all(given[pair.hypothesis_id] == given[pair.methodology_id] for pair in pairs)
    assert len(set(given.values())) == 2


def test_a_methodology_falls_and_rises_with_its_hypothesis(project, manager):
    project.paired = True
    project.save()
    pair = factories.pair(project, "to_review")
    before = as_kept(project)
    keys = [pair.hypothesis.key]
    rejection, _ = do(project, "reject", manager, keys=keys)
    assert (state_of(pair.hypothesis), state_of(pair.methodology)) == ("rejected", "rejected")
    fallen = as_kept(project)
    reopening, _ = do(project, "reopen", manager, keys=keys)
    assert (state_of(pair.hypothesis), state_of(pair.methodology)) == ("to_review", "to_review")
    undo(reopening)
    assert as_kept(project) == fallen
    undo(rejection)  # it stands as the rejection left it, but went elsewhere and came back
    assert list(rejection.items.values_list("undone", flat=True)) == [False, False]

    again, _ = do(project, "reopen", manager, keys=keys)
    fresh, _ = do(project, "reject", manager, keys=keys)
    undo(fresh)
    assert as_kept(project)[0] == before[0]
    assert again.items.count() == 2


# -- undo after something else happened ------------------------------------------------------------------------------


def test_undo_leaves_what_else_happened_and_lists_it(project, manager, settings):
    settings.REVIEW_UNDO_SECONDS = 0
    project.reviews_required = 2
    project.save()
    untouched, decided, answered, moved, rejected = (settled(project) for _ in range(5))
    change, _ = do(project, "reopen", manager)
    submit(
        project, factories.member(project, "reviewer"), [Choice(decided.current_response_id, "accept")],
        idempotency_key="one",
    )  # fmt: skip
    factories.response(answered, "Another answer.")
    moved.refresh_from_db()
    moved.go(State.TO_REGENERATE, "resolved")
    do(project, "reject", manager, keys=[rejected.key])
    run = undo(change)
    assert run.counters == {"taken_back": 1, "left_as_they_were": 4}
    assert state_of(untouched) == State.ACCEPTED
    said = dict(change.items.filter(undone=False).values_list("prompt", "after__since"))
    assert said == {
        decided.pk: "somebody has decided on it since",
        answered.pk: "it has another answer now",
        moved.pk: "it is to regenerate now",
        rejected.pk: "it is rejected now",
    }
    assert Annotation.objects.filter(response__prompt=decided, current=True).count() == 1


def test_what_came_back_to_the_same_state_has_moved_all_the_same(project, manager):
    prompt = settled(project)
    first, _ = do(project, "reopen", manager)
    prompt.refresh_from_db()
    prompt.go(State.TO_REGENERATE, "resolved")
    prompt.go(State.TO_REVIEW, "attempts_used_up")
    undo(first)
    assert first.items.get().after["since"] == "it went elsewhere and came back to to review"


def test_a_methodology_stays_where_its_hypothesis_does(project, manager):
    project.paired = True
    project.save()
    pair = factories.pair(project, "accepted")
    rejection, _ = do(project, "reject", manager, keys=[pair.hypothesis.key])
    Prompt.objects.filter(pk=pair.hypothesis_id).move(State.TO_REVIEW, "reopened")
    undo(rejection)
    assert (state_of(pair.hypothesis), state_of(pair.methodology)) == ("to_review", "rejected")
    assert rejection.items.get(prompt=pair.methodology).after["since"] == "its hypothesis stays as it is"


def test_assignments_that_were_worked_off_stay(project, manager):
    ada = factories.member(project, "reviewer", name="ada")
    done, waiting = (factories.prompt(project, "to_review") for _ in range(2))
    change, _ = do(project, "assign", manager, people=[ada.pk])
    factories.annotation(done.current_response, ada)
    undo(change)
    assert list(Assignment.objects.values_list("prompt", flat=True)) == [done.pk]
    assert change.items.get(undone=False).after["since"] == "they have decided on it since"
    assert change.items.get(undone=True).prompt == waiting


# -- killed, cancelled, two at once ----------------------------------------------------------------------------------


class Killed(BaseException):
    """What stands for a worker that is gone: nothing catches it."""


def killing(monkeypatch, module, name, at):
    """Kill whoever calls `module.name` for the `at`th time, after it did its work; returns how to stop that."""
    real, calls = getattr(module, name), []

    def call(*args, **options):
        result = real(*args, **options)
        calls.append(1)
        if len(calls) == at:
            raise Killed
        return result

    monkeypatch.setattr(module, name, call)


@pytest.mark.parametrize("where", ["_change", "_next", "lock_units"])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_killed_in_the_middle_and_begun_again_it_does_nothing_twice(project, manager, monkeypatch, where, at):
    monkeypatch.setattr(bulk, "PORTION", 3)
    prompts = [settled(project) for _ in range(8)]
    change = begin(project, "reopen", manager)
    run = factories.run(project, "bulk", parameters={"change": change.pk}, created_by=manager)
    with monkeypatch.context() as patch:
        killing(patch, bulk, where, at)
        with pytest.raises(Killed):
            stage.work(run)
    assert stage.work(run) == "ended"
    run.refresh_from_db()
    assert (run.state, run.done, run.total, run.counters) == ("finished", 8, 8, {"changed": 8})
    assert change.items.count() == 8
    assert {prompt.events.filter(kind="reopened").count() for prompt in prompts} == {1}


@pytest.mark.parametrize("at", [1, 2, 3])
def test_an_undo_that_is_killed_goes_on(project, manager, monkeypatch, at):
    monkeypatch.setattr(changing.undoing, "PORTION", 3)
    for _ in range(8):
        settled(project)
    before = as_kept(project)
    change, _ = do(project, "reopen", manager)
    run = factories.run(project, "bulk", parameters={"change": change.pk, "undo": True}, created_by=manager)
    with monkeypatch.context() as patch:
        killing(patch, changing.undoing, "_restore", at)
        with pytest.raises(Killed):
            stage.work(run)
    assert stage.work(run) == "ended"
    run.refresh_from_db()
    assert (run.state, run.done, run.total, run.counters) == ("finished", 8, 8, {"taken_back": 8})
    assert as_kept(project) == before
    assert Event.objects.filter(kind="change_taken_back").count() == 8


def test_cancelled_it_stops_between_two_portions_and_what_it_did_can_be_taken_back(project, manager, monkeypatch):
    monkeypatch.setattr(bulk, "PORTION", 3)
    for _ in range(8):
        settled(project)
    change = begin(project, "reopen", manager)
    run = factories.run(project, "bulk", parameters={"change": change.pk}, created_by=manager)
    Change.objects.filter(pk=change.pk).update(run=run)
    change.refresh_from_db()
    real = bulk.go_on

    def one_portion(*args):
        run.cancel()
        return real(*args)

    monkeypatch.setattr(bulk, "go_on", one_portion)
    assert stage.work(run) == "ended"
    run.refresh_from_db()
    assert (run.state, run.done) == ("cancelled", 3)
    assert changing.why_not_undo(change) == ""
    undo(change)
    assert project.prompts.in_state(State.ACCEPTED).count() == 8


def test_a_worker_that_must_end_leaves_the_rest_to_the_next(project, manager, monkeypatch):
    monkeypatch.setattr(bulk, "PORTION", 3)
    for _ in range(5):
        settled(project)
    change = begin(project, "reopen", manager)
    run = factories.run(project, "bulk", parameters={"change": change.pk}, created_by=manager)
    asked = iter([False, True])
    assert stage.work(run, lambda: next(asked)) == "stopped"
    assert change.items.count() == 3
    assert stage.work(run) == "ended"
    assert change.items.count() == 5


@pytest.mark.django_db(transaction=True)
def test_two_actions_at_once_change_each_prompt_once(project, manager, monkeypatch):
    monkeypatch.setattr(bulk, "PORTION", 4)
    prompts = [settled(project) for _ in range(20)]
    changes = [begin(project, name, manager) for name in ("reopen", "reject", "reopen")]
    works = [factories.run(project, "bulk", parameters={"change": c.pk}, created_by=manager) for c in changes]
    together(*[lambda run=run: stage.work(run) for run in works])
    reopened = Event.objects.filter(kind="reopened").count()
    assert reopened == ChangeItem.objects.filter(change__action="reopen").count()
    assert Event.objects.filter(kind="rejected").count() == ChangeItem.objects.filter(change__action="reject").count()
    assert (tallies.states(project), tallies.decisions(project)) == tallies.counted(project)
    assert {run.state for run in project.runs.all()} == {"finished"}
    assert Resolution.objects.filter(current=True, response__prompt__state=State.TO_REVIEW).count() == 0
    assert len(prompts) == 20


@pytest.mark.django_db(transaction=True)
def test_two_jobs_of_one_run_do_nothing_twice(project, manager, monkeypatch):
    monkeypatch.setattr(bulk, "PORTION", 3)
    prompts = [settled(project) for _ in range(20)]
    change = begin(project, "reopen", manager)
    run = factories.run(project, "bulk", parameters={"change": change.pk}, created_by=manager)
    together(*[lambda: stage.work(type(run).objects.get(pk=run.pk)) for _ in range(3)])
    run.refresh_from_db()
    assert (run.done, run.counters, change.items.count()) == (20, {"changed": 20}, 20)
    assert {prompt.events.filter(kind="reopened").count() for prompt in prompts} == {1}


def test_new_answers_of_a_run_do_not_join_while_it_goes_on(project, manager, monkeypatch):
    """Between the look and the lock a prompt moved on: it is left."""
    monkeypatch.setattr(bulk, "PORTION", 2)
    prompts = [settled(project) for _ in range(4)]
    change = begin(project, "reopen", manager)
    real = bulk._next

    def look(change):
        found = real(change)
        Prompt.objects.filter(pk=prompts[0].pk).move(State.TO_REGENERATE, "asked_again")
        return found

    monkeypatch.setattr(bulk, "_next", look)
    run = runs(change)
    assert run.counters == {"changed": 3, "left_as_they_were": 1}
    assert state_of(prompts[0]) == State.TO_REGENERATE
