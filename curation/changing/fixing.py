"""Fix once: where else a person's edit fits, each made an ordinary decision of theirs, and all taken back as one."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from .. import searching
from ..models import (
    Annotation,
    Change,
    ChangeItem,
    Fingerprint,
    Prompt,
    Resolution,
    ReviewClaim,
    State,
    TeacherResponse,
)
from ..models.review import Action, Purpose
from ..reviewing import claims
from ..reviewing.decisions import Choice, drop_pending, submit, tell
from ..reviewing.diff import word_diff
from ..reviewing.queue import decidable, offered
from ..reviewing.resolutions import pending_resolution, weigh
from ..reviewing.units import lock_units
from .edits import applied, hunks, telling

MOST = 20  # candidates that one page shows
LOOK = 2000  # answers with the words of a phrase that are read for it
NEAR = 200  # near-duplicates that are looked at


class NotTaken(Exception):
    """The edit cannot be made in this answer any more; the message says why."""


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


def can_be_made_again(annotation):
    """Whether a decision is an edit that stands: accepted with another text than the teacher's."""
    return annotation.current and annotation.action == Action.ACCEPT and annotation.edited_text is not None


def fits(project, user, annotation, most=MOST):
    """The Fits of a decision with an edit, in the order of the queue; at most `most` and one more."""
    if not can_be_made_again(annotation):
        return []
    places = hunks(annotation.response.text, annotation.edited_text)
    done = _answered(annotation) | {annotation.response_id}
    near = _texts(_near(project, annotation.response), done)
    near = {pk: text for pk, text in near.items() if applied(places, text, near=True)}
    same = {pk: text for pk, text in _with_phrases(project, telling(places), done).items() if pk not in near}
    same = {pk: text for pk, text in same.items() if applied(places, text)}
    # A near-duplicate may be held back by the very answer that was edited: it is waiting all the same.
    rows = decidable(project, user).filter(pk__among=near) if near else Prompt.objects.none()
    waiting = {prompt.pk: prompt for prompt in _in_order(rows, most + 1)}
    rows = offered(project, user).filter(pk__among=same) if same else Prompt.objects.none()
    waiting |= {prompt.pk: prompt for prompt in _in_order(rows, most + 1)}
    kept = list(_not_checks(waiting, user).values())[: most + 1]
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


def _texts(prompts, done):
    """{prompt id: its current answer} of those to review, what was answered before aside."""
    rows = prompts.in_state(State.TO_REVIEW).order_by().values_list("pk", "current_response", "current_response__text")
    return {pk: text for pk, response, text in rows if response not in done}


def _in_order(rows, most):
    return rows.select_related("current_response", "document").order_by("-pinned", "-rank", "pk")[:most]


def _not_checks(prompts, user):
    """Without what this person was shown as a gold or repeated item: that is decided where it is shown."""
    checks = ReviewClaim.objects.filter(prompt__in=prompts, reviewer=user).exclude(purpose=Purpose.REVIEW)
    checked = set(checks.values_list("prompt", flat=True))
    return {pk: prompt for pk, prompt in prompts.items() if pk not in checked}


def _versions(user, responses):
    """{response id: this person's newest version}."""
    rows = Annotation.objects.filter(response__in=responses, reviewer=user, purpose=Purpose.REVIEW)
    return dict(rows.order_by("version").values_list("response", "version"))


# -- one key each ----------------------------------------------------------------------------------------------------


def change_of(annotation):
    """The Change that this edit was made again in, unless it was taken back; or None."""
    rows = Change.objects.filter(
        kind=Change.Kind.FIX,
        project=annotation.response.prompt.project_id,
        created_by=annotation.reviewer_id,
        detail__annotation=annotation.pk,
        undone_at=None,
    )
    return rows.first()


def _answered(annotation):
    """Responses that were taken, or left by name."""
    change = change_of(annotation)
    return set(change.detail["left"]) | set(change.items.values_list("response", flat=True)) if change else set()


@transaction.atomic
def _begin(annotation):
    """The Change of this edit, made at its first answer."""
    # Two presses at once make one change.
    annotation = Annotation.objects.select_for_update(of=("self",)).select_related("response__prompt").get(
        pk=annotation.pk
    )  # fmt: skip
    places = hunks(annotation.response.text, annotation.edited_text)
    return change_of(annotation) or Change.objects.create(
        project_id=annotation.response.prompt.project_id,
        kind=Change.Kind.FIX,
        action="fix",
        created_by_id=annotation.reviewer_id,
        detail={
            "annotation": annotation.pk,
            "words": [[hunk.removed, hunk.added] for hunk in places],
            "left": [],
        },
    )


