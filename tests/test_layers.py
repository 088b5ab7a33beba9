"""Imports point one way, and only the models' verbs change a state: read from the source, so a slip fails at once.

distill_site → pipeline → curation; inside pipeline: views, commands → jobs → stages → {filters, teachers, prompts, …}.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("distill_site", "pipeline", "curation")

# The floors of pipeline, from the ground up. A module imports from floors below its own, or from its own package.
FLOORS = (
    {"config_errors"},
    {
        "answers",
        "budget",
        "embedded",
        "failures",
        "filters",
        "formats",
        "gate",
        "limits",
        "orders",
        "prompts",
        "resemblance",
        "splits",
        "validating",
    },
    {"config", "datasets", "outages", "teachers", "workers"},
    {"asks", "regenerating", "rubrics"},
    {"ledger"},
    {"releasing"},
    {"stages"},
    {"inspecting", "quotes", "simulating", "trying", "uploads", "watching"},
    {"inline"},
    {"starting"},
    {"calibrating", "jobs", "setup"},
    {"all_in_one", "migrating"},
    {
        "admin",
        "apps",
        "demo",
        "filtersets",
        "forms",
        "forms_again",
        "forms_annotations",
        "forms_duplicates",
        "forms_filters",
        "forms_gate",
        "forms_recipes",
        "forms_releases",
        "forms_withdrawing",
        "management",
        "tables",
        "urls",
        "urls_regeneration",
        "urls_releases",
        "urls_withdrawals",
        "views",
    },
)
PURE = {"answers", "filters", "formats", "gate", "validating"}
NOT_OURS_TO_IMPORT = {
    "views",
    "forms",
    "forms_again",
    "forms_annotations",
    "forms_review",
    "forms_talk",
    "forms_teacher",
    "tables",
    "filtersets",
    "admin",
    "urls",
    "urls_review",
    "urls_quality",
}
NETWORK = {"aiohttp", "http.client", "httpx", "httpx2", "huggingface_hub", "openai", "requests", "socket"}
NETWORK |= {"urllib.request", "urllib3"}
# Rows that are not prompts or runs: their state is the business of whoever owns the row.
OTHER_STATES = {"Audit", "Batch", "Call", "Release", "audit", "batch", "call", "release"}


def sources():
    """Every Python file of the product, as (path, module name)."""
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if "migrations" not in parts:
                yield path, ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def parsed(path):
    """What a file says, read once for all rules."""
    return ast.parse(path.read_text())


def imported(path, module):
    """What `path` imports as (line, dotted name), relative names made whole, also from inside functions."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, base] if base else parents)
            yield from ((node.lineno, f"{base}.{name.name}") for name in node.names)


def is_in(name, package):
    return name == package or name.startswith(f"{package}.")


def floor_of(module):
    """The floor of a pipeline module, or None for the package itself."""
    room = module.split(".")[1] if "." in module else None
    if room is None:
        return None
    for number, rooms in enumerate(FLOORS):
        if room in rooms:
            return number
    raise AssertionError(f"pipeline.{room} is new: give it a place in FLOORS of tests/test_layers.py.")


def complaints(rule):
    """Every import that `rule(module, name)` says something about."""
    return [
        f"{path.relative_to(ROOT)}:{line} imports {name}: {complaint}"
        for path, module in sources()
        for line, name in imported(path, module)
        if (complaint := rule(module, name))
    ]


def apps_point_down(module, name):
    own = module.split(".")[0]
    for app in APPS[: APPS.index(own)]:
        if is_in(name, app):
            return f"{own} must not know {app}"
    return ""


def pages_are_not_imported_across_apps(module, name):
    parts = name.split(".")
    if module == "pipeline.admin" and is_in(name, "curation.admin"):
        return ""  # one admin site, one way to show records in it
    if is_in(module, "pipeline") and parts[0] == "curation" and parts[1] in NOT_OURS_TO_IMPORT:
        return "pipeline may use curation's models and activities, not its pages"
    return ""


def floors_point_down(module, name):
    if not (is_in(module, "pipeline") and is_in(name, "pipeline")):
        return ""
    own, other = floor_of(module), floor_of(name)
    same_room = module.split(".")[1:2] == name.split(".")[1:2]
    if None in (own, other) or same_room or own == len(FLOORS) - 1 or other < own:
        return ""
    return "it lies on the same floor or above; see FLOORS in tests/test_layers.py"


