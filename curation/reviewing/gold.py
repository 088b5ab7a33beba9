"""Marking a response as gold: its right decision is known. No event tells of it, since reviewers read the history."""

from django.db import transaction

from ..models import Gold
from ..models.review import Action
from .checks import SETTLED
from .reasons import known_reasons


@transaction.atomic
def mark_gold(response, action, user, *, reasons=(), note=""):
    """Say that `action` is the right decision on a current response, or say it anew; returns the Gold.

    Raises ValueError where it is no decision, a reason is unknown, or the response has been replaced.
    """
    project = response.prompt.project
    if action not in Action.values:
        raise ValueError(f"{action!r} is no decision: use {', '.join(Action.values)}.")
    unknown = [code for code in reasons if code not in known_reasons(project)]
    if unknown:
        raise ValueError(f"Unknown reasons {', '.join(unknown)}: use {', '.join(known_reasons(project))}.")
    if response.prompt.current_response_id != response.pk:
        raise ValueError("There is a newer answer: mark that one, for only current answers are shown to reviewers.")
    said = {"action": action, "reasons": list(reasons), "note": note.strip(), "active": True, "created_by": user}
    return Gold.objects.update_or_create(response=response, defaults=said)[0]


def unmark_gold(response):
    """Show it to nobody as gold any more; decisions on it so far still count. Returns whether it was in use."""
    return bool(Gold.objects.filter(response=response, active=True).update(active=False))


def gold_of(project, prompt):
    """What a manager reads on a prompt's page: the Gold of its current answer, and why it is not mixed in."""
    gold = getattr(prompt.current_response, "gold", None) if project.member.is_manager else None
    if gold:
        gold.response.prompt = prompt
    return {"gold": gold, "gold_why": why_not_shown(gold) if gold else ""}


def why_not_shown(gold):
    """Why a gold item is not mixed in, in words; "" where it is."""
    prompt = gold.response.prompt
    if not gold.active:
        return "taken out"
    if prompt.current_response_id != gold.response_id:
        return "there is a newer answer"
    if prompt.state not in SETTLED:
        return "once its prompt is accepted or rejected"
    return ""
