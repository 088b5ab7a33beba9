"""The states of a prompt: where each may lead, what a move leaves behind, and who holds a prompt meanwhile."""

from datetime import timedelta

import pytest
from django.utils import timezone

from curation.models import Event, Prompt, State
from tests import factories
from tests.threads import together

# The table of the design, and the ways back: reopened, retried, and what a pair's hypothesis does to its methodology.
LEADS_TO = {
    "to_collect": "to_filter parked rejected",
    "to_filter": "to_collect to_judge to_review to_regenerate rejected",
    "to_judge": "to_collect to_filter to_review accepted to_regenerate rejected parked",
    "to_review": "to_collect to_filter to_judge accepted rejected to_regenerate to_resolve",
    "to_resolve": "to_collect accepted rejected to_regenerate to_review",
    "to_regenerate": "to_collect to_filter to_judge to_review rejected parked",
    "accepted": "to_collect to_filter to_judge to_review rejected to_regenerate",
    "rejected": "to_filter to_judge to_review to_regenerate to_collect",
    "parked": "to_collect to_judge to_regenerate rejected",
}
MOVES = [(source, target, target in LEADS_TO[source].split()) for source in State.values for target in State.values]


@pytest.mark.parametrize(("source", "target", "allowed"), MOVES)
def test_moves(project, source, target, allowed):
    prompt = factories.prompt(project, source, answer="An answer.")
    if allowed:
        options = {"parked_from": source} if target == "parked" else {}
        assert prompt.go(target, "tested", source=source, **options)
        assert prompt.state == target
        assert prompt.events.filter(from_state=source, to_state=target, kind="tested").count() == 1
    else:
        with pytest.raises(ValueError, match=f"from {source} to {target}"):
            prompt.go(target, "tested", source=source)
        prompt.refresh_from_db()
        assert (prompt.state, prompt.events.count()) == (source, 0)


@pytest.mark.parametrize(("source", "target"), [(source, target) for source, target, allowed in MOVES if not allowed])
def test_a_move_without_source_leaves_others_where_they_are(project, source, target):
    prompt = factories.prompt(project, source, answer="An answer.")
    assert Prompt.objects.filter(pk=prompt.pk).move(target, "tested") == []
    prompt.refresh_from_db()
    assert (prompt.state, prompt.events.count()) == (source, 0)


def test_a_move_says_who_why_and_when(project):
    run, actor = factories.run(project), factories.user()
    prompt = factories.prompt(project, "to_review", run=run, lease_until=timezone.now() + timedelta(hours=1))
    before = prompt.state_changed_at
    assert prompt.go("accepted", "consensus", run=run, actor=actor, detail={"votes": 2})
    event = prompt.events.get()
    assert (event.project, event.run, event.actor, event.detail) == (project, run, actor, {"votes": 2})
    assert prompt.state_changed_at > before
    assert (prompt.run, prompt.lease_until) == (None, None)


def test_a_run_can_keep_its_prompt_from_stage_to_stage(project):
    run = factories.run(project)
    prompt = factories.prompt(project, "to_filter", run=run)
    assert prompt.go("to_judge", "filtered", run=run, keep_run=True)
    assert prompt.run == run


def test_the_same_move_again_does_nothing(project):
    prompt = factories.prompt(project, "to_review")
    assert prompt.go("accepted", "consensus", source="to_review")
    assert not prompt.go("accepted", "consensus", source="to_review")
    assert prompt.events.count() == 1


def test_many_move_at_once_each_with_its_own_detail(project):
    prompts = [factories.prompt(project, "to_filter") for _ in range(3)]
    other = factories.prompt(project, "accepted")
    detail = {prompt.pk: {"failed": [f"rule{number}"]} for number, prompt in enumerate(prompts)}
    moved = project.prompts.all().move("to_regenerate", "filtered", source="to_filter", detail=detail)
    assert sorted(moved) == [prompt.pk for prompt in prompts]
    assert {event.prompt_id: event.detail for event in Event.objects.filter(kind="filtered")} == detail
    assert not other.events.exists()


@pytest.mark.django_db(transaction=True)
def test_two_who_move_the_same_prompt_move_it_once():
    prompt = factories.prompt(factories.project(), "to_review")
    moves = [
        lambda target=target: prompt.__class__.objects.get(pk=prompt.pk).go(target, "tested", source="to_review")
        for target in ("accepted", "rejected") * 4
    ]
    assert sorted(together(*moves)) == [False] * 7 + [True]
    assert prompt.events.count() == 1


