"""The three bands in a run: refused, for people, accepted without a person; its audit, and pairs that go together."""

from functools import partial

import pytest

from curation import reviewing
from curation.models import Event, GateResult, Prompt, Resolution, Ruleset, State, TeacherResponse
from pipeline import jobs
from pipeline.gate import load_gate
from tests import factories, gates, teacher_replies
from tests.running import run
from tests.threads import together

pytestmark = pytest.mark.django_db(transaction=True)

RANGE = {"judge_f_threshold": 60, "judge_r_threshold": 60, "accept_f_from": 90, "accept_r_from": 90}


@pytest.fixture
def project(teacher_server, settings):
    settings.RETRY_PAUSE_SECONDS, settings.REVIEW_UNDO_SECONDS = 0.01, 0
    teacher = factories.teacher(base_url=teacher_server.url)
    made = factories.project(teacher=teacher, judge_factuality=teacher, judge_reasoning=teacher, paired=False)
    Ruleset.record(made, "gate", load_gate(RANGE))
    return made


def scored(score, **fields):
    return teacher_replies.Reply(fields={"score": score} | fields)


def says(words):
    return lambda body: words in body["messages"][-1]["content"].split("Response:")[-1]


def state_of(prompt):
    prompt.refresh_from_db()
    return prompt.state


def verdict(prompt):
    prompt.refresh_from_db()
    return prompt.current_response.gate_results.order_by("pk").last()


@pytest.mark.parametrize(
    ("score", "state", "audit"),
    [(59, State.TO_REGENERATE, False), (60, State.TO_REVIEW, False), (89, State.TO_REVIEW, False), (90, "", None)],
)
@pytest.mark.parametrize("percent", ["none", "drawn", "not drawn"])
def test_where_a_score_leads(project, teacher_server, score, state, audit, percent):
    prompt = factories.prompt(project, State.TO_JUDGE)
    if percent != "none":
        (gates.let_in if percent == "drawn" else gates.keep_out)(prompt)
    teacher_server.script(scored(score), always=True)
    run(project, "judge")
    in_band = State.ACCEPTED if percent == "drawn" else State.TO_REVIEW
    assert state_of(prompt) == (state or in_band)
    result = verdict(prompt)
    assert (result.outcome, result.score) == (prompt.state, score)
    assert result.audit == (percent != "drawn" if audit is None else audit)
    event = Event.objects.get(prompt=prompt, kind="gated")
    assert event.detail.get("audit", False) == result.audit


def test_what_is_accepted_without_a_person_says_so_and_what_is_audited_is_reviewed(project, teacher_server):
    prompts = [factories.prompt(project, State.TO_JUDGE) for _ in range(30)]
    project.auto_accept_percent = 50
    project.save()
    teacher_server.script(scored(95), always=True)
    run(project, "judge")
    states = {state_of(prompt) for prompt in prompts}
    assert states == {State.ACCEPTED, State.TO_REVIEW}
    assert set(Resolution.objects.values_list("by", "action")) == {("policy", "accept")}
    assert GateResult.objects.filter(audit=True).count() == project.prompts.in_state(State.TO_REVIEW).count()
    assert GateResult.objects.filter(audit=True, outcome="accepted").count() == 0


def test_scores_that_decide_nothing_keep_nothing_back(project, teacher_server):
    Ruleset.record(project, "gate", load_gate({"decides": False}))
    prompt = factories.prompt(project, State.TO_JUDGE)
    gates.let_in(prompt)
    teacher_server.script(scored(3), always=True)
    run(project, "judge")
    assert state_of(prompt) == State.ACCEPTED


