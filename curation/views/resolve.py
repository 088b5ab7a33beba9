"""Where reviewers disagree: the queue, and one disagreement with all decisions side by side."""

from django.contrib import messages
from django.db.models import Prefetch
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from curation.access import resolver_project_or_404
from curation.forms_review import ResolveForm
from curation.models import Annotation, Resolution
from curation.reviewing import (
    Conflict,
    NotYours,
    TooLate,
    adjudicate,
    cards_of,
    pair_score,
    settle,
    source_of,
    take_back_adjudication,
    to_resolve,
    unit_of,
    why_not_adjudicate,
    word_diff,
)

SHOWN = 200


def _decisions():
    return Annotation.objects.filter(purpose=Annotation.Purpose.REVIEW, current=True).select_related("reviewer")


@require_GET
def resolve(request, slug):
    """The disagreements that wait, the oldest first."""
    project = resolver_project_or_404(request.user, slug)
    settle(project)
    prompts = list(
        to_resolve(project)
        .select_related("document", "current_response")
        .prefetch_related(Prefetch("current_response__annotations", _decisions(), to_attr="decisions"))
        .order_by("state_changed_at", "pk")[: SHOWN + 1]
    )
    pending = Resolution.objects.filter(
        response__prompt__project=project, decided_by=request.user, by="adjudicator", current=True, applied_at=None
    ).select_related("response__prompt__document")
    rows = [
        {
            "prompt": prompt,
            "decisions": prompt.current_response.decisions,
            "mine": any(row.reviewer_id == request.user.pk for row in prompt.current_response.decisions),
        }
        for prompt in prompts[:SHOWN]
    ]
    context = {"project": project, "rows": rows, "more": len(prompts) > SHOWN, "shown": SHOWN, "pending": pending}
    return render(request, "curation/resolve.html", context)


@require_GET
def resolve_prompt(request, slug, key):
    """One disagreement: source, response, every decision, and the form to decide it."""
    project = resolver_project_or_404(request.user, slug)
    prompt = _prompt(project, key)
    if not to_resolve(project).filter(pk=prompt.pk).exists():
        messages.info(request, "Nobody disagrees here any more.")
        return redirect("prompt_detail", slug, key)
    return _page(request, project, prompt, ResolveForm(texts=_texts(prompt), project=project))


@require_POST
def resolve_submit(request, slug, key):
    """Decide a disagreement; then back to the others."""
    project = resolver_project_or_404(request.user, slug)
    prompt = _prompt(project, key)
    if prompt.current_response is None:
        messages.warning(request, "There is no answer to decide on.")
        return redirect("resolve", slug)
    form = ResolveForm(request.POST, texts=_texts(prompt), project=project)
    if str(prompt.current_response_id) != request.POST.get("response"):
        return _page(request, project, prompt, form, conflict="newer_answer", status=409)
    if not form.is_valid():
        return _page(request, project, prompt, form, status=422)
    said = form.cleaned_data
    try:
        adjudicate(
            project,
            request.user,
            prompt.current_response,
            said["action"],
            text=form.chosen_text if said["action"] == "accept" else None,
            reasons=said["reasons"],
            comment=said["comment"],
        )
    except NotYours as refusal:
        messages.error(request, str(refusal))
        return _page(request, project, prompt, form, status=409)
    except Conflict as conflict:
        return _page(request, project, prompt, form, conflict=conflict.problems[0].kind, status=409)
    messages.success(request, f"Decided: {said['action']}.")
    return redirect("resolve", slug)


@require_POST
def resolve_take_back(request, slug, key):
    """Take back one's own decision on a disagreement before it takes effect."""
    project = resolver_project_or_404(request.user, slug)
    prompt = _prompt(project, key)
    held = Resolution.objects.filter(
        response=prompt.current_response_id, decided_by=request.user, current=True
    ).select_related("response__prompt__project").first()  # fmt: skip
    try:
        if held is None:
            raise TooLate
        take_back_adjudication(request.user, held)
    except TooLate:
        messages.warning(request, "It could not be taken back: it has taken effect. A manager can reopen it.")
        return redirect("resolve", slug)
    messages.info(request, "Taken back. It waits to be decided again.")
    return redirect("resolve_prompt", slug, key)


def _prompt(project, key):
    return get_object_or_404(project.prompts.select_related("current_response__teacher", "document"), key=key)


def _said(prompt):
    return list(_decisions().filter(response=prompt.current_response_id).order_by("created_at", "pk"))


def _texts(prompt):
    """(code, label, text) to choose from: the teacher's, then each edit."""
    texts = [("teacher", "The teacher's text", prompt.current_response.text)]
    for row in _said(prompt):
        if row.edited_text is not None:
            texts.append((f"a{row.pk}", f"The text of {row.reviewer}", row.edited_text))
    return texts


def _page(request, project, prompt, form, *, conflict="", status=200):
    unit = unit_of(project, prompt.pk)
    made = cards_of(unit, (), request.user)
    document, source, questions = source_of(unit, made)
    response = prompt.current_response
    decisions = [
        {"row": row, "diff": word_diff(response.text, row.edited_text) if row.edited_text is not None else None}
        for row in _said(prompt)
    ]
    held = Resolution.objects.filter(response=response, current=True).select_related("decided_by").first()
    context = {
        "project": project,
        "prompt": prompt,
        "card": next(card for card in made if card.prompt.pk == prompt.pk),
        "others": [card for card in made if card.prompt.pk != prompt.pk],
        "pair": pair_score(made),
        "document": document,
        "source": source,
        "questions": questions,
        "decisions": decisions,
        "form": form,
        "held": held,
        "conflict": conflict,
        "refusal": why_not_adjudicate(project, request.user, response.pk),
    }
    return render(request, "curation/resolve_prompt.html", context, status=status)
