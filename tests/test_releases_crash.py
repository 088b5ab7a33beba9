"""A worker killed in the middle of a release: another one begins it anew, and it is whole."""

import pytest

from curation.models import Release, Run, State
from pipeline import jobs
from pipeline.releasing import verifying
from tests import factories
from tests.running import kill_with_its_child
from tests.services import PATIENCE_SECONDS, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PROMPTS = 300


def ended(run):
    run.refresh_from_db()
    return not run.is_live


def test_a_killed_release_is_begun_anew_and_whole(start_worker):
    project = factories.project("Films", split_seed="a seed", paired=False)
    for _ in range(PROMPTS):
        factories.accepted(project)
    victim = start_worker()
    wait_until(jobs.workers_alive, "the worker is there")
    run = jobs.start(project, "package")
    folder = project.data_dir / "releases"
    wait_until(lambda: list(folder.glob(".*/data/*")), "files are written")
    kill_with_its_child(victim)
    made = Release.objects.get()
    assert made.state == Release.State.BUILDING
    assert not made.directory.exists()
    start_worker()
    wait_until(lambda: ended(run), "the run ends", 4 * PATIENCE_SECONDS)
    made.refresh_from_db()
    assert (run.state, made.state, made.rows.count()) == (Run.State.FINISHED, Release.State.PUBLISHED, PROMPTS)
    assert project.prompts.filter(state=State.ACCEPTED).count() == PROMPTS
    verifying.verify(made.directory)
    assert [path.name for path in folder.iterdir()] == ["v1"]
