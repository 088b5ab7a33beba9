"""A cap holds as the teacher counts it: nearly used up, never exceeded, also by two workers and after a kill."""

import os
import signal
from decimal import Decimal

import pytest

from curation.models import Call, Run, State
from pipeline import jobs
from tests import factories
from tests.services import PATIENCE_SECONDS, wait_until
from tests.teacher_replies import Reply
from tests.teacher_server import completion

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PROMPTS, CONCURRENCY, ANSWERED_BEFORE = 400, 16, 30
PRICES = {"input_price": Decimal("2.5"), "output_price": Decimal("10")}


@pytest.fixture
def teacher(teacher_server):
    parameters = {"max_tokens": 400}
    return factories.teacher(
        base_url=teacher_server.url, concurrency=CONCURRENCY, parameters=parameters, timeout_seconds=60, **PRICES
    )


@pytest.fixture
def project(teacher, teacher_server):
    """Some prompts are answered, so that the quote knows this project's own answers; the rest waits."""
    made = factories.project(teacher=teacher, paired=False)
    texts = [f"Sample {n}: 3 mg of zinc shortened the test by {n} s at 20 °C." for n in range(PROMPTS)]
    factories.many_prompts(made, texts[:ANSWERED_BEFORE])
    jobs.carry_out(jobs.prepare(made, "collect"))
    factories.many_prompts(made, texts[ANSWERED_BEFORE:])
    teacher_server.reset()
    return made


def seen(server):
    """(USD, tokens) of everything that came in, at the usage that the answers name and the prices of PRICES.

    It only grows, so what it is at the end it never exceeded before. Answers to somebody who had died count too.
    """
    usages = [completion(Reply(), body)["usage"] for body in server.requests]
    read, written = (sum(usage[name] for usage in usages) for name in ("prompt_tokens", "completion_tokens"))
    return (PRICES["input_price"] * read + PRICES["output_price"] * written) / 1_000_000, read + written


def ended(run):
    wait_until(lambda: not Run.objects.live().filter(pk=run.pk).exists(), "the run ends", 4 * PATIENCE_SECONDS)
    run.refresh_from_db()
    return run


def the_rest_waits_and_the_run_says_so(run):
    waiting = run.project.prompts.filter(state=State.TO_COLLECT)
    assert run.state == Run.State.FINISHED, run.error
    assert set(waiting.values_list("run", "lease_until")) == {(None, None)}
    assert run.done + waiting.count() == PROMPTS - ANSWERED_BEFORE
    assert f"{waiting.count():,} prompts keep waiting" in run.notice
    assert (run.held_usd, run.held_tokens) == (0, 0)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_cap_of_30_percent_of_the_quote_is_nearly_used_up_and_never_exceeded(
    project, teacher_server, start_worker, workers
):
    quoted = Decimal(jobs.quote(project, "collect").price.mid)
    for _ in range(workers):
        start_worker()
    wait_until(lambda: jobs.workers_alive() == workers, "the workers are there")
    cap = (quoted * 30 / 100).quantize(Decimal("0.000001"))
    run = ended(jobs.start(project, "collect", {"cap_usd": str(cap)}))
    spent, _ = seen(teacher_server)
    assert quoted * 25 / 100 <= spent <= cap
    assert run.cost == spent
    the_rest_waits_and_the_run_says_so(run)


def test_a_cap_in_tokens_holds_too(project, teacher_server):
    cap = int(jobs.quote(project, "collect").tokens.mid * 0.3)
    run = jobs.prepare(project, "collect", {"cap_tokens": cap})
    jobs.carry_out(run)
    run.refresh_from_db()
    _, tokens = seen(teacher_server)
    assert cap * 25 / 30 <= tokens <= cap
    assert run.input_tokens + run.output_tokens == tokens
    the_rest_waits_and_the_run_says_so(run)


def test_what_a_killed_worker_may_have_bought_counts_against_the_cap(project, teacher_server, start_worker):
    cap = Decimal(jobs.quote(project, "collect").price.mid * 0.3).quantize(Decimal("0.000001"))
    worker = start_worker()
    wait_until(jobs.workers_alive, "the worker is there")
    teacher_server.delay = 0.05
    run = jobs.start(project, "collect", {"cap_usd": str(cap)})
    teacher_server.wait_for(PROMPTS // 10)
    children = [int(pid) for pid in os.popen(f"pgrep -P {worker.pid}").read().split()]
    for pid in [worker.pid, *children]:
        os.kill(pid, signal.SIGKILL)
    lost = Call.objects.filter(state=Call.State.SENT).count()
    start_worker()
    run = ended(run)
    teacher_server.delay = 0
    spent, _ = seen(teacher_server)
    assert lost
    assert run.state == Run.State.FINISHED, run.error
    assert spent <= cap
    # Calls that were lost are sent again and marked; the first try may have been paid for, and stays held.
    assert run.cost + run.held_usd <= cap
    assert run.counters.get("maybe_paid_twice", 0) == Call.objects.filter(maybe_paid_twice=True).count()


def test_what_another_project_bought_is_not_bought_again_unless_asked_for_fresh(teacher, teacher_server):
    texts = [f"The passage {n} stands in three projects, with 3 mg of zinc." for n in range(5)]
    runs = []
    for fresh in (None, None, True):
        project = factories.project(teacher=teacher, paired=False)
        factories.many_prompts(project, texts)
        runs.append(jobs.prepare(project, "collect", {"fresh": fresh}))
        jobs.carry_out(runs[-1])
        runs[-1].refresh_from_db()
    first, reusing, fresh = runs
    assert len(teacher_server.requests) == 2 * len(texts)
    assert (reusing.cost, reusing.counters["reused"], reusing.saved_usd) == (0, len(texts), first.cost)
    assert (fresh.cost, fresh.counters.get("reused", 0), fresh.saved_usd) == (first.cost, 0, 0)
    for run in runs:
        assert run.done == len(texts)
        assert set(run.project.prompts.values_list("state", flat=True)) == {State.TO_FILTER}
