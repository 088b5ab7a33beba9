"""Regeneration recipes of a project: what is done about each reason; an edit is a new version, each is readable."""

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from curation.access import MANAGER, project_or_404
from curation.models import Event, Project, Ruleset
from pipeline.config_errors import ConfigError
from pipeline.forms_recipes import GeneralForm, RecipeFileForm, RecipeForm
from pipeline.regenerating import recipes, recipes_of, record_recipes, shipped, to_yaml

from .recipes_shown import differences, groups, row_of

ORIGIN = "edited on its page"


@require_GET
def recipe_list(request, slug):
    """Every reason with its recipe, in folded groups; `q` searches, `own` leaves those that are not as shipped."""
    project = project_or_404(request.user, slug, MANAGER)
    shown, asked = _shown(project, request.GET.get("version", ""))
    query, own = request.GET.get("q", "").strip(), "own" in request.GET
    found = groups(project, shown.body, query, own=own)
    context = {
        "project": project,
        "shown": shown,
        "old": asked,
        "query": query,
        "own": own,
        "groups": found,
        "number": sum(len(group.rows) for group in found),
    }
    return render(request, "pipeline/recipe_list.html", context)


def _shown(project, version):
    """(the Ruleset to show, whether it is an old one asked for by its number)."""
    now = recipes_of(project, record=False)
    if not version or version == str(now.version):
        return now, False
    number = int(version) if version.isdecimal() and len(version) < 10 else -1
    found = project.rulesets.filter(kind=Ruleset.Kind.RECIPE, version=number).select_related("created_by").first()
    if found is None:
        raise Http404("The recipes have no such version.")
    return found, True


@require_http_methods(["GET", "POST"])
def recipe_edit(request, slug, source, code):
    """One reason's recipe: read, change, or take back to the shipped one."""
    project = project_or_404(request.user, slug, MANAGER)
    reason = recipes.reasons(project).get(f"{source}:{code}")
    if reason is None:
        raise Http404("There is no such reason in this project.")
    now = recipes_of(project, record=False)
    row = row_of(reason, now.body, shipped())
    form = RecipeForm.of(row.recipe, request.POST or None, attempts=project.attempt_limit)
    if request.method == "POST" and ("shipped" in request.POST or form.is_valid()):
        wanted = row.shipped if "shipped" in request.POST else form.recipe
        done = _save(request, project, lambda body: _with(body, reason.key, wanted), about=reason.key)
        if done:
            return redirect("recipe_edit", slug, source, code)
        now = recipes_of(project, record=False)
        row = row_of(reason, now.body, shipped())
    context = {"project": project, "row": row, "form": form, "version": _version_of(form, now), "now": now}
    return render(request, "pipeline/recipe_edit.html", context, status=_status(request, form))


def _with(body, key, wanted):
    """`body` with another recipe for `key`; None: none of its own."""
    others = {name: recipe for name, recipe in body["recipes"].items() if name != key}
    return body | {"recipes": others if wanted is None else others | {key: wanted}}


@require_http_methods(["GET", "POST"])
def recipe_general(request, slug):
    """The ladder for every reason, when to stop, and what is said about a reason without a recipe."""
    project = project_or_404(request.user, slug, MANAGER)
    now = recipes_of(project, record=False)
    form = GeneralForm.of(now.body, request.POST or None, attempts=project.attempt_limit)
    if request.method == "POST" and form.is_valid() and _save(request, project, lambda body: body | form.general):
        return redirect("recipe_list", slug)
    context = {"project": project, "form": form, "version": _version_of(form, recipes_of(project, record=False))}
    return render(request, "pipeline/recipe_general.html", context, status=_status(request, form))


def _version_of(form, now):
    """The version that a form was made from: what was typed stands on that of the one who typed it."""
    return form.data.get("version", now.version) if form.is_bound else now.version


def _status(request, form):
    if request.method == "GET":
        return 200
    return 422 if form.errors else 409


