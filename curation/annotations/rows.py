"""A row for every decision: who, what, why, on which text, by which scores, when."""

from datetime import UTC
from statistics import fmean
from typing import NamedTuple

from django.db.models import Prefetch

from ..models import Annotation, ComplaintCheck, JudgeScore, Resolution

AT_ONCE = 500


class Column(NamedTuple):
    """`kind` is text, texts, number, integer, boolean or time."""

    name: str
    kind: str


COLUMNS = (
    Column("prompt_key", "text"),
    Column("task_type", "text"),
    Column("domain", "text"),
    Column("context", "text"),
    Column("locator", "text"),
    Column("attempt", "integer"),
    Column("candidate", "integer"),
    Column("model_id", "text"),
    Column("teacher_output", "text"),
    Column("reviewer", "text"),
    Column("purpose", "text"),
    Column("version", "integer"),
    Column("current", "boolean"),
    Column("surplus", "boolean"),
    Column("blind", "boolean"),
    Column("action", "text"),
    Column("reasons", "texts"),
    Column("comment", "text"),
    Column("complaints_met", "texts"),  # of the checklist: source:code of what the attempt was asked to mend
    Column("complaints_not_met", "texts"),
    Column("edited_text", "text"),
    Column("seconds", "integer"),
    Column("timestamp", "time"),
    Column("origin", "text"),
    Column("failed_rules", "texts"),
    Column("gate_score", "number"),
    Column("judge_f_score", "number"),
    Column("judge_r_score", "number"),
    Column("resolution", "text"),
    Column("resolved_by", "text"),
    Column("withdrawn", "boolean"),  # its source, licence or row: not to be trained on
)


def decisions(project, *, checks=False):
    """The decisions of a project, the oldest first; `checks`: those on gold and repeated items too."""
    found = Annotation.objects.filter(response__prompt__project=project)
    return (found if checks else found.filter(purpose=Annotation.Purpose.REVIEW)).order_by("pk")


def rows(found):
    """A dict by COLUMNS for each annotation of the queryset `found`, streamed; missing numbers are None."""
    scores = JudgeScore.objects.filter(score__isnull=False)
    standing = Resolution.objects.filter(current=True).select_related("decided_by")
    ticks = ComplaintCheck.objects.select_related("complaint").order_by("complaint")
    full = found.select_related("reviewer", "response__prompt__document", "response__teacher").prefetch_related(
        "response__filter_results",
        "response__gate_results",
        Prefetch("response__judge_scores", scores, to_attr="readable"),
        Prefetch("response__resolutions", standing, to_attr="standing"),
        Prefetch("complaint_checks", ticks, to_attr="ticks"),
    )
    for annotation in full.iterator(chunk_size=AT_ONCE):
        yield _row(annotation)


def _row(annotation):
    response = annotation.response
    prompt = response.prompt
    filters = max(response.filter_results.all(), key=lambda result: result.pk, default=None)
    gate = max(response.gate_results.all(), key=lambda result: result.pk, default=None)
    held = response.standing[0] if response.standing else None
    return {
        "prompt_key": prompt.key,
        "task_type": prompt.task_type,
        "domain": prompt.domain,
        "context": prompt.context,
        "locator": prompt.document.locator if prompt.document else "",
        "attempt": response.attempt,
        "candidate": response.candidate + 1,
        "model_id": response.model_id or response.teacher.name,
        "teacher_output": response.text,
        "reviewer": annotation.reviewer.get_username(),
        "purpose": annotation.purpose,
        "version": annotation.version,
        "current": annotation.current,
        "surplus": annotation.surplus,
        "blind": annotation.blind,
        "action": annotation.action,
        "reasons": annotation.reasons,
        "comment": annotation.comment,
        "complaints_met": _ticked(annotation, True),
        "complaints_not_met": _ticked(annotation, False),
        "edited_text": annotation.edited_text,
        "seconds": annotation.seconds,
        "timestamp": annotation.created_at.astimezone(UTC),
        "origin": annotation.origin,
        "failed_rules": filters.failed if filters else [],
        "gate_score": gate.score if gate else None,
        "judge_f_score": _mean(response.readable, "factuality"),
        "judge_r_score": _mean(response.readable, "reasoning"),
        "resolution": held.action if held else "",
        "resolved_by": _resolver(held) if held else "",
        "withdrawn": prompt.withdrawal_id is not None,
    }


def _ticked(annotation, met):
    return [f"{each.complaint.source}:{each.complaint.code}" for each in annotation.ticks if each.met is met]


def _mean(scores, rubric):
    values = [score.score for score in scores if score.rubric == rubric]
    return fmean(values) if values else None


def _resolver(resolution):
    return resolution.decided_by.get_username() if resolution.decided_by else resolution.by
