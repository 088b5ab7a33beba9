"""Uploads that came to nothing: what no run refers to goes away a day after it was last looked at."""

import logging
import os
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from curation.models import Run

from .releasing.copies import TOMBSTONE

KEPT_SECONDS = 24 * 3600
FOLDER = re.compile(r"[0-9a-f]{16}")  # what an upload's folder is called

logger = logging.getLogger(__name__)


def looked_at(folder):
    """Somebody has the upload's page open: its day begins anew."""
    os.utime(folder)


def clear_forgotten():
    """Remove forgotten uploads of all projects, and what was coming in when a web process died; returns how many.

    Kept are those that a run read, whatever became of it, and those that hold what stands for a purged file.
    """
    places = settings.DATA_DIR.glob("projects/*/uploads/*")
    old = [place for place in places if FOLDER.fullmatch(place.name) and _is_old(place) and not place.is_symlink()]
    read = _read_by_runs() if old else set()
    gone = [
        place for place in old if place.name not in read and not any(place.glob(f"*{TOMBSTONE}")) and _remove(place)
    ]
    gone += [file for file in settings.FILE_UPLOAD_TEMP_DIR.glob("*") if _is_old(file) and _remove(file)]
    return len(gone)


def _is_old(place):
    with suppress(FileNotFoundError):  # another worker was faster
        return place.lstat().st_mtime < time.time() - KEPT_SECONDS
    return False


def _read_by_runs():
    """The names of the folders that runs read files of; DATA_DIR may have been elsewhere then."""
    one = Run.objects.filter(parameters__has_key="path").values_list("parameters__path", flat=True)
    several = Run.objects.filter(parameters__has_key="against").values_list("parameters__against", flat=True)
    return {Path(path).parent.name for path in [*one, *(path for paths in several for path in paths)]}


def _remove(place):
    """Whether it is gone by this; looked at once more, as its page may have been opened meanwhile."""
    if not _is_old(place):
        return False
    try:
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        logger.warning("The forgotten upload %s cannot be removed: %s", place, error)
        return False
    return True
