"""What each bulk action does to prompts that are locked, and what it writes down to be taken back."""

from collections import defaultdict

from django.contrib.auth import get_user_model
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from ..models import Annotation, Assignment, ChangeItem, Event, Prompt, Resolution, ReviewClaim, State
from ..reviewing import assigning, ranking
from ..reviewing.units import pairs_of

PARKING = ("parked_from", "error_class", "error_detail", "failed_call_id")
MENDED = {"parked_from": "", "error_class": "", "error_detail": "", "failed_call": None}


def reopen(change, prompts, locked):
    """Back to review; methodologies that fell with a hypothesis come back with it."""
    chosen = {prompt.pk for prompt in prompts}
    pairs = pairs_of(change.project, chosen)
    with_them = {
        pair.methodology_id: pair.hypothesis_id
        for pair in pairs
        if pair.hypothesis_id in chosen and pair.methodology_id not in chosen
    }
    fallen = [locked[pk] for pk in sorted(_fallen(with_them)) if pk in locked and locked[pk].current_response_id]
    return send_to_review(change, [*prompts, *fallen], locked, with_them)


def _fallen(prompt_ids):
    """Those of these prompts that are rejected because their hypothesis was."""
    last = Event.objects.filter(prompt=OuterRef("pk"), to_state=State.REJECTED).order_by("-at", "-pk")
    rows = Prompt.objects.filter(pk__in=prompt_ids, state=State.REJECTED, withdrawal=None)
    rows = rows.annotate(last_kind=Subquery(last.values("kind")[:1])).filter(last_kind="hypothesis_rejected")
    return set(rows.values_list("pk", flat=True))


def send_to_review(change, prompts, locked, with_them=None):
    """To review as they are, in a new round: what people said of the answers before stays on record."""
    items = _items(change, prompts, with_them or {})
    responses = [prompt.current_response_id for prompt in prompts]
    Annotation.objects.filter(response__in=responses, purpose=Annotation.Purpose.REVIEW, current=True).withdraw()
    Resolution.objects.filter(response__in=responses, current=True).update(current=False)
    arrived = _move(change, items, State.TO_REVIEW, "reopened")
    ranking.arrived(change.project, [item.prompt_id for item in arrived])
    return arrived


def reject(change, prompts, locked):
    """Rejected by the manager, without anybody's look at each; a hypothesis' methodology falls with it."""
    chosen = {prompt.pk for prompt in prompts}
    with_them = {
        pair.methodology_id: pair.hypothesis_id
        for pair in pairs_of(change.project, chosen)
        if pair.hypothesis_id in chosen and pair.methodology_id not in chosen
    }
    falling = [locked[pk] for pk in with_them if pk in locked and locked[pk].state != State.REJECTED]
    items = _items(change, [*prompts, *falling], with_them)
    resolved = _resolve(change, prompts)
    ReviewClaim.objects.filter(prompt__in=[*chosen, *(prompt.pk for prompt in falling)]).in_order().delete()
    items = _move(change, items, State.REJECTED, "rejected", only=chosen, **MENDED)
    for item in items:
        item.after |= {"resolution": resolved[item.prompt_id]} if item.prompt_id in resolved else {}
    return items


def _resolve(change, prompts):
    """{prompt id: id of the resolution that rejects its answer}."""
    answered = {prompt.current_response_id: prompt.pk for prompt in prompts if prompt.current_response_id}
    Resolution.objects.filter(response__in=answered, current=True).update(current=False)
    now = timezone.now()
    rows = Resolution.objects.bulk_create(
        Resolution(
            response_id=response,
            by=Resolution.By.MANAGER,  # nobody read each of them: judges are not held to it
            action="reject",
            comment=change.detail.get("reason", ""),
            reasons=change.detail.get("reasons", []),
            decided_by=change.created_by,
            effective_at=now,
            applied_at=now,
        )
        for response in answered
    )
    return {answered[row.response_id]: row.pk for row in rows}


def retry(change, prompts, locked):
    """Parked ones wait again for the stage that parked them."""
    items, moved = _items(change, prompts), []
    for origin in sorted({prompt.parked_from for prompt in prompts}):
        some = [item for item in items if item.before["parked"]["parked_from"] == origin]
        moved += _move(change, some, origin, "unparked", **MENDED)
    return moved


def pin(change, prompts, locked, on=True):
    """To the head of the review queue, with their pairs."""
    was = {pk: prompt for pk, prompt in locked.items() if prompt.pinned != on}
    assigning.pin(change.project, [prompt.pk for prompt in prompts], change.created_by, on=on)
    return [_item(change, prompt, {"pinned": not on}, {"pinned": on}) for prompt in was.values()]


