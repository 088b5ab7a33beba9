"""Queue killed, database connections killed, database locked: a collect goes on and stores each answer once."""

import os
import shutil
import signal
import sqlite3
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from curation.models import Call, Run, State, TeacherResponse
from pipeline import jobs
from pipeline.embedded import valkey as embedded_valkey
from tests import factories
from tests.services import PATIENCE_SECONDS, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PROMPTS, CONCURRENCY = 300, 8


@pytest.fixture
def project(teacher_server):
    teacher = factories.teacher(base_url=teacher_server.url, concurrency=CONCURRENCY)
    made = factories.project(teacher=teacher, paired=False)
    factories.many_prompts(made, [f"Sample {n}: 3 mg of zinc shortened the test by {n} s." for n in range(PROMPTS)])
    teacher_server.delay = 0.1
    yield made
    teacher_server.delay = 0


class Workers:
    """Keeps one worker alive, as `serve` and a service manager do."""

    def __init__(self, start):
        self.start, self.current = start, start()

    def kill(self):
        """kill -9 of the worker and its job."""
        children = [int(pid) for pid in os.popen(f"pgrep -P {self.current.pid}").read().split()]
        for pid in [self.current.pid, *children]:
            os.kill(pid, signal.SIGKILL)
        self.current.wait()

    def alive(self):
        if self.current.poll() is not None:
            self.current = self.start()
        return True

    def see_it_end(self, run):
        wait_until(lambda: self.alive() and not Run.objects.live().filter(pk=run.pk).exists(), "the run ends", 480)
        run.refresh_from_db()


@pytest.fixture
def workers(start_worker):
    made = Workers(start_worker)
    wait_until(jobs.workers_alive, "the worker is there")
    return made


def everything_is_stored_once(run, teacher_server, in_flight):
    assert (run.state, run.done) == (Run.State.FINISHED, PROMPTS), run.error
    assert set(run.project.prompts.values_list("state", flat=True)) == {State.TO_FILTER}
    assert TeacherResponse.objects.count() == PROMPTS
    assert set(TeacherResponse.objects.values_list("attempt", "candidate")) == {(1, 0)}
    assert set(Call.objects.values_list("state", flat=True)) == {"answered"}
    asked_twice = len(teacher_server.requests) - PROMPTS
    assert asked_twice <= run.counters.get("maybe_paid_twice", 0) <= in_flight


def sent():
    """How many calls are marked sent: under way, or answered and not stored yet."""
    return Call.objects.filter(state=Call.State.SENT).count()


# -- the queue ------------------------------------------------------------------------------------------------------


def kill_queue(socket, *, and_its_file=False):
    os.kill(embedded_valkey.serving_pid(socket), signal.SIGKILL)
    wait_until(lambda: embedded_valkey.serving_pid(socket) is None, "the queue is gone")
    if and_its_file:
        shutil.rmtree(Path(socket).parent / "appendonlydir")


def start_queue(socket):
    """Again, for this test and those after it; it ends with the test run, whose child it is."""
    embedded_valkey.start(Path(socket).parent, socket)


@pytest.mark.parametrize("away_seconds", [0, 8])
def test_the_queue_is_killed_and_comes_back(project, teacher_server, valkey_server, workers, away_seconds):
    run = jobs.start(project, "collect")
    teacher_server.wait_for(PROMPTS // 3)
    kill_queue(valkey_server)
    in_flight = sent()
    time.sleep(away_seconds)
    in_flight = max(in_flight, sent())
    start_queue(valkey_server)
    workers.see_it_end(run)
    everything_is_stored_once(run, teacher_server, in_flight)


def test_the_queue_is_lost_with_all_it_held_and_a_new_worker_takes_up_the_run(
    project, teacher_server, valkey_server, workers
):
    run = jobs.start(project, "collect")
    teacher_server.wait_for(PROMPTS // 3)
    kill_queue(valkey_server, and_its_file=True)
    workers.kill()
    in_flight = sent()
    start_queue(valkey_server)
    workers.see_it_end(run)
    everything_is_stored_once(run, teacher_server, in_flight)


# -- the database ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [1, 3])
def test_the_connections_to_the_database_are_killed(project, teacher_server, workers, times):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no connections to kill.")
    run, in_flight = jobs.start(project, "collect"), 0
    for part in range(1, times + 1):
        teacher_server.wait_for(PROMPTS * part // (times + 1), timeout=PATIENCE_SECONDS)
        in_flight += kill_connections()
    workers.see_it_end(run)
    everything_is_stored_once(run, teacher_server, in_flight)


def kill_connections():
    """End every connection to this database but the test's own; returns how many calls were marked sent then."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert cursor.fetchone()[0], "no worker was connected"
    return sent()


def test_another_process_holds_the_database_for_some_seconds(project, teacher_server, workers):
    if connection.vendor != "sqlite":
        pytest.skip("Only SQLite is locked as a whole.")
    run = jobs.start(project, "collect")
    teacher_server.wait_for(PROMPTS // 3)
    holder = sqlite3.connect(settings.DATABASES["default"]["NAME"], timeout=60, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    time.sleep(6)
    holder.execute("ROLLBACK")
    holder.close()
    workers.see_it_end(run)
    everything_is_stored_once(run, teacher_server, 0)
