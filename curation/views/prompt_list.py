"""The list of prompts."""

from urllib.parse import urlencode

from django.shortcuts import render
from django.views.decorators.http import require_GET

from curation import finding, searching, tallies
from curation.access import project_or_404
from curation.changing import ACTIONS
from curation.models import Prompt
from curation.tables import PromptTable
from curation.views.saved_views import views_of

FIRST_FILTERS = ("q", "state", "task_type", "domain")  # the others stand in a fold


@require_GET
def prompt_list(request, slug):
    """Prompts by filter, fifty a page; a page costs the same wherever it stands."""
    project = project_or_404(request.user, slug)
    known = finding.known_values(project)
    filterset = finding.filterset_of(project, request.user, request.GET, known)
    sort = finding.sort_of(request.GET)
    after = request.GET.get("after", "")
    found = finding.find(filterset, sort, after)
    words = filterset.values.get("q", "")
    states = tallies.states(project)
    context = {
        "project": project,
        "filterset": filterset,
        "first_fields": [field for field in filterset.form if field.name in FIRST_FILTERS],
        "more_fields": [field for field in filterset.form if field.name not in FIRST_FILTERS],
        "more_open": any(name not in FIRST_FILTERS for name in filterset.values),
        "known": known,
        "sorts": [(name, each.label) for name, each in finding.SORTS.items()],
        "sort": request.GET.get("sort", "") if found.sorted_as_asked else "",
        "table": PromptTable(rows_of(found.ids, words), project=project, selectable=project.member.is_manager),
        "found": found,
        "few": finding.FEW,
        "shown": len(found.ids),
        "is_first": not after,
        "total": sum(states.values()),
        "count": _count(found, filterset, states),
        "unread": searching.unread() if words else 0,
        "bulk_actions": ACTIONS,
        "may_ask_again": set(filterset.values) <= filterset.OF_ASKING_AGAIN,
        "views": views_of(project, request.user),
    }
    return render(request, "curation/prompt_list.html", context | _queries(request, filterset, found))


def _count(found, filterset, states):
    """How many match, or None where nobody counted."""
    if found.count is not None:
        return found.count
    state = found.sort.state or filterset.values.get("state")
    asked = set(filterset.values) - set(filterset.INDEXED)
    if asked or not state or state != filterset.values.get("state", state):
        return None
    return states[state]


def _queries(request, filterset, found):
    """The addresses of the other pages and of the list with one filter less."""
    query = {name: value for name, value in request.GET.items() if value and name != "after"}
    chosen = [
        {"label": label, "value": value, "without": urlencode({k: v for k, v in query.items() if k != name})}
        for name, label, value in filterset.chosen
    ]
    return {
        "chosen": chosen,
        "first_query": urlencode(query),
        "next_query": urlencode(query | {"after": found.after}),
    }


def rows_of(ids, words=""):
    """What the table shows of these prompts, in their order; with `words`, the place where they were found."""
    rows = {row["pk"]: row for row in Prompt.objects.filter(pk__among=ids).as_rows()}
    if words:
        for pk, parts in searching.places(ids, words).items():
            rows[pk]["place"] = parts
    return [rows[pk] for pk in ids if pk in rows]