def leave(annotation, response_id):
    """Leave this answer as it is: it is not offered for this edit again."""
    with transaction.atomic():
        change = Change.objects.select_for_update(of=("self",)).get(pk=_begin(annotation).pk)
        change.detail["left"] = sorted({*change.detail["left"], response_id})
        change.save(update_fields=["detail"])


def take(project, user, annotation, choice, seconds=0):
    """Accept an answer with the edit in it, as an ordinary decision of this person that is part of the change.

    `choice` is an accept with the edited text. The same answer again returns the first decision. Raises NotTaken where
    it waits for this person no more, and what `submit` raises.
    """
    if not can_be_made_again(annotation):
        raise NotTaken("The edit that this began with was taken back.")
    change = _begin(annotation)
    prompt = project.prompts.filter(current_response=choice.response_id).first()
    if prompt is None:
        raise NotTaken("It has another answer now.")
    key = f"fix-{change.pk}-{choice.response_id}"
    claims.open_prompt(project, user, prompt)
    sent = Annotation.objects.filter(reviewer=user, response=choice.response_id, idempotency_key=key)
    if claims.held_until([prompt], user) is None and not sent.exists():
        raise NotTaken(_why_not(prompt, user))
    with transaction.atomic():
        done = submit(project, user, [choice], idempotency_key=key, seconds=seconds, change=change)
        row = done.annotations[0]
        ChangeItem.objects.get_or_create(
            change=change,
            prompt=prompt,
            defaults={
                "response_id": choice.response_id,
                "before": {"state": State.TO_REVIEW},
                "after": {"annotation": row.pk},
            },
        )
    return row


def _why_not(prompt, user):
    others = claims.holders([prompt], user)
    if others:
        return f"{' and '.join(others)} has it in hand now."
    prompt.refresh_from_db()
    if prompt.state != State.TO_REVIEW:
        return f"It is {prompt.get_state_display().lower()} now."
    return "It waits for you no more: enough people have decided on it, or its pair comes first."


# -- taken back as one -----------------------------------------------------------------------------------------------


@transaction.atomic
def take_back_all(change, user):
    """Take back every decision of this change that has no effect yet; the others say in `after` what became of them.

    Returns (how many were taken back, how many had to stay). Raises NotTaken if it was taken back already.
    """
    change = Change.objects.select_for_update(of=("self",)).select_related("project").get(pk=change.pk)
    if change.undone_at:
        raise NotTaken("It was taken back already.")
    items = list(change.items.order_by("pk"))
    prompts = lock_units(change.project, [item.prompt_id for item in items])
    rows = Annotation.objects.select_related("response").in_bulk([item.after["annotation"] for item in items])
    for item in items:
        row, prompt = rows[item.after["annotation"]], prompts[item.prompt_id]
        why = _why_it_stays(row, prompt)
        item.undone = not why
        if why:
            item.after["since"] = why
        else:
            _take_back(change.project, prompt, user, row)
        item.save(update_fields=["undone", "after"])
    change.undone_at, change.undone_by = timezone.now(), user
    change.save(update_fields=["undone_at", "undone_by"])
    back = sum(item.undone for item in items)
    return back, len(items) - back


def _why_it_stays(row, prompt):
    """Why this decision cannot be taken back, "" where it can: nothing has followed from it that others rely on."""
    if not row.current:
        return "you decided otherwise since"
    if prompt.current_response_id != row.response_id:
        return "it has another answer now"
    if row.surplus:
        return ""
    if prompt.state == State.TO_REVIEW:
        resolution = pending_resolution(row.response_id)
        return "it is taking effect" if resolution and resolution.effective_at <= timezone.now() else ""
    if prompt.state == State.TO_RESOLVE and not _adjudicated(row.response_id):
        return ""
    return f"it has taken effect: {State(prompt.state).label.lower()}"


def _adjudicated(response_id):
    return Resolution.objects.filter(response=response_id, current=True, by=Resolution.By.ADJUDICATOR).exists()


def _take_back(project, prompt, user, row):
    Annotation.objects.filter(pk=row.pk).withdraw()
    tell(prompt, user, "taken_back", row)
    if not row.surplus:
        drop_pending(row.response)
    if prompt.state == State.TO_RESOLVE and not row.surplus:
        prompt.go(State.TO_REVIEW, "taken_back", source=State.TO_RESOLVE, actor=user)
    weigh(project, prompt)


__all__ = ["Choice", "Fit", "NotTaken", "can_be_made_again", "change_of", "fits", "leave", "take", "take_back_all"]
