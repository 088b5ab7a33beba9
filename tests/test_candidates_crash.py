"""A worker killed while prompts have some of their candidates: every attempt ends whole, and is stored once."""

import pytest

from curation.models import Call, Run, State, TeacherResponse
from pipeline import jobs
from tests import factories
from tests.running import ended, kill_with_its_child
from tests.services import PATIENCE_SECONDS, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PROMPTS, SAMPLES, CONCURRENCY = 16, 3, 6


def test_a_killed_worker_leaves_no_half_attempt(teacher_server, start_worker):
    teacher = factories.teacher(base_url=teacher_server.url, concurrency=CONCURRENCY)
    project = factories.project(teacher=teacher, paired=False, samples=SAMPLES)
    for _ in range(PROMPTS):
        factories.prompt(project)
    teacher_server.delay = 0.2
    victim = start_worker()
    wait_until(jobs.workers_alive, "the worker is there")
    run = jobs.start(project, "collect", {"batch_size": 2})
    teacher_server.wait_for(PROMPTS * SAMPLES // 3)
    kill_with_its_child(victim)
    start_worker()
    wait_until(lambda: ended(run), "the run ends", 4 * PATIENCE_SECONDS)
    teacher_server.delay = 0
    assert (run.state, run.done) == (Run.State.FINISHED, PROMPTS)
    assert set(project.prompts.values_list("state", "attempts")) == {(State.TO_FILTER, 1)}
    for prompt in project.prompts.all():
        samples = prompt.responses.values_list("attempt", "candidate", "call__sample_index")
        assert list(samples) == [(1, number, number) for number in range(SAMPLES)]
    assert Call.objects.count() == TeacherResponse.objects.count() == PROMPTS * SAMPLES
    asked_twice = len(teacher_server.requests) - PROMPTS * SAMPLES
    assert 0 <= asked_twice <= run.counters.get("maybe_paid_twice", 0)
