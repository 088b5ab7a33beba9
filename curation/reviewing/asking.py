"""What `offered` and `decidable` say of some prompts, by statements that are put together once.

Putting one together takes Django many times as long as the database takes to answer it, and every claim asks twice.
"""

import json
import re
from datetime import datetime
from functools import lru_cache

from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone

from ..models import Project, Prompt
from ..models.prepared import Prepared
from . import queue
from .queue import COUNT_CAP, capped_count, decidable, near_rows, offered, to_resolve

# What stands in a statement in place of the ids that are asked about; no row has such an id.
_PROJECT, _USER, _PROMPTS = -1_900_000_001, -1_900_000_002, [-1_900_000_003]
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")  # as SQLite keeps one


def offered_among(project, user, ids):
    """Those of the prompts `ids` that the queue gives `user`, as a set."""
    return _among(offered, project, user, ids)


def decidable_among(project, user, ids):
    """Those of the prompts `ids` that `user` may decide now, as a set."""
    return _among(decidable, project, user, ids)


def waiting_among_the_first(project, user, most):
    """How many of the first `most` prompts of the queue are offered to `user`."""
    return len(offered_among(project, user, _near(project=project, most=most)))


@Prepared
def _near(project: int, most: int):
    return near_rows(Prompt.objects.filter(project=project), most).values_list("pk", flat=True)


def pending_counts(project, user):
    """{"review": prompts that `user` could review now, "resolve": disagreements open}; each at most COUNT_CAP.

    Of a long queue the first LOOKED_AT are looked at.
    """
    waiting = waiting_among_the_first(project, user, queue.LOOKED_AT)
    return {"review": min(waiting, COUNT_CAP), "resolve": capped_count(to_resolve(project))}


def _among(rows, project, user, ids):
    if not ids:
        return set()
    statement, parameters = _statement(rows, project.paired, bool(project.near_duplicate_percent), connection.vendor)
    prompts = list(ids) if connection.vendor == "postgresql" else json.dumps(list(ids))  # as `Among` hands them over
    meant = {"project": project.pk, "user": user.pk, "prompts": prompts, "now": _moment()}
    with connection.cursor() as cursor:
        cursor.execute(statement, [meant.get(name, value) for name, value in parameters])
        return {row[0] for row in cursor.fetchall()}


@lru_cache(maxsize=16)
def _statement(rows, paired, near_duplicates, vendor):
    """(SQL, [(name of what is meant, or None, the value as it stands)])."""
    project = Project(pk=_PROJECT, paired=paired, near_duplicate_percent=int(near_duplicates))
    asked = rows(project, get_user_model()(pk=_USER)).filter(pk__among=_PROMPTS)
    statement, parameters = asked.order_by().values_list("pk").query.sql_with_params()
    return statement, [(_name(value), value) for value in parameters]


def _name(value):
    """What a parameter stands for: "now" for a moment, as no other is asked about; None if it means itself."""
    if isinstance(value, datetime) or isinstance(value, str) and _MOMENT.match(value):
        return "now"
    if value in (_PROMPTS, json.dumps(_PROMPTS)):
        return "prompts"
    return {_PROJECT: "project", _USER: "user"}.get(value)


def _moment():
    return connection.ops.adapt_datetimefield_value(timezone.now())
