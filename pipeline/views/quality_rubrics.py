"""Rubrics: what judges read answers for; every version readable, an edit is a new version."""

from django.contrib import messages
from django.db import transaction
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from curation import families
from curation.access import MANAGER, VIEWER, project_or_404
from curation.models import Event, Rubric
from pipeline import rubrics
from pipeline.forms import RubricForm
from pipeline.stages import judge, questions
from pipeline.stages.composing import only_looking
from pipeline.stages.gating import judge_anew, unread


@require_GET
def rubric_list(request, slug):
    """The rubrics in force with all that they say, and who reads by them."""
    project = project_or_404(request.user, slug, VIEWER)
    readers = project.readers
    with only_looking():
        sheets = {name: questions.sheet(project, name) for name in rubrics.NAMES}
    rows = [
        {
            "name": name,
            "version": sheet.rubric,
            "body": _shown(sheet.rubric.body),
            "told": sheet.shows_rubric,
            "judges": list(dict.fromkeys(judge.name for rubric, judge, _ in readers if rubric == name)),
        }
        for name, sheet in sheets.items()
    ]
    context = {"project": project, "rows": rows, "warnings": families.warnings(project)}
    return render(request, "pipeline/rubric_list.html", context)


@require_http_methods(["GET", "POST"])
def rubric_edit(request, slug, name):
    """Read a version, store a text as the next one, have what was judged before judged again."""
    project = project_or_404(request.user, slug, MANAGER)
    if name not in rubrics.NAMES:
        raise Http404(f"There is no such rubric; there are {', '.join(rubrics.NAMES)}.")
    if "again" in request.POST:
        return _again(request, project)
    versions = list(project.rubrics.filter(name=name).select_related("created_by").order_by("-version"))
    asked = next((v for v in versions if str(v.version) == request.GET.get("version")), None)
    shown = asked or (versions[0] if versions else None)
    body = shown.body if shown else rubrics.shipped(name)
    form = RubricForm(request.POST or None, initial={"body": rubrics.to_yaml(body)})
    if request.method == "POST" and form.is_valid():
        return _save(request, project, name, form.cleaned_data["body"])
    with only_looking():
        sheet = questions.sheet(project, name)
        waiting = unread(project, judge.RECALLED).count() if project.judges else 0
    context = {
        "project": project,
        "name": name,
        "form": form,
        "versions": versions,
        "shown": shown,
        "label": body["label"],
        "told": sheet.shows_rubric,
        "waiting": waiting,
        "words": rubrics.words(body, "methodology"),
    }
    return render(request, "pipeline/rubric_edit.html", context, status=422 if form.errors else 200)


def _shown(body):
    """A rubric with its options in order, as [(range, meaning)]."""
    dimensions = [each | {"options": rubrics.in_order(each.get("options", {})).items()} for each in body["dimensions"]]
    return body | {"dimensions": dimensions}


@transaction.atomic
def _save(request, project, name, body):
    if Rubric.current(project, name) is None:  # what the answers so far were read by stays readable
        Rubric.record(project, name, rubrics.shipped(name), origin=f"configs/rubrics/{name}.yaml")
    before = Rubric.current(project, name)
    saved = Rubric.record(project, name, body, origin="edited on its page", by=request.user)
    if saved == before:
        messages.info(request, f"Nothing changed: version {saved.version} says this.")
    else:
        detail = {"name": name, "version": saved.version}
        Event.objects.create(project=project, actor=request.user, kind="rubric", detail=detail)
        messages.success(request, f"Judges read by version {saved.version} from the next answer on.")
    return redirect("rubric_edit", project.slug, name)


@transaction.atomic
def _again(request, project):
    version = judge_anew(project, by=request.user)
    detail = {"gate": version.version, "why": "judged again"}
    Event.objects.create(project=project, actor=request.user, kind="gate", detail=detail)
    messages.success(request, "The next SampleGate run asks the judges again; below is what it will take.")
    return redirect(f"{reverse('run_start', args=[project.slug])}?stage=judge")
