"""Where else an edit fits: answers that wait for the same person, with the same words or near-duplicates."""

from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import F

from .. import searching
from ..models import Annotation, Fingerprint, Prompt, ReviewClaim, State, TeacherResponse
from ..models.review import Purpose
from ..reviewing.diff import word_diff
from ..reviewing.queue import decidable, offered
from .edits import applied, hunks, telling
from .fixing import can_be_made_again, change_of

MOST = 20  # candidates that one page shows
LOOK = 2000  # answers with the words of a phrase that are read for it
NEAR = 200  # near-duplicates that are looked at
AT_ONCE = 100  # candidates of which it is asked at once whether they wait for this person


@dataclass(frozen=True)
class Fit:
    """An answer that waits for this person and in which their edit fits. `near`: it is a near-duplicate."""

    prompt: Prompt
    response: TeacherResponse
    text: str  # with the edit in it
    near: bool
    version: int  # of this person's newest decision on it

    @property
    def changes(self):
        """The edit in this answer, word by word."""
        return word_diff(self.response.text, self.text)


def fits(project, user, annotation, most=MOST):
    """The Fits of a decision with an edit, in the order of the queue; at most `most` and one more."""
    if not can_be_made_again(annotation):
        return []
    places = hunks(annotation.response.text, annotation.edited_text)
    done = _answered(annotation) | {annotation.response_id}
    near = _texts(_near(project, annotation.response), done)
    near = {pk: row for pk, row in near.items() if applied(places, row.text, near=True)}
    same = {pk: row for pk, row in _with_phrases(project, telling(places), done).items() if pk not in near}
    same = {pk: row for pk, row in same.items() if applied(places, row.text)}
    # A near-duplicate may be held back by the very answer that was edited: it is waiting all the same.
    waiting = _first_of(decidable(project, user), near, user, most + 1)
    waiting += _first_of(offered(project, user), same, user, most + 1)
    kept = waiting[: most + 1]
    versions = _versions(user, [prompt.current_response_id for prompt in kept])
    return [
        Fit(
            prompt,
            prompt.current_response,
            applied(places, prompt.current_response.text, near=prompt.pk in near),
            prompt.pk in near,
            versions.get(prompt.current_response_id, 0),
        )
        for prompt in kept
    ]


def _near(project, response):
    """Prompts to review whose current answers are near-duplicates of `response`."""
    if not project.near_duplicate_percent:
        return Prompt.objects.none()
    prints = Fingerprint.objects.filter(kind=Fingerprint.Kind.RESPONSE)
    own = prints.filter(response=response, cluster__isnull=False).first()
    if own is None:
        return Prompt.objects.none()
    mates = prints.filter(cluster=own.cluster, prompt__current_response=F("response")).exclude(unit=own.unit)
    ids = list(mates.order_by("-score", "-length", "unit").values_list("prompt", flat=True)[:NEAR])
    return project.prompts.filter(pk__in=ids)


def _with_phrases(project, phrases, done):
    """{prompt id: answer} of prompts to review whose answers have one of `phrases`."""
    found = {}
    for phrase in phrases:
        ids = searching.found_ids(project, phrase, LOOK) if searching.words(phrase) else None
        if ids is None:  # words that are everywhere: what comes next in the queue is read for them
            ahead = project.prompts.in_state(State.TO_REVIEW).order_by("-pinned", "-rank", "pk")
            ids = list(ahead.values_list("pk", flat=True)[:LOOK])
        found |= _texts(project.prompts.filter(pk__among=list(ids)), done)
    return found


class _Row(NamedTuple):
    """An answer to review, with its place in the queue."""

    text: str
    place: tuple


def _texts(prompts, done):
    """{prompt id: _Row} of those to review, what was answered before aside."""
    fields = ("pk", "current_response", "current_response__text", "pinned", "rank")
    rows = prompts.in_state(State.TO_REVIEW).order_by().values_list(*fields)
    return {
        pk: _Row(text, (not pinned, -rank, pk)) for pk, response, text, pinned, rank in rows if response not in done
    }


def _first_of(rows, found, user, most):
    """The first `most` prompts of `found` that are among `rows`, in the order of the queue.

    What this person was shown as a gold or repeated item is decided where it is shown.
    """
    checks = ReviewClaim.objects.filter(prompt__in=list(found), reviewer=user).exclude(purpose=Purpose.REVIEW)
    ids, kept = sorted(found.keys() - set(checks.values_list("prompt", flat=True)), key=lambda pk: found[pk].place), []
    for start in range(0, len(ids), AT_ONCE):
        some = rows.filter(pk__in=ids[start : start + AT_ONCE]).select_related("current_response", "document")
        kept += sorted(some.order_by(), key=lambda prompt: found[prompt.pk].place)
        if len(kept) >= most:
            break
    return kept[:most]


def _versions(user, responses):
    """{response id: this person's newest version}."""
    rows = Annotation.objects.filter(response__in=responses, reviewer=user, purpose=Purpose.REVIEW)
    return dict(rows.order_by("version").values_list("response", "version"))


def _answered(annotation):
    """Responses that were taken, or left by name."""
    change = change_of(annotation)
    return set(change.detail["left"]) | set(change.items.values_list("response", flat=True)) if change else set()
