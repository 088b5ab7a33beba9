"""Killed (-9) at any place: what was under way is whole or absent afterwards, and done again it comes to the same end.

Of workers that die while they ask teachers tell the tests of crashes of each stage; of patches and purges their own.
"""

import json
import shutil

import pytest
from django.conf import settings
from django.core.management.base import CommandError

from curation.alone import alone
from curation.backups import BadBackup, back_up, restore
from curation.models import Annotation, Event, Pair, Project, Release, Run, State
from pipeline import jobs
from pipeline.releasing import verifying
from tests import factories, old_scripts
from tests.kept_true import broken
from tests.killed import killed_at
from tests.test_backup_and_restore import emptied, filled, tables_of  # noqa: F401  a fixture
from tests.test_migrating_again import held, migrate

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
CARRY_OUT = """
from django.conf import settings
from curation.importing import load
from curation.models import Run
from pipeline import jobs
load.BATCH_PROMPTS = 20
settings.LEASE_SECONDS = 1  # what the dead one has in hand is free soon
jobs.carry_out(Run.objects.get(pk={run}))
"""


def killed_run(run, where, calls=0):
    """Kill a run as it comes to `where`, and have another worker end it; returns the run as it is then."""
    assert killed_at(where, CARRY_OUT.format(run=run.pk), calls)
    assert Run.objects.get(pk=run.pk).is_live
    assert jobs.carry_out(run) == "ended"
    run.refresh_from_db()
    return run


# -- imports ----------------------------------------------------------------------------------------------------------


def texts():
    """Sixty sources."""
    return [{"text": f"Text {n}.", "locator": f"made:{n}", "title": str(n)} for n in range(60)]


def paid():
    """Sixty answers that were bought elsewhere."""
    return [{"template_name": "hypothesis", "user_prompt": f"Write {n}.", "context": f"Iron {n}."} | {
        "teacher_output": f"If iron is heated to {n} K, it expands."} for n in range(60)]  # fmt: skip


def written(tmp_path, rows):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


def stored(project):
    answers = project.prompts.values_list("key", "state", "attempts", "current_response__text")
    pairs = Pair.objects.filter(project=project).values_list("hypothesis__key", "methodology__key")
    return sorted(answers), sorted(pairs), project.documents.count()


@pytest.mark.parametrize(
    ("rows", "where", "calls"),
    [
        (texts, "curation.importing.store.Store._pair", 2),
        (texts, "curation.importing.load._bring_together", 0),
        (paid, "curation.importing.outputs.PaidAnswers.keep_scores", 1),
        (paid, "curation.models.Run.end", 0),
    ],
)
def test_an_import(tmp_path, rows, where, calls):
    file, ends = written(tmp_path, rows()), []
    for slug in ("whole", "killed"):
        project = factories.project(slug=slug)
        run = jobs.prepare(project, "import", {"path": file})
        if slug == "killed":
            killed_run(run, where, calls)
        else:
            jobs.carry_out(run)
        run.refresh_from_db()
        assert (run.state, run.error) == ("finished", "")
        assert broken(project) == []
        ends.append(stored(project))
    assert ends[0] == ends[1]
    assert Event.objects.filter(project=project, kind="import").count() == 1


# -- releases ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["pipeline.splits.freeze", "pipeline.stages.package._record_rows"])
def test_a_release(where):
    project = factories.project("Films", split_seed="a seed", paired=False)
    for _ in range(12):
        factories.accepted(project)
    run = killed_run(jobs.prepare(project, "package"), where)
    release = Release.objects.get()
    assert (run.state, release.state, release.rows.count()) == (Run.State.FINISHED, Release.State.PUBLISHED, 12)
    assert verifying.verify(release.directory) is None
    assert broken(project) == []


# -- the last word on what cannot be mended ---------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["curation.models.Tally.objects.moved", "pipeline.stages.sending.ranking.arrived"])
def test_attempts_that_are_used_up(where):
    project = factories.project(
        paired=False, regen_teacher=factories.teacher(), attempt_limit=1, on_exhausted="to_review"
    )
    prompts = [factories.prompt(project, State.TO_REGENERATE) for _ in range(3)]
    run = killed_run(jobs.prepare(project, "regenerate"), where)
    assert (run.state, run.done, run.counters) == ("finished", 3, {"to_review": 3})
    assert project.prompts.filter(state=State.TO_REVIEW).count() == len(prompts)
    assert Event.objects.filter(kind="attempts_used_up").count() == len(prompts)
    assert broken(project) == []


