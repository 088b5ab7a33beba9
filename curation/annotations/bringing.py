"""Decisions from a file, matched to answers by content: never by position, and never guessed."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.contrib.auth import get_user_model
from django.utils import timezone

from ..models import Membership, TeacherResponse
from ..reviewing import Choice, Conflict, newest_own, settle, submit
from ..reviewing.reasons import known_reasons
from .reading import read, squeezed

MOST_PROBLEMS = 1000  # that are kept in words; all are counted
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)  # before it a time is a mistake
STORED, KNOWN = "stored", "known"
ONE_MOMENT = timedelta(milliseconds=1)  # tools between an export and an import round times to it
WHY = {
    "newer_answer": "a newer answer has taken its place",
    "not_open": "its prompt is with the machines: bring it to review first",
    "decided": "it was decided, and has taken effect: reopen it first",
    "withdrawn": "its prompt was withdrawn for good",
    "own_newer": "this reviewer decided on it again, or took it back",
}


@dataclass
class ImportReport:
    """What an import came to: every row of the file is counted in exactly one of `stored`, `known`, `unmatched`."""

    stored: int = 0
    known: int = 0  # came with an earlier import of the same rows
    unmatched: int = 0
    surplus: int = 0  # of the stored: without effect, since it was decided before
    strangers: Counter = field(default_factory=Counter)  # names that are no members -> rows taken as the reviewer's
    problems: list = field(default_factory=list)

    @property
    def rows(self):
        return self.stored + self.known + self.unmatched

    def wrong(self, where, why):
        """Count a row that matches nothing or cannot stand, and keep why; returns it."""
        self.unmatched += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(f"{where}: {why}.")
        return why

    def came_before(self):
        """Count a row that is here already."""
        self.known += 1
        return KNOWN

    def __str__(self):
        surplus = f" ({self.surplus:,} of them without effect: decided before)" if self.surplus else ""
        known = f", {self.known:,} were here already" if self.known else ""
        return f"{self.stored:,} decisions stored{surplus}{known}, {self.unmatched:,} not matched"


def bring(project, path, reviewer, *, name="", place=None, step=lambda number: None, hear=lambda number, said: None):
    """Store the decisions of the JSON Lines file at `path` as those of the members they name; returns ImportReport.

    A row has task_type, context, teacher_output and action (accept, regenerate or reject) as the scripts' label files
    have, or is a row of `rows`; prompt_key tells apart what is alike. Rows without a member's name are taken as
    `reviewer`'s. Brought in again, the same rows change nothing. `name` is what the file is called, `place(line)` where
    a row is from if not from there; `step` hears how many rows were read, `hear` of each line whether it was STORED or
    KNOWN, or why it is not matched. Raises Refused, with every wrong line, before anything is stored.
    """
    path, report = Path(path), ImportReport()
    name = name or path.name
    wanted = {_identity(row) for _, row in read(path, name)}
    matches = _matches(project, wanted)
    members = _members(project)
    for number, row in read(path, name):
        who = members.get(str(row.get("reviewer") or ""))
        if who is None and row.get("reviewer"):
            report.strangers[str(row["reviewer"])[:150]] += 1
        where = place(number) if place else f"{name}, line {number}"
        hear(number, _store(project, row, matches, who or reviewer, where, report))
        step(1)
    settle(project)
    return report


def _identity(row):
    return _digest(row["task_type"], row.get("context"), row["teacher_output"])


def _digest(*parts):
    return hashlib.sha256("\0".join(map(squeezed, parts)).encode("utf-8", "surrogatepass")).digest()


def _matches(project, wanted):
    """{identity: [(response id, prompt key)]} of all answers of the project that rows speak of."""
    found = {}
    if not wanted:
        return found
    columns = ("pk", "text", "prompt__task_type", "prompt__context", "prompt__key")
    answers = TeacherResponse.objects.filter(prompt__project=project).order_by("pk").values_list(*columns)
    for pk, text, task_type, context, key in answers.iterator(chunk_size=2000):
        identity = _digest(task_type, context, text)
        if identity in wanted:
            found.setdefault(identity, []).append((pk, key))
    return found


def _members(project):
    may = Membership.objects.filter(project=project, role__in=("reviewer", "manager")).values("user")
    return {user.get_username(): user for user in get_user_model().objects.filter(pk__in=may)}


def _store(project, row, matches, reviewer, where, report):
    """STORED, KNOWN, or why the row is not matched."""
    response, why = _response(project, row, matches)
    if response is None:
        return report.wrong(where, why)
    if row.get("purpose") in ("gold", "repeat"):
        return report.wrong(where, "it was given on a gold or repeated item, and is no decision on the answer")
    if _given_here(response, reviewer, row):
        return report.came_before()
    if row.get("current") is False:
        return report.wrong(where, "it stands no more where it was exported: taken back, decided anew, or reopened")
    own = newest_own(response.pk, reviewer)
    choice = _choice(project, row, response, own)
    if own and own.current and (own.action, own.edited_text) == (choice.action, choice.edited_text):
        return report.came_before()  # given here, and exported from here
    try:
        done = submit(
            project,
            reviewer,
            [choice],
            idempotency_key=_key(row),
            seconds=_seconds(row),
            at=_time(row),
            origin=where[:200],
        )
    except Conflict as conflict:
        kind = conflict.problems[0].kind
        return _known_or_wrong(kind, row, response, reviewer, where, report)
    except ValueError as error:
        return report.wrong(where, str(error).rstrip("."))
    if done.repeated:
        return report.came_before()
    report.stored += 1
    report.surplus += any(each.surplus for each in done.annotations)
    return STORED


def _choice(project, row, response, own):
    """What the row says, in the version after `own`, the reviewer's newest decision on the answer."""
    codes = [code for code in row.get("reasons") or [] if isinstance(code, str)]
    known = known_reasons(project)
    told = [row.get("comment") or "", *(code for code in codes if code not in known)]  # old reasons are free words
    return Choice(
        response_id=response.pk,
        action=row["action"],
        reasons=tuple(code for code in codes if code in known),
        edited_text=row.get("edited_text") or None,
        comment="\n".join(text for text in told if text.strip()),
        version=own.version if own else 0,
    )


