"""SampleGate: the pure rule as a table, and the stage against judges that speak real HTTP."""

import pytest

from curation import reviewing
from curation.models import GateResult, JudgeScore, Prompt, Ruleset, State
from pipeline import jobs
from pipeline.config_errors import ConfigError
from pipeline.gate import DEFAULTS, Reading, judge_verdict, load_gate
from tests import factories, gates, teacher_replies
from tests.running import run

BOTH = ["factuality", "reasoning"]


def readings(f=90, r=90, **of_reasoning):
    return [Reading("factuality", f), Reading("reasoning", r, **of_reasoning)]


@pytest.mark.parametrize(
    ("given", "passed", "people", "reasons"),
    [
        (readings(), True, False, []),
        (readings(80, 80.0), True, False, []),
        (readings(79.9, 90), False, False, ["judge_f_low_score"]),
        (readings(10, 20), False, False, ["judge_f_low_score", "judge_r_low_score"]),
        (readings(90, None, error="no JSON"), False, True, ["judge_unreadable"]),
        (readings(90, 90, requires_human_review=True), False, True, ["safety_flag_human_review"]),
        (readings(90, 90, flags=("safety_toxic",)), False, True, ["safety_critical_flag"]),
        (readings(10, 90, flags=("safety_toxic",)), False, True, ["judge_f_low_score", "safety_critical_flag"]),
        (readings(90, 90, flags=("verbose",)), True, False, []),
        ([Reading("factuality", 90)], False, True, ["missing_judge_scores"]),
        (
            [Reading("factuality", 90, ("safety_x",)), Reading("reasoning", 90)],
            False,
            True,
            ["safety_critical_flag"],
        ),
    ],
)
def test_the_verdict(given, passed, people, reasons):
    verdict = judge_verdict(given, BOTH, load_gate(DEFAULTS))
    assert (verdict.passed, verdict.needs_people, verdict.reasons) == (passed, people, reasons)
    assert all(not any(letter.isdigit() for letter in reason) for reason in verdict.reasons)


def test_scores_that_are_shown_only_decide_nothing_but_safety_still_does():
    gate = load_gate({"decides": False})
    assert judge_verdict(readings(1, 2), BOTH, gate).passed
    assert judge_verdict(readings(1, 2, flags=("safety",)), BOTH, gate).needs_people


def test_one_judge_needs_the_project_to_say_that_one_is_enough():
    one = [Reading("factuality", 90)]
    assert judge_verdict(one, ["factuality"], load_gate({})).reasons == ["missing_dual_judge"]
    assert judge_verdict(one, ["factuality"], load_gate({"require_both": False})).passed


def test_wrong_thresholds_are_refused_by_name_all_at_once():
    with pytest.raises(ConfigError) as refused:
        load_gate({"judge_f_threshold": 800, "judge_r_threshold": True, "treshold": 1})
    assert len(refused.value.messages) == 3
    assert "gate.treshold" in str(refused.value)


@pytest.fixture
def project(teacher_server, settings):
    settings.RETRY_PAUSE_SECONDS = 0.01
    teacher = factories.teacher(base_url=teacher_server.url)
    return factories.project(teacher=teacher, judge_factuality=teacher, judge_reasoning=teacher)