def unpin(change, prompts, locked):
    """Back to their ordinary place, with their pairs."""
    return pin(change, prompts, locked, on=False)


def assign(change, prompts, locked):
    """Each prompt with its pair to the next of the people named who has neither it nor decided on it."""
    pairs = pairs_of(change.project, [prompt.pk for prompt in prompts])
    unit = {half: pair.pk for pair in pairs for half in (pair.hypothesis_id, pair.methodology_id)}
    people, turn, given = change.detail["people"], change.detail.get("turn", 0), {}
    decided, had = _decided(locked.values()), _had(locked)
    for prompt in prompts:
        one = unit.get(prompt.pk) and ("pair", unit[prompt.pk]) or prompt.pk
        if one in given:
            continue
        ways = (people[(turn + step) % len(people)] for step in range(len(people)))
        taken = decided[prompt.pk] | had[prompt.pk]
        given[one] = next((each for each in ways if each not in taken), None), prompt.pk
        turn += given[one][0] is not None
    change.detail["turn"] = turn % len(people)
    for person in get_user_model().objects.filter(pk__in=people):
        ids = [pk for each, pk in given.values() if each == person.pk]
        if ids:
            assigning.assign(change.project, ids, person, change.created_by)
    # What another manager assigns at the same moment is theirs.
    whose = {pk: given.get(("pair", unit[pk]) if pk in unit else pk, (None,))[0] for pk in locked}
    return [
        _item(change, locked[pk], {}, {"assigned": whose[pk]})
        for pk, now in _had(locked).items()
        if whose[pk] in now - had[pk]
    ]


def _had(locked):
    """{prompt id: people whom it is assigned to}."""
    found = defaultdict(set)
    for prompt, person in Assignment.objects.filter(prompt__in=locked).order_by().values_list("prompt", "reviewer"):
        found[prompt].add(person)
    return found


def _decided(prompts):
    """{prompt id: people who decided on its answer}."""
    found = defaultdict(set)
    responses = [prompt.current_response_id for prompt in prompts]
    rows = Annotation.objects.filter(response__in=responses, purpose=Annotation.Purpose.REVIEW, current=True)
    for prompt, person in rows.order_by().values_list("response__prompt", "reviewer"):
        found[prompt].add(person)
    return found


# -- what is written down --------------------------------------------------------------------------------------------


def _item(change, prompt, before, after):
    return ChangeItem(change=change, prompt=prompt, response_id=prompt.current_response_id, before=before, after=after)


def _items(change, prompts, with_them=()):
    """Items that say how prompts are now: state, decisions that count, what holds, why parked or rejected."""
    responses = [prompt.current_response_id for prompt in prompts]
    decisions, standing = defaultdict(list), {}
    rows = Annotation.objects.filter(response__in=responses, purpose=Annotation.Purpose.REVIEW, current=True)
    for response, pk in rows.order_by("pk").values_list("response", "pk"):
        decisions[response].append(pk)
    standing = dict(Resolution.objects.filter(response__in=responses, current=True).values_list("response", "pk"))
    fallen = _fallen([prompt.pk for prompt in prompts]) if change.project.paired else ()
    items = []
    for prompt in prompts:
        before = {"state": prompt.state} | ({"fell": True} if prompt.pk in fallen else {})
        if decisions.get(prompt.current_response_id):
            before["annotations"] = decisions[prompt.current_response_id]
        if prompt.current_response_id in standing:
            before["resolution"] = standing[prompt.current_response_id]
        if prompt.state == State.PARKED:
            before["parked"] = {name: getattr(prompt, name) for name in PARKING}
        after = {"with": with_them[prompt.pk]} if prompt.pk in with_them else {}
        items.append(_item(change, prompt, before, after))
    return items


def _move(change, items, target, kind, *, only=None, **changes):
    """Move the prompts of `items` (the others than `only` follow by themselves); returns those that arrived."""
    chosen = [item.prompt_id for item in items if only is None or item.prompt_id in only]
    detail = {"reason": change.detail.get("reason", ""), "change": change.pk}
    rows = Prompt.objects.filter(pk__in=chosen)
    rows.move(target, kind, actor=change.created_by, run=change.run, detail=detail, **changes)
    now = Prompt.objects.filter(pk__in=[item.prompt_id for item in items], state=target)
    arrived = dict(now.values_list("pk", "state_changed_at"))
    for item in items:
        if item.prompt_id in arrived:
            item.after |= {"state": str(target), "at": arrived[item.prompt_id].isoformat()}
    return [item for item in items if item.prompt_id in arrived]
