"""Kept counts, read: how many prompts are in which state, who decided how often. models/tally.py writes them."""

from datetime import UTC, date
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import Count, Sum
from django.db.models.functions import TruncDate

from .models import Annotation, Prompt, State, Tally


class Decided(NamedTuple):
    """How many current decisions for `action` a person (`user`, the id) gave on a day (UTC), and their active time."""

    user: int
    action: str
    day: date
    number: int
    seconds: int


def states(project):
    """{state: number of prompts}, every state named."""
    return states_of([project])[project.pk]


def states_of(projects):
    """{project id: {state: number}} of many projects; one query."""
    rows = Tally.objects.filter(project__in=projects, kind=Tally.Kind.STATE).order_by()
    found = {project.pk: dict.fromkeys(State.values, 0) for project in projects}
    for project, state, number in rows.values_list("project", "key").annotate(n=Sum("number")):
        found[project][state] = int(number)
    return found


def decisions(project, since=None):
    """Current decisions of purpose review as a list of Decided, the oldest day first; `since` is the first day."""
    rows = Tally.objects.filter(project=project, kind=Tally.Kind.DECISION)
    rows = rows.filter(day__gte=since) if since else rows
    summed = rows.order_by("day", "user", "key").values_list("user", "key", "day")
    found = summed.annotate(n=Sum("number"), all_seconds=Sum("seconds"))
    return [Decided(*place, int(number), int(seconds)) for *place, number, seconds in found if number]


def by_reviewer(project):
    """{user id: {action: number of current decisions}}."""
    rows = Tally.objects.filter(project=project, kind=Tally.Kind.DECISION).order_by()
    found = {}
    for user, action, number in rows.values_list("user", "key").annotate(n=Sum("number")):
        if number:
            found.setdefault(user, {})[action] = int(number)
    return found


def counted(project):
    """What the kept counts should say, counted row by row: ({state: number}, [Decided])."""
    rows = Annotation.objects.filter(
        response__prompt__project=project, purpose=Annotation.Purpose.REVIEW, current=True
    ).annotate(day=TruncDate("created_at", tzinfo=UTC))
    rows = rows.order_by("day", "reviewer", "action").values_list("reviewer", "action", "day")
    found = rows.annotate(number=Count("pk"), all_seconds=Sum("seconds"))
    return Prompt.objects.filter(project=project).state_counts(), [Decided(*row) for row in found]


@transaction.atomic
def rebuild(project):
    """Count anew and keep that. Returns whether something else had been kept; who changes a count waits meanwhile."""
    if connection.vendor == "postgresql":  # SQLite has one writer at a time anyway
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {connection.ops.quote_name(Tally._meta.db_table)} IN SHARE ROW EXCLUSIVE MODE")
    true = counted(project)
    if true == (states(project), decisions(project)):
        return False
    Tally.objects.filter(project=project).delete()
    Tally.objects.add_prompts(project.pk, **true[0])
    Tally.objects.bulk_create(
        Tally(project=project, kind=Tally.Kind.DECISION, key=row.action, user_id=row.user, day=row.day,
              number=row.number, seconds=row.seconds)
        for row in true[1]
    )  # fmt: skip
    return True
