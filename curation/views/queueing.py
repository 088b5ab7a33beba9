"""What managers say about the review queue: pin a prompt, give it to somebody, ask fewer decisions of it."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from curation.access import MANAGER, project_or_404
from curation.models import State
from curation.reviewing import assigning

SETTLED = (State.ACCEPTED, State.REJECTED)


def queue_context(project, prompt):
    """What the block about the queue on a prompt's page shows; for managers, while the prompt is not settled."""
    if not project.member.is_manager or prompt.state in SETTLED:
        return {"queue": None}
    people = list(assigning.reviewers(project))
    given = [row.reviewer for row in prompt.assignments.select_related("reviewer").order_by("pk")]
    return {
        "queue": {
            "people": [person for person in people if person not in given],
            "given": given,
            "most": min(assigning.MOST_DECISIONS, max(1, len(people))),
            "needed": prompt.required or project.reviews_required,
        }
    }


@require_POST
def prompt_queue(request, slug, key):
    """Pin or unpin a prompt, give it to a member or take it from one, or set how many decisions it needs."""
    project = project_or_404(request.user, slug, MANAGER)
    prompt = get_object_or_404(project.prompts, key=key)
    act = ACTS.get(request.POST.get("do"))
    if act is None:
        messages.error(request, f"Say what to do: {', '.join(ACTS)}.")
        return redirect("prompt_detail", slug, key)
    try:
        messages.success(request, act(project, prompt, request.POST, request.user))
    except ValueError as error:
        messages.error(request, str(error))
    response = redirect("prompt_detail", slug, key)
    response["Location"] += "#queue"
    return response


def _pin(project, prompt, data, by):
    assigning.pin(project, [prompt.pk], by)
    return "Pinned: it comes before everything else that waits for review."


def _unpin(project, prompt, data, by):
    assigning.pin(project, [prompt.pk], by, on=False)
    return "No longer pinned: it takes its ordinary place."


def _assign(project, prompt, data, by):
    person = _member(project, data)
    if not assigning.assign(project, [prompt.pk], person, by):
        raise ValueError(f"Nothing changed: {person} has it already, or it is settled.")
    return f"Assigned to {person}: it comes first in their queue."


def _unassign(project, prompt, data, by):
    person = _member(project, data)
    assigning.unassign(project, [prompt.pk], person, by)
    return f"No longer assigned to {person}."


def _require(project, prompt, data, by):
    said = data.get("number", "").strip()
    if said and not (said.isdecimal() and len(said) < 3):
        raise ValueError(f"{said[:20]!r} is no number of decisions: give 1 or more, or nothing for the project's own.")
    assigning.set_required(project, prompt, int(said) if said else None, by)
    number = int(said or project.reviews_required)
    return f"It needs {number} decision{'' if number == 1 else 's'}."


def _member(project, data):
    said = data.get("member", "")
    member = project.memberships.filter(user=said).first() if said.isdecimal() and len(said) < 19 else None
    if member is None:
        raise ValueError("Choose a member of the project.")
    return member.user


ACTS = {"pin": _pin, "unpin": _unpin, "assign": _assign, "unassign": _unassign, "require": _require}


@require_POST
def queue_lower(request, slug):
    """Let prompts that need more people than there are be decided by those there are."""
    project = project_or_404(request.user, slug, MANAGER)
    lowered, left = assigning.lower(project, request.user), assigning.short(project).number
    if lowered:
        more = " More are left: press again." if left else ""
        messages.success(
            request, f"{lowered:,} prompt{' needs' if lowered == 1 else 's need'} fewer decisions now.{more}"
        )
    else:
        messages.info(request, "Nothing changed: no prompt needs more reviewers than there are.")
    return redirect("project_detail", slug)
