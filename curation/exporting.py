"""What people decided, as files: the JSON Lines that the regeneration step of the user's scripts reads."""

import json
import os
from contextlib import ExitStack
from datetime import UTC
from pathlib import Path

from django.db.models import F, Prefetch
from django.utils import timezone

from .models import Annotation, Resolution
from .models.review import Action

ACCEPTED, REJECTED = "accepted.jsonl", "rejected.jsonl"
BY_PEOPLE = (Resolution.By.CONSENSUS, Resolution.By.ADJUDICATOR, Resolution.By.MANAGER)


def export_annotations(project, directory):
    """Write accepted.jsonl and rejected.jsonl (regenerate and reject) to `directory`; returns {file name: rows}.

    One row for every decision of people that holds now for a prompt's current response. Decisions that can still be
    taken back are left out, and so is what was withdrawn. Both files appear whole or not at all.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    counts = {ACCEPTED: 0, REJECTED: 0}
    parts = {name: directory / f"{name}.part" for name in counts}
    with ExitStack() as stack:
        files = {name: stack.enter_context(open(part, "w", encoding="utf-8")) for name, part in parts.items()}
        for index, resolution in enumerate(decided(project).iterator(chunk_size=500)):
            name = ACCEPTED if resolution.action == Action.ACCEPT else REJECTED
            files[name].write(json.dumps(row(index, resolution), ensure_ascii=False) + "\n")
            counts[name] += 1
    for name, part in parts.items():
        os.replace(part, directory / name)
    return counts


def decided(project):
    """The resolutions of people that hold and are final, of current responses, the oldest prompt first."""
    current = Annotation.objects.filter(current=True, purpose="review", surplus=False).select_related("reviewer")
    return (
        _standing(project)
        .filter(effective_at__lte=timezone.now())
        .select_related("response__prompt", "decided_by")
        .prefetch_related(Prefetch("response__annotations", current, to_attr="deciding"))
        .order_by("response__prompt_id")
    )


def not_final(project):
    """How many decisions can still be taken back, and so are left out."""
    return _standing(project).filter(effective_at__gt=timezone.now()).count()


def _standing(project):
    return Resolution.objects.filter(
        response__prompt__project=project,
        response__prompt__current_response=F("response"),
        response__prompt__withdrawal=None,
        current=True,
        by__in=BY_PEOPLE,
    )


def row(index, resolution):
    """One decision with the keys of the user's annotation files, and who decided, why, and on what."""
    response = resolution.response
    reviewers = [str(resolution.decided_by)]
    if resolution.by == Resolution.By.CONSENSUS:
        reviewers = [given.reviewer.get_username() for given in response.deciding if given.action == resolution.action]
    return {
        "index": index,
        "task_type": response.prompt.task_type,
        "context": response.prompt.context,
        "teacher_output": response.text,
        "action": resolution.action,
        # The scripts write UTC without saying so.
        "timestamp": resolution.created_at.astimezone(UTC).replace(tzinfo=None).isoformat(),
        "reviewer": ", ".join(reviewers),
        "reasons": resolution.reasons,
        "comment": resolution.comment,
        "edited_text": resolution.text if resolution.edited else None,
        "prompt_key": response.prompt.key,
    }
