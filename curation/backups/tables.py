"""Which tables a backup holds, and what it says of itself."""

import hashlib
import json

from django.apps import apps
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

FORMAT = 1
MANIFEST = "backup.json"
TABLES, FILES = "tables", "files"
# Made anew by migrations, or worth nothing elsewhere.
NOT_KEPT = {"contenttypes.contenttype", "auth.permission", "sessions.session"}
AT_ONCE = 2000  # rows in hand


class BadBackup(Exception):
    """A folder that cannot be written to or restored from; the message says what is wrong and what is right."""


def kept_models():
    """Every model whose rows are kept; people first, as others name them by what they are called."""
    found = [model for model in apps.get_models() if model._meta.managed and model._meta.label_lower not in NOT_KEPT]
    return sorted(found, key=lambda model: (model._meta.app_label != "auth", model._meta.label_lower))


def by_name(model):
    """Whether a table's rows point at others by name: permissions have other ids in every database."""
    return model._meta.app_label in ("auth", "admin")


def migrations():
    """The migrations that this database has, sorted, as "app.name"."""
    return sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())


def read_manifest(folder):
    """What a backup says of itself; raises BadBackup where it is none, or of another form."""
    path = folder / MANIFEST
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        form = said["format"]
        if form == FORMAT and not _is_whole(said):
            raise ValueError
    except FileNotFoundError:
        raise BadBackup(
            f"{folder} holds no {MANIFEST}: name the folder that `backup` wrote. Without it the backup never ended."
        ) from None
    except (ValueError, KeyError, TypeError):
        raise BadBackup(f"{path} cannot be read: take another copy of the backup.") from None
    if form != FORMAT:
        raise BadBackup(f"The backup has form {form}, and this version reads form {FORMAT}: restore it by its own.")
    return said


def _is_whole(said):
    """Whether a manifest of this form has all that a restore goes by."""
    tables, files, names = said["tables"], said["files"], said["migrations"]
    return (
        isinstance(said["made_at"], str)
        and isinstance(names, list)
        and isinstance(tables, list)
        and isinstance(files, list)
        and all(isinstance(name, str) for name in names)
        and all(isinstance(each["rows"], int) and each["model"] and each["sha256"] for each in tables)
        and all(isinstance(each["path"], str) and each["sha256"] for each in files)
    )


def sha256_of(path):
    """The sha256 of a file, read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
