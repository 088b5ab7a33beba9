"""Where people disagree, one person with that right decides; who it was and why stays."""

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from ..models import Event, Membership, Resolution, State
from ..models.review import Action
from . import drafts
from .choices import Choice, checked
from .conflicts import Conflict, Problem
from .resolutions import close_applied, current_decisions, current_resolution, take_effect, undo_window
from .rule import same_text
from .undo import TooLate
from .units import lock_units


class NotYours(Exception):
    """This person is one of those who disagree, and another one can decide."""


def others_who_may_resolve(project, response_id):
    """Members with the right to resolve who gave no decision on this response."""
    deciders = current_decisions(response_id).values("reviewer")
    return (
        Membership.objects.filter(project=project, user__is_active=True)
        .filter(Q(role=Membership.Role.MANAGER) | Q(role=Membership.Role.REVIEWER, can_resolve=True))
        .exclude(user__in=deciders)
        .select_related("user")
    )


def why_not_adjudicate(project, user, response_id):
    """A sentence if `user` may not decide here, else ""."""
    if not current_decisions(response_id).filter(reviewer=user).exists():
        return ""
    others = [member.user.get_username() for member in others_who_may_resolve(project, response_id)]
    if not others:
        return ""
    return f"You are one of those who disagree here; {' or '.join(others)} can decide."


@transaction.atomic
def adjudicate(project, user, response, action, *, text=None, reasons=(), comment=""):
    """Decide a disagreement. `text` is the authoritative text of an accept; None keeps the teacher's.

    The same decision by the same person again returns the first one. Raises NotYours, ValueError for a wrong choice,
    and Conflict if somebody else decided, a decision was taken back, or there is a newer answer.
    """
    choice = checked(Choice(response.pk, action, tuple(reasons), text, comment), project)
    prompt = lock_units(project, [response.prompt_id])[response.prompt_id]
    if prompt.state == State.TO_RESOLVE:
        close_applied(response.pk)
    held = current_resolution(response.pk)
    wanted = _authoritative(choice, response)
    if held and held.decided_by_id == user.pk and (held.action, held.text) == (action, wanted):
        return held
    if prompt.current_response_id != response.pk:
        raise Conflict([Problem(choice, "newer_answer", response, prompt.current_response)])
    if held or prompt.state != State.TO_RESOLVE:
        raise Conflict([Problem(choice, "decided" if held else "not_open", response, response)])
    refusal = why_not_adjudicate(project, user, response.pk)
    if refusal:
        raise NotYours(refusal)
    resolution = Resolution.objects.create(
        response=response,
        by=Resolution.By.ADJUDICATOR,
        action=action,
        text=wanted,
        edited=bool(wanted) and wanted != response.text,
        reasons=list(reasons),
        comment=comment.strip(),
        decided_by=user,
        effective_at=timezone.now() + undo_window(),
    )
    drafts.drop(user, [response.pk], drafts.RESOLVE)
    detail = {"action": action, "attempt": response.attempt, "reasons": list(reasons), "comment": comment.strip()}
    Event.objects.create(project=project, prompt=prompt, actor=user, kind="adjudicated", detail=detail)
    if not undo_window():
        take_effect(project, prompt, resolution)
        resolution.refresh_from_db()
    return resolution


def _authoritative(choice, response):
    if choice.action != Action.ACCEPT:
        return ""
    if choice.edited_text is None or same_text(choice.edited_text) == same_text(response.text):
        return response.text
    return choice.edited_text.replace("\r\n", "\n").replace("\r", "\n").rstrip()


@transaction.atomic
def take_back_adjudication(user, resolution):
    """Take back one's own decision on a disagreement before it takes effect. Raises TooLate after that."""
    prompt = resolution.response.prompt
    lock_units(prompt.project, [prompt.pk])
    taken = Resolution.objects.filter(
        pk=resolution.pk,
        decided_by=user,
        by=Resolution.By.ADJUDICATOR,
        current=True,
        applied_at=None,
        effective_at__gt=timezone.now(),
    ).update(current=False)
    if not taken:
        raise TooLate("This decision has taken effect, or was taken back before.")
    Event.objects.create(
        project=prompt.project, prompt=prompt, actor=user, kind="taken_back", detail={"action": resolution.action}
    )