def _save(request, project, change, *, about=""):
    """Make `change(body)` of the recipes in force the next version; False, said on the page, where that cannot be.

    Somebody else may have made a version since the page was shown: what they changed elsewhere stays, and nothing is
    stored where they changed the same.
    """
    try:
        with transaction.atomic():
            locked = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
            before = recipes_of(locked)
            if _changed_since(locked, before, request.POST.get("version", ""), about):
                locked = None
            else:
                saved = record_recipes(locked, change(before.body), origin=ORIGIN, by=request.user)
                _tell(request, locked, before, saved)
    except ConfigError as error:
        for message in error.messages:
            messages.error(request, message)
        return False
    if locked is None:
        project.recipe_ruleset = before
        messages.error(
            request, f"Not saved: version {before.version} changed this meanwhile. Look at it and save again."
        )
        return False
    project.recipe_ruleset = saved
    return True


def _changed_since(project, before, version, about):
    """Whether what a page is about was changed since the version that it showed."""
    if version == str(before.version):
        return False
    number = int(version) if version.isdecimal() and len(version) < 10 else -1
    shown = project.rulesets.filter(kind=Ruleset.Kind.RECIPE, version=number).first()
    if shown is None:
        return True
    keys = {key for key, _, _ in differences(shown.body, before.body)}
    return any(about == key if about else ":" not in key for key in keys)


def _tell(request, project, before, saved):
    if saved == before:
        messages.info(request, f"Nothing changed: version {saved.version} says this.")
        return
    Event.objects.create(
        project=project, actor=request.user, kind="recipes", detail={"version": saved.version, "origin": saved.origin}
    )
    messages.success(request, f"Version {saved.version} holds from the next attempt on.")


@require_GET
def recipe_versions(request, slug):
    """Every version: who made it when, and what changed."""
    project = project_or_404(request.user, slug, MANAGER)
    versions = list(project.rulesets.filter(kind=Ruleset.Kind.RECIPE).select_related("created_by").order_by("-version"))
    for place, version in enumerate(versions):
        earlier = versions[place + 1] if place + 1 < len(versions) else None
        version.changes = differences(earlier.body, version.body) if earlier else None
    return render(request, "pipeline/recipe_versions.html", {"project": project, "versions": versions})


@require_POST
def recipe_restore(request, slug):
    """Make an earlier `version`, or `shipped`, the recipes in force: a new version that says the same."""
    project = project_or_404(request.user, slug, MANAGER)
    version = request.POST.get("version", "")
    body = shipped() if version == "shipped" else _shown(project, version)[0].body
    origin = "as shipped" if version == "shipped" else f"version {version} again"
    _take(request, project, body, origin)
    return redirect("recipe_list", slug)


@require_POST
def recipe_upload(request, slug):
    """Take over a recipes.yaml whole; what is wrong in it is said, and then nothing changes."""
    project = project_or_404(request.user, slug, MANAGER)
    form = RecipeFileForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            body = recipes.from_yaml(form.cleaned_data["file"], project)
        except ConfigError as error:
            form.add_error("file", error.messages)
        else:
            _take(request, project, body, request.FILES["file"].name[:200])
            return redirect("recipe_versions", slug)
    for message in form.errors.get("file", ()):
        messages.error(request, f"Not taken over. {message}")
    return redirect("recipe_versions", slug)


def _take(request, project, body, origin):
    try:
        with transaction.atomic():
            before = recipes_of(project)
            _tell(request, project, before, record_recipes(project, body, origin=origin, by=request.user))
    except ConfigError as error:
        for message in error.messages:
            messages.error(request, f"Not taken over. {message}")


@require_GET
def recipes_yaml(request, slug):
    """The recipes in force, or an earlier `version`, as a file."""
    project = project_or_404(request.user, slug, MANAGER)
    found, _ = _shown(project, request.GET.get("version", ""))
    response = HttpResponse(to_yaml(found.body), content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{slug}-recipes-v{found.version}.yaml"'
    return response
