"""Two thousand prompts against a teacher on its worst day: each ends answered or parked, and none is stored twice."""

import os
import random
import signal
import time

import pytest
from django.db import connection

from curation.models import Call, Prompt, Run, State, TeacherResponse
from pipeline import jobs
from tests import factories
from tests.services import PATIENCE_SECONDS, wait_until
from tests.teacher_chaos import PASSING, ChaoticTeacher, known_by

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

CONCURRENCY = 64
MOST_TRIES = 5
KILLS = 3


def prompts_here():
    """The full number on SQLite; the database beneath makes no difference to what a teacher does."""
    return 2000 if connection.vendor == "sqlite" else 1000


@pytest.fixture
def seed():
    """Drawn anew for each run and printed; NEXA_TEST_SEED repeats one."""
    drawn = os.environ.get("NEXA_TEST_SEED") or str(random.SystemRandom().randrange(10**9))
    print(f"NEXA_TEST_SEED={drawn}")
    return drawn


@pytest.fixture
def chaos(seed):
    with ChaoticTeacher(seed, delay=0.12) as server:  # slower than storing, so that slots are kept until then
        yield server


@pytest.fixture
def project(chaos):
    teacher = factories.teacher(base_url=chaos.url, concurrency=CONCURRENCY, timeout_seconds=5)
    made = factories.project(teacher=teacher, paired=False)
    factories.many_prompts(
        made, [f"Sample {n}: 3 mg of zinc shortened the test by {n} s at 20 °C." for n in range(prompts_here())]
    )
    return made


def everything_ended_as_the_server_has_it(project, chaos):
    """Each prompt once, as the last thing that the server said to it wants."""
    prompts = project.prompts.select_related("current_response__call", "failed_call")
    for prompt in prompts:
        call = prompt.failed_call or prompt.current_response.call
        given = chaos.given[known_by(call.request)]
        assert ends_as(given, prompt, call), (given, prompt.state, prompt.error_class, call.error_class, call.sends)
    assert len(chaos.given) == len(prompts) == prompts_here()
    stored = list(TeacherResponse.objects.values_list("prompt", "attempt", "candidate"))
    answered = project.prompts.filter(state=State.TO_FILTER)
    assert sorted(stored) == [(pk, 1, 0) for pk in answered.order_by("pk").values_list("pk", flat=True)]
    assert set(Call.objects.values_list("state", flat=True)) == {"answered", "failed"}
    assert Call.objects.count() == prompts_here()


def ends_as(given, prompt, call):
    """Whether prompt and call are as after the last reply: `given` names the replies to this body in their order."""
    last, response = given[-1], prompt.current_response
    if last in PASSING:
        stayed = len(given) >= MOST_TRIES and set(given[-MOST_TRIES:]) <= set(PASSING)
        return stayed and (prompt.state, prompt.error_class, call.error_class) == (State.PARKED, last, last)
    if last == "not_a_completion":
        return (prompt.state, prompt.error_class) == (State.PARKED, last) and bool(call.raw_reply)
    if prompt.state != State.TO_FILTER or call.state != Call.State.ANSWERED or not call.raw_reply:
        return False
    if last == "refusal":
        return bool(response.refusal) and response.text == response.refusal
    if last == "truncation":
        return response.finish_reason == "length" and bool(response.text)
    return bool(response.parse_error) if last == "broken_answer" else response.form == "json"