@pytest.mark.django_db(transaction=True)
class TestStage:
    def test_good_scores_go_to_people_by_default(self, project):
        prompt = factories.prompt(project, State.TO_JUDGE)
        run(project, "judge")
        prompt.refresh_from_db()
        assert prompt.state == State.TO_REVIEW
        assert {s.rubric: s.score >= 80 for s in JudgeScore.objects.all()} == {"factuality": True, "reasoning": True}
        assert JudgeScore.objects.first().rationale

    @pytest.mark.parametrize("policy", ["to_regenerate", "to_review", "rejected"])
    def test_low_scores_go_where_the_project_says(self, project, teacher_server, policy):
        project.on_gate_fail = policy
        project.save()
        prompt = factories.prompt(project, State.TO_JUDGE)
        teacher_server.script(teacher_replies.low_scores(), always=True)
        run(project, "judge")
        prompt.refresh_from_db()
        assert prompt.state == policy
        assert set(prompt.current_response.gate_results.get().reasons) == {"judge_f_low_score", "judge_r_low_score"}

    def test_an_unreadable_reply_is_asked_once_more(self, project, teacher_server):
        prompt = factories.prompt(project, State.TO_JUDGE)
        teacher_server.script(teacher_replies.unreadable_judgement())
        run(project, "judge")
        prompt.refresh_from_db()
        assert len(teacher_server.requests) == 3
        assert JudgeScore.objects.filter(score__isnull=False).count() == 2

    def test_unreadable_twice_goes_to_people_and_has_no_score(self, project, teacher_server):
        prompt = factories.prompt(project, State.TO_JUDGE)
        gates.let_in(prompt)
        teacher_server.script(teacher_replies.unreadable_judgement(), always=True)
        run(project, "judge")
        prompt.refresh_from_db()
        assert prompt.state == State.TO_REVIEW
        assert prompt.current_response.gate_results.get().reasons == ["judge_unreadable"]
        assert [(s.score, bool(s.error)) for s in JudgeScore.objects.all()] == [(None, True), (None, True)]
        assert len(teacher_server.requests) == 4

    def test_a_safety_flag_goes_to_people_whatever_the_scores(self, project, teacher_server):
        prompt = factories.prompt(project, State.TO_JUDGE)
        gates.let_in(prompt)
        teacher_server.script(teacher_replies.flagged("safety_biosafety"), always=True)
        run(project, "judge")
        prompt.refresh_from_db()
        assert prompt.state == State.TO_REVIEW

    def test_auto_acceptance_takes_the_share_and_says_so(self, project):
        project.auto_accept_percent = 50
        project.save()
        for _ in range(40):
            factories.prompt(project, State.TO_JUDGE)
        run(project, "judge")
        accepted = Prompt.objects.filter(state=State.ACCEPTED)
        assert 8 <= accepted.count() <= 32
        assert {p.current_response.resolutions.get().by for p in accepted} == {"policy"}

    def test_scores_that_are_known_are_not_bought_again(self, project, teacher_server):
        prompt = factories.prompt(project, State.TO_JUDGE)
        run(project, "judge")
        prompt.refresh_from_db()
        Prompt.objects.filter(pk=prompt.pk).update(state=State.TO_JUDGE)
        run(project, "judge")
        assert len(teacher_server.requests) == 2

    def test_the_response_stands_in_the_judges_prompt_as_data(self, project, teacher_server):
        text = "If {{context}} is 'ignored', then {\"score\": 100} \\frac{a}{b} will fall by 5 %."
        factories.prompt(project, State.TO_JUDGE, answer=text)
        run(project, "judge")
        assert text in teacher_server.requests[0]["messages"][-1]["content"]

    def test_another_gate_judges_anew_by_the_known_scores(self, project, teacher_server, settings):
        settings.REVIEW_UNDO_SECONDS = 0
        undecided, decided = factories.prompt(project, State.TO_JUDGE), factories.prompt(project, State.TO_JUDGE)
        run(project, "judge")
        asked = len(teacher_server.requests)
        decided.refresh_from_db()
        choice = reviewing.Choice(response_id=decided.current_response_id, action="accept")
        reviewing.submit(project, factories.member(project, "reviewer"), [choice], idempotency_key="one")
        Ruleset.record(project, "gate", load_gate({"judge_f_threshold": 100, "judge_r_threshold": 100}))
        ended = run(project, "judge")
        assert dict(Prompt.objects.values_list("pk", "state")) == {
            undecided.pk: State.TO_REGENERATE,
            decided.pk: State.ACCEPTED,
        }
        assert len(teacher_server.requests) == asked
        assert ended.counters["would_flip"] == 1
        assert GateResult.objects.count() == 4
        with pytest.raises(jobs.CannotStart):
            jobs.prepare(project, "judge")
