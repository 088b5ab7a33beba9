"""Releases: make, look at, download."""

from django.core.paginator import Paginator
from django.http import FileResponse, Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from curation import tallies
from curation.access import MANAGER, project_or_404
from curation.models import Release, State
from pipeline import card, jobs
from pipeline.forms import ReleaseForm
from pipeline.resemblance import leaks
from pipeline.stages.package import candidates
from pipeline.views.run_start import why_not


@require_GET
def release_list(request, slug):
    """Every release, the newest first."""
    project = project_or_404(request.user, slug)
    page = Paginator(project.releases.all(), 50).get_page(request.GET.get("page"))
    context = {"project": project, "page": page, "accepted": project.prompts.in_state(State.ACCEPTED).count()}
    return render(request, "pipeline/release_list.html", context)


@require_http_methods(["GET", "POST"])
def release_create(request, slug):
    """What would be in, then the run that builds it."""
    project = project_or_404(request.user, slug, MANAGER)
    form = ReleaseForm(request.POST or None)
    trouble = why_not()
    if request.method == "POST" and form.is_valid() and not trouble:
        wanted = {name: value for name, value in form.cleaned_data.items() if value}
        try:
            return redirect("run_detail", slug, jobs.start(project, "package", wanted, by=request.user).pk)
        except jobs.CannotStart as error:
            form.add_error(None, str(error))
    counts = tallies.states(project)
    ready = {include: candidates(project, include).count() for include in ("accepted", "filtered")}
    context = {
        "project": project,
        "form": form,
        "ready": ready,
        "halves": counts[State.ACCEPTED] - ready["accepted"],
        "accepted": counts[State.ACCEPTED],
        "leaking": leaks.leaking(candidates(project)).count(),
        "waiting": [(state, label, counts[state]) for state, label in State.choices if counts[state]],
        "trouble": trouble,
    }
    return render(request, "pipeline/release_create.html", context, status=409 if request.method == "POST" else 200)


def _release_or_404(project, version):
    release = get_object_or_404(project.releases.select_related("created_by"), version=version)
    release.project = project
    return release


@require_GET
def release_detail(request, slug, version):
    """Counts, splits, files with their sha256."""
    project = project_or_404(request.user, slug)
    release = _release_or_404(project, version)
    tables = [
        (heading, sorted(release.counts.get(name, {}).items(), key=lambda item: -item[1]))
        for heading, name in (
            ("Split", "splits"),
            ("Task", "task_types"),
            ("Domain", "domains"),
            ("Model", "teachers"),
            ("Decided by", "review"),
        )
    ]
    tables = [table for table in tables if table[1]]
    context = {"project": project, "release": release, "tables": tables, "versions": card.made_with(release.manifest)}
    return render(request, "pipeline/release_detail.html", context)


@require_GET
def release_file(request, slug, version, path):
    """One file of a published release; no other name reaches the disk."""
    release = _release_or_404(project_or_404(request.user, slug), version)
    if release.state != Release.State.PUBLISHED or path not in {entry["path"] for entry in release.files}:
        raise Http404("There is no such file in this release.")
    folder = release.directory.resolve()
    file = (folder / path).resolve()
    if not file.is_relative_to(folder) or not file.is_file():
        raise Http404("The file is no longer in the data directory.")
    name = f"{slug}-v{version}-{file.name}"
    return FileResponse(open(file, "rb"), as_attachment=True, filename=name)
