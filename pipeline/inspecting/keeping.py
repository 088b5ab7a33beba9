"""Numbers that are dear to count are kept until something new was written, and a while longer if very dear."""

import time
from datetime import datetime
from typing import Any, NamedTuple

from django.core.cache import cache
from django.utils import timezone

from curation.models import (
    Annotation,
    Event,
    FilterResult,
    GateResult,
    JudgeScore,
    Prompt,
    Resolution,
    TeacherResponse,
)

KEPT_SECONDS = 3600
DEAR_SECONDS = 0.5
WORTH = 20  # what took a second to count holds for as many seconds, whatever is written meanwhile
WRITTEN = (Annotation, Event, FilterResult, GateResult, JudgeScore, Prompt, Resolution, TeacherResponse)


class Kept(NamedTuple):
    """What was counted, when, and how many seconds it took."""

    value: Any
    at: datetime
    took: float
    asked: str
    written: list


def kept(project, name, count, *about):
    """The Kept of what `count()` gives for a project; `about` is what else it depends on, such as limits."""
    key = f"{name}:{project.pk}"
    asked = repr((project.created_at, project.filter_ruleset_id, project.gate_ruleset_id, about))
    written = [model.objects.order_by("-pk").values_list("pk", flat=True).first() for model in WRITTEN]
    found = cache.get(key)
    if found and found.asked == asked and (found.written == written or _still_worth(found)):
        return found
    began = time.monotonic()
    found = Kept(count(), timezone.now(), time.monotonic() - began, asked, written)
    cache.set(key, found, KEPT_SECONDS)
    return found


def _still_worth(found):
    age = (timezone.now() - found.at).total_seconds()
    return found.took > DEAR_SECONDS and age < WORTH * found.took
