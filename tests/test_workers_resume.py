"""Workers that are killed or stopped in the middle of a job: another one goes on with it, and nothing stays behind."""

import signal
import subprocess

import django_rq
import pytest
from rq.intermediate_queue import IntermediateQueue
from rq.job import JobStatus

from pipeline import workers
from pipeline.workers import RETRY_AFTER_DEATH, ResumableWorker, living_workers
from tests import jobs
from tests.services import PATIENCE_SECONDS, has_ended, wait_until

pytestmark = pytest.mark.slow
STEPS = 10


@pytest.fixture
def queue(valkey):
    return django_rq.get_queue("default")


@pytest.fixture
def enqueue(queue):
    return lambda function, *args: queue.enqueue(function, *args, retry=RETRY_AFTER_DEATH)


@pytest.fixture
def counted(tmp_path):
    """The file that the counting job writes."""
    return tmp_path / "counted"


def steps(path):
    return [int(line.split()[0]) for line in path.read_text().splitlines()] if path.exists() else []


def writers(path):
    return [int(line.split()[1]) for line in path.read_text().splitlines()]


def let_it_end(job, counted):
    counted.with_suffix(".go").touch()
    wait_until(lambda: job.get_status() in (JobStatus.FINISHED, JobStatus.FAILED), "the job ends")
    assert job.get_status() == JobStatus.FINISHED


@pytest.mark.parametrize("other_is_busy", [False, True])
def test_a_job_whose_worker_was_killed_goes_on_elsewhere(
    queue, enqueue, start_worker, counted, tmp_path, other_is_busy
):
    job = enqueue(jobs.count, str(counted), STEPS)
    killed = start_worker()
    wait_until(lambda: len(steps(counted)) == STEPS // 2, "the job is halfway")
    held = tmp_path / "held"
    if other_is_busy:
        enqueue(jobs.hold, str(held), 5 * PATIENCE_SECONDS)
    start_worker()
    wait_until(lambda: len(living_workers(queue)) == 2 and held.exists() == other_is_busy, "the other worker is there")
    killed.kill()
    killed.wait()
    wait_until(lambda: has_ended(writers(counted)[0]), "the killed worker's job ends with it")
    wait_until(lambda: len(living_workers(queue)) == 1, "the killed worker is not counted among the living")
    if other_is_busy:
        wait_until(lambda: job.get_status() == JobStatus.QUEUED, "the busy worker puts the job into the queue again")
        held.unlink()
    let_it_end(job, counted)
    assert steps(counted) == list(range(STEPS))
    assert len(set(writers(counted))) == 2


def test_a_job_whose_process_was_killed_goes_on(enqueue, start_worker, counted):
    job = enqueue(jobs.count, str(counted), STEPS)
    start_worker()
    wait_until(lambda: len(steps(counted)) == STEPS // 2, "the job is halfway")
    subprocess.run(["kill", "-KILL", str(writers(counted)[0])], check=True)
    let_it_end(job, counted)
    assert steps(counted) == list(range(STEPS))
    assert len(set(writers(counted))) == 2


def test_a_job_that_no_worker_ever_had_goes_on(queue, enqueue, start_worker, counted):
    """A worker can be killed between taking a job and noting that it has it."""
    job = enqueue(jobs.count, str(counted), STEPS)
    queue.connection.lmove(queue.key, IntermediateQueue.get_intermediate_queue_key(queue.key))
    start_worker()
    let_it_end(job, counted)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_worker_ends_and_its_job_goes_on_at_the_next_start(queue, enqueue, start_worker, counted, signum):
    job = enqueue(jobs.count, str(counted), STEPS)
    stopped = start_worker()
    wait_until(lambda: len(steps(counted)) == STEPS // 2, "the job is halfway")
    stopped.send_signal(signum)
    stopped.wait(PATIENCE_SECONDS)
    assert job.get_status() == JobStatus.QUEUED
    assert len(steps(counted)) == STEPS // 2
    job.refresh()
    assert job.retries_left == RETRY_AFTER_DEATH.max, "a stop is no failure"
    start_worker("--burst")
    let_it_end(job, counted)
    assert steps(counted) == list(range(STEPS))
    assert len(set(writers(counted))) == 2


def test_a_job_stopped_by_the_service_manager_goes_on(enqueue, start_worker, counted):
    """Some send SIGTERM to every process of a service, so to the job's as well."""
    job = enqueue(jobs.count, str(counted), STEPS)
    start_worker()
    wait_until(lambda: len(steps(counted)) == STEPS // 2, "the job is halfway")
    subprocess.run(["kill", "-TERM", str(writers(counted)[0])], check=True)
    let_it_end(job, counted)
    job.refresh()
    assert job.retries_left == RETRY_AFTER_DEATH.max
    assert steps(counted) == list(range(STEPS))
    assert len(set(writers(counted))) == 2


def test_an_idle_worker_stops_when_asked(queue, start_worker):
    worker = start_worker()
    wait_until(lambda: [each.get_state() for each in living_workers(queue)] == ["idle"], "the worker waits for jobs")
    worker.terminate()
    worker.wait(PATIENCE_SECONDS)
    assert living_workers(queue) == []


def test_a_worker_killed_while_it_looks_for_others_jobs_does_not_stop_the_others(queue, monkeypatch):
    """RQ's own lock would outlive it by a quarter of an hour."""
    seconds_left = []
    look = lambda *args: seconds_left.append(queue.connection.ttl(queue.registry_cleaning_key))  # noqa: E731
    monkeypatch.setattr(workers, "clean_registries", look)
    worker = ResumableWorker([queue], connection=queue.connection)
    worker.clean_registries()
    assert 0 < seconds_left[0] <= workers.CLEANING_SECONDS
    assert not queue.connection.exists(queue.registry_cleaning_key)
