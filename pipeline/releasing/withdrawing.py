"""Withdraw as a run: prompts portion by portion, then what the releases say, then patch releases."""

from curation import withdrawing
from curation.models import Run, Withdrawal
from pipeline.outages import LOST


def work(run, should_stop=lambda: False):
    """Carry out the withdrawal that `run.parameters` names; a killed one's successor goes on behind it.

    With `release` among them, a patch of that release alone is made. Cancelled, what was withdrawn stays withdrawn.
    """
    if not run.begin():
        return "ended"
    withdrawal = Withdrawal.objects.select_related("project").get(pk=run.parameters["withdrawal"])
    try:
        return _withdraw(run, withdrawal, should_stop)
    except LOST:
        raise  # no failure of the run's: whoever called waits for the database and calls again
    except Exception as error:
        run.end(Run.State.FAILED, error=f"{type(error).__name__}: {error}")
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
    run.end(Run.State.FINISHED)
    return "ended"


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
        run.end(Run.State.CANCELLED)
        return "ended"
    return "stopped"
