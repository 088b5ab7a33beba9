"""Near-duplicates and evaluation sets: clusters with their members, what would leak, and a look as a run."""

from dataclasses import replace

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.template.defaultfilters import filesizeformat
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_POST

from curation import plots
from curation.access import MANAGER, project_or_404
from curation.models import Fingerprint, Run
from curation.reviewing import held_prompts, hidden_from
from pipeline import jobs
from pipeline.forms_duplicates import EvaluationForm
from pipeline.resemblance import fingerprints, leaks, showing
from pipeline.views.imports import is_too_large, keep_upload
from pipeline.views.run_start import why_not

CLUSTERS, OVERLAPS = 10, 20  # a page
MOST_BARS = 15


@require_GET
def quality_duplicates(request, slug):
    """The page."""
    return _page(request, project_or_404(request.user, slug), EvaluationForm())


def _page(request, project, form, *, error="", status=200):
    kind = request.GET.get("kind")
    kind = kind if kind in Fingerprint.Kind.values else Fingerprint.Kind.RESPONSE
    found = Paginator(showing.clusters(project, kind), CLUSTERS).get_page(request.GET.get("page"))
    shared = Paginator(showing.overlaps(project), OVERLAPS).get_page(request.GET.get("leaks"))
    sizes = fingerprints.sizes(project, kind)
    context = {
        "project": project,
        "kind": kind,
        "kinds": _kinds(project),
        "sizes": sizes,
        "svg": _plot(sizes, kind),
        "page": found,
        "clusters": _without_hidden_scores(request.user, project, showing.shown(project, kind, list(found))),
        "held": held_prompts(project).count(),
        "sets": showing.evaluation_sets(project),
        "overlaps": shared,
        "leaking": leaks.leaking(project.prompts.all()).count() if shared else 0,
        "live": project.runs.live().filter(stage__in=(Run.Stage.DEDUPLICATE, Run.Stage.DECONTAMINATE)).first(),
        "form": form,
        "error": error,
        "trouble": why_not() if project.member.is_manager else "",
    }
    return render(request, "pipeline/quality_duplicates.html", context, status=status)


def _without_hidden_scores(user, project, clusters):
    """The clusters without the scores of what this person is to decide blind."""
    if not project.blind_percent or not project.member.may_review:
        return clusters
    keys = [member.key for cluster in clusters for member in cluster.members]
    prompts = {prompt.pk: prompt for prompt in project.prompts.filter(key__in=keys)}
    hidden = {prompts[pk].key for pk in hidden_from(user, project, list(prompts.values()))}
    return [
        replace(
            cluster,
            members=[
                replace(each, score=None, hidden=True) if each.key in hidden else each for each in cluster.members
            ],
        )
        for cluster in clusters
    ]


def _kinds(project):
    """(kind, what it is called, texts read, texts that wait to be read) of sources and answers."""
    waiting = fingerprints.missing(project)
    names = {Fingerprint.Kind.RESPONSE: "Answers", Fingerprint.Kind.PROMPT: "Sources"}
    rows = Fingerprint.objects.filter(project=project)
    return [(kind, name, rows.filter(kind=kind).count(), waiting[kind].count()) for kind, name in names.items()]


def _plot(sizes, kind):
    """Bars of the clusters by size; sizes beyond the first MOST_BARS are one bar."""
    if not sizes:
        return ""
    rows = [(f"{size} texts", number) for size, number in sizes.items()]
    rest = sum(number for _, number in rows[MOST_BARS:])
    rows = rows[:MOST_BARS] + ([("more", rest)] if rest else [])
    what = "answers" if kind == Fingerprint.Kind.RESPONSE else "sources"
    return plots.bars(rows, title=f"How many {what} resemble each other?", x="Clusters")


@require_POST
def quality_duplicates_look(request, slug):
    """Look for near-duplicates now, as a run."""
    project = project_or_404(request.user, slug, MANAGER)
    return _start(request, project, EvaluationForm(), Run.Stage.DEDUPLICATE, {})


@csrf_exempt
@require_POST
def quality_duplicates_hold(request, slug):
    """Hold the project against an uploaded file; one that says it is too large is refused before it is read."""
    project = project_or_404(request.user, slug, MANAGER)
    if is_too_large(request):
        form = EvaluationForm()
        most = filesizeformat(settings.MAX_UPLOAD_BYTES)
        form.too_large = f"The file is larger than {most}: hold the project against it by the command below."
        return _page(request, project, form, status=413)
    return _hold(request, project)


@csrf_protect
def _hold(request, project):
    form = EvaluationForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, project, form, status=422)
    path = keep_upload(project, form.cleaned_data["file"])
    wanted = {"against": [str(path)], "n": form.cleaned_data["n"], "column": form.cleaned_data["column"] or None}
    return _start(request, project, form, Run.Stage.DECONTAMINATE, wanted)


def _start(request, project, form, stage, wanted):
    trouble = why_not()
    try:
        if not trouble:
            return redirect("run_detail", project.slug, jobs.start(project, stage, wanted, by=request.user).pk)
    except jobs.CannotStart as refused:
        trouble = str(refused)
    return _page(request, project, form, error=trouble, status=409)


@require_POST
def quality_duplicates_forget(request, slug, pk):
    """Forget an evaluation set, with what was found to be shared with it."""
    project = project_or_404(request.user, slug, MANAGER)
    found = get_object_or_404(project.evaluation_sets, pk=pk)
    leaks.forget(found, by=request.user)
    messages.success(request, f"{found.name} is forgotten: nothing is held against it any more.")
    return redirect("quality_duplicates", slug)
