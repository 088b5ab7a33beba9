"""Decisions in and out: a run writes them to a file, or takes in a file that was made elsewhere."""

from django.http import FileResponse, Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_POST

from curation.access import MANAGER, project_or_404
from curation.models import Run
from pipeline import jobs
from pipeline.forms import too_large
from pipeline.forms_annotations import ExportForm, LabelsForm
from pipeline.stages.annotating import export_path, file_of
from pipeline.views.imports import is_too_large, keep_upload
from pipeline.views.run_start import why_not

SHOWN = 20


@require_GET
def annotations(request, slug):
    """The forms of both ways, and the last files."""
    project = project_or_404(request.user, slug, MANAGER)
    return _page(request, project, ExportForm(), LabelsForm(project=project))


@require_POST
def annotations_export(request, slug):
    """Start the run that writes every decision to a file."""
    project = project_or_404(request.user, slug, MANAGER)
    form = ExportForm(request.POST)
    return _started(request, project, "export", form, LabelsForm(project=project)) or _page(
        request, project, form, LabelsForm(project=project), status=422
    )


@csrf_exempt
@require_POST
def annotations_import(request, slug):
    """Take a file and start the run that stores its decisions; one too large is refused before it is read."""
    project_or_404(request.user, slug, MANAGER)
    if is_too_large(request):
        project = project_or_404(request.user, slug, MANAGER)
        form = LabelsForm(project=project)
        form.too_large = too_large()
        return _page(request, project, ExportForm(), form, status=413)
    return _receive(request, slug)


@csrf_protect
def _receive(request, slug):
    project = project_or_404(request.user, slug, MANAGER)
    form = LabelsForm(request.POST, request.FILES, project=project)
    return _started(request, project, "annotations", ExportForm(), form) or _page(
        request, project, ExportForm(), form, status=422
    )


def _started(request, project, stage, export, labels):
    """The way to the started run's page, or None where a form or the queue says no."""
    form = export if stage == "export" else labels
    trouble = why_not()
    if not form.is_valid():
        return None
    if trouble:
        form.add_error(None, trouble)
        return None
    try:
        run = jobs.start(project, stage, _parameters(project, stage, form.cleaned_data), by=request.user)
    except jobs.CannotStart as error:
        form.add_error(None, str(error))
        return None
    return redirect("run_detail", project.slug, run.pk)


def _parameters(project, stage, said):
    if stage == "export":
        return {"format": said["format"], "checks": said["checks"]}
    path = keep_upload(project, said["file"])
    return {"path": str(path), "file_name": path.name, "reviewer": said["reviewer"].pk}


def _page(request, project, export, labels, status=200):
    runs = list(project.runs.filter(stage__in=("export", "annotations")).select_related("created_by")[:SHOWN])
    for run in runs:
        run.project = project
        run.file = export_path(run) if run.stage == Run.Stage.EXPORT and export_path(run).exists() else None
        run.bytes = run.file.stat().st_size if run.file else 0
    context = {"project": project, "export": export, "labels": labels, "runs": runs, "trouble": why_not()}
    return render(request, "pipeline/annotations.html", context, status=status)


@require_GET
def annotations_file(request, slug, pk):
    """What an export run wrote, or the rows that an import run could not match."""
    project = project_or_404(request.user, slug, MANAGER)
    run = get_object_or_404(project.runs, pk=pk, stage__in=("export", "annotations"))
    run.project = project
    path = file_of(run)
    if not path.exists():
        raise Http404("This run has left no file.")
    return FileResponse(open(path, "rb"), as_attachment=True, filename=path.name)
