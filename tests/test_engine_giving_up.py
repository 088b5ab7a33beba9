"""What is under way when a prompt is given up or postponed is still this worker's: awaited, kept and stored."""

import time

import pytest

from curation.models import Call, Run, State
from pipeline import jobs, ledger, teachers
from pipeline.asks import Ask, Ticket
from pipeline.stages import collect
from tests import factories, teacher_replies
from tests.running import run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def teacher(teacher_server):
    return factories.teacher("First", base_url=teacher_server.url, concurrency=4, parameters={"max_tokens": 100})


def test_a_teacher_that_stops_the_run_costs_no_answer_of_another(teacher, teacher_server):
    strict = factories.teacher("Second", base_url=teacher_server.url, model="stand-in-strong", concurrency=4)
    project = factories.project(teacher=teacher, paired=False)
    project.more_teachers.add(strict)
    for _ in range(4):
        factories.prompt(project)
    teacher_server.script(teacher_replies.wrong_key(), when=lambda body: body["model"] == strict.model, always=True)
    teacher_server.script(teacher_replies.slow(1.5), when=lambda body: body["model"] == teacher.model, always=True)
    ended = run(project, "collect")
    bought = Call.objects.filter(teacher=teacher)
    asked = sum(body["model"] == teacher.model for body in teacher_server.requests)
    assert ended.state == Run.State.FAILED
    assert asked
    assert bought.filter(state=Call.State.ANSWERED).count() == asked
    assert ended.counters["calls_answered"] == asked


def test_a_call_whose_prompt_was_postponed_stays_in_hand(teacher, teacher_server, settings):
    settings.LEASE_SECONDS = 1
    project = factories.project(teacher=teacher, paired=False, samples=2)
    prompt = factories.prompt(project)
    first = jobs.prepare(project, "collect", {"samples": 2})
    (work,) = collect.prepare(first, [prompt])
    other = Run.objects.create(project=project, stage="collect")
    ledger.reserve([work.asks["answer-2"]], other, seconds=4)
    teacher_server.hold()
    seen = set()

    def should_stop():
        seen.update(Call.objects.filter(state=Call.State.SENT, run=first).values_list("lease_until", flat=True))
        if len(seen) == 3:  # what it has in hand was prolonged twice
            teacher_server.let_go()
        return False

    jobs.carry_out(first, should_stop)
    prompt.refresh_from_db()
    assert prompt.state == State.TO_FILTER
    assert len(seen) >= 3
    assert len(teacher_server.requests) == 2


def test_what_another_worker_sent_during_a_stall_is_not_to_be_sent_again(teacher):
    project = factories.project(teacher=teacher, paired=False)
    prompts = [factories.prompt(project) for _ in range(3)]
    begun = jobs.prepare(project, "collect")
    asks = [work.asks["answer"] for work in collect.prepare(begun, prompts)]
    taken, *own = [call.pk for call, _ in ledger.reserve(asks, begun).to_send]
    assert ledger.mark_sent([taken], seconds=100) == {taken}
    assert ledger.mark_sent([taken, *own]) == set(own)


@pytest.mark.parametrize("cap", [10**6, 200])  # one request may take 184 tokens: the other cap has room for one
def test_what_a_killed_worker_held_for_calls_that_never_left_is_free_again(teacher, cap):
    project = factories.project(teacher=teacher, paired=False)
    factories.prompt(project)
    capped = Run.objects.create(project=project, stage="collect", cap_tokens=cap)
    ask = Ask(teacher, {"model": "m", "messages": [{"role": "user", "content": "How?"}], "max_tokens": 100})
    ledger.reserve([ask], capped, seconds=0.01)
    capped.refresh_from_db()
    held = capped.held_tokens
    time.sleep(0.05)
    ((call, _),) = ledger.reserve([ask], capped).to_send
    capped.refresh_from_db()
    assert capped.held_tokens == held
    ledger.mark_sent([call.pk])
    ledger.record([(Ticket(call.pk), teachers.Reply(error_class="server_error", error="no"))], capped)
    capped.refresh_from_db()
    assert capped.held_tokens == 0
