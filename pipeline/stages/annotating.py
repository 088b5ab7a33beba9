"""Annotations in and out as runs: an export that streams to a file, an import that matches by content."""

from pathlib import Path

from curation import annotations
from curation.models import Run


class _Halted(Exception):
    pass


def export_path(run):
    """The file that an export run writes; it is there once the run has finished."""
    kind = run.parameters.get("format", "jsonl")
    return run.project.data_dir / "exports" / f"annotations-{run.project.slug}-{run.pk}.{kind}"


def problems_path(run):
    """The rows that an import run could not match, a line each; there only if there were some."""
    return run.project.data_dir / "uploads" / f"run-{run.pk}-unmatched.txt"


def file_of(run):
    """What a finished run of either way has left for managers, if anything."""
    return export_path(run) if run.stage == Run.Stage.EXPORT else problems_path(run)


def export(run, should_stop=lambda: False):
    """Write every decision of the project to a file; killed, it begins anew, and a half-written file is never seen."""
    if not run.begin():
        return "ended"
    found = annotations.decisions(run.project, checks=bool(run.parameters.get("checks")))
    Run.objects.filter(pk=run.pk).update(total=found.count(), done=0, counters={})
    return _to_its_end(run, should_stop, lambda step: _export(run, found, step))


def _export(run, found, step):
    number = annotations.write(export_path(run), annotations.rows(found), step=step)
    run.count(exported=number)


def bring_in(run, should_stop=lambda: False):
    """Store the decisions of the file that `run.parameters` names; killed, it begins anew and repeats nothing."""
    if not run.begin():
        return "ended"
    Run.objects.filter(pk=run.pk).update(done=0, total=0, counters={})
    return _to_its_end(run, should_stop, lambda step: _bring_in(run, step))


def _bring_in(run, step):
    path = Path(run.parameters["path"])
    try:
        total = sum(1 for _ in annotations.read(path, path.name))
        Run.objects.filter(pk=run.pk).update(total=total)
        reviewer = _reviewer(run)
        report = annotations.bring(run.project, path, reviewer, step=step)
    except annotations.Refused as refusal:
        run.end(Run.State.FAILED, error=str(refusal))
        return
    run.count(stored=report.stored, without_effect=report.surplus, known=report.known, unmatched=report.unmatched)
    if report.problems:
        problems_path(run).write_text("\n".join(report.problems) + "\n", encoding="utf-8")
    if report.strangers:
        names = ", ".join(f"{name} ({number:,})" for name, number in report.strangers.most_common(5))
        run.say(f"Taken as decisions of {reviewer}, since no member has the name: {names}.")


def _reviewer(run):
    """Whose decisions rows without a name are; they may have left since the run was started."""
    member = run.project.memberships.filter(user=run.parameters["reviewer"]).select_related("user").first()
    if member is None:
        raise annotations.Refused("The member whose decisions these were to be has left the project: start it anew.")
    return member.user


def _to_its_end(run, should_stop, deed):
    def step(number):
        run.count(done=number)
        if run.seen() or should_stop():
            raise _Halted

    try:
        deed(step)
    except _Halted:
        if run.seen():
            run.end(Run.State.CANCELLED)
            return "ended"
        return "stopped"
    run.end(Run.State.FINISHED)
    return "ended"
