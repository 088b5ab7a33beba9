"""A bulk action, portion by portion: killed at any moment and begun again it does nothing twice."""

from django.db import transaction

from ..models import Change, ChangeItem, Membership, Prompt
from ..reviewing.reasons import known_reasons
from ..reviewing.units import lock_units
from .actions import ACTIONS
from .chosen import chosen

PORTION = 500  # prompts changed in one transaction
WINDOW = 20_000  # prompts looked through for them


class WrongWish(ValueError):
    """An action that cannot be done as it was asked for; the message says what is missing."""


def wrong_wish(project, name, *, reason="", people=(), codes=()):
    """Why this action cannot be begun as it is asked for, in a sentence; "" where it can."""
    if name not in ACTIONS:
        return f"{name!r} is no bulk action: use {', '.join(ACTIONS)}."
    action = ACTIONS[name]
    if action.needs_reason and not reason.strip():
        return "Say why: the reason stays in the history of every prompt."
    unknown = set(codes) - known_reasons(project).keys()
    if unknown:
        return f"Unknown reasons {', '.join(sorted(unknown))}: choose from the project's list."
    if action.needs_people:
        members = Membership.objects.filter(project=project, user__in=people, user__is_active=True)
        able = members.exclude(role=Membership.Role.VIEWER).count()
        if not people or able < len(set(people)):
            return "Name at least one member who reviews; viewers and people outside the project cannot."
    return ""


def begin(project, name, detail, user):
    """Write down a bulk action that a run is to carry out; `detail` names prompts, reason and people.

    Raises WrongWish.
    """
    said = {"reason": detail.get("reason", ""), "people": detail.get("people", ()), "codes": detail.get("reasons", ())}
    trouble = wrong_wish(project, name, **said)
    if trouble:
        raise WrongWish(trouble)
    return Change.objects.create(project=project, kind=Change.Kind.BULK, action=name, detail=detail, created_by=user)


def waiting(change):
    """Prompts that the action still has before it."""
    prompts = ACTIONS[change.action].touches(chosen(change.project, change.detail, change.created_by))
    return prompts.filter(pk__gt=change.detail.get("cursor", 0)).order_by("pk")


def go_on(change, count=lambda changed, left: None):
    """Change the next portion; returns whether there was one.

    The portion, what it takes to take it back, the place to go on from and what `count` writes are one transaction.
    """
    if change.detail.get("finished"):
        return False
    ids, cursor = _next(change)
    with transaction.atomic():
        rows = Change.objects.select_for_update(no_key=True, of=("self",)).select_related("project", "run")
        locked = rows.get(pk=change.pk)
        if locked.detail.get("cursor", 0) != change.detail.get("cursor", 0) or locked.detail.get("finished"):
            change.refresh_from_db()
            return True  # another job of the run was here
        changed = _change(locked, ids) if ids else 0
        locked.detail |= {"cursor": cursor} if cursor else {"finished": True}
        locked.save(update_fields=["detail"])
        count(changed, len(ids) - changed)
    change.detail = locked.detail
    return True


def _next(change):
    """(ids of the next portion, the place to go on from after it or None behind the last)."""
    after = change.detail.get("cursor", 0)
    ahead = Prompt.objects.filter(project=change.project, pk__gt=after).order_by("pk")
    end = ahead.values_list("pk", flat=True)[WINDOW - 1 : WINDOW].first()
    rows = waiting(change).filter(pk__lte=end) if end else waiting(change)
    ids = list(rows.values_list("pk", flat=True)[:PORTION])
    return ids, ids[-1] if len(ids) == PORTION else end


def _change(change, ids):
    """Do it to those of `ids` that are still what they were chosen for; returns how many changed."""
    action = ACTIONS[change.action]
    locked = lock_units(change.project, ids)
    again = chosen(change.project, change.detail | {"query": ""}, change.created_by)
    still = set(action.touches(again.filter(pk__in=ids)).values_list("pk", flat=True))
    known = set(ChangeItem.objects.filter(change=change, prompt__in=locked).values_list("prompt", flat=True))
    prompts = [locked[pk] for pk in ids if pk in still - known and pk in locked]
    items = action.deed(change, prompts, {pk: prompt for pk, prompt in locked.items() if pk not in known})
    ChangeItem.objects.bulk_create(items)
    return len(still & {item.prompt_id for item in items})
