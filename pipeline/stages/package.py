"""Package: what was accepted becomes a release, whole or not at all."""

import shutil
import time

import numpy as np
from django.db import transaction
from django.db.models import Max

from curation import withdrawing
from curation.models import Event, Project, Release, ReleaseRow, Run
from curation.models.prompt import AT_ONCE
from curation.models.writing import insert_values
from curation.reviewing import settle
from pipeline import splits
from pipeline.outages import LOST
from pipeline.releasing import auditing, building, checking, choosing, reading, recipe, versioning
from pipeline.releasing.choosing import LEFT_OUT, NothingToRelease, candidates
from pipeline.releasing.garbage import few_looks
from pipeline.releasing.recipe import INCLUDES
from pipeline.resemblance.leaks import LostNgrams

from . import deduplicate

TRIES = 3  # people go on deciding while a release is built; what no longer stands is chosen anew

__all__ = ["INCLUDES", "LEFT_OUT", "NothingToRelease", "candidates", "work"]


class _Interrupted(Exception):
    pass


class NotYet(Exception):
    """Something has to be done before there is a release; the message says what."""


class _Locked(Exception):
    """Rows have to be looked at first; the message says which, `audit` is where."""

    def __init__(self, said, audit):
        super().__init__(said)
        self.audit = audit


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
        Release.objects.filter(pk=release.pk, state=Release.State.BUILDING).update(
            state=Release.State.FAILED, error="Cancelled."
        )
        run.end(Run.State.CANCELLED)
    except (NothingToRelease, NotYet, LostNgrams) as error:
        _fail(run, release, str(error))
    except _Locked as locked:
        _wait_for(run, release, locked)
    except LOST:
        raise  # no failure of the run's: whoever called waits for the database and calls again
    except Exception as error:
        _fail(run, release, f"{type(error).__name__}: {error}")
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return "ended"


def _fail(run, release, said):
    Release.objects.filter(pk=release.pk, state=Release.State.BUILDING).update(state=Release.State.FAILED, error=said)
    run.end(Run.State.FAILED, error=said)


@transaction.atomic
def _wait_for(run, release, locked):
    """Nothing was built yet, so there is no release; the run leads to the audit."""
    release.delete()
    Run.objects.filter(pk=run.pk).update(versions={"audit": locked.audit.pk})
    run.end(Run.State.FAILED, error=str(locked))


@transaction.atomic
def _open(run):
    """The Release row of this run; the next free version of the project."""
    # Two releases at once: one after the other, and two jobs of one run build one.
    project = Project.objects.select_for_update(no_key=True).get(pk=run.project_id)
    found = Release.objects.filter(run=run).first()
    if found:
        return found
    last = Release.objects.filter(project=project).aggregate(last=Max("version"))["last"] or 0
    stored = recipe.of_parameters(run.parameters).stored(project)
    return Release.objects.create(
        project=project, version=last + 1, recipe=stored, seed=stored["seed"], run=run, created_by=run.created_by
    )


def _build(run, release, scratch, should_stop):
    """Choose, lock, split, write, describe, check, publish; anew where what was chosen changed meanwhile."""
    halted = _Watch(run, should_stop)
    for _ in range(TRIES):
        shutil.rmtree(scratch, ignore_errors=True)
        try:
            since = splits.newest(run.project)
            chosen = _choose(run, release, halted)
            return _make(run, release, chosen, scratch, halted, since)
        except (reading.Changed, splits.FrozenMeanwhile) as change:
            said = str(change)
        except (deduplicate.Stopped, checking.Stopped):
            raise _Interrupted from None
    raise NotYet(f"Somebody decides on these rows while they are released ({said}): release again in a moment.")


class _Watch:
    """Whether to stop, as a function; looks at the run and gives a sign of life once a second at most."""

    def __init__(self, run, should_stop):
        self.run, self.should_stop, self.next = run, should_stop, 0

    def __call__(self):
        if time.monotonic() < self.next:
            return self.should_stop()
        self.next = time.monotonic() + 1
        return self.run.seen() or self.should_stop()

    def look(self):
        """Leave the work where it is to stop."""
        if self():
            raise _Interrupted


