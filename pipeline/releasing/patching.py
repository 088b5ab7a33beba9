"""A patch release: the files of an earlier one without the rows that were withdrawn since.

It is made from the files of its base alone, row by row; the base itself stays as it is.
"""

import shutil

import pyarrow.parquet as pq
from django.db import transaction
from django.db.models import Max

from curation import withdrawing
from curation.models import Event, Project, Release, ReleaseRow, Run
from curation.models.writing import insert_values

from . import card, checking, leaving_out, manifest, proof, provenance, versioning


class Halted(Exception):
    """The run was cancelled or must stop; nothing of the patch is there yet."""


class Outdated(Exception):
    """More was withdrawn while the patch was made, or another release took its label: it is made anew."""


class CannotPatch(Exception):
    """There is no patch of this release; the message says why."""


def newest_affected(project):
    """The release with the highest label, if rows of it were withdrawn and it has no patch without them; else None."""
    former = versioning.former(project)
    return former if former and left_to_bury(former) else None


def left_to_bury(release):
    """Whether a release holds withdrawn rows that no patch of it leaves out, nor a patch of one of those."""
    return release.tombstones.exists() and all(left_to_bury(patch) for patch in patches_of(release))


def patches_of(release):
    """The published patches of a release."""
    return [each for each in release.patches.filter(state=Release.State.PUBLISHED) if "withdrawn" in each.manifest]


def patch(run, base, look=lambda: None):
    """Make the patch release of `base` for `run`, whole or not at all, and return it; begun again it begins anew.

    Raises CannotPatch where there is nothing to patch or nothing left, Halted or whatever `look` raises between rows.
    """
    while True:
        withdrawing.bury(run.project)
        try:
            return _patch(run, base, look)
        except Outdated:
            look()


def _patch(run, base, look):
    why_not = why_none(base)
    if why_not:
        raise CannotPatch(why_not)
    gone = set(base.tombstones.values_list("row_id", flat=True))
    release = _open(run, base)
    scratch = release.directory.with_name(f".{release.directory.name}.part")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        release.semver = label(base)
        removed = leaving_out.write(release, base, scratch, gone, look)
        _describe(release, base, scratch, removed)
        _check(release, scratch, look)
        look()
        _publish(run, release, base, scratch, gone)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return release


def why_none(base):
    """Why there can be no patch of a release, in a sentence; "" where one can be made."""
    if base.state != Release.State.PUBLISHED:
        return f"Release {base.version} was not published: there is nothing to patch, release anew instead."
    gone = base.tombstones.count()
    if not gone:
        return f"No row of release {base.version} was withdrawn."
    if gone >= ReleaseRow.objects.filter(release=base).count():
        return f"Every row of release {base.version} was withdrawn: there is nothing left for a patch."
    if proof.NAME not in {entry["path"] for entry in base.files}:
        return f"Release {base.version} was made before releases had {proof.NAME}: release anew instead."
    needed = [proof.NAME, *(entry["path"] for entry in leaving_out.tables(base))]
    missing = [path for path in needed if not (base.directory / path).is_file()]
    return f"{missing[0]} of release {base.version} is not there: release anew instead." if missing else ""


@transaction.atomic
def _open(run, base):
    """The Release row of this patch; the next free version of the project."""
    project = Project.objects.select_for_update(no_key=True).get(pk=run.project_id)
    found = Release.objects.filter(run=run, base=base).first()
    if found:
        return found
    last = Release.objects.filter(project=project).aggregate(last=Max("version"))["last"] or 0
    return Release.objects.create(
        project=project,
        version=last + 1,
        base=base,
        recipe=base.recipe,
        seed=base.seed,
        run=run,
        created_by=run.created_by,
    )


def label(base):
    """The label of the next patch of `base`: 1.3.0 → 1.3.1, behind those that there are."""
    major, minor, _ = versioning.numbers(base)
    published = Release.objects.filter(project=base.project, state=Release.State.PUBLISHED).defer("files", "manifest")
    same = [numbers for numbers in map(versioning.numbers, published) if numbers[:2] == (major, minor)]
    return f"{major}.{minor}.{max(same)[2] + 1}"


# -- what is said of them --------------------------------------------------------------------------------------------


def _describe(release, base, scratch, removed):
    """Card and manifest: the base's, with the numbers of what is left."""
    described = {name: value for name, value in base.manifest.items() if name not in ("files", manifest.SELF)}
    described |= {
        "schema_version": manifest.SCHEMA_VERSION,
        "version": release.semver,
        "base": base.semver or f"{base.version}.0.0",
        "row_count": release.counts["rows"],
        "unreviewed": release.counts["unreviewed"],
        "counts": release.counts,
        "source_hash": _source_hash(scratch),
        "content_hash": release.content_hash,
        "versions": _versions(base, removed),
        "withdrawn": release.counts["withdrawn"],
    }
    release.manifest = described
    card.write(release, scratch)
    release.manifest, release.files = manifest.seal(described, release.files, scratch)


def _source_hash(scratch):
    return proof.combined(set(pq.read_table(scratch / proof.NAME, columns=["source_sha256"])[0].to_pylist()))


def _versions(base, removed):
    """The versions that the manifest of `base` names, less the removed rows."""
    first = base
    while first.base:
        first = first.base
    since = first.run.ended_at if first.run and first.run.ended_at else first.created_at
    gone = [row["id"] for row in removed]
    responses = dict(base.rows.filter(row_id__in=gone).values_list("row_id", "response_id"))
    return provenance.without(base.manifest.get("versions", {}), removed, responses, base.project, since)


def _check(release, scratch, look):
    def halted():
        try:
            look()
        except Halted:
            return True
        return False

    found = checking.check(scratch, targets=release.recipe.get("targets"), should_stop=halted)
    look()
    release.report |= {"remarks": found.remarks} | found.figures
    release.problems = found.problems


# -- its place -------------------------------------------------------------------------------------------------------


def _publish(run, release, base, scratch, gone):
    """Move the folder into place in one step, and say so in the database."""
    names = ("prompt_id", "response_id", "row_id", "split")
    held = ReleaseRow.objects.filter(release=base).order_by("pk").values_list(*names)
    rows = [row for row in held if row[names.index("row_id")] not in gone]
    with transaction.atomic():
        if withdrawing.withdrawn_among(run.project, [row[0] for row in rows]) or label(base) != release.semver:
            raise Outdated
        shutil.rmtree(release.directory, ignore_errors=True)
        scratch.rename(release.directory)
        release.state = Release.State.DRAFT if release.problems else Release.State.PUBLISHED
        release.save()
        insert_values(ReleaseRow, names, rows, release_id=release.pk)
        kind = "release_drafted" if release.problems else "released"
        detail = {"version": release.version, "semver": release.semver, "base": base.version}
        Event.objects.create(project=run.project, run=run, actor=run.created_by, kind=kind, detail=detail)
        Run.objects.filter(pk=run.pk).update(versions={"release": release.version, "base": base.version})
