"""The decisions that reports are made of: the newest of a project, as light rows."""

from collections import defaultdict
from datetime import datetime
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Q

from ..models import Annotation, TeacherResponse
from ..models.review import Purpose

MOST = 10_000  # so many of the newest are looked at, whatever the size of the project
ENOUGH = 20  # below it nothing but the number is told


class Given(NamedTuple):
    """One person's current decision on one response; `seconds` of active time are 0 where unknown."""

    response: int
    reviewer: str
    action: str
    reasons: list
    edited: bool
    surplus: bool
    seconds: int
    task_type: str
    created_at: datetime


def decisions_of(project):
    """(newest current decisions of purpose review, surplus ones too, oldest first; whether there are older ones)."""
    newest = Annotation.objects.filter(answers_of(project), purpose=Purpose.REVIEW, current=True).order_by("-pk")
    ids = list(newest.values_list("pk", flat=True)[: MOST + 1])
    rows = Annotation.objects.filter(pk__among=ids).annotate(has_edit=Q(edited_text__isnull=False)).order_by("-pk")
    columns = ("response", "reviewer__username", "action", "reasons", "has_edit", "surplus", "seconds")
    columns += ("response__prompt__task_type", "created_at")
    found = [Given(*row) for row in rows.values_list(*columns)]
    return found[:MOST][::-1], len(found) > MOST


def answers_of(project):
    """The condition that a row's `response` is of `project`.

    Rows are looked at one by one: with a join, SQLite begins with all prompts of the project.
    """
    return Exists(TeacherResponse.objects.filter(pk=OuterRef("response"), prompt__project=project))


def by_response(decisions):
    """{response id: its decisions} of those that several people decided."""
    found = defaultdict(list)
    for given in decisions:
        found[given.response].append(given)
    return {response: rows for response, rows in found.items() if len(rows) > 1}
