"""Which prompts a change is about: those that were ticked, or all that the list's filters match."""

from django.http import QueryDict
from django.utils.dateparse import parse_datetime

from ..filtersets import PromptFilterSet

MOST_TICKED = 1000


def chosen(project, detail):
    """The prompts that `detail` of a Change names; `seen_at` leaves out those that moved after its preview."""
    if "keys" in detail:
        prompts = project.prompts.filter(key__in=detail["keys"][:MOST_TICKED])
    else:
        prompts = matching(project, detail.get("query", ""))
    seen_at = parse_datetime(detail.get("seen_at") or "")
    return prompts.filter(state_changed_at__lte=seen_at) if seen_at else prompts


def matching(project, query):
    """The prompts that the list shows under this query string."""
    data = QueryDict(query)
    failed = data.get("failed", "")
    filterset = PromptFilterSet(data, project.prompts.all(), rules=[failed] if failed.isidentifier() else [])
    return filterset.narrow(filterset.narrow(project.prompts.all(), indexed=True), indexed=False)
