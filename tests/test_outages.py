"""An outage of the database is waited for, not taken for a failure of the work."""

import pytest
from django.db import InterfaceError, OperationalError

from curation.models import Run
from pipeline import jobs, outages
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(outages, "PAUSES_SECONDS", (0.001, 0.002))


def failing(times, error):
    """A work that fails so often, then gives "done"; it counts how often it was called."""

    def work():
        work.calls += 1
        if work.calls <= times:
            raise error
        return "done"

    work.calls = 0
    return work


@pytest.mark.parametrize("error", [OperationalError("closed"), InterfaceError("the connection is closed")])
def test_work_is_called_again_until_the_database_is_back(error):
    work = failing(3, error)
    assert outages.outlast(work) == "done"
    assert work.calls == 4


def test_an_outage_that_lasts_is_told_in_the_databases_words(monkeypatch):
    monkeypatch.setattr(outages, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(outages, "PAUSES_SECONDS", (0.005, 60.0))
    with pytest.raises(OperationalError, match="disk is full"):
        outages.outlast(failing(1000, OperationalError("disk is full")))


def test_who_is_to_stop_waits_no_longer():
    work = failing(1000, OperationalError("closed"))
    with pytest.raises(OperationalError):
        outages.outlast(work, should_stop=lambda: True)
    assert work.calls == 1


@pytest.mark.parametrize("stage", ["collect", "reparse"])
def test_the_short_stages_of_a_run_outlast_it_too(project, monkeypatch, stage):
    """Neither choosing what to ask again nor parsing again fails a run for a connection that was cut."""
    project.teacher = factories.teacher()
    project.save()
    begun = factories.run(project, stage, parameters={"again": {}} if stage == "collect" else {}, state="queued")
    times = iter([OperationalError("the connection was cut")])
    seen = Run.seen

    def cut_once(self):
        for error in times:
            raise error
        return seen(self)

    monkeypatch.setattr(Run, "seen", cut_once)
    jobs.carry_out(begun)
    begun.refresh_from_db()
    assert begun.error == ""
    assert begun.state == "finished"


def test_another_error_is_no_outage():
    work = failing(1, ValueError("a mistake"))
    with pytest.raises(ValueError, match="a mistake"):
        outages.outlast(work)
    assert work.calls == 1
