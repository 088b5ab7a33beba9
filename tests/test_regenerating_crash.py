"""A worker killed while it regenerates: every prompt ends with one new attempt and what it was to mend."""

import pytest

from curation.models import Complaint, Run, State, TeacherResponse
from pipeline import jobs
from tests import factories
from tests.running import ended, kill_with_its_child
from tests.services import PATIENCE_SECONDS, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PROMPTS, CONCURRENCY = 40, 4


def test_a_killed_worker_leaves_whole_attempts(teacher_server, start_worker):
    teacher = factories.teacher(base_url=teacher_server.url, concurrency=CONCURRENCY)
    project = factories.project(teacher=teacher, regen_teacher=teacher, paired=False)
    for number in range(PROMPTS):
        prompt = factories.prompt(project, State.TO_REGENERATE, answer=f"Answer {number} cites [1].")
        factories.filter_result(prompt.current_response, failed=["ban_citations", "min_char_length"])
    teacher_server.delay = 0.1
    victim = start_worker()
    wait_until(jobs.workers_alive, "the worker is there")
    run = jobs.start(project, "regenerate", {"batch_size": 4})
    teacher_server.wait_for(PROMPTS // 3)
    kill_with_its_child(victim)
    start_worker()
    wait_until(lambda: ended(run), "the run ends", 4 * PATIENCE_SECONDS)
    teacher_server.delay = 0
    assert (run.state, run.done) == (Run.State.FINISHED, PROMPTS)
    assert set(project.prompts.values_list("state", "attempts")) == {(State.TO_FILTER, 2)}
    attempts = TeacherResponse.objects.filter(attempt=2)
    assert attempts.count() == PROMPTS
    assert Complaint.objects.count() == 2 * PROMPTS
    assert set(Complaint.objects.values_list("response__attempt", flat=True)) == {2}
    assert project.rulesets.filter(kind="recipe").count() == 1
