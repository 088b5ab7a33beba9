"""Fix once: an edit made in further answers, each an ordinary decision of the same person; taken back as one."""

from django.db import transaction
from django.utils import timezone

from ..models import Annotation, Change, ChangeItem, Resolution, State
from ..models.review import Action
from ..reviewing import claims
from ..reviewing.decisions import drop_pending, submit, tell
from ..reviewing.resolutions import pending_resolution, weigh
from ..reviewing.units import lock_units
from .edits import hunks


class NotTaken(Exception):
    """The edit cannot be made in this answer any more; the message says why."""


def can_be_made_again(annotation):
    """Whether a decision is an edit that stands: accepted with another text than the teacher's."""
    return annotation.current and annotation.action == Action.ACCEPT and annotation.edited_text is not None


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


@transaction.atomic
def _begin(annotation):
    """The Change of this edit, made at its first answer."""
    # Two presses at once make one change.
    annotation = Annotation.objects.select_for_update(no_key=True, of=("self",)).select_related("response__prompt").get(
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
        change = Change.objects.select_for_update(no_key=True, of=("self",)).get(pk=_begin(annotation).pk)
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
    prompt.refresh_from_db(fields=["state"])
    waits = prompt.state == State.TO_REVIEW and claims.held_until([prompt], user) is not None
    if not waits and not sent.exists():
        raise NotTaken(_why_not(prompt, user))
    with transaction.atomic():
        # Before the prompts, as whoever takes all of it back does; afterwards nothing more is added to it.
        if Change.objects.select_for_update(no_key=True, of=("self",)).get(pk=change.pk).undone_at:
            raise NotTaken("The edit was taken back at the same moment: begin again.")
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
    if prompt.state != State.TO_REVIEW:
        return f"It is {prompt.get_state_display().lower()} now."
    return "It waits for you no more: enough people have decided on it, or its pair comes first."


# -- taken back as one -----------------------------------------------------------------------------------------------


@transaction.atomic
def take_back_all(change, user):
    """Take back every decision of this change that has no effect yet; the others say in `after` what became of them.

    Returns (how many were taken back, how many had to stay). Raises NotTaken if it was taken back already.
    """
    change = Change.objects.select_for_update(no_key=True, of=("self",)).select_related("project").get(pk=change.pk)
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
