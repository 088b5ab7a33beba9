"""Workers killed and stopped in the middle of a collect: every prompt ends with one stored answer."""

import signal

import pytest

from curation.models import Call, Prompt, Run, State, TeacherResponse
from pipeline import jobs
from tests import factories
from tests.running import ended, kill_with_its_child
from tests.services import PATIENCE_SECONDS, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PROMPTS, CONCURRENCY = 60, 4


@pytest.fixture
def project(teacher_server):
    teacher = factories.teacher(base_url=teacher_server.url, concurrency=CONCURRENCY)
    made = factories.project(teacher=teacher, paired=False)
    for _ in range(PROMPTS):
        factories.prompt(made)
    teacher_server.delay = 0.1
    yield made
    teacher_server.delay = 0


def everything_is_stored_once(project):
    assert set(project.prompts.values_list("state", flat=True)) == {State.TO_FILTER}
    assert TeacherResponse.objects.count() == PROMPTS
    assert set(TeacherResponse.objects.values_list("attempt", flat=True)) == {1}
    assert set(Call.objects.values_list("state", flat=True)) == {"answered"}


def test_a_killed_worker_is_noticed_and_its_prompts_go_on_by_themselves(project, teacher_server, start_worker):
    victim, other = start_worker(), None
    wait_until(jobs.workers_alive, "the worker is there")
    run = jobs.start(project, "collect", {"batch_size": 4})
    teacher_server.wait_for(PROMPTS // 3)
    kill_with_its_child(victim)
    other = start_worker()
    wait_until(lambda: ended(run), "the run ends", 4 * PATIENCE_SECONDS)
    assert other.poll() is None
    assert (run.state, run.done) == (Run.State.FINISHED, PROMPTS)
    everything_is_stored_once(project)
    # Asked twice is at most what was under way when the worker died, and that is counted.
    assert len(teacher_server.requests) <= PROMPTS + CONCURRENCY
    # One that was marked as sent and had not left yet counts too: nobody can know that it had not.
    asked_twice = len(teacher_server.requests) - PROMPTS
    assert asked_twice <= run.counters.get("maybe_paid_twice", 0) <= CONCURRENCY


def test_two_workers_share_a_run_and_ask_nothing_twice(project, teacher_server, start_worker):
    start_worker()
    start_worker()
    wait_until(lambda: jobs.workers_alive() == 2, "both workers are there")
    run = jobs.start(project, "collect", {"batch_size": 4})
    wait_until(lambda: ended(run), "the run ends", 4 * PATIENCE_SECONDS)
    assert run.done == PROMPTS
    everything_is_stored_once(project)
    assert len(teacher_server.requests) == PROMPTS


def test_a_stopped_worker_ends_soon_and_the_next_start_goes_on(project, teacher_server, start_worker):
    worker = start_worker()
    wait_until(jobs.workers_alive, "the worker is there")
    run = jobs.start(project, "collect", {"batch_size": 4})
    teacher_server.wait_for(PROMPTS // 3)
    worker.send_signal(signal.SIGTERM)
    worker.wait(PATIENCE_SECONDS)
    run.refresh_from_db()
    assert run.state == Run.State.RUNNING
    assert 0 < run.done < PROMPTS
    start_worker()
    wait_until(lambda: ended(run), "the run ends", 4 * PATIENCE_SECONDS)
    everything_is_stored_once(project)
    assert len(teacher_server.requests) == PROMPTS


def test_a_cancelled_run_stores_what_is_under_way_and_lets_the_rest_wait(project, teacher_server, start_worker):
    start_worker()
    wait_until(jobs.workers_alive, "the worker is there")
    run = jobs.start(project, "collect", {"batch_size": 4})
    teacher_server.wait_for(PROMPTS // 3)
    jobs.cancel(run)
    wait_until(lambda: ended(run), "the run ends", 4 * PATIENCE_SECONDS)
    assert run.state == Run.State.CANCELLED
    answered = Prompt.objects.filter(state=State.TO_FILTER).count()
    assert answered == TeacherResponse.objects.count() == len(teacher_server.requests) < PROMPTS
    assert not Prompt.objects.exclude(run=None).exists()


def test_a_run_whose_jobs_are_lost_with_the_queue_is_taken_up_again(project, teacher_server, valkey, start_worker):
    run = jobs.start(project, "collect")
    valkey.flushall()
    assert jobs.recover() == [run]
    assert jobs.recover() == []
    start_worker()
    wait_until(lambda: ended(run), "the run ends", 4 * PATIENCE_SECONDS)
    everything_is_stored_once(project)