def _choose(run, release, halted):
    """The rows by clusters and leaks as they are now, past the lock of an audit."""
    wanted = recipe.read(release.recipe)
    deduplicate.bring_up_to_date(run.project, halted, prompts=candidates(run.project, wanted.include, wanted))
    with few_looks():
        chosen = choosing.choose(run.project, wanted, halted.look)
    release.audit, locked = auditing.lock(run.project, release.recipe, chosen.rows, by=run.created_by)
    if locked:
        raise _Locked(locked, release.audit)
    return chosen


def _make(run, release, chosen, scratch, halted, since):
    Run.objects.filter(pk=run.pk).update(total=len(chosen.rows), done=0)

    def step(rows):
        halted.look()
        run.count(done=rows)

    by = {"seed": release.seed, "shares": release.recipe["shares"], "since": since}
    placed = chosen.splits(splits.freeze(run.project, chosen.groups(), chosen.tied, **by))
    written = building.write(release, chosen, placed, scratch, step)
    base = versioning.former(run.project)
    if versioning.is_same(base, release.recipe, release.content_hash):
        return _stands(run, release, base)
    building.name(release, base, chosen)
    building.describe(release, written, scratch)
    building.check(release, scratch, halted)
    if run.seen() or halted.should_stop():  # the last moment
        raise _Interrupted
    changed = choosing.changed_since(run.project, recipe.read(release.recipe), chosen.rows)
    if changed:
        raise reading.Changed(f"{changed:,} of them were sent elsewhere or answered anew")
    with few_looks():
        return _publish(run, release, base, scratch, chosen.rows, placed)


@transaction.atomic
def _stands(run, release, base):
    """The release before it holds the same bytes by the same recipe, and stands for this run too."""
    Run.objects.filter(pk=run.pk).update(versions={"release": base.version, "unchanged": True})
    release.delete()
    run.end(Run.State.FINISHED)


def _refuse_outdated(run, release, base, rows):
    """Raise Changed or _Locked for what happened since; until the transaction ends none of it happens any more."""
    if not Run.objects.live().filter(pk=run.pk).exists():  # ended, or published by another job that took this for dead
        raise _Interrupted
    gone = withdrawing.withdrawn_among(run.project, rows.table["prompt_id"].tolist())
    if gone:
        raise reading.Changed(f"{gone:,} of them were withdrawn")
    if versioning.former(run.project) != base:  # the label, or whether there is anything new, was told by another one
        raise reading.Changed("another release was published")
    locked = release.audit and auditing.locked_since(release.audit)
    if locked:
        raise _Locked(locked, release.audit)


def _publish(run, release, base, scratch, rows, placed):
    """Move the folder into place in one step, then say so in the database; `placed` are by row places in SPLITS."""
    with transaction.atomic():
        _refuse_outdated(run, release, base, rows)
        shutil.rmtree(release.directory, ignore_errors=True)
        scratch.rename(release.directory)
        release.state = Release.State.DRAFT if release.problems else Release.State.PUBLISHED
        release.save()
        # Of a draft too: what is withdrawn later, or asked after, is found in its files.
        _record_rows(release, rows, placed)
        kind = "release_drafted" if release.problems else "released"
        detail = {"version": release.version, "semver": release.semver, "problems": release.problems}
        Run.objects.filter(pk=run.pk).update(versions={"release": release.version, "draft": bool(release.problems)})
        Event.objects.create(project=run.project, run=run, actor=run.created_by, kind=kind, detail=detail)
        run.end(Run.State.FINISHED)


def _record_rows(release, rows, placed):
    """In the order of the prompts: what a row refers to then lies side by side, which takes half the time."""
    names = ("prompt_id", "response_id", "row_id", "split")
    order = np.argsort(rows.table["prompt_id"])
    for start in range(0, len(order), AT_ONCE):
        places = order[start : start + AT_ONCE]
        both = zip(rows[places], placed[places].tolist(), strict=True)
        values = [(row.prompt_id, row.response_id, row.row_id, splits.SPLITS[place]) for row, place in both]
        insert_values(ReleaseRow, names, values, release_id=release.pk)
