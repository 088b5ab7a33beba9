"""Start, watch and cancel runs."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from curation.access import MANAGER, project_or_404
from curation.models import State
from pipeline import jobs
from pipeline.forms import STAGES, RunForm
from pipeline.stages.importing import rejects_path


def why_not():
    """Why no run can start now, in a sentence; "" where one can."""
    trouble = jobs.queue_trouble()
    if not trouble and not jobs.workers_alive():
        trouble = "No worker is alive to take a run up: start them with `python manage.py serve`."
    return trouble


@require_GET
def run_list(request, slug):
    """Every run of the project, the newest first."""
    project = project_or_404(request.user, slug)
    page = Paginator(project.runs.select_related("created_by"), 50).get_page(request.GET.get("page"))
    for run in page:
        run.project = project
    return render(request, "pipeline/run_list.html", {"project": project, "page": page})


@require_http_methods(["GET", "POST"])
def run_start(request, slug):
    """What each stage would touch, and the button that starts one."""
    project = project_or_404(request.user, slug, MANAGER)
    data = request.POST if request.method == "POST" else request.GET
    asked = request.method == "POST" or "stage" in data
    form = RunForm(data if asked else None, initial={"stage": "pipeline"})
    trouble = why_not()
    if request.method == "POST" and form.is_valid() and not trouble:
        try:
            run = jobs.start(project, form.cleaned_data["stage"], form.parameters, by=request.user)
        except jobs.CannotStart as error:
            form.add_error(None, str(error))
        else:
            return redirect("run_detail", slug, run.pk)
    limit = form.parameters if form.is_bound and form.is_valid() else {}
    stages = [
        {"value": stage.value, "label": stage.label, "does": does, **jobs.quote(project, stage.value, limit)}
        for stage, does in STAGES.items()
    ]
    context = {"project": project, "form": form, "stages": stages, "trouble": trouble}
    refused = request.method == "POST"
    return render(request, "pipeline/run_start.html", context, status=409 if refused else 200)


def _run_or_404(project, pk):
    run = get_object_or_404(project.runs.select_related("created_by"), pk=pk)
    run.project = project
    return run


def _context(run):
    hidden = ("path", "mapping")
    sent_on = [(label, run.counters[state]) for state, label in State.choices if run.counters.get(state)]
    release = run.versions.get("release") if run.stage == run.Stage.PACKAGE else None
    return {
        "project": run.project,
        "run": run,
        "parameters": {name: value for name, value in run.parameters.items() if name not in hidden and value},
        "counters": {name: number for name, number in run.counters.items() if name not in State.values},
        "sent_on": sent_on,
        "release": release,
        "has_rejects": run.stage == run.Stage.IMPORT and rejects_path(run).exists(),
        "parked": run.project.prompts.in_state("parked").filter(events__run=run, events__kind="parked")[:20]
        if not run.is_live
        else [],
    }


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
