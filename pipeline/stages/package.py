"""Package: what was accepted becomes a release, whole or not at all."""

import shutil

from django.db import transaction
from django.db.models import Max

from curation import withdrawing
from curation.models import Event, Project, Release, ReleaseRow, Run
from curation.models.writing import insert_values
from curation.reviewing import settle
from pipeline import splits
from pipeline.releasing import auditing, building, choosing, reading, recipe, versioning
from pipeline.releasing.choosing import LEFT_OUT, NothingToRelease, candidates
from pipeline.releasing.recipe import INCLUDES

from . import deduplicate

TRIES = 3  # people go on deciding while a release is built; what no longer stands is chosen anew

__all__ = ["INCLUDES", "LEFT_OUT", "NothingToRelease", "candidates", "work"]


class _Interrupted(Exception):
    pass


class NotYet(Exception):
    """Something has to be done before there is a release; the message says what."""


def work(run, should_stop=lambda: False):
    """Build the release that `run.parameters` asks for; started again after a kill it begins anew."""
    if not run.begin():
        return "ended"
    settle(run.project)
    release = _open(run)
    scratch = release.directory.with_name(f".{release.directory.name}.part")
    try:
        _build(run, release, scratch, should_stop)
    except _Interrupted:
        if should_stop() and not run.seen():
            return "stopped"
        Release.objects.filter(pk=release.pk).update(state=Release.State.FAILED, error="Cancelled.")
        run.end(Run.State.CANCELLED)
    except (NothingToRelease, NotYet) as error:
        _fail(run, release, str(error))
    except Exception as error:
        _fail(run, release, f"{type(error).__name__}: {error}")
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return "ended"


def _fail(run, release, said):
    Release.objects.filter(pk=release.pk).update(state=Release.State.FAILED, error=said)
    run.end(Run.State.FAILED, error=said)


@transaction.atomic
def _open(run):
    """The Release row of this run; the next free version of the project."""
    found = Release.objects.filter(run=run).first()
    if found:
        return found
    # Two releases at once: one after the other.
    project = Project.objects.select_for_update(no_key=True).get(pk=run.project_id)
    last = Release.objects.filter(project=project).aggregate(last=Max("version"))["last"] or 0
    stored = recipe.of_parameters(run.parameters).stored(project)
    return Release.objects.create(
        project=project, version=last + 1, recipe=stored, seed=stored["seed"], run=run, created_by=run.created_by
    )


def _build(run, release, scratch, should_stop):
    """Choose, lock, split, write, describe, check, publish; anew where what was chosen changed meanwhile."""

    def look():
        if run.seen() or should_stop():
            raise _Interrupted

    def halted():
        return run.seen() or should_stop()

    for _ in range(TRIES):
        shutil.rmtree(scratch, ignore_errors=True)
        try:
            chosen = _choose(run, release, halted, look)
            return _make(run, release, chosen, scratch, look, halted)
        except reading.Changed as change:
            said = str(change)
    raise NotYet(f"Somebody decides on these rows while they are released ({said}): release again in a moment.")


def _choose(run, release, halted, look):
    """The rows by clusters and leaks as they are now, past the lock of an audit."""
    wanted = recipe.read(release.recipe)
    try:
        prompts = candidates(run.project, wanted.include, wanted)
        deduplicate.bring_up_to_date(run.project, halted, prompts=prompts)
    except deduplicate.Stopped:
        raise _Interrupted from None
    chosen = choosing.choose(run.project, wanted, look)
    release.audit, locked = auditing.lock(run.project, release.recipe, chosen.rows, by=run.created_by)
    if locked:
        raise NotYet(locked)
    return chosen


def _make(run, release, chosen, scratch, look, halted):
    Run.objects.filter(pk=run.pk).update(total=len(chosen.rows), done=0)

    def step(rows):
        look()
        run.count(done=rows)

    by = {"seed": release.seed, "shares": release.recipe["shares"]}
    placed = splits.freeze(run.project, chosen.strata, chosen.tied, **by)
    written = building.write(release, chosen, placed, scratch, step)
    base = versioning.former(run.project)
    if versioning.is_same(base, release.recipe, release.content_hash):
        return _stands(run, release, base)
    building.name(release, base, chosen)
    building.describe(release, written, scratch)
    building.check(release, scratch, halted)
    look()
    return _publish(run, release, scratch, [(row, placed[row.group]) for row in chosen.rows])


@transaction.atomic
def _stands(run, release, base):
    """The release before it holds the same bytes by the same recipe, and stands for this run too."""
    Run.objects.filter(pk=run.pk).update(versions={"release": base.version, "unchanged": True})
    release.delete()
    run.end(Run.State.FINISHED)


def _publish(run, release, scratch, rows):
    """Move the folder into place in one step, then say so in the database; `rows` are (Row, split)."""
    with transaction.atomic():
        gone = withdrawing.withdrawn_among(run.project, [row.prompt_id for row, _ in rows])
        if gone:
            raise reading.Changed(f"{gone:,} of them were withdrawn")
        shutil.rmtree(release.directory, ignore_errors=True)
        scratch.rename(release.directory)
        release.state = Release.State.DRAFT if release.problems else Release.State.PUBLISHED
        release.save()
        if not release.problems:
            values = [(row.prompt_id, row.response_id, row.row_id, split) for row, split in rows]
            names = ("prompt_id", "response_id", "row_id", "split")
            insert_values(ReleaseRow, names, values, release_id=release.pk)
        kind = "release_drafted" if release.problems else "released"
        detail = {"version": release.version, "semver": release.semver, "problems": release.problems}
        Run.objects.filter(pk=run.pk).update(versions={"release": release.version, "draft": bool(release.problems)})
        Event.objects.create(project=run.project, run=run, actor=run.created_by, kind=kind, detail=detail)
        run.end(Run.State.FINISHED)
