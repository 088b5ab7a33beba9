"""Taking a bulk action back: where nothing else has happened to a prompt since, and the others are listed."""

from collections import defaultdict
from datetime import datetime

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from ..models import Annotation, Assignment, Change, ChangeItem, Prompt, Resolution, ReviewClaim, Run, State
from ..models.writing import update_rows
from ..reviewing import assigning, ranking
from ..reviewing.units import lock_units, pairs_of
from .deeds import PARKING

PORTION = 500


def why_not_undo(change):
    """Why this bulk action cannot be taken back now, in a sentence; "" where it can."""
    if change.kind != Change.Kind.BULK:
        return "This is no bulk action: its decisions are taken back by who gave them."
    if change.undone_at:
        return "It was taken back already."
    if change.run and change.run.is_live:
        return "Its run still goes on: cancel the run first, then take back what it did."
    undoing = Run.objects.live().filter(pk=change.detail.get("undo_run") or 0).first()
    return f"{undoing} is taking it back." if undoing else ""


def left_to_undo(change):
    """Its items that nobody has tried to take back."""
    return ChangeItem.objects.filter(change=change, undone=None).order_by("pk")


def take_back(change, user, run=None, count=lambda back, left: None):
    """Take back the next portion; returns whether there was one.

    A portion with what `count` writes is one transaction: killed and begun again it takes nothing back twice.
    """
    with transaction.atomic():
        change = Change.objects.select_for_update(no_key=True, of=("self",)).select_related("project").get(pk=change.pk)
        items = _portion(change)
        if not items:
            Change.objects.filter(pk=change.pk, undone_at=None).update(undone_at=timezone.now(), undone_by=user)
            return False
        locked = lock_units(change.project, [item.prompt_id for item in items])
        reasons = _what_happened(change.project, items, locked)
        fit = [item for item in items if item.pk not in reasons]
        _restore(change, fit, locked, user, run)
        for item in items:
            item.undone = item.pk not in reasons
            if not item.undone:
                item.after["since"] = reasons[item.pk]
        update_rows(items, ["undone", "after"])
        count(len(fit), len(items) - len(fit))
        return True


def _portion(change):
    """The next items, each with its pair's other half, so that the two go back together."""
    items = list(left_to_undo(change)[:PORTION])
    ids = {item.prompt_id for item in items}
    partners = {pk for pair in pairs_of(change.project, ids) for pk in (pair.hypothesis_id, pair.methodology_id)} - ids
    return items + list(left_to_undo(change).filter(prompt__in=partners))


# -- what happened since ---------------------------------------------------------------------------------------------


def _what_happened(project, items, locked):
    """{item: why it stays as it is} of those to which something else happened since."""
    moved = [item for item in items if "state" in item.after]
    marked = [item for item in items if "state" not in item.after]
    decided, given = _decided_since(moved), _given(marked, locked)
    found = {item.pk: _why_moved(item, locked.get(item.prompt_id), decided) for item in moved}
    found |= {item.pk: _why_marked(item, locked.get(item.prompt_id), *given) for item in marked}
    found = {pk: why for pk, why in found.items() if why}
    found |= _not_the_whole_pair(project, items, found)
    return found | _without_hypothesis(project, items, found, locked)


def _decided_since(items):
    """Responses on which somebody decided after the change, whether that counts or not.

    Imported decisions say when they were made, which may be long before: they are known by not having been there.
    """
    at = {item.response_id: datetime.fromisoformat(item.after["at"]) for item in items if item.response_id}
    before = {pk for item in items for pk in item.before.get("annotations", ())}
    rows = Annotation.objects.filter(response__in=at, purpose=Annotation.Purpose.REVIEW).order_by()
    return {
        response
        for pk, response, made, origin, current in rows.values_list("pk", "response", "created_at", "origin", "current")
        if (current and pk not in before if origin else made >= at[response])
    }


def _why_moved(item, prompt, decided):
    if prompt is None:
        return "it is gone"
    if prompt.withdrawal_id:
        return "it was withdrawn for good"
    if prompt.current_response_id != item.response_id:
        return "it has another answer now"
    if prompt.state != item.after["state"]:
        return f"it is {State(prompt.state).label.lower()} now"
    if prompt.state_changed_at.isoformat() != item.after["at"]:
        return f"it went elsewhere and came back to {State(prompt.state).label.lower()}"
    if item.response_id in decided:
        return "somebody has decided on it since"
    if prompt.lease_until and prompt.lease_until > timezone.now():
        return "a run has it in hand"
    return ""


def _why_marked(item, prompt, assigned, decided):
    if prompt is None:
        return "it is gone"
    if "pinned" in item.after:
        return "" if prompt.pinned == item.after["pinned"] else "it was pinned or unpinned since"
    person = item.after["assigned"]
    if (prompt.pk, person) not in assigned:
        return "it is assigned to them no more"
    return "they have decided on it since" if (prompt.current_response_id, person) in decided else ""


