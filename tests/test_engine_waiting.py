"""What a run does with questions that somebody else is asking already."""

from datetime import timedelta

import pytest
from django.utils import timezone

from curation.models import Call, JudgeScore, State
from pipeline import jobs
from pipeline.stages import collect, judge
from tests import factories, teacher_replies


@pytest.fixture
def project(db, teacher_server):
    teacher = factories.teacher(base_url=teacher_server.url, model="stand-in", concurrency=4)
    made = factories.project(teacher=teacher)
    for _ in range(3):
        factories.prompt(made, "to_collect")
    return made


def asked_by_another(project, prompt, **fields):
    """The call that would be bought for this prompt, under way for another project."""
    run = factories.run(project)
    prompt.project = project
    ask = collect.prepare(run, [prompt])[0].asks["answer"]
    run.delete()
    until = timezone.now() + timedelta(hours=20)
    defaults = {"payload_hash": ask.payload_hash, "state": "sent", "raw_reply": "", "lease_until": until}
    return factories.call(factories.project(), **({"teacher": ask.teacher} | defaults | fields))


def carried_out(project):
    run = jobs.prepare(project, "collect")
    jobs.carry_out(run)
    run.refresh_from_db()
    return run


def test_a_question_in_a_batch_of_another_run_holds_nobody_up(project, teacher_server):
    prompt = project.prompts.first()
    other = factories.project()
    asked_by_another(project, prompt, batch=factories.batch(other))
    run = carried_out(project)
    assert (run.state, run.done, len(teacher_server.requests)) == ("finished", 2, 2)
    assert run.notice == "Left to a batch of another run that asks the same: 1."
    prompt.refresh_from_db()
    assert (prompt.state, prompt.lease_until, prompt.run) == (State.TO_COLLECT, None, None)


def test_what_waits_for_another_runs_batch_at_the_gate_keeps_nobody_from_being_collected(project, teacher_server):
    """A pipeline finishes prompts before it begins new ones, but not those that it cannot finish now."""
    project.judge_factuality = project.judge_reasoning = project.teacher
    project.save()
    other = factories.project()
    for prompt in [factories.prompt(project, "to_judge", answer=f"{n} mg of zinc.") for n in range(30)]:
        prompt.project, prompt.current_response = project, prompt.responses.get()
        ask = judge.prepare(factories.run(project, state="finished"), [prompt])[0].asks.popitem()[1]
        until = timezone.now() + timedelta(hours=20)
        kept = {"payload_hash": ask.payload_hash, "state": "sent", "raw_reply": "", "lease_until": until}
        factories.call(other, teacher=ask.teacher, batch=factories.batch(other), **kept)
    run = jobs.prepare(project, "pipeline")
    jobs.carry_out(run)
    run.refresh_from_db()
    assert run.state == "finished"
    assert not project.prompts.in_state(State.TO_COLLECT).exists()


def test_an_answer_that_another_row_of_the_same_endpoint_brought_frees_its_slot(project, teacher_server):
    """The call belongs to another teacher at the same address; more prompts than slots are asked all the same."""
    twin = factories.teacher(base_url=teacher_server.url, model="stand-in", concurrency=4)
    lapsed = timezone.now() - timedelta(hours=1)
    for prompt in project.prompts.all():
        asked_by_another(project, prompt, teacher=twin, lease_until=lapsed)
    for _ in range(9):
        factories.prompt(project, "to_collect")
    run = carried_out(project)
    assert (run.done, len(teacher_server.requests), run.counters["maybe_paid_twice"]) == (12, 12, 3)
    assert set(Call.objects.values_list("state", flat=True)) == {"answered"}


def test_an_answer_found_for_a_prompt_that_the_cap_leaves_waiting_is_saved_once(project, teacher_server):
    """Under a cap a prompt may come up several times until there is room; half of what it asks was bought before."""
    teacher = project.teacher
    teacher.parameters, teacher.input_price, teacher.output_price = {"max_tokens": 300}, 1, 1
    teacher.save()
    judged = [factories.project(judge_factuality=teacher, judge_reasoning=teacher) for _ in range(2)]
    for each in judged:
        for n in range(12):
            factories.prompt(each, "to_judge", context=f"The same passage {n}", answer=f"{n} mg of zinc.")
    jobs.carry_out(jobs.prepare(judged[0], "judge"))
    kept = list(JudgeScore.objects.filter(rubric="factuality").values_list("call", flat=True))
    JudgeScore.objects.filter(rubric="reasoning").delete()
    Call.objects.exclude(pk__in=kept).delete()
    teacher_server.delay = 0.3
    run = jobs.prepare(judged[1], "judge", {"cap_usd": "0.008"})
    jobs.carry_out(run)
    teacher_server.delay = 0
    run.refresh_from_db()
    assert 0 < run.counters["reused"] <= 12


def test_a_few_prompts_that_always_fail_hold_nobody_up(project, teacher_server, settings):
    """They are parked after their tries; the endpoint answers all others, so no breaker makes the run wait."""
    settings.BREAKER_PAUSE_SECONDS, settings.RETRY_PAUSE_SECONDS = 600, 0.01
    for number in range(4):
        factories.prompt(project, "to_collect", user_prompt=f"Stubborn {number}.")
    teacher_server.script(teacher_replies.server_error(), when="Stubborn", always=True)
    run = carried_out(project)
    assert (run.state, run.counters["parked"], run.counters["to_filter"]) == ("finished", 4, 3)
    assert set(project.prompts.in_state("parked").values_list("error_class", flat=True)) == {"server_error"}
