"""Many prompts changed at once: what an action would touch, its run, what it changed, and taking it back."""

from datetime import datetime

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET, require_POST

from curation import changing
from curation.access import MANAGER, project_or_404
from curation.models import Change, Membership, Run, State
from curation.paging import keyset_page
from curation.reviewing import settle
from curation.reviewing.reasons import reasons_of
from pipeline import jobs
from pipeline.views.run_start import why_not


@require_GET
def change_list(request, slug):
    """Every change of many prompts, the newest first."""
    project = project_or_404(request.user, slug, MANAGER)
    page = Paginator(project.changes.select_related("created_by", "run", "undone_by"), 50)
    page = page.get_page(request.GET.get("page"))
    for change in page:
        change.says = changing.label(change)
    return render(request, "pipeline/change_list.html", {"project": project, "page": page})


@require_POST
def change_new(request, slug):
    """What an action would touch and what it leaves, and why; confirmed, it begins as a run."""
    project = project_or_404(request.user, slug, MANAGER)
    name = request.POST.get("action", "")
    action = changing.ACTIONS.get(name)
    if action is None:
        messages.error(request, "Choose what to do with the prompts.")
        return redirect(_back(slug, request.POST.get("query", "")))
    detail = _wish(project, request.POST)
    error, status = "", 200
    if request.POST.get("confirmed"):
        error, status = _wrong(project, name, detail), 422
        if not error:
            run, error, status = _start(project, name, detail, request.user)
            if run:
                return redirect("run_detail", slug, run.pk)
    context = {
        "project": project,
        "name": name,
        "action": action,
        "detail": detail,
        "preview": changing.preview(action, changing.chosen(project, detail, request.user)),
        "cap": changing.PREVIEW_CAP,
        "ticked": "keys" in detail,
        "keys": detail.get("keys", ()),
        "back": _back(slug, detail.get("query", "")),
        "codes": reasons_of(project) if action.takes_codes else [],
        "members": _members(project) if action.needs_people else [],
        "error": error,
        "trouble": why_not(),
    }
    return render(request, "pipeline/change_new.html", context, status=status)


def _wrong(project, name, detail):
    return changing.wrong_wish(project, name, reason=detail["reason"], people=detail["people"], codes=detail["reasons"])


def _wish(project, data):
    """What is asked for, as a Change keeps it; what moves after `seen_at` was not in the preview and is left."""
    people = [int(pk) for pk in data.getlist("people")[:200] if pk.isdecimal() and len(pk) < 19]
    wish = {"reason": data.get("reason", "").strip()[:2000], "people": people, "query": data.get("query", "")[:4000]}
    wish["reasons"] = data.getlist("reasons")[:50]
    if data.get("scope") != "all":
        wish["keys"] = data.getlist("key")[: changing.MOST_TICKED]
    wish["seen_at"] = _seen_at(data.get("seen_at", "")).isoformat()
    return wish


def _seen_at(value) -> datetime:
    """When the preview was made: what was posted back, or now."""
    now = timezone.now()
    try:
        seen = parse_datetime(value)
    except ValueError:
        seen = None
    return min(seen, now) if seen and timezone.is_aware(seen) else now


def _members(project):
    rows = Membership.objects.filter(project=project, user__is_active=True).exclude(role=Membership.Role.VIEWER)
    return rows.select_related("user").order_by("user__username")


def _back(slug, query):
    return reverse("prompt_list", args=[slug]) + (f"?{query}" if query else "")


def _start(project, name, detail, user):
    """(run, "", 302), or (None, why it cannot start, the status)."""
    settle(project)  # each due decision in a transaction of its own; the start of a run would take them all into one
    try:
        with transaction.atomic():
            change = changing.begin(project, name, detail, user)
            run = jobs.start(project, Run.Stage.BULK, {"change": change.pk}, by=user)
            change.run = run
            change.save(update_fields=["run"])
    except jobs.CannotStart as trouble:
        return None, str(trouble), 409
    return run, "", 302


def _change_or_404(project, pk):
    change = get_object_or_404(project.changes.select_related("created_by", "run", "undone_by"), pk=pk)
    change.project = project
    change.says = changing.label(change)
    return change


@require_GET
def change_detail(request, slug, pk):
    """What a change did to which prompts, and what could not be taken back."""
    project = project_or_404(request.user, slug, MANAGER)
    change = _change_or_404(project, pk)
    which = request.GET.get("which", "")
    rows = change.items.select_related("prompt__document").order_by("pk")
    rows = rows.filter(undone=which == "back") if which in ("back", "left") else rows
    after = request.GET.get("after", "")
    page = keyset_page(rows, after=int(after) if after.isdecimal() and len(after) < 19 else 0)
    _name_people(page.rows)
    undo_run = project.runs.filter(pk=change.detail.get("undo_run") or 0).first()
    context = {
        "project": project,
        "change": change,
        "which": which,
        "page": page,
        "is_first": not after,
        "total": change.items.count(),
        "left": change.items.filter(undone=False).count(),
        "undo_run": undo_run,
        "reopen": _in_effect(change) if change.kind == Change.Kind.FIX else [],
        "why_not": changing.why_not_undo(change),
        "trouble": why_not(),
    }
    return render(request, "pipeline/change_detail.html", context)


def _in_effect(change):
    """Keys of the prompts of a fix that were accepted by it: its author cannot take these back, a manager reopens."""
    rows = change.items.filter(prompt__state=State.ACCEPTED).exclude(undone=True)
    return list(rows.order_by("pk").values_list("prompt__key", flat=True)[: changing.MOST_TICKED])


def _name_people(items):
    """Set `person` on items of an assignment."""
    given = [item.after["assigned"] for item in items if "assigned" in item.after]
    names = dict(get_user_model().objects.filter(pk__in=given).values_list("pk", "username"))
    for item in items:
        item.person = names.get(item.after.get("assigned"), "")


@require_POST
def change_undo(request, slug, pk):
    """Take a change back as a run: where nothing else happened since."""
    project = project_or_404(request.user, slug, MANAGER)
    settle(project)  # see _start
    try:
        with transaction.atomic():
            change = project.changes.select_for_update(no_key=True, of=("self",)).get(pk=_change_or_404(project, pk).pk)
            why = changing.why_not_undo(change)
            if why:
                raise jobs.CannotStart(why)
            run = jobs.start(project, Run.Stage.BULK, {"change": change.pk, "undo": True}, by=request.user)
            change.detail["undo_run"] = run.pk
            change.save(update_fields=["detail"])
    except jobs.CannotStart as trouble:
        messages.error(request, str(trouble))
        return redirect("change_detail", slug, pk)
    return redirect("run_detail", slug, run.pk)