def _given_here(response, reviewer, row):
    """Whether this very decision was exported from here, whatever became of it since: it is not made again."""
    at = _time(row)
    if at is None:
        return False
    own = response.annotations.filter(
        reviewer=reviewer, action=row["action"], edited_text=row.get("edited_text") or None
    )
    return own.filter(created_at__range=(at - ONE_MOMENT, at + ONE_MOMENT)).exists()


def _known_or_wrong(kind, row, response, reviewer, where, report):
    """A row that came before and whose decision was closed since is known; else it says why it cannot stand."""
    if response.annotations.filter(reviewer=reviewer, idempotency_key=_key(row)).exists():
        return report.came_before()
    return report.wrong(where, WHY[kind])


def _response(project, row, matches):
    """(the one answer that the row speaks of, "") or (None, why not)."""
    found = matches.get(_identity(row), [])
    if row.get("prompt_key"):
        found = [match for match in found if match[1] == row["prompt_key"]]
    if len(found) > 1:  # asked again with the same answer: people speak of the one that is there
        current = project.prompts.filter(current_response__in=[pk for pk, _ in found])
        ids = list(current.values_list("current_response", flat=True))
        found = [match for match in found if match[0] in ids]
    if len(found) == 1:
        return TeacherResponse.objects.get(pk=found[0][0]), ""
    if not found:
        return None, "no answer with this task type, context and teacher output"
    return None, f"{len(found)} answers with this task type, context and teacher output; prompt_key tells them apart"


def _key(row):
    """The idempotency key: the row's content, so that the same row is the same decision in any file."""
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()


def _seconds(row):
    seconds = row.get("seconds")
    return int(seconds) if isinstance(seconds, (int, float)) and 0 <= seconds < 86_400 else 0


def _time(row):
    """When the row says that it was decided; the scripts wrote UTC without saying so. Never in the future."""
    try:
        at = datetime.fromisoformat(str(row.get("timestamp")))
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return at if EARLIEST <= at <= timezone.now() else None
