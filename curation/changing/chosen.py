"""Which prompts a change is about: those that were ticked, or all that the list's filters match."""

from django.utils.dateparse import parse_datetime

from ..finding import narrowed

MOST_TICKED = 1000


def chosen(project, detail, user):
    """The prompts that `detail` of a Change names, as `user` finds them; `seen_at` leaves out what moved since."""
    if "keys" in detail:
        prompts = project.prompts.filter(key__in=detail["keys"][:MOST_TICKED])
    else:
        prompts = narrowed(project, user, detail.get("query", ""))
    seen_at = parse_datetime(detail.get("seen_at") or "")
    return prompts.filter(state_changed_at__lte=seen_at) if seen_at else prompts
