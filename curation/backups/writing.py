"""The record as it was at one moment, into a folder, while everybody goes on working."""

import gzip
import io
import json
import os
import shutil
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core import serializers
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.utils import timezone

from .tables import AT_ONCE, FILES, FORMAT, MANIFEST, TABLES, BadBackup, by_name, kept_models, migrations, sha256_of


def back_up(folder, say=lambda line: None):
    """Write every row and every project's files into `folder`, a new or empty one; returns its manifest.

    The manifest is written last: a folder without one is a backup that never ended. Rows are those of one moment, and
    files are copied after them, so that none is missing that a row speaks of. Links are not followed: `links` of the
    manifest names them. Raises BadBackup.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadBackup(f"{folder} is not empty: name a new folder. A backup never goes over another one.")
    _refuse_inside(folder)
    try:
        return _write(folder, say)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise BadBackup(f"{where}{error.strerror}. What lies in {folder} is no backup: remove it.") from error


def _write(folder, say):
    (folder / TABLES).mkdir(parents=True, exist_ok=True)
    os.chmod(folder, 0o700)  # it holds everything that the database holds
    with _one_moment():
        said = {"format": FORMAT, "made_at": timezone.now().isoformat(), "migrations": migrations(), "tables": []}
        for model in kept_models():
            said["tables"].append(_table(folder, model))
            say(f"{model._meta.label}: {said['tables'][-1]['rows']:,} rows")
    said["files"], said["links"] = _files(folder, say)
    whole = folder / f".{MANIFEST}"
    whole.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    whole.rename(folder / MANIFEST)
    return said


def _refuse_inside(folder):
    if folder.resolve().is_relative_to((settings.DATA_DIR / "projects").resolve()):
        raise BadBackup(f"{folder} lies among the files that are backed up: name a folder outside of DATA_DIR.")


@contextmanager
def _one_moment():
    """Everything read within is of one moment; nobody waits for it."""
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
        return
    if connection.in_atomic_block:
        yield
        return
    # Django would begin by taking the place of the writer. In WAL mode a reader keeps the moment of its first read.
    with connection.cursor() as cursor:
        cursor.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


def _table(folder, model):
    path = folder / TABLES / f"{model._meta.label_lower}.jsonl.gz"
    rows = _Counted(model._base_manager.order_by("pk").iterator(chunk_size=AT_ONCE))
    with (
        open(path, "wb") as file,
        gzip.GzipFile("", "wb", 1, file, 0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="\n") as lines,
    ):
        options = {"cls": _Exactly, "use_natural_foreign_keys": by_name(model)}
        # Half a surrogate pair, which JSON in SQLite may hold, has no UTF-8, and shall keep nobody from a backup.
        serializers.serialize("jsonl", rows, stream=lines, ensure_ascii=True, **options)
    return {"model": model._meta.label_lower, "rows": rows.number, "sha256": sha256_of(path)}


class _Exactly(DjangoJSONEncoder):
    """Django's own cuts a time at milliseconds, and what came after what would no longer be known."""

    def default(self, o):
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


class _Counted:
    def __init__(self, rows):
        self.rows, self.number = rows, 0

    def __iter__(self):
        for row in self.rows:
            self.number += 1
            yield row


def _files(folder, say):
    """Copy what lies under the projects' folders; returns ([what is known of each], paths of the links)."""
    source, found, links = settings.DATA_DIR / "projects", [], []
    for path in _walk(source):
        inside = path.relative_to(source).as_posix()
        if path.is_symlink():
            links.append(inside)
            continue
        target = folder / FILES / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(path, target)
        except FileNotFoundError:  # an upload that its run was done with meanwhile
            if path.exists():
                raise
            target.unlink(missing_ok=True)
            continue
        found.append({"path": inside, "bytes": target.stat().st_size, "sha256": sha256_of(target)})
    say(f"{len(found):,} files")
    return found, links


def _walk(source):
    """Every file and link below a folder, in order; what is half-written begins with a dot, and is none of them."""

    def wrong(error):
        if not isinstance(error, FileNotFoundError):  # a folder may go away meanwhile; one that is shut ends it
            raise error

    found = []
    for folder, folders, files in os.walk(source, onerror=wrong):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(folder, name) for name in (*files, *links) if not name.startswith(".")]
    return sorted(path for path in found if path.is_symlink() or path.is_file())


def told_of_links(links):
    """A sentence on links that were not followed; "" for none."""
    if not links:
        return ""
    more = f" and {len(links) - 5:,} more" if links[5:] else ""
    what = f"{len(links):,} links are" if links[1:] else "1 link is"
    lead = "they lead" if links[1:] else "it leads"
    return f"{what} not followed, so what {lead} to is not in it: {', '.join(links[:5])}{more}."
