"""Bulk actions as runs: a change carried out or taken back portion by portion, with its progress on the run's page."""

from curation.changing import bulk, undoing
from curation.models import Change, Run


def work(run, should_stop=lambda: False):
    """Carry out the change that `run.parameters` names, or take it back; a killed one's successor goes on."""
    if not run.begin():
        return "ended"
    change = Change.objects.select_related("project", "run", "created_by").get(pk=run.parameters["change"])
    return _take_back(run, change, should_stop) if run.parameters.get("undo") else _do(run, change, should_stop)


def _do(run, change, should_stop):
    _expect(run, bulk.waiting(change).count())
    while not (run.seen() or should_stop()):
        if not bulk.go_on(change, _counter(run, "changed")):
            return _finish(run)
    return _halt(run)


def _take_back(run, change, should_stop):
    _expect(run, undoing.left_to_undo(change).count())
    while not (run.seen() or should_stop()):
        if not undoing.take_back(change, run.created_by, run, _counter(run, "taken_back")):
            return _finish(run)
    return _halt(run)


def _expect(run, left):
    """Say how many there are in all: done before a kill, and still to come."""
    run.refresh_from_db()
    Run.objects.filter(pk=run.pk).update(total=run.done + left)


def _counter(run, name):
    def count(number, left):
        if number or left:
            run.count(done=number + left, **{name: number}, **({"left_as_they_were": left} if left else {}))

    return count


def _finish(run):
    run.refresh_from_db()
    run.end(Run.State.FINISHED)
    return "ended"


def _halt(run):
    """Stopped between two portions: cancelled for good, or to go on when a worker takes it up again."""
    if run.seen():
        run.end(Run.State.CANCELLED)
        return "ended"
    return "stopped"
