"""Watch and cancel runs."""

from pathlib import PurePath

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from curation import changing, charts
from curation.access import MANAGER, project_or_404
from curation.models import State
from pipeline import jobs, watching
from pipeline.releasing.telling import recipe_words
from pipeline.stages.annotating import file_of
from pipeline.stages.importing import rejects_path

# Counters that the page says in words of their own.
TOLD = {"parked", "reused", "calls_answered", "calls_failed", "maybe_paid_twice", "lost_tries", "would_flip"}


@require_GET
def run_list(request, slug):
    """Every run of the project, the newest first."""
    project = project_or_404(request.user, slug)
    page = Paginator(project.runs.select_related("created_by"), 50).get_page(request.GET.get("page"))
    for run in page:
        run.project = project
    parked = project.prompts.in_state(State.PARKED).exists()
    return render(request, "pipeline/run_list.html", {"project": project, "page": page, "parked": parked})


def _run_or_404(project, pk):
    run = get_object_or_404(project.runs.select_related("created_by"), pk=pk)
    run.project = project
    return run


def _context(run):
    hidden = ("path", "reviewer", "mapping", "command", "cap_usd", "cap_tokens", "change", "undo")
    hidden += ("withdrawal", "withdrawals")
    sent_on = [(label, run.counters[state]) for state, label in State.choices if run.counters.get(state)]
    release = run.versions.get("release") if run.stage in ("package", "withdraw") else None
    return {
        "project": run.project,
        "run": run,
        "parameters": _of_change(run)
        | dict(_said(*each) for each in run.parameters.items() if each[0] not in hidden and each[1]),
        "counters": {n: number for n, number in run.counters.items() if n not in State.values and n not in TOLD},
        "sent_on": [(label, number) for label, number in sent_on if label != State.PARKED.label],
        "release": release,
        "file": run.stage in ("export", "annotations") and file_of(run).exists(),
        "has_rejects": run.stage == run.Stage.IMPORT and rejects_path(run).exists(),
        "batches": list(run.batches.select_related("teacher")) if run.stage in watching.ASKING else [],
        **_how_far(run),
        **(_asking(run) if run.stage in watching.ASKING else {}),
    }


def _of_change(run):
    """What a bulk run does to its prompts, or takes back."""
    change = run.project.changes.filter(pk=run.parameters.get("change") or 0).first()
    if change is None:
        return {}
    return {"taking back" if run.parameters.get("undo") else "action": changing.label(change)}


def _said(name, value):
    """(name, value) of a parameter for people: of a file its name, since the server's folders tell them nothing."""
    if name == "against":
        return name, [PurePath(path).name for path in value]
    if name == "recipe" and isinstance(value, dict):
        return name, recipe_words(value)
    return ("words in a row" if name == "n" else name), value


def _how_far(run):
    parts = watching.parts(run)
    if parts is None:
        return {}
    named = ("done", "in_flight", "waiting", "parked")
    return {"parts": parts, "parts_chart": charts.stack([(name, getattr(parts, name)) for name in named])}


def _asking(run):
    """What only runs that ask somebody have: speed, money, errors, and how long answers take."""
    money, tokens, latencies = watching.money(run), watching.tokens(run), watching.latencies(run)
    return {
        "asks": True,
        "speeds": watching.speeds(run),
        "money": money,
        "money_chart": _spent(money),
        "tokens": tokens,
        "tokens_chart": _spent(tokens) if tokens.cap else None,
        "errors": watching.errors(run),
        "latencies": latencies,
        "latency_chart": charts.columns(latencies.bins) if latencies else None,
        "half": latencies and latencies.within(0.5),
        "most": latencies and latencies.within(0.9),
    }


def _spent(money):
    if not money.scale:
        return None
    left = money.scale - money.spent - money.held
    return charts.stack([("spent", float(money.spent)), ("held", float(money.held)), ("left", float(left))])


@require_GET
def run_detail(request, slug, pk):
    """How far a run is, what it cost, what went wrong."""
    return render(request, "pipeline/run_detail.html", _context(_run_or_404(project_or_404(request.user, slug), pk)))


@require_GET
def run_progress(request, slug, pk):
    """The part of a run's page that changes; it stops asking for itself when the run has ended."""
    return render(request, "pipeline/_run_progress.html", _context(_run_or_404(project_or_404(request.user, slug), pk)))


@require_POST
def run_cancel(request, slug, pk):
    """Ask a run to stop; answers under way are still stored, and what waited keeps waiting."""
    run = _run_or_404(project_or_404(request.user, slug, MANAGER), pk)
    if jobs.cancel(run, by=request.user):
        messages.success(request, "The run was asked to stop. What is under way is still stored.")
    else:
        messages.warning(request, "The run had ended already.")
    return redirect("run_detail", slug, pk)


@require_GET
def run_rejects(request, slug, pk):
    """The rows that an import could not take, with the reasons, as JSON Lines."""
    project = project_or_404(request.user, slug, MANAGER)
    run = _run_or_404(project, pk)
    path = rejects_path(run)
    if run.stage != run.Stage.IMPORT or not path.exists():
        raise Http404("This run has no rejected rows.")
    return FileResponse(open(path, "rb"), as_attachment=True, filename=f"{slug}-{path.name}")