def _given(items, locked):
    """({(prompt, person)} still assigned, {(response, person)} decided) of the prompts of `items`."""
    ids = [item.prompt_id for item in items if "assigned" in item.after]
    assigned = Assignment.objects.filter(prompt__in=ids).order_by().values_list("prompt", "reviewer")
    responses = [locked[pk].current_response_id for pk in ids if pk in locked]
    decided = Annotation.objects.filter(response__in=responses, purpose=Annotation.Purpose.REVIEW, current=True)
    return set(assigned), set(decided.order_by().values_list("response", "reviewer"))


def _not_the_whole_pair(project, items, found):
    """A pair is pinned and assigned whole, so what keeps one half keeps the other."""
    marked = {item.prompt_id: item for item in items if "state" not in item.after}
    kept = {}
    for pair in pairs_of(project, list(marked)):
        halves = [marked[pk] for pk in (pair.hypothesis_id, pair.methodology_id) if pk in marked]
        if any(half.pk in found for half in halves):
            kept |= {half.pk: "its pair's other half stays as it is" for half in halves if half.pk not in found}
    return kept


def _without_hypothesis(project, items, found, locked):
    """A methodology that came or fell with its hypothesis goes back with it; none goes back to a rejected one."""
    back = {item.prompt_id: item for item in items if "state" in item.after and item.pk not in found}
    stays = {
        item.pk: "its hypothesis stays as it is"
        for item in back.values()
        if "with" in item.after and item.after["with"] not in back
    }
    for pair in pairs_of(project, list(back)):
        item, hypothesis = back.get(pair.methodology_id), locked.get(pair.hypothesis_id)
        alone = item and item.after["state"] == State.REJECTED and pair.hypothesis_id not in back
        if alone and hypothesis and hypothesis.state == State.REJECTED:
            stays[item.pk] = "its hypothesis is rejected"
    return stays


# -- back to how it was ----------------------------------------------------------------------------------------------


def _restore(change, items, locked, user, run):
    _unmark(change, [item for item in items if "state" not in item.after], user)
    moved = [item for item in items if "state" in item.after]
    _end_resolutions(moved)
    ends = defaultdict(list)
    for item in moved:
        parked_from = item.before["parked"]["parked_from"] if item.before["state"] == State.PARKED else ""
        # Why a methodology fell is read from its history later on.
        kind = "hypothesis_rejected" if "fell" in item.before else "change_taken_back"
        ends[item.before["state"], kind, parked_from].append(item)
    for (state, kind, parked_from), some in ends.items():
        _move_back(change, some, state, kind, {"parked_from": parked_from} if parked_from else {}, user, run)
    _reinstate(change, moved)
    parked = [item for item in moved if item.before["state"] == State.PARKED]
    _say_why_parked(parked, locked)
    ranking.arrived(change.project, [item.prompt_id for item in moved])


def _end_resolutions(items):
    ended = [item.after["resolution"] for item in items if "resolution" in item.after]
    Resolution.objects.filter(pk__in=ended).update(current=False)


def _move_back(change, items, state, kind, changes, user, run):
    ids = [item.prompt_id for item in items]
    if state != State.TO_REVIEW:
        ReviewClaim.objects.filter(prompt__in=ids).in_order().delete()
    detail = {"change": change.pk}
    rows = Prompt.objects.filter(pk__in=ids)
    rows.move(state, kind, actor=user, run=run, detail=detail, back=True, **changes)


def _reinstate(change, items):
    """What people had decided counts again; what held, holds."""
    ids = [pk for item in items for pk in item.before.get("annotations", ())]
    Annotation.objects.filter(pk__in=ids, current=False).reinstate(change.project)
    held = [item.before["resolution"] for item in items if "resolution" in item.before]
    Resolution.objects.filter(pk__in=held).update(current=True)
    Prompt.objects.filter(pk__in=[item.prompt_id for item in items]).count_decisions()


def _say_why_parked(items, locked):
    prompts = [locked[item.prompt_id] for item in items]
    for prompt, item in zip(prompts, items, strict=True):
        for name in PARKING:
            setattr(prompt, name, item.before["parked"][name])
    update_rows(prompts, [name.removesuffix("_id") for name in PARKING])


def _unmark(change, items, user):
    """Pins and assignments."""
    for pinned in (True, False):
        ids = [item.prompt_id for item in items if item.before.get("pinned") is pinned]
        assigning.pin(change.project, ids, user, on=pinned)
    given = defaultdict(list)
    for item in items:
        if "assigned" in item.after:
            given[item.after["assigned"]].append(item.prompt_id)
    for person in get_user_model().objects.filter(pk__in=given):
        assigning.unassign(change.project, given[person.pk], person, user)