def queue_is_known_to_few(module, name):
    if is_in(name, "django_rq") and module != "pipeline.jobs":
        return "only pipeline/jobs.py speaks to django_rq"
    if is_in(name, "rq") and module not in ("pipeline.jobs", "pipeline.workers"):
        return "only pipeline/jobs.py and pipeline/workers.py speak to rq"
    return ""


def network_is_in_one_place(module, name):
    # A hub is asked where a release goes to it by name, and nowhere else.
    allowed = any(
        is_in(module, room) for room in ("pipeline.teachers", "pipeline.embedded", "pipeline.releasing.pushing")
    )
    if not allowed and any(is_in(name, package) for package in NETWORK):
        return "only pipeline/teachers/ asks endpoints, and releasing/pushing.py a hub"
    return ""


def stages_know_no_pages(module, name):
    below = is_in(module, "pipeline") and (floor_of(module) or 0) < len(FLOORS) - 1
    rooms = ("models", "importing", "reviewing", "agreement", "changing")
    activity = any(is_in(module, f"curation.{room}") for room in rooms)
    if (below or activity) and (is_in(name, "django.http") or is_in(name, "django.shortcuts")):
        return "what works without a page must not know HTTP"
    return ""


def pure_rooms_stay_pure(module, name):
    pure = any(is_in(module, f"pipeline.{room}") for room in PURE)
    if pure and (is_in(name, "curation") or is_in(name, "django")):
        return "these are plain functions, without database or settings"
    return ""


@pytest.mark.parametrize(
    "rule",
    [
        apps_point_down,
        pages_are_not_imported_across_apps,
        floors_point_down,
        queue_is_known_to_few,
        network_is_in_one_place,
        stages_know_no_pages,
        pure_rooms_stay_pure,
    ],
    ids=lambda rule: rule.__name__,
)
def test_imports(rule):
    assert complaints(rule) == []


@pytest.mark.parametrize(
    ("rule", "module", "name"),
    [
        (apps_point_down, "curation.access", "pipeline.jobs"),
        (apps_point_down, "pipeline.jobs", "distill_site.settings"),
        (pages_are_not_imported_across_apps, "pipeline.views.runs", "curation.forms.ProjectForm"),
        (floors_point_down, "pipeline.stages.collect", "pipeline.jobs.start"),
        (floors_point_down, "pipeline.filters.length", "pipeline.stages"),
        (queue_is_known_to_few, "pipeline.views.runs", "django_rq.get_queue"),
        (queue_is_known_to_few, "curation.importing.store", "rq.Queue"),
        (network_is_in_one_place, "pipeline.stages.judge", "openai.AsyncOpenAI"),
        (network_is_in_one_place, "pipeline.releasing.building", "huggingface_hub.HfApi"),
        (stages_know_no_pages, "curation.reviewing.claims", "django.http.Http404"),
        (pure_rooms_stay_pure, "pipeline.filters.length", "curation.models.Prompt"),
    ],
)
def test_the_rules_see_what_they_forbid(rule, module, name):
    assert rule(module, name)


def state_writes(tree):
    """Lines that set the state of a prompt or a run, by assignment, `update` or `bulk_update`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Attribute) and target.attr == "state" and not _is_other(target.value):
                    yield node.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not _is_other(node.func.value):
            named = {keyword.arg for keyword in node.keywords}
            listed = {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)}
            if (node.func.attr == "update" and "state" in named) or (
                node.func.attr == "bulk_update" and "state" in listed
            ):
                yield node.lineno


def _is_other(node):
    while isinstance(node, ast.Attribute | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return isinstance(node, ast.Name) and node.id in OTHER_STATES


def test_only_models_change_states():
    found = [
        f"{path.relative_to(ROOT)}:{line} writes a state: use Prompt.objects….move(), prompt.go() or a verb of Run"
        for path, module in sources()
        if not is_in(module, "curation.models")
        for line in state_writes(parsed(path))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("prompt.state = 'accepted'", True),
        ("Prompt.objects.filter(pk=1).update(state='accepted')", True),
        ("project.prompts.update(state=State.ACCEPTED)", True),
        ("Prompt.objects.bulk_update(rows, ['state'])", True),
        ("Prompt.objects.filter(state='accepted')", False),
        ("call.state = Call.State.FAILED", False),
        ("Call.objects.filter(pk=1).update(state='sent')", False),
    ],
)
def test_the_rule_on_states_sees_what_it_forbids(code, seen):
    assert bool(list(state_writes(ast.parse(code)))) is seen
