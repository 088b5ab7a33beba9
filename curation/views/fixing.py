"""Fix once: the offer after an edit, the answers that it fits with one key each, and taking all of them back."""

from functools import wraps

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from curation.access import REVIEWER, project_or_404
from curation.changing import fitting, fixing
from curation.models import Annotation
from curation.reviewing import Choice, Conflict, word_diff
from curation.reviewing.reasons import known_reasons
from curation.reviewing.units import pairs_of


class NotYours(Exception):
    """The edit is another person's."""


def _own_edit(request, slug, annotation):
    """(project, the decision): 404 where it is none with a text of its own; raises NotYours for somebody else's."""
    project = project_or_404(request.user, slug, REVIEWER)
    rows = Annotation.objects.filter(response__prompt__project=project, edited_text__isnull=False)
    row = get_object_or_404(rows.select_related("response__prompt__project"), pk=annotation)
    if row.reviewer_id != request.user.pk:
        raise NotYours
    return project, row


def _for_its_author(view):
    """An edit is made elsewhere by who made it; others are sent to the queue."""

    @wraps(view)
    def guarded(request, slug, annotation):
        try:
            return view(request, slug, annotation)
        except NotYours:
            messages.info(request, "That edit is somebody else's: only they can make it elsewhere.")
            return redirect("review", slug)

    return guarded


@require_GET
@_for_its_author
def fix_offer(request, slug, annotation):
    """One line, where the edit fits other answers that wait for this person."""
    project, row = _own_edit(request, slug, annotation)
    number = len(fitting.fits(project, request.user, row))
    context = {"project": project, "annotation": row, "number": number, "most": fitting.MOST}
    return render(request, "curation/_fix_offer.html", context)


@require_GET
@_for_its_author
def fix(request, slug, annotation):
    """The answers that the edit fits, each with what it would change, and what was done so far."""
    project, row = _own_edit(request, slug, annotation)
    return _page(request, project, row)


def _page(request, project, row, *, error="", at=None, typed="", status=200):
    found = fitting.fits(project, request.user, row)
    halves = _other_halves(project, [fit.prompt.pk for fit in found[: fitting.MOST]])
    context = {
        "project": project,
        "annotation": row,
        "stands": fixing.can_be_made_again(row),
        "edit": word_diff(row.response.text, row.edited_text),
        "fits": [(fit, halves.get(fit.prompt.pk)) for fit in found[: fitting.MOST]],
        "more": len(found) > fitting.MOST,
        **_so_far(row),
        "error": error,
        "at": at if any(fit.response.pk == at for fit in found) else None,
        "typed": typed,
    }
    return render(request, "curation/fix.html", context, status=status)


def _so_far(row):
    change = fixing.change_of(row)
    return {
        "change": change,
        "taken": change.items.count() if change else 0,
        "left": len(change.detail["left"]) if change else 0,
    }


def _done(request, project, row, response, did, **said):
    """What became of one answer, for HTMX: the line in its place, and how far it is in all."""
    prompt = project.prompts.filter(responses=response).first()
    context = {"project": project, "annotation": row, "prompt": prompt, "response": response, "did": did}
    return render(request, "curation/_fix_done.html", context | _so_far(row) | said)


def _other_halves(project, ids):
    """{prompt id: the answer of its pair's other half}."""
    found = {}
    for pair in pairs_of(project, ids).select_related("hypothesis__current_response", "methodology__current_response"):
        found[pair.hypothesis_id], found[pair.methodology_id] = pair.methodology, pair.hypothesis
    return found


@require_POST
@_for_its_author
def fix_take(request, slug, annotation):
    """Accept one answer with the edit in it; to HTMX the line that takes its place."""
    project, row = _own_edit(request, slug, annotation)
    response, version, text = _posted(request.POST)
    reasons = tuple(code for code in row.reasons if code in known_reasons(project))
    choice = Choice(response, "accept", reasons, text, "", version)
    try:
        fixing.take(project, request.user, row, choice, _seconds(request.POST))
    except (fixing.NotTaken, ValueError) as refusal:
        return _refused(request, project, row, response, str(refusal), text)
    except Conflict:
        why = "It has changed since this page was shown: open it in the queue to see how."
        return _refused(request, project, row, response, why, text)
    if request.htmx:
        return _done(request, project, row, response, "taken")
    return redirect("fix", slug, annotation)


@require_POST
@_for_its_author
def fix_leave(request, slug, annotation):
    """Leave one answer as it is; it stays in the queue."""
    project, row = _own_edit(request, slug, annotation)
    response, *_ = _posted(request.POST)
    if not project.prompts.filter(responses=response).exists():
        raise Http404("No such answer in this project.")
    fixing.leave(row, response)
    if request.htmx:
        return _done(request, project, row, response, "left")
    return redirect("fix", slug, annotation)


@require_POST
@_for_its_author
def fix_take_back(request, slug, annotation):
    """Take back what was taken, as one; what has taken effect stays and is listed."""
    project, row = _own_edit(request, slug, annotation)
    change = fixing.change_of(row)
    try:
        back, stayed = fixing.take_back_all(change, request.user) if change else (0, 0)
    except fixing.NotTaken:  # pressed twice
        back = stayed = 0
    if not (back or stayed):
        messages.info(request, "No decision was taken back: none was made with this edit.")
        return redirect("fix", slug, annotation)
    said = "1 decision was taken back" if back == 1 else f"{back:,} decisions were taken back"
    (messages.success if back else messages.warning)(
        request, f"{said}: {'it waits' if back == 1 else 'they wait'} again."
    )
    for item in change.items.filter(undone=False).select_related("prompt")[:10]:
        messages.warning(request, f"{item.prompt.key[:8]} stays: {item.after['since']}.")
    if stayed > 10:
        messages.warning(request, f"{stayed - 10:,} more stay as they are.")
    return redirect("fix", slug, annotation)


def _posted(data):
    """(response id, version, text) of one answer's form; 404 without a response."""
    response, version = data.get("response", ""), data.get("version", "")
    if not response.isdecimal() or len(response) > 18:
        raise Http404("Which answer?")
    return int(response), int(version) if version.isdecimal() and len(version) < 6 else 0, data.get("text", "")


def _seconds(data):
    seconds = data.get("seconds", "")
    return int(seconds) if seconds.isdecimal() and len(seconds) < 7 else 0


def _refused(request, project, row, response, why, text):
    """Why it was not taken, with what was typed still there."""
    if request.htmx:
        return _done(request, project, row, response, "refused", why=why, typed=text)
    return _page(request, project, row, error=why, at=response, typed=text, status=409)
