"""What has changed since a form was made: why a choice on it cannot stand."""

from dataclasses import dataclass

from django.utils import timezone

from ..models import Annotation, State, TeacherResponse
from ..models.prepared import Prepared
from ..models.review import Purpose
from .checks import purpose_of
from .choices import Choice
from .resolutions import pending_resolution

# The answers of prompts in these states were never shown to reviewers.
_NOT_FOR_PEOPLE = (State.TO_COLLECT, State.TO_FILTER, State.TO_JUDGE, State.PARKED)


@dataclass(frozen=True)
class Problem:
    """Why one choice cannot stand: `kind` is newer_answer, own_newer, decided, not_open or withdrawn."""

    choice: Choice
    kind: str
    shown: TeacherResponse
    now: TeacherResponse
    own: Annotation | None = None


class Conflict(Exception):
    """The form was made against something that has changed since; `problems` carry both texts. Nothing was stored."""

    def __init__(self, problems):
        self.problems = tuple(problems)
        super().__init__("; ".join(f"response {p.shown.pk}: {p.kind}" for p in self.problems))


def refuse_outdated(choices, responses, prompts, everything_own, purposes):
    """Raise Conflict where a choice was made against something that holds no more.

    By response id: `everything_own` has this person's decisions, the newest first, and `purposes` what each is for.
    """
    problems = []
    for choice in choices:
        response = responses[choice.response_id]
        prompt = prompts[response.prompt_id]
        own = next((row for row in everything_own[response.pk] if row.purpose == purposes[response.pk]), None)
        kind = _outdated(choice, response, prompt, own)
        if kind:
            problems.append(Problem(choice, kind, response, prompt.current_response or response, own))
    if problems:
        raise Conflict(problems)


def _outdated(choice, response, prompt, own):
    if prompt.withdrawal_id:
        return "withdrawn"
    if prompt.current_response_id != response.pk:
        return "newer_answer"
    if (own.version if own else 0) != choice.version:
        return "own_newer"
    if prompt.state in _NOT_FOR_PEOPLE:
        return "not_open"
    if own and own.current and not _still_open(prompt):
        return "decided"
    return ""


def why_not_decide(user, response):
    """ "" if `user` may decide on `response` now, in the version after their newest one; else the kind of Problem."""
    own = newest_own(response.pk, user, purpose_of(user, response.prompt))
    return _outdated(Choice(response.pk, "", version=own.version if own else 0), response, response.prompt, own)


def _still_open(prompt):
    """Whether a decision already given on the current response may be replaced."""
    resolution = pending_resolution(prompt.current_response_id)
    if prompt.state != State.TO_REVIEW:
        return False
    return resolution is None or resolution.effective_at > timezone.now()


def newest_own(response_id, user, purpose=Purpose.REVIEW):
    """This reviewer's newest decision on a response for `purpose`, current or not, or None."""
    return _newest_own.first(response=response_id, reviewer=user.pk, purpose=purpose)


@Prepared
def _newest_own(response: int, reviewer: int, purpose: str):
    rows = Annotation.objects.filter(response=response, reviewer=reviewer, purpose=purpose)
    return rows.order_by("-version")[:1]