# -- backup and restore -----------------------------------------------------------------------------------------------


BACK_UP = "from pathlib import Path\nfrom curation.backups import back_up\nback_up(Path({folder!r}))"
RESTORE = "from pathlib import Path\nfrom curation.backups import restore\nrestore(Path({folder!r}), {say})"


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("where", "calls"),
    [("curation.backups.writing._table", 5), ("curation.backups.writing._files", 0), ("pathlib.Path.rename", 0)],
)
def test_a_backup(tmp_path, where, calls):
    half, whole = tmp_path / "half", tmp_path / "whole"
    assert killed_at(where, BACK_UP.format(folder=str(half)), calls)
    with pytest.raises(BadBackup):
        restore(half)
    back_up(whole)
    emptied()
    shutil.rmtree(settings.DATA_DIR / "projects")
    restore(whole)
    assert Project.objects.get().slug == "kept"


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("where", "calls", "say"),
    [
        ("curation.backups.reading._fill", 4, "print"),
        ("shutil.copyfile", 0, "print"),
        ("pathlib.Path.rename", 0, "print"),
        # In their place, and not stored yet.
        ("os.stat", 10**9, 'lambda line: os.kill(os.getpid(), 9) if line.endswith(" files") else None'),
    ],
)
def test_a_restore(tmp_path, where, calls, say):
    back_up(tmp_path / "kept")
    wanted = tables_of(tmp_path / "kept")
    emptied()
    shutil.rmtree(settings.DATA_DIR / "projects")
    assert killed_at(where, RESTORE.format(folder=str(tmp_path / "kept"), say=say), calls)
    assert not Project.objects.exists()
    restore(tmp_path / "kept")
    back_up(tmp_path / "again")
    assert tables_of(tmp_path / "again") == wanted
    assert [path.name for path in (settings.DATA_DIR / "projects").iterdir()] == ["kept"]
    assert not (settings.DATA_DIR / ".restoring").exists()


@pytest.mark.usefixtures("filled")
def test_a_restore_that_was_stored_is_whole(tmp_path):
    back_up(tmp_path / "kept")
    emptied()
    shutil.rmtree(settings.DATA_DIR / "projects")
    assert killed_at("pathlib.Path.unlink", RESTORE.format(folder=str(tmp_path / "kept"), say="print"))
    assert Project.objects.get().slug == "kept"
    assert (settings.DATA_DIR / "projects/kept/releases/v1/jsonl/train.jsonl").is_file()
    with pytest.raises(BadBackup, match="not empty"):
        restore(tmp_path / "kept")


# -- the way over -----------------------------------------------------------------------------------------------------


MIGRATE = """
from pathlib import Path
from django.core.management import call_command
call_command("migrate_from_scripts", config=Path({config!r}), project="distill", report=Path({report!r}))
"""


@pytest.mark.parametrize(
    ("where", "calls"),
    [
        ("pipeline.migrating.moving.take", 1),
        ("pipeline.migrating.attempts._repair", 1),
        ("pipeline.migrating.attempts._save", 0),
        ("pipeline.migrating.labels.Labels._store", 1),
        ("pipeline.migrating.write_report", 0),
    ],
)
def test_a_migration(tmp_path, where, calls):
    old_scripts.make(tmp_path)
    migrate(tmp_path, "whole")
    said = {"config": str(tmp_path / "configs/distill_config.yaml"), "report": str(tmp_path / "report")}
    assert killed_at(where, MIGRATE.format(**said), calls)
    migrate(tmp_path)
    assert held("distill") == held("whole")
    assert not Annotation.objects.filter(response=None).exists()


def test_of_two_migrations_at_once_one_waits_for_its_turn(tmp_path):
    old_scripts.make(tmp_path)
    with alone(settings.DATA_DIR / "migrate.lock"), pytest.raises(CommandError, match="takes files over"):
        migrate(tmp_path)
    assert not Project.objects.exists()
    migrate(tmp_path)


@pytest.mark.usefixtures("filled")
def test_of_two_restores_at_once_one_is_refused(tmp_path):
    back_up(tmp_path / "kept")
    emptied()
    with alone(settings.DATA_DIR / "restore.lock"), pytest.raises(BadBackup, match="restores into"):
        restore(tmp_path / "kept")
    assert not Project.objects.exists()
