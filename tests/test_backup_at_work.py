"""A backup is one moment while people and runs go on, and says by name what keeps it from being whole."""

import errno
import json
import os
import shutil
import threading

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.db.models import F

from curation.backups import BadBackup, back_up, restore, writing
from curation.models import Run
from tests import factories
from tests.services import PATIENCE_SECONDS
from tests.test_backup_and_restore import changed, elsewhere, emptied, tables_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project(settings):
    """A project with a run, and two files."""
    project = factories.project("Busy", slug="busy")
    projects = settings.DATA_DIR / "projects"
    for name in ("a/first.txt", "b/second.txt"):
        (projects / "busy" / name).parent.mkdir(parents=True)
        (projects / "busy" / name).write_text(name)
    yield project
    shutil.rmtree(projects, ignore_errors=True)


def in_another_thread(work):
    """Work done on a connection of its own; whatever it raises is raised here."""
    wrong = []

    def worked():
        try:
            work()
        except BaseException as error:
            wrong.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=worked)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive(), "It waits for the backup."
    if wrong:
        raise wrong[0]


@pytest.mark.slow
def test_what_is_stored_meanwhile_is_in_no_table_of_it(project, tmp_path):
    """A prompt, its answer, a decision and the count of a run come in one transaction: a backup has all or none."""
    run, ann = factories.run(project, state="running"), factories.member(project, "reviewer")

    @transaction.atomic
    def store():
        prompt = factories.prompt(project, "to_review")
        factories.annotation(prompt.current_response or factories.response(prompt), ann)
        Run.objects.filter(pk=run.pk).update(done=F("done") + 1)

    store()
    stored = []

    def say(line):
        in_another_thread(store)
        stored.append(line)

    back_up(tmp_path / "kept", say)

    assert len(stored) > 10
    assert Run.objects.get(pk=run.pk).done == len(stored) + 1
    tables = tables_of(tmp_path / "kept")
    for name in ("prompt", "teacherresponse", "annotation"):
        assert len(tables[f"curation.{name}.jsonl.gz"]) == 1, name
    (run_line,) = tables["curation.run.jsonl.gz"]
    assert run_line["fields"]["done"] == 1
    (tmp_path / "one").mkdir()
    again = elsewhere(tmp_path / "kept", f"sqlite:///{tmp_path}/one.sqlite3", tmp_path / "one")
    assert tables_of(again) == tables


def test_what_goes_away_while_files_are_copied_is_no_part_of_it(project, settings, tmp_path, monkeypatch):
    copyfile = shutil.copyfile

    def copy(source, target):
        shutil.rmtree(settings.DATA_DIR / "projects/busy/b", ignore_errors=True)
        return copyfile(source, target)

    monkeypatch.setattr(writing.shutil, "copyfile", copy)

    assert [file["path"] for file in back_up(tmp_path / "kept")["files"]] == ["busy/a/first.txt"]


def test_a_folder_that_goes_away_while_it_is_looked_through_is_no_part_of_it(project, settings, tmp_path, monkeypatch):
    scandir, gone = os.scandir, settings.DATA_DIR / "projects/busy/b"

    def scan(path="."):
        if str(path) == str(gone):
            shutil.rmtree(gone, ignore_errors=True)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scan)

    assert [file["path"] for file in back_up(tmp_path / "kept")["files"]] == ["busy/a/first.txt"]


def refuse(monkeypatch, module, name, error, path):
    kept = getattr(module, name)

    def refused(*arguments, **options):
        if str(arguments[0]).endswith(path):
            raise OSError(error, os.strerror(error), str(arguments[0]))
        return kept(*arguments, **options)

    monkeypatch.setattr(module, name, refused)


@pytest.mark.parametrize(
    ("module", "name", "error", "path", "said"),
    [
        (os, "scandir", errno.EACCES, "busy/b", "busy/b: Permission denied."),
        (shutil, "copyfile", errno.EACCES, "b/second.txt", "second.txt: Permission denied."),
        (shutil, "copyfile", errno.ENOSPC, "b/second.txt", "No space left on device."),
        (os, "chmod", errno.EPERM, "kept", "kept: Operation not permitted."),
    ],
)
def test_what_cannot_be_read_or_written_ends_it_by_name(
    project, tmp_path, monkeypatch, module, name, error, path, said
):
    refuse(monkeypatch, module, name, error, path)

    with pytest.raises(CommandError) as wrong:
        call_command("backup", tmp_path / "kept")

    assert said in str(wrong.value)
    assert "is no backup: remove it" in str(wrong.value)
    assert not (tmp_path / "kept/backup.json").exists()


def test_links_are_left_out_and_said(project, settings, tmp_path, capsys):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk/far.txt").write_text("far")
    (settings.DATA_DIR / "projects/far").symlink_to(tmp_path / "disk")
    (settings.DATA_DIR / "projects/busy/link.txt").symlink_to(tmp_path / "disk/far.txt")

    call_command("backup", tmp_path / "kept")

    said = json.loads((tmp_path / "kept/backup.json").read_text())
    assert [file["path"] for file in said["files"]] == ["busy/a/first.txt", "busy/b/second.txt"]
    assert said["links"] == ["busy/link.txt", "far"]
    assert "2 links are not followed, so what they lead to is not in it: busy/link.txt, far." in capsys.readouterr().err


def test_a_disk_that_is_full_leaves_nothing_of_a_restore(project, settings, tmp_path, monkeypatch):
    back_up(tmp_path / "kept")
    emptied()
    settings.DATA_DIR = tmp_path / "data"
    with monkeypatch.context() as patch:
        refuse(patch, shutil, "copyfile", errno.ENOSPC, "b/second.txt")
        with pytest.raises(CommandError, match="No space left on device. Nothing was restored."):
            call_command("restore", tmp_path / "kept")
    assert not Run.objects.exists()
    call_command("restore", tmp_path / "kept")
    assert (tmp_path / "data/projects/busy/b/second.txt").read_text() == "b/second.txt"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"tables": None}, "cannot be read"),
        ({"files": {"path": "x"}}, "cannot be read"),
        ({"migrations": "all"}, "cannot be read"),
        ({"tables": [{"model": "curation.prompt"}]}, "cannot be read"),
        ({"made_at": 5}, "cannot be read"),
        ({"tables": []}, "has no table admin.logentry"),
    ],
)
def test_a_manifest_that_was_damaged_is_named(project, settings, tmp_path, fields, said):
    back_up(tmp_path / "kept")
    emptied()
    settings.DATA_DIR = tmp_path / "data"
    changed(tmp_path / "kept", **fields)

    with pytest.raises(BadBackup, match=said):
        restore(tmp_path / "kept")
