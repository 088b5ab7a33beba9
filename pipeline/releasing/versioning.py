"""The label of a release: what changed since the one before it. Major: recipe or schema; minor: rows added or changed;
patch: rows only removed."""

import numpy as np

from curation.models import Release, ReleaseRow
from curation.models.prompt import AT_ONCE

from .manifest import SCHEMA_VERSION

FIRST = "1.0.0"


def numbers(release):
    """(major, minor, patch) of a release; those of before labels were numbered by their version alone."""
    return tuple(int(part) for part in (release.semver or f"{release.version}.0.0").split("."))


def former(project):
    """The published release with the highest label, or None."""
    published = Release.objects.filter(project=project, state=Release.State.PUBLISHED)
    return max(published.defer("files"), key=lambda each: (numbers(each), each.version), default=None)


def label(base, recipe, row_ids):
    """The label of a release by `recipe` (the stored copy) of these row ids (an array) that comes after `base`."""
    if base is None:
        return FIRST
    major, minor, patch = numbers(base)
    if base.recipe != recipe or base.manifest.get("schema_version") != SCHEMA_VERSION:
        return f"{major + 1}.0.0"
    before = ReleaseRow.objects.filter(release=base).values_list("row_id", flat=True)
    before = np.fromiter(before.iterator(AT_ONCE), row_ids.dtype)
    if len(row_ids) < len(before) and np.isin(row_ids, before).all():
        return f"{major}.{minor}.{patch + 1}"
    return f"{major}.{minor + 1}.0"


def is_same(base, recipe, content_hash):
    """Whether `base` holds the same bytes by the same recipe, so that it can stand in place of another."""
    return base is not None and base.content_hash == content_hash and base.recipe == recipe
