"""Purge as a run: the texts of a withdrawal are blanked, and files that hold them go; the record of them stays."""

import shutil

import pyarrow as pa
import pyarrow.parquet as pq
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from curation import withdrawing
from curation.models import Event, Project, Run, Withdrawal
from curation.withdrawing import blanking

from . import copies

BATCH = 2000
NAMED = 200  # files that are told by name


class Halted(Exception):
    """The run was cancelled or must stop; what was blanked stays blank."""


def work(run, should_stop=lambda: False):
    """Blank the texts of the withdrawal that `run.parameters` names; a killed one's successor does it all again."""
    if not run.begin():
        return "ended"
    withdrawal = Withdrawal.objects.select_related("project", "run").get(pk=run.parameters["withdrawal"])

    def step(number=0):
        if number:
            run.count(done=number)
        if run.seen() or should_stop():
            raise Halted

    try:
        why_not = blanking.why_not_blank(withdrawal, but_for=run)
        if why_not:
            run.end(Run.State.FAILED, error=why_not)
        else:
            _purge(run, withdrawal, step)
    except Halted:
        if not run.seen():
            return "stopped"
        run.end(Run.State.CANCELLED)
    return "ended"


def _purge(run, withdrawal, step):
    """Files first, found by what the record still says; then the record, the source texts last of all."""
    blanking.take_over(withdrawal)
    Run.objects.filter(pk=run.pk).update(total=withdrawal.prompts.count(), done=0)
    _overwrite_what_is_deleted()
    words, untold = blanking.telling_words(withdrawal)
    removed = remove_from_releases(withdrawal, step)
    stay, unread = copies.remove(withdrawal, words, step)
    blanking.blank_prompts(withdrawal, step)
    calls, shared = blanking.blank_calls(withdrawal, words)
    texts = blanking.blank_documents(withdrawal)
    numbers = {"calls": calls, "shared_calls": shared, "sources": texts}
    files = {"stay": stay, "unread": unread, "untold": untold} | _not_looked_through(withdrawal.project, untold)
    with transaction.atomic():
        _tell(run, withdrawal, removed, files, numbers)
        run.end(Run.State.FINISHED)


def _not_looked_through(project, untold):
    """Where texts had no words to be known by: files that may hold them still, the first by name, and how many."""
    left = [path.relative_to(project.data_dir).as_posix() for path in copies.listed(project)] if untold else []
    return {"left": left[:NAMED], "left_number": len(left)}


def _tell(run, withdrawal, removed, said, numbers):
    """Say what was done, where somebody will look for it: by the withdrawal, and on the run."""
    before = purged_so_far(withdrawal)
    releases = {each["version"]: each["files"] for each in before.get("releases", [])}
    gone_copies = copies.removed(withdrawal)
    for version, files in removed.items():
        releases[version] = sorted({*releases.get(version, []), *files})
    detail = {
        "withdrawal": withdrawal.pk,
        "what": str(withdrawal),
        "releases": [{"version": version, "files": files} for version, files in sorted(releases.items()) if files],
        "copies": sorted({*before.get("copies", []), *gone_copies}),
        "sha256": before.get("sha256", {}) | {path: each["sha256"] for path, each in gone_copies.items()},
    }
    detail |= said | numbers
    Withdrawal.objects.filter(pk=withdrawal.pk).update(purged_at=timezone.now(), purged_by=run.created_by)
    Event.objects.create(project=run.project, run=run, actor=run.created_by, kind="purged", detail=detail)
    run.count(**{name: number for name, number in numbers.items() if number})
    gone = ", ".join(f"v{each['version']}" for each in detail["releases"])
    if gone:
        run.say(f"No longer verify, since files that held the texts are gone: {gone}.")


def purged_so_far(withdrawal):
    """What the last purge of a withdrawal said of itself, {} before the first."""
    events = Event.objects.filter(project=withdrawal.project, kind="purged", detail__withdrawal=withdrawal.pk)
    last = events.order_by("-at", "-pk").first()
    return last.detail if last else {}


def _overwrite_what_is_deleted():
    """SQLite leaves old texts in its file until their place is needed; from now on this connection zeroes them."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = ON")


# -- files of releases -----------------------------------------------------------------------------------------------


def holding(withdrawal):
    """[(release, files that hold texts of it)] of every release whose files lie there, the newest first."""
    keys = set(blanking.taken(withdrawal).values_list("key", flat=True))
    releases = withdrawal.project.releases.filter(state__in=withdrawing.HOLDING).order_by("-version")
    found = ((release, files_with(release, keys)) for release in releases)
    return [(release, files) for release, files in found if files]


def files_with(release, keys):
    """Paths of a release's files in which texts of the prompts with these keys stand."""
    entries = [each for each in release.files if each.get("split") and (release.directory / each["path"]).is_file()]
    tables = [each for each in entries if each["path"].endswith(".parquet")]
    found = [each for each in tables if _has_a_key(release.directory / each["path"], keys)]
    parts = {(each.get("format"), each["split"]) for each in found}
    # All JSON Lines files of a part say what its Parquet files say; what only describes the rows holds no text.
    lines = [each for each in entries if each["path"].endswith(".jsonl") and not each["path"].endswith(".meta.jsonl")]
    return sorted(
        each["path"] for each in [*found, *(each for each in lines if (each.get("format"), each["split"]) in parts)]
    )


def _has_a_key(path, keys):
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid:  # torn: nobody can say what it does not hold
        return True
    names = [name for name in file.schema_arrow.names if name.endswith("prompt_key")]
    for batch in file.iter_batches(BATCH, columns=names):
        if any(not keys.isdisjoint(column.to_pylist()) for column in batch.columns):
            return True
    return False


def remove_from_releases(withdrawal, step=lambda: None):
    """Remove the files of releases that hold texts of a withdrawal; returns {version: paths}. Manifests stay."""
    _remove_folders_of_none(withdrawal.project)
    removed = {}
    for release, files in holding(withdrawal):
        step()
        for path in files:
            (release.directory / path).unlink(missing_ok=True)
        removed[release.version] = files
    return removed


@transaction.atomic
def _remove_folders_of_none(project):
    """Remove what builds left that were killed: half-written folders, and those of releases that never came to be."""
    # A release takes its place under this lock, in the transaction that says so.
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    releases = project.releases.filter(Q(state__in=withdrawing.HOLDING) | Q(run__in=Run.objects.live()))
    kept = {f"v{version}" for version in releases.values_list("version", flat=True)}
    folder = project.data_dir / "releases"
    for place in (*folder.glob(".*.part"), *(each for each in folder.glob("v*") if each.name not in kept)):
        shutil.rmtree(place, ignore_errors=True)


def missing(release):
    """Paths of a published release's files that are not there any more."""
    return [entry["path"] for entry in release.files if not (release.directory / entry["path"]).is_file()]
