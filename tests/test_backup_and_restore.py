"""A backup, restored on either database, is the same record with the same files."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import uuid

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from curation.backups import BadBackup, back_up, reading, restore
from curation.backups.signs import storable
from curation.models import Project, Prompt, Run
from tests import factories
from tests.services import PRODUCT_DIR

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def filled(settings):
    """A project with a little of everything, and a file."""
    manager = factories.user("ada", superuser=True)
    project = factories.project("Kept", slug="kept")
    project.add_member(manager, "manager")
    teacher = factories.teacher("gpt", input_price="0.15")
    project.more_teachers.add(teacher)
    pair = factories.pair(project, "accepted", title="Ünïcode µ ∆", text="a\u2028b\u0085c \\frac{a}{b}")
    response = pair.hypothesis.current_response
    factories.filter_result(response)
    factories.gate_result(response, score=81.25)
    factories.judge_score(response)
    factories.annotation(response, manager, edited_text="Said\r\nanew.")
    factories.resolution(response)
    factories.fingerprint(pair.hypothesis, response)
    factories.call(project)
    factories.run(project, state="running")
    release = factories.release(project)
    release.rows.create(prompt=pair.hypothesis, response=response, row_id="0" * 64, split="train")
    factories.withdrawal(project).tombstones.create(release=release, row_id="0" * 64)
    projects = settings.DATA_DIR / "projects"
    file = projects / "kept" / "releases" / "v1" / "jsonl" / "train.jsonl"
    file.parent.mkdir(parents=True)
    file.write_bytes(b'{"messages": []}\n')
    yield project
    shutil.rmtree(projects)  # a test may have set DATA_DIR elsewhere since


@pytest.fixture
def empty_postgres(postgres_url):
    """The URL of a database of its own on that server: what is restored into must be empty."""
    name = f"empty_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    return f"{postgres_url.rpartition('/')[0]}/{name}"


def tables_of(folder):
    """{table: its lines} of a backup; what restoring is bound to change is left out."""
    found = {}
    for path in sorted((folder / "tables").iterdir()):
        text = gzip.decompress(path.read_bytes()).decode()
        lines = [json.loads(line) for line in text.split("\n") if line]
        for line in lines:
            if line["model"] == "curation.run":
                for name in ("state", "error", "ended_at"):
                    line["fields"].pop(name)
        ended = [line for line in lines if line["fields"].get("kind") == "run_failed"]
        found[path.name] = [line for line in lines if line not in ended]
    return found


def elsewhere(folder, database_url, data_dir):
    """Restore in another process, on another database, and back up from there; returns that backup's folder."""
    again = data_dir / "again"
    environment = os.environ | {"DATABASE_URL": database_url, "NEXA_TEST_DIR": str(data_dir)}
    environment |= {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    for words in (["migrate", "-v0"], ["restore", str(folder)], ["backup", str(again)]):
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(command, cwd=PRODUCT_DIR, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return again


@pytest.mark.slow
def test_a_backup_comes_back_on_both_databases(filled, tmp_path, empty_postgres):
    back_up(tmp_path / "first")
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    on_sqlite = elsewhere(tmp_path / "first", f"sqlite:///{tmp_path}/one.sqlite3", tmp_path / "one")
    on_postgres = elsewhere(on_sqlite, empty_postgres, tmp_path / "two")
    wanted = tables_of(tmp_path / "first")
    assert sum(map(len, wanted.values())) > 20
    assert tables_of(on_sqlite) == wanted
    assert tables_of(on_postgres) == wanted
    assert (on_postgres / "files/kept/releases/v1/jsonl/train.jsonl").read_bytes() == b'{"messages": []}\n'


def emptied():
    """Nothing is left but what migrations make."""
    call_command("flush", interactive=False, verbosity=0)


def restored(tmp_path, settings):
    """Back up, lose everything, restore."""
    back_up(tmp_path / "kept")
    emptied()
    settings.DATA_DIR = tmp_path / "data"
    restore(tmp_path / "kept")


def test_rows_come_after_those_that_were_restored(filled, tmp_path, settings):
    restored(tmp_path, settings)
    last = Prompt.objects.order_by("-pk").first()
    assert factories.prompt(Project.objects.get()).pk > last.pk


def test_times_come_back_to_the_microsecond(filled, tmp_path, settings):
    wanted = list(Prompt.objects.values_list("created_at", "state_changed_at"))
    assert any(time.microsecond % 1000 for row in wanted for time in row)
    restored(tmp_path, settings)
    assert list(Prompt.objects.values_list("created_at", "state_changed_at")) == wanted


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL's JSON refuses half a surrogate pair")
def test_half_a_surrogate_pair_comes_back(filled, tmp_path, settings):
    Prompt.objects.update(metadata={"note": "half \ud800 a pair, µ"})
    back_up(tmp_path / "kept")
    emptied()
    settings.DATA_DIR = tmp_path / "data"
    restore(tmp_path / "kept")
    assert {prompt.metadata["note"] for prompt in Prompt.objects.all()} == {"half \ud800 a pair, µ"}


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL refuses them")
def test_nul_in_json_comes_back_on_sqlite(filled, tmp_path, settings):
    Prompt.objects.update(metadata={"note": "a\0b"}, context="c\0d")
    restored(tmp_path, settings)
    assert {(row.metadata["note"], row.context) for row in Prompt.objects.all()} == {("a\0b", "c\0d")}


SIGNS = {"no\0te": ["a\0b", "half \ud800 a pair", "µ \U0001f600 \\u0000 and \\ud800 as words"], "whole": "\U0001f600"}
SIGNS_THERE = {"no\ufffdte": ["a\ufffdb", "half \ufffd a pair", SIGNS["no\0te"][2]], "whole": "\U0001f600"}


@pytest.mark.slow
@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL refuses them")
def test_what_postgresql_cannot_hold_becomes_another_sign_there(filled, tmp_path, empty_postgres):
    Prompt.objects.filter(task_type="hypothesis").update(metadata=SIGNS, context="c\0d")
    back_up(tmp_path / "first")
    (tmp_path / "two").mkdir()
    on_postgres = elsewhere(tmp_path / "first", empty_postgres, tmp_path / "two")
    fields = [line["fields"] for line in tables_of(on_postgres)["curation.prompt.jsonl.gz"]]
    (changed,) = [each for each in fields if each["task_type"] == "hypothesis"]
    assert (changed["metadata"], changed["context"]) == (SIGNS_THERE, "c\ufffdd")
    first = [line["fields"] for line in tables_of(tmp_path / "first")["curation.prompt.jsonl.gz"]]
    assert [each for each in fields if each["task_type"] != "hypothesis"] == [
        each for each in first if each["task_type"] != "hypothesis"
    ]


@pytest.mark.parametrize(
    ("value", "there", "number"),
    [
        (SIGNS, SIGNS_THERE, 3),
        ({"plain": "µ"}, {"plain": "µ"}, 0),
        ({"word": "\\u0000"}, {"word": "\\u0000"}, 0),
        ([["\udfff"], 1, None], [["\ufffd"], 1, None], 1),
    ],
)
def test_signs_are_counted_and_whole_pairs_stay(value, there, number):
    line, found = storable(json.dumps(value) + "\n")
    assert (json.loads(line), found) == (there, number)


def test_the_command_says_which_tables_it_was_in(filled, tmp_path, monkeypatch, capsys):
    said = {"tables": [], "files": [], "made_at": "2026-11-23T10:00:00", "changed": {"curation.prompt": 2}}
    monkeypatch.setattr("curation.management.commands.restore.restore", lambda folder, tell: said)
    call_command("restore", tmp_path)
    assert "2 rows of curation.prompt held NUL or half a surrogate pair" in capsys.readouterr().out


def test_no_run_goes_on_by_itself(filled, tmp_path, settings):
    restored(tmp_path, settings)
    run = Run.objects.get()
    assert run.state == "failed"
    assert "when the backup was made" in run.error


def test_restored_texts_are_found(filled, tmp_path, settings):
    from curation import searching

    back_up(tmp_path / "kept")
    emptied()
    settings.DATA_DIR = tmp_path / "data"
    call_command("restore", tmp_path / "kept")
    project = Project.objects.get()
    assert searching.matching(project.prompts.all(), "overpotential").exists()


def test_a_backup_goes_over_nothing(filled, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(CommandError, match="not empty"):
        call_command("backup", tmp_path / "full")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]


def test_a_backup_does_not_lie_in_what_it_backs_up(filled, settings):
    with pytest.raises(BadBackup, match="outside of DATA_DIR"):
        back_up(settings.DATA_DIR / "projects" / "backup")


def test_nothing_is_restored_over_something(filled, tmp_path):
    back_up(tmp_path / "kept")
    with pytest.raises(CommandError, match="not empty"):
        call_command("restore", tmp_path / "kept")
    assert Prompt.objects.count() == 2


def unfinished(folder):
    (folder / "backup.json").unlink()


def cut_off(folder):
    path = folder / "tables" / "curation.prompt.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-20])


def without_a_file(folder):
    (folder / "files/kept/releases/v1/jsonl/train.jsonl").unlink()


def changed(folder, **fields):
    path = folder / "backup.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def newer(folder):
    known = json.loads((folder / "backup.json").read_text())["migrations"]
    changed(folder, migrations=[*known, "curation.9999_tomorrow"])


def older(folder):
    known = json.loads((folder / "backup.json").read_text())["migrations"]
    changed(folder, migrations=[name for name in known if "0007_repeated" not in name])


def of_another_form(folder):
    changed(folder, format=99)


def that_climbs_out(folder):
    files = json.loads((folder / "backup.json").read_text())["files"]
    changed(folder, files=[files[0] | {"path": "../../outside"}])


def that_climbs_about(folder):
    files = json.loads((folder / "backup.json").read_text())["files"]
    changed(folder, files=[files[0] | {"path": f"../files/{files[0]['path']}"}])


BROKEN = [
    (unfinished, "never ended"),
    (cut_off, "curation.prompt.jsonl.gz is not what was written"),
    (without_a_file, "train.jsonl is missing"),
    (newer, "9999_tomorrow"),
    (older, "before curation.0007"),
    (of_another_form, "form 99"),
    (that_climbs_out, "outside of itself"),
    (that_climbs_about, "outside of itself"),
]


@pytest.mark.parametrize(("breaking", "said"), BROKEN, ids=[case[0].__name__ for case in BROKEN])
def test_a_broken_backup_changes_nothing(filled, tmp_path, settings, breaking, said):
    back_up(tmp_path / "kept")
    emptied()
    settings.DATA_DIR = tmp_path / "data"
    breaking(tmp_path / "kept")
    with pytest.raises(BadBackup, match=said):
        restore(tmp_path / "kept")
    assert not Project.objects.exists()
    assert not (tmp_path / "data").exists()


def test_where_a_file_finds_no_room_nothing_is_left(filled, tmp_path, settings, monkeypatch):
    (settings.DATA_DIR / "projects" / "kept" / "second.txt").write_text("2")
    back_up(tmp_path / "kept")
    emptied()
    settings.DATA_DIR = tmp_path / "data"

    def full(source, target):
        if source.name == "second.txt":
            raise OSError(28, "No space left on device")
        return copyfile(source, target)

    with monkeypatch.context() as patch:
        copyfile = shutil.copyfile
        patch.setattr(reading.shutil, "copyfile", full)
        with pytest.raises(OSError, match="No space"):
            restore(tmp_path / "kept")
    assert not Project.objects.exists()
    restore(tmp_path / "kept")
    assert Project.objects.get().slug == "kept"
    assert (tmp_path / "data/projects/kept/second.txt").read_text() == "2"


def test_a_backup_is_for_its_owner(filled, tmp_path):
    back_up(tmp_path / "kept")
    assert (tmp_path / "kept").stat().st_mode & 0o077 == 0
