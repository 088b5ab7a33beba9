"""Gold items: answers whose right decision is known, marked by managers and silently mixed in."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from curation.access import MANAGER, project_or_404
from curation.agreement import gold_items
from curation.models.review import Action
from curation.reviewing.gold import mark_gold, unmark_gold, why_not_shown

SHOWN = 500


@require_GET
def quality_gold(request, slug):
    """Every gold item with how people decided on it; the most missed first."""
    project = project_or_404(request.user, slug, MANAGER)
    items = gold_items(project)
    items.sort(key=lambda gold: (not gold.active, -gold.missed, -gold.decided, -gold.pk))
    rows = [(gold, why_not_shown(gold)) for gold in items[:SHOWN]]
    context = {"project": project, "rows": rows, "n": len(items), "in_use": sum(not why for _, why in rows)}
    return render(request, "curation/quality_gold.html", context)


@require_POST
def prompt_gold(request, slug, key):
    """Mark the answer of a prompt as gold with its right decision, or take it out (`off`)."""
    project = project_or_404(request.user, slug, MANAGER)
    prompt = get_object_or_404(project.prompts.select_related("current_response"), key=key)
    pk = request.POST.get("response", "")
    response = get_object_or_404(prompt.responses, pk=int(pk) if pk.isdecimal() and len(pk) < 19 else 0)
    response.prompt = prompt
    if "off" in request.POST:
        unmark_gold(response)
        messages.success(request, "It is gold no more; decisions on it so far still count.")
        return _back(request, project, prompt)
    action, note = request.POST.get("action", ""), request.POST.get("note", "")[:5000]
    try:
        gold = mark_gold(response, action, request.user, note=note)
    except ValueError as error:
        messages.error(request, str(error))
    else:
        why = why_not_shown(gold)
        mixed_in = f"It is mixed in {why}." if why else "It is mixed in from now on."
        messages.success(request, f"Gold: the right decision is {Action(gold.action).label.lower()}. {mixed_in}")
    return _back(request, project, prompt)


def _back(request, project, prompt):
    if "list" in request.POST:
        return redirect("quality_gold", project.slug)
    return redirect("prompt_detail", project.slug, prompt.key)