class TestPairs:
    """What becomes of a methodology when something happens to its hypothesis."""

    @pytest.mark.parametrize("state", [state for state in State.values if state != "rejected"])
    def test_goes_down_with_a_rejected_hypothesis(self, project, state):
        pair = factories.pair(project, "to_review", methodology_state=state)
        bystander = factories.pair(project, "to_review")
        assert pair.hypothesis.go("rejected", "consensus")
        pair.methodology.refresh_from_db()
        assert pair.methodology.state == "rejected"
        assert pair.methodology.events.get().kind == "hypothesis_rejected"
        bystander.methodology.refresh_from_db()
        assert bystander.methodology.state == "to_review"

    def test_a_rejected_methodology_takes_no_hypothesis_with_it(self, project):
        pair = factories.pair(project, "to_review")
        assert pair.methodology.go("rejected", "consensus")
        pair.hypothesis.refresh_from_db()
        assert pair.hypothesis.state == "to_review"

    @pytest.mark.parametrize(
        ("state", "target"),
        [
            ("to_collect", "to_collect"),
            ("to_filter", "to_regenerate"),
            ("to_judge", "to_regenerate"),
            ("to_review", "to_regenerate"),
            ("to_resolve", "to_regenerate"),
            ("to_regenerate", "to_regenerate"),
            ("accepted", "to_regenerate"),
            ("rejected", "rejected"),
            ("parked", "parked"),
        ],
    )
    def test_is_asked_again_after_a_new_hypothesis(self, project, state, target):
        pair = factories.pair(project, "to_filter", methodology_state=state)
        Prompt.objects.filter(pk=pair.hypothesis_id).hypothesis_changed()
        pair.methodology.refresh_from_db()
        assert pair.methodology.state == target
        assert [event.kind for event in pair.methodology.events.all()] == ["hypothesis_changed"] * (state != target)

    @pytest.mark.parametrize(("state", "target"), [("to_collect", "to_collect"), ("to_review", "to_regenerate")])
    def test_comes_back_with_a_hypothesis_it_went_down_with(self, project, state, target):
        pair = factories.pair(project, "to_review", methodology_state=state)
        assert pair.hypothesis.go("rejected", "consensus")
        assert pair.hypothesis.go("to_regenerate", "ordered")
        assert pair.hypothesis.go("to_filter", "answered")
        Prompt.objects.filter(pk=pair.hypothesis_id).hypothesis_changed()
        pair.methodology.refresh_from_db()
        assert pair.methodology.state == target

    @pytest.mark.django_db
    def test_an_unpaired_project_keeps_them_apart(self):
        pair = factories.pair(factories.project(paired=False), "to_review")
        Prompt.objects.filter(pk=pair.hypothesis_id).hypothesis_changed()
        assert pair.hypothesis.go("rejected", "consensus")
        pair.methodology.refresh_from_db()
        assert pair.methodology.state == "to_review"

    @pytest.mark.parametrize("state", State.values)
    def test_waits_until_its_hypothesis_has_passed_the_machines(self, project, state):
        pair = factories.pair(project, state, methodology_state="to_collect")
        ready = Prompt.objects.filter(task_type="methodology").partner_ready()
        assert list(ready) == ([pair.methodology] if state in ("to_review", "to_resolve", "accepted") else [])


class TestParking:
    @pytest.mark.parametrize("state", ["to_collect", "to_regenerate"])
    def test_says_why_and_goes_back_where_it_was(self, project, state):
        prompt, manager = factories.prompt(project, state), factories.user()
        assert prompt.park("timeout", "No reply in 120 s.")
        assert (prompt.state, prompt.parked_from, prompt.error_class) == ("parked", state, "timeout")
        assert prompt.error_detail == "No reply in 120 s."
        assert prompt.unpark(actor=manager, reason="The endpoint is back.")
        assert (prompt.state, prompt.parked_from, prompt.error_class, prompt.error_detail) == (state, "", "", "")
        assert [event.kind for event in prompt.events.all()] == ["parked", "unparked"]
        assert prompt.events.last().actor == manager

    def test_what_is_not_parked_is_not_unparked(self, project):
        prompt = factories.prompt(project, "to_review")
        assert not prompt.unpark(actor=factories.user())
        assert not prompt.events.exists()


class TestLeases:
    """No two workers have the same prompt in hand."""

    def test_are_given_oldest_first_and_once(self, project):
        prompts = [factories.prompt(project) for _ in range(5)]
        assert project.prompts.lease(3, seconds=60) == prompts[:3]
        assert project.prompts.lease(3, seconds=60) == prompts[3:]
        assert project.prompts.lease(3, seconds=60) == []

    def test_run_out_and_can_be_given_back(self, project):
        prompt = factories.prompt(project)
        assert project.prompts.lease(1, seconds=-1) == [prompt]
        assert project.prompts.lease(1, seconds=60) == [prompt]
        project.prompts.let_go()
        assert project.prompts.lease(1, seconds=60) == [prompt]

    def test_are_renewed_while_held(self, project):
        held, free = factories.prompt(project), factories.prompt(project)
        project.prompts.lease(1, seconds=60)
        assert project.prompts.renew(3600) == 1
        held.refresh_from_db()
        free.refresh_from_db()
        assert held.lease_until > timezone.now() + timedelta(minutes=30)
        assert free.lease_until is None

    @pytest.mark.django_db(transaction=True)
    def test_of_many_workers_at_once_do_not_overlap(self):
        project = factories.project()
        prompts = {factories.prompt(project).pk for _ in range(40)}

        def work():
            mine = []
            while batch := project.prompts.filter(state="to_collect").lease(3, seconds=60):
                mine += [prompt.pk for prompt in batch]
            return mine

        taken = together(*[work] * 4)
        assert sorted(sum(taken, [])) == sorted(prompts)


def test_counts_name_every_state(project):
    factories.prompt(project, "accepted")
    factories.prompt(factories.project(), "accepted")
    counts = project.prompts.state_counts()
    assert counts == dict.fromkeys(State.values, 0) | {"accepted": 1}


def test_events_are_not_deleted(project):
    factories.prompt(project, "to_review").go("accepted", "consensus")
    with pytest.raises(TypeError, match="history"):
        project.events.all().delete()


@pytest.mark.parametrize("decided", ["annotation", "resolution", None])
def test_what_people_decided(project, decided):
    prompt = factories.prompt(project, "to_review")
    other = factories.prompt(project, "to_review")
    old = prompt.current_response
    response = factories.response(prompt)
    factories.annotation(old, factories.user())  # on a former attempt: no decision on this one
    factories.resolution(other.current_response, by="policy")  # nobody's decision
    if decided == "annotation":
        factories.annotation(response, factories.user(), "reject")
    elif decided == "resolution":
        factories.resolution(response)
    assert list(project.prompts.decided_by_people()) == ([prompt] if decided else [])
