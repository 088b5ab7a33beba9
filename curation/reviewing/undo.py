"""Taking decisions back while there is time."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from ..models import Annotation, Resolution, State
from ..models.prepared import Prepared
from ..models.review import Purpose
from .claims import hold
from .decisions import drop_pending, tell
from .resolutions import pending_resolution, undo_window, weigh
from .units import lock_units


class TooLate(Exception):
    """The decision has taken effect, or its time to be taken back is over."""


def undo_until(row):
    """Until when this decision can be taken back, or None if it no longer can."""
    prompt = row.response.prompt
    open_states = (State.TO_REVIEW, State.TO_RESOLVE)
    if not row.current or prompt.current_response_id != row.response_id:
        return None
    if row.purpose != Purpose.REVIEW:  # it has no effect that could be too late to undo
        return _if_ahead(row.created_at + undo_window())
    if prompt.state not in open_states:
        return None
    resolution = pending_resolution(row.response_id)
    if resolution is None or row.surplus:
        until = row.created_at + undo_window()
    elif resolution.by == Resolution.By.CONSENSUS:
        until = resolution.effective_at
    else:
        return None
    return _if_ahead(until)


def _if_ahead(until):
    return until if until > timezone.now() else None


@dataclass(frozen=True)
class LastDecision:
    """What a person sent last and can still take back, until `until`."""

    annotations: tuple[Annotation, ...]
    until: datetime


def last_decision(project, user):
    """The LastDecision of `user` in `project`, or None."""
    recent = _recent(reviewer=user.pk, project=project.pk, since=timezone.now() - undo_window())
    if not recent:
        return None
    # What was sent at once was stored at once, so that it stands together here.
    rows = sorted((row for row in recent if row.idempotency_key == recent[0].idempotency_key), key=lambda row: row.pk)
    ends = [until for until in map(undo_until, rows) if until]
    return LastDecision(tuple(rows), min(ends)) if ends else None


@Prepared
def _recent(reviewer: int, project: int, since: datetime):
    rows = Annotation.objects.filter(
        reviewer=reviewer, response__prompt__project=project, current=True, created_at__gt=since
    )
    return rows.select_related("response__prompt").order_by("-created_at", "-pk")[:4]


def _sent_with(row):
    return list(
        Annotation.objects.filter(
            reviewer=row.reviewer_id,
            idempotency_key=row.idempotency_key,
            response__prompt__project=row.response.prompt.project_id,
            current=True,
        )
        .select_related("response__prompt")
        .order_by("pk")
    )


@transaction.atomic
def take_back(user, annotation):
    """Take back a decision, with what was sent in the same submit; it comes back to this person as the next item.

    Returns the annotations taken back. Raises TooLate once it has taken effect or its time is over.
    """
    project = annotation.response.prompt.project
    prompts = lock_units(project, [annotation.response.prompt_id])
    rows = [row for row in _sent_with(annotation) if row.reviewer_id == user.pk and undo_until(row)]
    if not rows:
        raise TooLate("This decision has taken effect, or was taken back before.")
    Annotation.objects.filter(pk__in=[row.pk for row in rows]).withdraw()
    for row in rows:
        if row.purpose == Purpose.REVIEW:
            _unweigh(project, prompts[row.response.prompt_id], user, row)
    for purpose in {row.purpose for row in rows}:
        hold([row.response.prompt_id for row in rows if row.purpose == purpose], user, purpose)
    return rows


def _unweigh(project, prompt, user, row):
    """What followed from a decision that was taken back follows no more."""
    tell(prompt, user, "taken_back", row)
    if not row.surplus:
        drop_pending(row.response)
    if prompt.state == State.TO_RESOLVE and not row.surplus:
        prompt.go(State.TO_REVIEW, "taken_back", source=State.TO_RESOLVE, actor=user)
    weigh(project, prompt)
