"""A backup into an empty database: whole or not at all."""

import gzip
import io
import shutil
from itertools import islice
from pathlib import PurePosixPath

from django.conf import settings
from django.core import serializers
from django.core.management.color import no_style
from django.db import connection, transaction

from ..alone import Taken, alone
from ..models import Batch, Run
from .signs import storable
from .tables import AT_ONCE, FILES, TABLES, BadBackup, kept_models, migrations, read_manifest, sha256_of

READY = ".restoring"  # where files are put before they take their place all at once
UNFINISHED = ".restoring"  # lies among them until the rows are stored as well
UNDER_WAY = "It was under way when the backup was made: start it again, and it goes on with what is left."


def restore(folder, say=lambda line: None):
    """Read a backup into this database and DATA_DIR, which must be empty; returns its manifest.

    Everything is checked before anything is written: the sha256 of every file, the tables, the version. Runs that were
    under way are ended, so that nothing is bought before somebody asks for it; what lies in batches at an endpoint
    stays, as it is paid for. What PostgreSQL cannot hold becomes another sign there: `changed` of the manifest that is
    returned has {table: rows in which it did}. Raises BadBackup.
    """
    said = read_manifest(folder)
    _refuse_other_version(said)
    _refuse_rows()
    _refuse_broken(folder, said)
    try:
        with alone(settings.DATA_DIR / "restore.lock"):
            _clear()
            _refuse_rows()
            _refuse_files()
            _restore(folder, said, say)
    except Taken as other:
        raise BadBackup(f"Process {other} restores into {settings.DATA_DIR} at this moment: let it end.") from None
    return said


def _restore(folder, said, say):
    """Files are made ready beside their place, and take it in the transaction of the rows."""
    try:
        _write(folder, said, say)
    except BaseException:
        _clear()
        raise
    (settings.DATA_DIR / "projects" / UNFINISHED).unlink()


def _clear():
    """Remove what a restore left that was killed; only its own, which is none of anything that was stored."""
    shutil.rmtree(settings.DATA_DIR / READY, ignore_errors=True)
    projects = settings.DATA_DIR / "projects"
    if (projects / UNFINISHED).exists() and _filled() is None:
        shutil.rmtree(projects)


def _write(folder, said, say):
    said["changed"] = {}
    with transaction.atomic():
        for table in said["tables"]:
            number = _fill(folder, table, said["changed"])
            say(f"{table['model']}: {number:,} rows")
        _reset_sequences()
        _end_runs()
        # Within the transaction: were a file missing room, no row would be here either.
        _place_files(folder, said, say)


def _refuse_other_version(said):
    here = migrations()
    unknown, missing = sorted(set(said["migrations"]) - set(here)), sorted(set(here) - set(said["migrations"]))
    if unknown:
        raise BadBackup(
            f"The backup was made by a version that also has {unknown[-1]}: install that version, or run "
            "`migrate` here if it was forgotten."
        )
    if missing:
        raise BadBackup(
            f"The backup was made before {missing[0]}: restore it with the version that made it, then install this one "
            "and run `migrate`."
        )


def _filled():
    """The first of the tables that hold anything, None in an empty database."""
    return next((model for model in kept_models() if model._base_manager.exists()), None)


def _refuse_rows():
    model = _filled()
    if model:
        raise BadBackup(
            f"This database is not empty ({model._meta.verbose_name_plural}): restore into a new one, after "
            "`migrate` and before anything else."
        )


def _refuse_files():
    projects = settings.DATA_DIR / "projects"
    if projects.exists() and any(projects.iterdir()):
        raise BadBackup(f"{projects} is not empty: set DATA_DIR to a new folder.")


def _refuse_broken(folder, said):
    known = {model._meta.label_lower for model in kept_models()}
    missing = sorted(known - {table["model"] for table in said["tables"]})
    if missing:
        raise BadBackup(f"The backup has no table {missing[0]}: take another copy of the backup.")
    for table in said["tables"]:
        if table["model"] not in known:
            raise BadBackup(f"The backup has a table {table['model']} that this version does not know.")
        _refuse_changed(folder / TABLES / f"{table['model']}.jsonl.gz", table["sha256"])
    for file in said["files"]:
        path, named = (folder / FILES / file["path"]).resolve(), PurePosixPath(file["path"])
        # What lies inside of the backup by such a name need not come to lie inside of DATA_DIR.
        climbs = named.is_absolute() or ".." in named.parts
        if climbs or not path.is_relative_to((folder / FILES).resolve()):
            raise BadBackup(f"The backup names a file outside of itself: {file['path']}.")
        _refuse_changed(path, file["sha256"])


def _refuse_changed(path, sha256):
    if not path.is_file():
        raise BadBackup(f"{path} is missing: take another copy of the backup.")
    if sha256_of(path) != sha256:
        raise BadBackup(f"{path} is not what was written: take another copy of the backup.")


def _fill(folder, table, changed):
    """Insert the rows of one table with the ids that they had; returns how many."""
    number = 0
    with gzip.open(folder / TABLES / f"{table['model']}.jsonl.gz", "rb") as packed:
        lines = io.TextIOWrapper(packed, encoding="utf-8")
        rows = serializers.deserialize("jsonl", _lines(lines, table["model"], changed))
        while some := list(islice(rows, AT_ONCE)):
            model = type(some[0].object)
            model._base_manager.bulk_create([row.object for row in some], batch_size=AT_ONCE)
            for row in some:
                for name, values in (row.m2m_data or {}).items():
                    if values:
                        getattr(row.object, name).set(values)
            number += len(some)
    if number != table["rows"]:
        raise BadBackup(f"{table['model']} has {number:,} rows, and {table['rows']:,} were written.")
    return number


def _lines(lines, model, changed):
    """The lines as this database can hold them; counts in `changed` those in which a sign became another."""
    if connection.vendor != "postgresql":
        yield from lines
        return
    for line in lines:
        line, number = storable(line)
        if number:
            changed[model] = changed.get(model, 0) + 1
        yield line


def _reset_sequences():
    """The next row of a table comes after those that were restored."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), kept_models()):
            cursor.execute(statement)


def _end_runs():
    at_an_endpoint = Batch.objects.filter(state__in=Batch.OPEN).values("run")
    for run in Run.objects.live().exclude(pk__in=at_an_endpoint):
        run.end(Run.State.FAILED, error=UNDER_WAY)


def _place_files(folder, said, say):
    ready = settings.DATA_DIR / READY
    ready.mkdir()
    (ready / UNFINISHED).touch()
    for file in said["files"]:
        target = ready / file["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / FILES / file["path"], target)
    ready.rename(settings.DATA_DIR / "projects")  # which is empty, or not there
    say(f"{len(said['files']):,} files")