def test_every_prompt_ends_answered_or_parked_with_its_reason(project, chaos, settings):
    settings.RETRY_PAUSE_SECONDS = 0.05
    run = jobs.prepare(project, "collect")
    jobs.carry_out(run)
    run.refresh_from_db()
    assert (run.state, run.done, run.total) == (Run.State.FINISHED, prompts_here(), prompts_here()), run.error
    everything_ended_as_the_server_has_it(project, chaos)
    # Everything of the table came, else this would prove less than it says.
    kinds = {name for names in chaos.given.values() for name in names}
    assert kinds >= {"good", "server_error", "rate_limited", "timeout", "refusal", "truncation"}
    # Each request has its reason: a prompt, or a trouble before it; and the ledger knows of each.
    assert chaos.count <= prompts_here() + chaos.troubles + too_late(run, chaos)
    assert sum(Call.objects.values_list("sends", flat=True)) == chaos.count
    assert run.counters["calls_answered"] == TeacherResponse.objects.count()
    assert run.counters.get("parked", 0) == project.prompts.filter(state=State.PARKED).count()
    assert not run.counters.get("maybe_paid_twice")
    jobs.carry_out(jobs.prepare(project, "filter"))
    refusals_and_truncations_were_filtered(chaos)


def too_late(run, chaos):
    """How many replies the run gave up waiting for although the server was sending them: a machine that stood still."""
    hung = sum(names.count("timeout") for names in chaos.given.values())
    return max(0, run.counters.get("lost_tries", 0) - hung)


def refusals_and_truncations_were_filtered(chaos):
    seen = {"refusal": 0, "truncation": 0}
    for prompt in Prompt.objects.exclude(state=State.PARKED).select_related("current_response__call"):
        kind = chaos.given[known_by(prompt.current_response.call.request)][-1]
        if kind in seen:
            seen[kind] += 1
            failed = prompt.current_response.filter_results.get().failed
            assert any(kind[:6] in rule for rule in failed), (kind, failed)
    assert all(seen.values()), seen


def test_killed_at_random_moments_the_server_sees_no_more_than_it_must(project, chaos, seed, start_worker):
    dice, total = random.Random(seed), prompts_here()
    moments = sorted(dice.sample(range(total // 20, total * 9 // 10), KILLS))
    worker = start_worker()
    wait_until(jobs.workers_alive, "the worker is there")
    run = jobs.start(project, "collect")
    marked_sent, lost = 0, set()
    for moment in moments:
        wait_until(lambda moment=moment: chaos.count >= moment, f"{moment} requests have come", 2 * PATIENCE_SECONDS)
        time.sleep(dice.uniform(0, 0.2))
        worker = kill(worker, dice.choice(("job", "worker")), start_worker)
        sent = [known_by(call.request) for call in Call.objects.filter(state=Call.State.SENT)]
        marked_sent += len(sent)
        # What one kill lost may still wait for its lease to run out at the next one: it is in flight once.
        lost |= {(known, len(chaos.given[known])) for known in sent if known in chaos.given}
    wait_until(lambda: Run.objects.live().filter(pk=run.pk).count() == 0, "the run ends", 4 * PATIENCE_SECONDS)
    run.refresh_from_db()
    assert (run.state, run.done) == (Run.State.FINISHED, total), run.error
    everything_ended_as_the_server_has_it(project, chaos)
    excused = total + chaos.troubles + too_late(run, chaos)
    assert chaos.count <= excused + len(lost)
    assert len(lost) <= KILLS * CONCURRENCY
    # Those that may have been paid twice are counted, and each of them is marked.
    marked = Call.objects.filter(maybe_paid_twice=True).count()
    assert chaos.count - excused <= marked <= run.counters["maybe_paid_twice"] <= marked_sent
    print(f"{chaos.count} requests: {total} prompts, {chaos.troubles} troubles, {len(lost)} in flight at the kills")


def kill(worker, what, start_worker):
    """kill -9 of the job's process alone, or of its worker too; returns the worker that goes on."""
    children = [int(pid) for pid in os.popen(f"pgrep -P {worker.pid}").read().split()]
    print(f"kill -9 of the {what}: worker {worker.pid}, job {children}")
    for pid in children + [worker.pid] * (what == "worker"):
        os.kill(pid, signal.SIGKILL)
    if what == "job":
        return worker
    worker.wait()
    return start_worker()
