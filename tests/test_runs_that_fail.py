"""Whatever goes wrong in a run ends it with the cause in words, so that none waits for ever and its page tells why."""

import pytest

from curation.models import Run
from pipeline import jobs
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def fails(begun, error):
    """The run after it was carried out, which raised `error`."""
    with pytest.raises(error):
        jobs.carry_out(Run.objects.get(pk=begun.pk))
    return Run.objects.get(pk=begun.pk)


def test_an_export_that_cannot_be_written_says_so(project):
    project.data_dir.mkdir(parents=True, exist_ok=True)
    (project.data_dir / "exports").write_text("A file is in the way of the folder.")
    ended = fails(factories.run(project, "export", parameters={"format": "jsonl"}), OSError)
    assert ended.state == Run.State.FAILED
    assert "exports" in ended.error


@pytest.mark.parametrize("stage", ["collect", "rank", "import"])
def test_every_stage_ends_as_failed(project, monkeypatch, stage):
    begun = factories.run(project, stage, parameters={"again": {}} if stage == "collect" else {})

    def broken(run):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(Run, "begin", broken)
    ended = fails(begun, ZeroDivisionError)
    assert (ended.state, ended.error) == (Run.State.FAILED, "ZeroDivisionError: division by zero")


def test_a_run_whose_batches_cannot_be_looked_at_ends_as_failed(project, monkeypatch):
    begun = factories.run(project, "collect", parameters={"mode": "batch"})

    def broken(run):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(Run, "begin", broken)
    ended = fails(begun, ZeroDivisionError)
    assert ended.state == Run.State.FAILED
