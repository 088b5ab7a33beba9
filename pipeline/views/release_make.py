"""Make a release: the recipe, what it would hold, and the run that builds it."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from curation import tallies
from curation.access import MANAGER, project_or_404
from curation.models import State
from pipeline import jobs
from pipeline.forms_releases import RecipeForm
from pipeline.releasing import auditing, choosing, telling
from pipeline.releasing import recipe as recipes
from pipeline.releasing.expecting import expected
from pipeline.resemblance import leaks
from pipeline.views.run_start import why_not


@require_http_methods(["GET", "POST"])
def release_create(request, slug):
    """Say what goes in, see what would be in, and start the run that builds it."""
    project = project_or_404(request.user, slug, MANAGER)
    posted = request.method == "POST"
    data = request.POST if posted else request.GET if "include" in request.GET else None
    recipe, made_from = _begin_with(project, request.GET)
    form = RecipeForm(data, project=project, recipe=recipe)
    trouble = why_not()
    if posted and form.is_valid():
        saved = form.save_recipe(request.user)
        if saved:
            messages.success(request, f"The recipe is kept as {saved.name}.")
        if "keep" in request.GET and saved:
            return redirect(f"{request.path}?recipe={saved.pk}")
        if "keep" in request.GET:
            form.add_error("save_as", "Give the recipe a name to keep it by.")
        elif not trouble:
            try:
                return redirect("run_detail", slug, _start(project, form, request.user).pk)
            except jobs.CannotStart as error:
                form.add_error(None, str(error))
    context = _context(project, form) | {"trouble": trouble, "made_from": made_from}
    status = 200 if not posted else 422 if form.errors else 409
    return render(request, "pipeline/release_create.html", context, status=status)


@require_GET
def release_count(request, slug):
    """What a release by the form as it stands would hold."""
    project = project_or_404(request.user, slug, MANAGER)
    form = RecipeForm(request.GET, project=project)
    context = {"project": project, "form": form, "alone": True} | _count(project, form)
    return render(request, "pipeline/_release_count.html", context)


@require_POST
def release_recipe_remove(request, slug, pk):
    """Forget a kept recipe; releases keep their own copies."""
    project = project_or_404(request.user, slug, MANAGER)
    recipe = get_object_or_404(project.release_recipes, pk=pk)
    recipe.delete()
    messages.success(request, f"The recipe {recipe.name} is forgotten. Releases made by it keep their copies.")
    return redirect("release_create", slug)


def _start(project, form, by):
    wanted = {"recipe": form.body, "note": form.cleaned_data["note"]}
    return jobs.start(project, "package", {name: value for name, value in wanted.items() if value}, by=by)


def _begin_with(project, said):
    """(the Recipe that the form begins with, where it is from in words) of ?recipe=, ?audit= or ?like=."""
    sources = (
        ("recipe", project.release_recipes, "pk", lambda row: row.body, lambda row: f"the recipe {row.name}"),
        ("audit", project.audits, "pk", lambda row: row.recipe, lambda row: f"what audit {row.pk} was drawn for"),
        ("like", project.releases, "version", lambda row: row.recipe, lambda row: f"release {row.label}"),
    )
    for name, rows, key, body, words in sources:
        if said.get(name, "").isdecimal():
            row = get_object_or_404(rows, **{key: said[name]})
            try:
                return recipes.read(recipes.known(body(row))), words(row)
            except recipes.WrongRecipe as wrong:
                return None, f"nothing, as {words(row)} cannot be followed any more: {wrong}"
    return None, ""


def _context(project, form):
    counts = tallies.states(project)
    ready = choosing.candidates(project)
    return {
        "project": project,
        "form": form,
        "saved": [(recipe, telling.recipe_words(recipe.body)) for recipe in project.release_recipes.all()],
        "accepted": counts[State.ACCEPTED],
        "halves": choosing.halves(project),
        "leaking": leaks.leaking(ready).count(),
        "waiting": [(state, label, counts[state]) for state, label in State.choices if counts[state]],
        "bound": auditing.bound_at_best(project.audit_sample, project.audit_allowed, counts[State.ACCEPTED]),
    } | _count(project, form)


def _count(project, form):
    """{expected}: what the form's recipe would take; None where a field is wrong."""
    if form.is_bound and not form.is_valid():
        return {"expected": None}
    return {"expected": expected(project, form.recipe)}
