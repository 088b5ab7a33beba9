"""Batch runs killed by SIGKILL between two steps, and gone on with: no request is answered twice, no batch is lost."""

import os

import django_rq
import pytest

from curation.models import Batch, Call, Run, State, TeacherResponse
from pipeline import jobs
from pipeline.workers import living_workers
from tests import factories
from tests.services import PATIENCE_SECONDS, product_environment, start_process, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PROMPTS = 6


@pytest.fixture
def batches(teacher_server):
    yield teacher_server.batches
    teacher_server.batches.let_go(forget=True)


@pytest.fixture
def project(teacher_server):
    made = factories.project(teacher=factories.teacher(base_url=teacher_server.url), paired=False)
    for _ in range(PROMPTS):
        factories.prompt(made)
    return made


@pytest.fixture
def collect(project, tmp_path):
    """A function that starts `collect_teacher --mode batch` in a process of its own; all end with the test."""
    started = []

    def start():
        words = ["manage.py", "collect_teacher", "--project", project.slug, "--inline", "--mode", "batch"]
        environment = product_environment() | {"DJANGO_SETTINGS_MODULE": "tests.settings_batches"}
        with (tmp_path / f"collect-{len(started)}.log").open("wb") as log:
            process = start_process(words, environment, log, log)
        process.log = tmp_path / f"collect-{len(started)}.log"
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def kill(process):
    process.kill()
    process.wait()


def ends_well(process):
    assert process.wait(PATIENCE_SECONDS) == 0, process.log.read_text()


def everything_is_answered_once(project, batches, created=1):
    assert set(project.prompts.values_list("state", flat=True)) == {State.TO_FILTER}
    assert TeacherResponse.objects.count() == PROMPTS
    assert len(batches.created) == created
    assert len(batches.asked) == len(set(batches.asked)) == PROMPTS
    assert not Call.objects.filter(maybe_paid_twice=True).exists()
    assert Run.objects.get().state == Run.State.FINISHED


@pytest.mark.parametrize("step", ["upload", "create", "create-after", "look", "fetch"])
def test_a_command_killed_at_any_step_goes_on_where_it_was(project, batches, collect, step):
    """Killed while the file goes up, while the batch is created, before that is heard, at a look and at the end."""
    batches.hold(step)
    batches.finish_by_itself()
    first = collect()
    batches.wait_for(step)
    kill(first)
    batches.let_go(forget=True)
    ends_well(collect())
    everything_is_answered_once(project, batches)
    assert batches.calls["upload"] == (2 if step == "upload" else 1)


def test_a_command_killed_between_upload_and_create_finds_a_batch_that_came_into_being_after_it(
    project, batches, collect
):
    batches.hold("create")
    batches.finish_by_itself()
    first = collect()
    batches.wait_for("create")
    kill(first)
    batches.let_go()  # the request was on its way, and the endpoint takes it up after all
    wait_until(lambda: batches.created, "the batch is created")
    ends_well(collect())
    everything_is_answered_once(project, batches)
    assert batches.calls["create"] == 1


def test_of_many_batches_on_many_pages_the_own_one_is_found(project, batches, collect):
    batches.hold("create-after")
    first = collect()
    batches.wait_for("create-after")
    own = batches.created[0]
    for number in range(45):
        batches.batches[f"batch_of_others_{number}"] = own | {
            "id": f"batch_of_others_{number}",
            "metadata": {"nexa_batch": f"{number}"} if number % 2 else None,
            "status": "completed",
        }
    kill(first)
    batches.let_go(forget=True)
    batches.finish_by_itself()
    ends_well(collect())
    everything_is_answered_once(project, batches, created=46)
    assert Batch.objects.get().remote_id == own["id"]


def test_a_command_killed_between_create_and_look_goes_on_after_an_expiry_half_way(project, batches, collect):
    first = collect()
    batches.wait_for("look")
    kill(first)
    batches.finish(state="expired", share=0.5)
    batches.finish_by_itself()
    ends_well(collect())
    everything_is_answered_once(project, batches, created=2)
    assert list(Batch.objects.order_by("pk").values_list("requests", flat=True)) == [PROMPTS, PROMPTS // 2]


def test_an_interrupted_command_leaves_its_batch_to_the_next_one(project, batches, collect):
    first = collect()
    batches.wait_for("look")
    first.terminate()
    assert first.wait(PATIENCE_SECONDS) == 130
    assert "go on at the endpoint" in first.log.read_text()
    assert Run.objects.get().is_live
    batches.finish_by_itself()
    factories.prompt(project)
    ends_well(collect())
    assert set(project.prompts.values_list("state", flat=True)) == {State.TO_FILTER}
    assert [batch.requests for batch in Batch.objects.order_by("pk")] == [PROMPTS, 1]
    assert Run.objects.get().done == PROMPTS + 1


def test_a_command_that_is_gone_hands_its_run_to_the_queue_when_workers_start(project, batches, collect, valkey):
    first = collect()
    batches.wait_for("look")
    kill(first)
    (run,) = jobs.recover()
    assert "command" not in run.parameters
    assert jobs.recover() == []


# -- the queue ----------------------------------------------------------------------------------------------------


@pytest.fixture
def start_quick(start_worker):
    """`start_worker` by settings that look often."""
    return lambda *options: start_worker(*options, DJANGO_SETTINGS_MODULE="tests.settings_batches")


def ended(run):
    run.refresh_from_db()
    return not run.is_live


def states_of_workers():
    return [worker.get_state() for worker in living_workers(django_rq.get_queue("default"))]


def scheduled():
    return django_rq.get_queue("default").scheduled_job_registry.get_job_ids()


def test_between_two_looks_no_worker_is_occupied_and_the_scheduler_brings_the_next(project, batches, start_quick):
    start_quick()
    wait_until(jobs.workers_alive, "the worker is there")
    run = jobs.start(project, "collect", {"mode": "batch"})
    wait_until(scheduled, "the next look is scheduled")
    wait_until(lambda: states_of_workers() == ["idle"], "the worker is free")
    batches.wait_for("look", 2)
    batches.finish()
    wait_until(lambda: ended(run), "the run ends")
    everything_is_answered_once(project, batches)


def test_looks_that_are_lost_with_the_queue_are_brought_back(project, batches, valkey, start_quick):
    run = jobs.start(project, "collect", {"mode": "batch"})
    start_quick("--burst")
    wait_until(scheduled, "the next look is scheduled")
    assert jobs.recover() == [], "a look that is scheduled is not lost"
    valkey.flushall()
    assert jobs.recover() == [run]
    batches.finish_by_itself()
    start_quick()
    wait_until(lambda: ended(run), "the run ends")
    everything_is_answered_once(project, batches)


def test_a_worker_killed_while_it_creates_the_batch_is_followed_by_another(project, batches, start_quick):
    batches.hold("create")
    batches.finish_by_itself()
    victim = start_quick()
    wait_until(jobs.workers_alive, "the worker is there")
    run = jobs.start(project, "collect", {"mode": "batch"})
    batches.wait_for("create")
    children = os.popen(f"pgrep -P {victim.pid}").read().split()
    kill(victim)
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children), "job and scheduler end with it")
    batches.let_go()
    start_quick()
    wait_until(lambda: ended(run), "the run ends", 4 * PATIENCE_SECONDS)
    everything_is_answered_once(project, batches)
