"""Withdraw as a run: prompts portion by portion, then what the releases say, then patch releases."""

from curation import withdrawing
from curation.models import Release, Run, Withdrawal
from pipeline.outages import LOST

from . import patching


def work(run, should_stop=lambda: False):
    """Carry out the withdrawal that `run.parameters` names, or several; a killed one's successor goes on behind it.

    With `release` among them, a patch of that release alone is made. Cancelled, what was withdrawn stays withdrawn.
    """
    if not run.begin():
        return "ended"
    try:
        return _withdraw(run, _wanted(run), should_stop)
    except patching.Halted:
        return _halt(run)
    except LOST:
        raise  # no failure of the run's: whoever called waits for the database and calls again
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        Release.objects.filter(run=run, state=Release.State.BUILDING).update(state=Release.State.FAILED, error=said)
        run.end(Run.State.FAILED, error=said)
        raise


def _wanted(run):
    """What the run withdraws: one, or all that a list named."""
    ids = run.parameters.get("withdrawals") or [run.parameters["withdrawal"]]
    return list(Withdrawal.objects.select_related("project").filter(pk__in=ids).order_by("pk"))


def _withdraw(run, withdrawals, should_stop):
    Withdrawal.objects.filter(pk__in=[each.pk for each in withdrawals]).update(run=run)
    portions = _one(run, *withdrawals) if len(withdrawals) == 1 else _several(run, withdrawals)
    while not (run.seen() or should_stop()):
        if not next(portions, False):
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


def _one(run, withdrawal):
    """Withdraw its prompts, a portion for each True."""
    _expect(run, withdrawing.waiting(withdrawal).count())
    while withdrawing.go_on(withdrawal, **_options(run)):
        yield True


def _several(run, withdrawals):
    """The same for all that a list named: their prompts are found together, once."""
    plan = withdrawing.planned(withdrawals)
    _expect(run, sum(len(ids) for _, ids in plan))
    for withdrawal, ids in plan:
        for start in range(0, len(ids), withdrawing.PORTION):
            withdrawing.take(withdrawal, ids[start : start + withdrawing.PORTION], **_options(run))
            yield True


def _options(run):
    return {"run": run, "actor": run.created_by, "count": lambda number: run.count(done=number, withdrawn=number)}


def _expect(run, number):
    """Say how many prompts there are in all: withdrawn before a kill, and still to come."""
    run.refresh_from_db()
    Run.objects.filter(pk=run.pk).update(total=run.done + number)


def _halt(run):
    """Stopped between two portions: cancelled for good, or to go on when a worker takes it up again."""
    if run.seen():
        Release.objects.filter(run=run, state=Release.State.BUILDING).update(
            state=Release.State.FAILED, error="Cancelled."
        )
        run.end(Run.State.CANCELLED)
        return "ended"
    return "stopped"
