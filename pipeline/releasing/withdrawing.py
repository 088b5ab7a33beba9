"""Withdraw as a run: prompts portion by portion, then what the releases say, then patch releases."""

from curation import withdrawing
from curation.models import Release, Run, Withdrawal
from pipeline.outages import LOST

from . import patching


def work(run, should_stop=lambda: False):
    """Carry out the withdrawal that `run.parameters` names; a killed one's successor goes on behind it.

    With `release` among them, a patch of that release alone is made. Cancelled, what was withdrawn stays withdrawn.
    """
    if not run.begin():
        return "ended"
    withdrawal = Withdrawal.objects.select_related("project").get(pk=run.parameters["withdrawal"])
    try:
        return _withdraw(run, withdrawal, should_stop)
    except patching.Halted:
        return _halt(run)
    except LOST:
        raise  # no failure of the run's: whoever called waits for the database and calls again
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        Release.objects.filter(run=run, state=Release.State.BUILDING).update(state=Release.State.FAILED, error=said)
        run.end(Run.State.FAILED, error=said)
        raise


def _withdraw(run, withdrawal, should_stop):
    _expect(run, withdrawal)
    while not (run.seen() or should_stop()):
        if not withdrawing.go_on(withdrawal, run=run, actor=run.created_by, count=_counter(run)):
            break
    if run.seen() or should_stop():
        return _halt(run)
    buried = withdrawing.bury(run.project)
    if buried:
        run.count(rows_of_releases=buried)
    _patch(run, should_stop)
    run.end(Run.State.FINISHED)
    return "ended"


def _patch(run, should_stop):
    """Make the patch that the run asks for, or that of the newest release, where it held something."""

    def look():
        if run.seen() or should_stop():
            raise patching.Halted

    version = run.parameters.get("release")
    base = run.project.releases.get(version=version) if version else patching.newest_affected(run.project)
    if base is None or run.releases.filter(base=base, state=Release.State.PUBLISHED).exists():
        return
    try:
        made = patching.patch(run, base, look)
        if made.state == Release.State.DRAFT:
            run.say(f"The patch release {made.version} stays a draft: {' '.join(made.problems[:3])}")
    except patching.CannotPatch as why:
        run.say(str(why))


def _expect(run, withdrawal):
    """Say how many prompts there are in all: withdrawn before a kill, and still to come."""
    Withdrawal.objects.filter(pk=withdrawal.pk).update(run=run)
    run.refresh_from_db()
    Run.objects.filter(pk=run.pk).update(total=run.done + withdrawing.waiting(withdrawal).count())


def _counter(run):
    return lambda number: run.count(done=number, withdrawn=number)


def _halt(run):
    """Stopped between two portions: cancelled for good, or to go on when a worker takes it up again."""
    if run.seen():
        Release.objects.filter(run=run, state=Release.State.BUILDING).update(
            state=Release.State.FAILED, error="Cancelled."
        )
        run.end(Run.State.CANCELLED)
        return "ended"
    return "stopped"
