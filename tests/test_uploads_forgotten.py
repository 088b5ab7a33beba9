"""Uploads that nobody came back to go away after a day; what anything speaks of stays."""

import os
import time

import pytest

from pipeline import jobs, uploads
from tests import factories
from tests.running import run

pytestmark = pytest.mark.django_db
DAY = 24 * 3600
NAME = "0123456789abcdef"


def upload(project, name=NAME, file="rows.jsonl", age=2 * DAY):
    """An upload that was last looked at `age` seconds ago; returns its file."""
    folder = project.data_dir / "uploads" / name
    folder.mkdir(parents=True)
    (folder / file).write_text('{"text": "Dust of 10 g/m² made snow melt nine days earlier."}\n')
    put_back(folder, age)
    return folder / file


def put_back(path, age):
    then = time.time() - age
    os.utime(path, (then, then))


@pytest.mark.parametrize(
    ("age", "file", "gone"),
    [
        (2 * DAY, "rows.jsonl", True),
        (2 * DAY, ".part", True),
        (DAY / 2, "rows.jsonl", False),
        (-DAY, "rows.jsonl", False),
    ],
    ids=["old", "half-written", "new", "of tomorrow"],
)
def test_what_no_run_read_goes_after_a_day(project, age, file, gone):
    path = upload(project, file=file, age=age)
    assert uploads.clear_forgotten() == gone
    assert path.parent.exists() is not gone


@pytest.mark.parametrize("state", ["queued", "running", "finished", "failed"])
@pytest.mark.parametrize("parameters", [{"path": "{}"}, {"against": ["/elsewhere/x.csv", "{}"]}], ids=["file", "set"])
def test_what_a_run_names_stays(project, state, parameters):
    path = upload(project)
    said = {
        name: value.format(path) if isinstance(value, str) else [each.format(path) for each in value]
        for name, value in parameters.items()
    }
    factories.run(project, "import", state, parameters=said)
    other = upload(factories.project("Another"), name="f" * 16)
    assert uploads.clear_forgotten() == 1
    assert path.exists()
    assert not other.parent.exists()


def test_what_a_run_named_stays_where_the_data_directory_was_moved(project):
    path = upload(project)
    factories.run(project, "import", "finished", parameters={"path": f"/srv/old/uploads/{NAME}/{path.name}"})
    assert uploads.clear_forgotten() == 0


def test_other_files_of_a_project_stay(project):
    folder = project.data_dir / "uploads"
    purged, rejects = upload(project, file="rows.jsonl.purged"), folder / "run-1-rejects.jsonl"
    rejects.write_text("{}\n")
    kept = folder / "by-hand"
    kept.mkdir()
    outside = project.data_dir / "elsewhere"
    outside.mkdir()
    (folder / ("a" * 16)).symlink_to(outside)
    for path in (rejects, kept, outside):
        put_back(path, 9 * DAY)
    assert uploads.clear_forgotten() == 0
    assert all(path.exists() for path in (purged, rejects, kept, outside))


def test_an_upload_whose_page_is_opened_stays_for_another_day(people, project, valkey):
    path = upload(project)
    assert people["manager"].get(f"/p/{project.slug}/import/{NAME}/").status_code == 200
    assert uploads.clear_forgotten() == 0
    put_back(path.parent, 2 * DAY)
    assert uploads.clear_forgotten() == 1
    assert people["manager"].get(f"/p/{project.slug}/import/{NAME}/").status_code == 404


def test_what_was_coming_in_when_a_web_process_died_goes_too(settings):
    left, coming = (settings.FILE_UPLOAD_TEMP_DIR / name for name in ("tmpa.upload.csv", "tmpb.upload.csv"))
    for path in (left, coming):
        path.write_text("text\n")
    put_back(left, 2 * DAY)
    assert uploads.clear_forgotten() == 1
    assert (left.exists(), coming.exists()) == (False, True)
    coming.unlink()


@pytest.mark.parametrize("by", ["the end of a run", "the start of workers"])
def test_nobody_has_to_ask_for_it(project, valkey, by):
    path = upload(project)
    factories.prompt(project, "to_filter", answer="An answer.")
    run(project, "filter") if by == "the end of a run" else jobs.recover()
    assert not path.exists()
