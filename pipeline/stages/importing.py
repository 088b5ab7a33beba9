"""Import as a run: the same reading as the command, with progress on the run page."""

from pathlib import Path

from curation.importing import ImportRefused, import_file
from curation.models import Run


class Interrupted(Exception):
    """The run was cancelled, or the worker must end; what was imported so far stays."""


def rejects_path(run):
    """Where the rows that an import run could not take are listed, as JSON Lines."""
    return run.project.data_dir / "uploads" / f"run-{run.pk}-rejects.jsonl"


def work(run, should_stop=lambda: False):
    """Import the file that `run.parameters` names; started again it finds what it knows unchanged."""
    if not run.begin():
        return "ended"
    wanted = run.parameters
    Run.objects.filter(pk=run.pk).update(done=0, counters={})

    def progress(done, total):
        Run.objects.filter(pk=run.pk).update(done=done, total=total or 0)
        if run.seen() or should_stop():
            raise Interrupted

    try:
        report = import_file(
            run.project,
            Path(wanted["path"]),
            wanted.get("mapping") or {},
            task_types=wanted.get("task_types"),
            limit=wanted.get("limit"),
            progress=progress,
            run=run,
            actor=run.created_by,
            rejects_path=rejects_path(run),
        )
    except Interrupted:
        if should_stop() and Run.objects.get(pk=run.pk).state == Run.State.RUNNING:
            return "stopped"
        run.end(Run.State.CANCELLED)
        return "ended"
    except ImportRefused as refusal:
        run.end(Run.State.FAILED, error=str(refusal))
        return "ended"
    run.count(imported=report.imported, unchanged=report.unchanged, differs=report.differs, rejected=report.rejected)
    run.end(Run.State.FINISHED)
    return "ended"
