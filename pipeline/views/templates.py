"""Prompt templates of a project: every version readable, an edit is a new version."""

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from curation.access import MANAGER, project_or_404
from curation.models import Event, PromptTemplate
from pipeline import prompts
from pipeline.forms import TemplateForm

SAMPLE = 5000  # prompts that the task types are taken from
ABOUT = {
    "hypothesis": "Asks for a hypothesis about a source text.",
    "methodology": "Asks for the method that tests a hypothesis.",
    "system_toolproto": "The system message of every first question.",
    "system_regen": "The system message where an answer was sent back: stricter, with what was wrong.",
    "judge_factuality": "Asks a judge whether the source supports an answer.",
    "judge_reasoning": "Asks a judge whether an answer can be tested, repeated and is safe.",
}
OF_A_TASK = "Asks about rows of this task type that carry no prompt of their own."


def _names(project):
    """Every template that a run of this project could ask for."""
    shipped = {path.stem for path in settings.PROMPT_DIR.glob("*.txt")}
    recorded = set(project.templates.values_list("name", flat=True))
    tasks = set(project.prompts.order_by("pk").values_list("task_type", flat=True)[:SAMPLE])
    return shipped, recorded, sorted(shipped | recorded | tasks)


def _about(name):
    return ABOUT.get(name, "" if "/" in name else OF_A_TASK)


@require_GET
def template_list(request, slug):
    """Which template is in force under each name."""
    project = project_or_404(request.user, slug, MANAGER)
    shipped, _, names = _names(project)
    newest = {}
    for version in project.templates.select_related("created_by").order_by("name", "-version"):
        newest.setdefault(version.name, version)
    rows = [
        {"name": name, "newest": newest.get(name), "shipped": name in shipped, "about": _about(name)} for name in names
    ]
    return render(request, "pipeline/template_list.html", {"project": project, "rows": rows})


@require_http_methods(["GET", "POST"])
def template_edit(request, slug, name):
    """Read a version, try a text on a real prompt, store it as the next version."""
    project = project_or_404(request.user, slug, MANAGER)
    shipped, recorded, names = _names(project)
    if name not in names:
        raise Http404("No run of this project asks for a template of this name.")
    versions = list(project.templates.filter(name=name).select_related("created_by").order_by("-version"))
    asked = next((v for v in versions if str(v.version) == request.GET.get("version")), None)
    shown = asked or (versions[0] if versions else None)
    body = shown.body if shown else prompts.shipped(name) if name in shipped else ""
    form = TemplateForm(request.POST or None, initial={"body": body})
    if request.method == "POST" and form.is_valid() and "preview" not in request.POST:
        return _save(request, project, name, form.cleaned_data["body"])
    preview, problem = None, ""
    if not form.is_bound or form.is_valid():
        preview, problem = _try(project, name, form.cleaned_data["body"] if form.is_bound else body)
    context = {
        "project": project,
        "name": name,
        "about": _about(name),
        "form": form,
        "versions": versions,
        "shown": shown,
        "preview": preview,
        "problem": problem,
        "known": prompts.NAMES,
    }
    wrong = form.is_bound and form.errors
    return render(request, "pipeline/template_edit.html", context, status=422 if wrong else 200)


@transaction.atomic
def _save(request, project, name, body):
    before = PromptTemplate.current(project, name)
    saved = PromptTemplate.record(project, name, body, origin="edited on its page", by=request.user)
    if saved == before:
        messages.info(request, f"Nothing changed: version {saved.version} has this text.")
    else:
        Event.objects.create(
            project=project, actor=request.user, kind="template", detail={"name": name, "version": saved.version}
        )
        messages.success(request, f"Version {saved.version} of {name} is used from the next call on.")
    return redirect("template_edit", project.slug, name)


def _try(project, name, body):
    """(the text filled in with a prompt of this project, what stands in the way)."""
    example = project.prompts.filter(task_type=name).order_by("pk").first() or project.prompts.order_by("pk").first()
    values = dict.fromkeys(prompts.NAMES, "")
    if example:
        title = example.document.title if example.document else ""
        values |= {"context": example.context, "domain": example.domain, "title": title, "task_type": example.task_type}
    values = {key: value if value.strip() else f"‹{key}›" for key, value in values.items()}
    try:
        return prompts.render(body, values), ""
    except prompts.PromptError as error:
        return None, str(error)
