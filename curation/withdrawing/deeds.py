"""A withdrawal, portion by portion: killed at any moment and begun again it does nothing twice."""

from django.db import transaction
from django.db.models import Exists, OuterRef

from ..models import Event, Project, Prompt, ReleaseRow, ReviewClaim, Tombstone, Withdrawal
from ..models.writing import insert_values
from ..reviewing.units import lock_units
from .chosen import HOLDING, WrongWish, chosen, names, spelled

PORTION = 500


@transaction.atomic
def begin(project, kind, value, reason, user=None):
    """The Withdrawal of `value`, new or as it was made before; from now on no file brings it in again.

    Raises WrongWish without a reason, or where the project has nothing of it.
    """
    # An import stores its batches under this lock: it has either stored them before, or knows of the withdrawal.
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    value = spelled(project, kind, value)
    before = made_before(project, kind, value)
    if before:
        return before
    if not reason.strip():
        raise WrongWish("Say why: the reason stands with every release that held it.")
    made = Withdrawal.objects.create(project=project, kind=kind, value=value, reason=reason.strip(), created_by=user)
    detail = {"withdrawal": made.pk, "what": str(made), "reason": made.reason}
    Event.objects.create(project=project, actor=user, kind="withdrawal", detail=detail)
    return made


def made_before(project, kind, value):
    """The withdrawal of the same, made before, or None."""
    rows = Withdrawal.objects.filter(project=project, kind=kind)
    same = names([Withdrawal(kind=kind, value=value)])
    return next((row for row in rows if row.value == value or names([row]).keys() & same.keys()), None)


def waiting(withdrawal):
    """Prompts that it still has before it."""
    return chosen(withdrawal.project, withdrawal.kind, withdrawal.value).filter(withdrawal=None).order_by("pk")


def taken_before(withdrawal):
    """Prompts of it that are another withdrawal's: it came first."""
    named = chosen(withdrawal.project, withdrawal.kind, withdrawal.value)
    return named.exclude(withdrawal=None).exclude(withdrawal=withdrawal)


@transaction.atomic
def go_on(withdrawal, *, run=None, actor=None, count=lambda number: None):
    """Withdraw the next portion; returns whether there was one. What `count` writes is in the same transaction."""
    ids = list(waiting(withdrawal).values_list("pk", flat=True)[:PORTION])
    if ids:
        take(withdrawal, ids, run=run, actor=actor, count=count)
    return bool(ids)


@transaction.atomic
def take(withdrawal, ids, *, run=None, actor=None, count=lambda number: None):
    """Withdraw the prompts with these ids for `withdrawal`; what was withdrawn before stays as it is."""
    locked = lock_units(withdrawal.project, ids)
    gone = Prompt.objects.filter(pk__in=list(locked)).withdraw(withdrawal, run=run, actor=actor)
    ReviewClaim.objects.filter(prompt__in=gone).in_order().delete()
    count(len(gone))


def withdrawn_among(project, prompt_ids):
    """How many of these prompts were withdrawn; until the caller's transaction ends, no release is told of others.

    A release asks in the transaction that publishes it: what is withdrawn later finds its rows and says so of them.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    return Prompt.objects.filter(pk__among=frozenset(prompt_ids)).exclude(withdrawal=None).count()


@transaction.atomic
def bury(project):
    """Say of every release of `project` which of its rows were withdrawn; returns how many that were not said before.

    Called again it adds what is missing, such as a release that was published meanwhile.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)  # after whatever is being published
    known = Tombstone.objects.filter(release=OuterRef("release"), row_id=OuterRef("row_id"))
    rows = ReleaseRow.objects.filter(release__project=project, release__state__in=HOLDING)
    rows = rows.filter(prompt__withdrawal__isnull=False).exclude(Exists(known)).order_by("pk")
    names_ = ("withdrawal_id", "release_id", "prompt_id", "row_id")
    said = list(rows.values_list("prompt__withdrawal", "release", "prompt", "row_id"))
    return insert_values(Tombstone, names_, said)