class TestPairs:
    """Hypothesis and method are accepted without a person together, or neither is."""

    @pytest.fixture
    def pair(self, project):
        project.paired = True
        project.save()
        pair = factories.pair(project, State.TO_JUDGE)
        Prompt.objects.filter(pk=pair.methodology.pk).update(state=State.TO_COLLECT)
        pair.project = project
        gates.let_in(pair.hypothesis, pair.methodology)
        return pair

    def method_comes(self, pair):
        """The method is asked and passes the filters."""
        Prompt.objects.filter(pk=pair.methodology.pk).update(state=State.TO_JUDGE)

    def states(self, pair):
        return state_of(pair.hypothesis), state_of(pair.methodology)

    def test_the_hypothesis_waits_for_its_method_and_both_are_accepted(self, project, pair, teacher_server):
        teacher_server.script(scored(95), always=True)
        first = run(project, "judge")
        assert self.states(pair) == (State.TO_REVIEW, State.TO_COLLECT)
        assert verdict(pair.hypothesis).audit
        reviewer = factories.member(project, "reviewer")
        assert isinstance(reviewing.claim_next(project, reviewer), reviewing.EmptyQueue)
        assert first.counters["to_review"] == 1
        self.method_comes(pair)
        second = run(project, "judge")
        assert self.states(pair) == (State.ACCEPTED, State.ACCEPTED)
        assert [verdict(each).audit for each in (pair.hypothesis, pair.methodology)] == [False, False]
        assert [verdict(each).outcome for each in (pair.hypothesis, pair.methodology)] == ["accepted", "accepted"]
        assert Resolution.objects.filter(by="policy", current=True).count() == 2
        assert (second.done, second.total, second.counters["accepted"]) == (1, 1, 1)

    @pytest.mark.parametrize(("hypothesis", "method"), [(95, 80), (80, 95)])
    def test_one_half_below_the_accept_band_sends_both_to_people(
        self, project, pair, teacher_server, hypothesis, method
    ):
        teacher_server.script(scored(hypothesis), when=says("overpotential of the cobalt"), always=True)
        teacher_server.script(scored(method), always=True)
        run(project, "judge")
        self.method_comes(pair)
        run(project, "judge")
        assert self.states(pair) == (State.TO_REVIEW, State.TO_REVIEW)
        assert verdict(pair.methodology).pair_score == (hypothesis + method) / 2
        assert verdict(pair.hypothesis).pair_score is None
        assert not Resolution.objects.exists()

    def test_a_person_who_decided_the_hypothesis_meanwhile_keeps_the_method_for_people(
        self, project, pair, teacher_server
    ):
        teacher_server.script(scored(95), always=True)
        run(project, "judge")
        factories.annotation(pair.hypothesis.current_response, factories.member(project, "reviewer"))
        self.method_comes(pair)
        run(project, "judge")
        assert self.states(pair) == (State.TO_REVIEW, State.TO_REVIEW)

    def test_both_in_one_run(self, project, pair, teacher_server):
        self.method_comes(pair)
        teacher_server.script(scored(95), always=True)
        run(project, "judge")
        assert self.states(pair) == (State.ACCEPTED, State.ACCEPTED)
        assert verdict(pair.methodology).pair_score == 95

    def test_both_in_one_run_and_one_is_refused(self, project, pair, teacher_server):
        project.on_gate_fail = "to_regenerate"
        project.save()
        self.method_comes(pair)
        teacher_server.script(scored(95), when=says("overpotential of the cobalt oxide film at"), always=True)
        teacher_server.script(scored(20), always=True)
        run(project, "judge")
        assert self.states(pair) == (State.TO_REVIEW, State.TO_REGENERATE)

    def test_the_method_first_then_the_hypothesis(self, project, pair, teacher_server):
        """As after another gate, when both are judged again in any order."""
        teacher_server.script(scored(95), always=True)
        Prompt.objects.filter(pk=pair.hypothesis.pk).update(state=State.TO_FILTER)
        self.method_comes(pair)
        run(project, "judge")
        assert self.states(pair) == (State.TO_FILTER, State.TO_REVIEW)
        Prompt.objects.filter(pk=pair.hypothesis.pk).update(state=State.TO_JUDGE)
        run(project, "judge")
        assert self.states(pair) == (State.ACCEPTED, State.ACCEPTED)
        assert verdict(pair.methodology).pair_score == 95

    def test_a_method_that_tests_another_answer_is_not_accepted_with_it(self, project, pair, teacher_server):
        teacher_server.script(scored(95), always=True)
        run(project, "judge")
        older = factories.response(pair.hypothesis, "An older hypothesis.", current=False)
        TeacherResponse.objects.filter(pk=pair.methodology.current_response_id).update(hypothesis=older)
        self.method_comes(pair)
        run(project, "judge")
        assert self.states(pair) == (State.TO_REVIEW, State.TO_REVIEW)

    def test_imported_halves_are_for_people(self, project, pair, teacher_server):
        imported = factories.teacher("Old", kind="imported", model="old", base_url="")
        TeacherResponse.objects.filter(pk=pair.hypothesis.current_response_id).update(teacher=imported)
        teacher_server.script(scored(95), always=True)
        run(project, "judge")
        self.method_comes(pair)
        run(project, "judge")
        assert self.states(pair) == (State.TO_REVIEW, State.TO_REVIEW)

    def test_another_gate_takes_both_back_and_judges_them_together(self, project, pair, teacher_server):
        self.method_comes(pair)
        teacher_server.script(scored(95), always=True)
        run(project, "judge")
        Ruleset.record(project, "gate", load_gate(RANGE | {"accept_f_from": 96}))
        run(project, "judge")
        assert self.states(pair) == (State.TO_REVIEW, State.TO_REVIEW)
        assert not Resolution.objects.filter(current=True).exists()
        Ruleset.record(project, "gate", load_gate(RANGE | {"accept_f_from": 70}))
        run(project, "judge")
        assert self.states(pair) == (State.ACCEPTED, State.ACCEPTED)
        assert Resolution.objects.filter(current=True).count() == 2

    def test_two_workers_that_decide_the_halves_at_once_accept_both(self, project, teacher_server):
        project.paired = True
        project.save()
        pairs = [factories.pair(project, State.TO_JUDGE) for _ in range(4)]
        gates.let_in(*(half for pair in pairs for half in (pair.hypothesis, pair.methodology)))
        teacher_server.script(scored(95), always=True)
        runs = [factories.run(project, "judge") for _ in ("hypothesis", "methodology")]
        for each, task_type in zip(runs, ("hypothesis", "methodology"), strict=True):
            each.enlist(Prompt.objects.filter(task_type=task_type))
        together(*(partial(jobs.carry_out, each) for each in runs))
        assert set(project.prompts.values_list("state", flat=True)) == {State.ACCEPTED}
        assert Resolution.objects.filter(by="policy", current=True).count() == 8
        assert GateResult.objects.filter(audit=True).count() == 0
