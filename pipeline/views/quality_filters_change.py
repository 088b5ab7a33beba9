"""Making filter rules hold: apply what was tried, a filters.yaml in and out, and the versions so far."""

from functools import partial

import yaml
from django.contrib import messages
from django.db import transaction
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_POST

from curation.access import MANAGER, project_or_404
from curation.models import FilterResult, Project, Ruleset
from pipeline import filters, trying
from pipeline.config import yaml_of
from pipeline.config_errors import ConfigError
from pipeline.forms_filters import as_sent, texts_of

from .quality_filters import page, rules_form

LARGEST_FILE = 200_000  # bytes of a filters.yaml
ORIGIN = "filter page"


@require_POST
def quality_filters_apply(request, slug):
    """Make what the page shows the rules in force; refused where others came into force since it was shown."""
    project = project_or_404(request.user, slug, MANAGER)
    sample = trying.sample_of(project)
    form = rules_form(project, sample, request.POST)
    if form.read(partial(trying.refuse_slow_patterns, sample)) is None:
        return page(request, project, sample, form)
    with transaction.atomic():
        # Two managers apply one after the other, and the second sees what the first made.
        now = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        before = now.filter_ruleset
        newer = str(before.version if before else 0) != request.POST.get("version", "")
        if not newer:
            body = filters.rules_to_mapping(form.rules)
            origin = request.POST.get("origin", "")[:200] or ORIGIN
            ruleset = Ruleset.record(now, Ruleset.Kind.FILTER, body, origin=origin, by=request.user)
    if newer:
        project.filter_ruleset = before
        return _conflict(request, project)
    _say(request, now, before, ruleset)
    return redirect("quality_filters", slug)


def _say(request, project, before, ruleset):
    if before and before.pk == ruleset.pk:
        messages.info(request, f"Unchanged: version {ruleset.version} says the same and stays in force.")
        return
    start = f"{reverse('run_start', args=[project.slug])}?stage=filter"
    said = 'Version {} is in force. Nothing has moved yet: a filter run does it. <a href="{}">See the quote</a>'
    messages.success(request, format_html(said, ruleset.version, start))


def _conflict(request, project):
    """Both sides: what came into force meanwhile, and what was typed; nothing is lost, and Apply once more takes it."""
    sample, typed = trying.sample_of(project), request.POST.get("version", "")
    of_project = project.rulesets.filter(kind=Ruleset.Kind.FILTER)
    basis = of_project.filter(version=int(typed)).first() if typed.isdecimal() and len(typed) < 10 else None
    data, since = request.POST.dict(), []
    if basis:
        # What the person left as it was follows the newer version.
        was = texts_of(filters.stored_rules(basis.body), rules_form(project, sample).tasks)
        data = {name: text for name, text in data.items() if as_sent(text) != was.get(name)}
        since = differences(basis.body, project.filter_ruleset.body)
    form = rules_form(project, sample, data)
    yours = [(each.title, each.now, each.text) for each in form.fields.values() if each.changed]
    conflict = {"version": typed, "since": since, "yours": yours}
    return page(request, project, sample, form, status=409, conflict=conflict)


@require_POST
def quality_filters_upload(request, slug):
    """Show the rules of a filters.yaml as a trial; they hold once they are applied."""
    project = project_or_404(request.user, slug, MANAGER)
    upload = request.FILES.get("file")
    try:
        if upload is None:
            raise ConfigError("Choose a filters.yaml first.")
        rules = filters.load_rules(_mapping(upload))
    except ConfigError as error:
        sample = trying.sample_of(project)
        form = rules_form(project, sample)
        return page(request, project, sample, form, status=422, refused=error.messages, uploaded=upload)
    sample = trying.sample_of(project)
    form = rules_form(project, sample, texts_of(rules, rules_form(project, sample).tasks))
    return page(request, project, sample, form, uploaded=upload)


def _mapping(upload):
    """The mapping in an uploaded YAML file; raises ConfigError that says what is wrong with it."""
    if upload.size > LARGEST_FILE:
        raise ConfigError(f"{upload.name} is larger than {LARGEST_FILE:,} bytes: that is no filters.yaml.")
    try:
        return yaml_of(upload.read().decode())
    except UnicodeDecodeError:
        raise ConfigError(f"{upload.name} is not text in UTF-8.") from None
    except ConfigError as error:
        raise ConfigError(f"{upload.name}: {error}") from None


@require_GET
def filters_yaml(request, slug):
    """The rules in force, or of an earlier `version`, as a file."""
    project = project_or_404(request.user, slug)
    version = request.GET.get("version", "")
    if version:
        found = get_object_or_404(
            project.rulesets, kind=Ruleset.Kind.FILTER, version=int(version) if version.isdecimal() else -1
        )
        text = yaml.safe_dump(found.body, sort_keys=False, allow_unicode=True, default_flow_style=False)
        name = f"{slug}-filters-v{found.version}.yaml"
    else:
        ruleset, rules = trying.in_force(project)
        text, name = filters.rules_to_yaml(rules), f"{slug}-filters{f'-v{ruleset.version}' if ruleset else ''}.yaml"
    response = HttpResponse(text, content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_GET
def quality_filters_versions(request, slug):
    """Every version of the rules: who made it when, from what, what changed, and how many verdicts it has."""
    project = project_or_404(request.user, slug)
    versions = list(project.rulesets.filter(kind=Ruleset.Kind.FILTER).select_related("created_by").order_by("-version"))
    counted = FilterResult.objects.filter(ruleset__in=versions).order_by().values_list("ruleset")
    verdicts = dict(counted.annotate(n=Count("pk")))
    for place, version in enumerate(versions):
        version.verdicts = verdicts.get(version.pk, 0)
        earlier = versions[place + 1] if place + 1 < len(versions) else None
        version.changes = differences(earlier.body, version.body) if earlier else None
    return render(request, "pipeline/quality_filters_versions.html", {"project": project, "versions": versions})


def differences(before, after):
    """[(key, value before, value after)] between two bodies of filter rules, keys of task types as "task: key"."""
    tasks = [body.get("task_types") or {} for body in (before, after)]
    own = {(task, key): None for each in tasks for task, values in each.items() for key in values}
    keys = [("", key) for key in {**after, **before} if key != "task_types"] + sorted(own)
    found = []
    for task, key in keys:
        # What a task type does not say for itself is what holds for all.
        was, now = (body.get("task_types", {}).get(task, {}).get(key, body.get(key)) for body in (before, after))
        if was != now:
            found.append((f"{task}: {key}" if task else key, _shown(was), _shown(now)))
    return found


def _shown(value):
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "not set" if value is None else str(value)
