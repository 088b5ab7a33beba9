"""Who holds what: a claim is a lease on a review unit, given in one transaction, so that no two collide."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from ..models import Project, Prompt, ReviewClaim, State
from ..models.prepared import Prepared
from ..models.review import Purpose
from . import checks
from .asking import decidable_among, offered_among
from .assigning import skipped_by_all
from .emptiness import why_empty
from .resolutions import recount, settle
from .units import Unit, lock_units, unit_of
from .walking import Walk, enough_given

CLAIMING = 0x4E65  # marks the lock among those that this database gives for other things
SETTLED, SETTLED_IF_EMPTY = 4, 50  # resolutions that take effect on the way to a claim
AT_HAND, PUT_OFF = 100, 500  # of one's own claims, so many are looked at
TRIES = 5


@dataclass(frozen=True)
class ReviewItem:
    """What a person is to decide now: `prompts` of a unit; the unit's other prompt is shown for reading."""

    unit: Unit
    prompts: tuple[Prompt, ...]
    until: datetime | None  # when the claim lapses; None for one opened without a claim
    purpose: str = Purpose.REVIEW  # gold or repeat for one that is mixed in; the page does not tell

    @property
    def for_reading(self):
        """The prompts of the unit that this person does not decide."""
        return tuple(prompt for prompt in self.unit.prompts if prompt not in self.prompts)


def claim_next(project, user):
    """Hold the next review unit for `user` for REVIEW_CLAIM_SECONDS; an EmptyQueue says why there is none.

    What the user holds already goes on; then what a manager gave them, then the queue in the project's order; what they
    skipped comes last.
    """
    settle(project, limit=SETTLED)  # more than one reviewer sends in at a time; the stages settle all
    item = _claim_one(project, user)
    # Where nothing is left: what is due may free a methodology, and a lowered number of reviews decides what nobody
    # could be given any more.
    if item is None and settle(project, limit=SETTLED_IF_EMPTY) + recount(project, enough_given(project)):
        item = _claim_one(project, user)
    return item or why_empty(project, user)


def _claim_one(project, user):
    """The next item, None where there is none; what somebody decided between two looks at it is no item."""
    for _ in range(TRIES):
        item = _claim(project, user)
        if item is None or item.prompts:
            return item
    return None


@transaction.atomic
def _claim(project, user):
    locked = _lock_claims(project)
    walk = Walk(locked, user)
    first = _in_hand(locked, user) or walk.first_assigned() or walk.first() or _put_off(locked, user)
    check = checks.maybe(locked, user, first)
    if check:
        return ReviewItem(check.unit, check.prompts, hold(check.unit.ids, user, check.purpose), check.purpose)
    if first is None:
        return None
    unit = unit_of(locked, first)
    # A prompt alone was found just now, under the same lock; of a pair it was not asked whether its other half is open.
    return _give(locked, user, unit, {first} if unit.ids == [first] else None)


def _in_hand(project, user):
    """What the user took in hand last: held at this moment, also where a near-duplicate has come before it since; else
    what lapsed."""
    rows, now = _taken_in_hand(user=user.pk), timezone.now()
    held = _still_given(decidable_among, project, user, [pk for pk, until in rows if until > now])
    return held or _still_given(offered_among, project, user, [pk for pk, until in rows if until <= now])


@Prepared
def _taken_in_hand(user: int):
    rows = ReviewClaim.objects.filter(reviewer=user, purpose=Purpose.REVIEW, skipped_at=None)
    return rows.order_by("-until", "prompt").values_list("prompt", "until")[:AT_HAND]


def _put_off(project, user):
    """What the user skipped the longest ago, of what they could be given."""
    return _still_given(offered_among, project, user, _skipped(user=user.pk))


@Prepared
def _skipped(user: int):
    rows = ReviewClaim.objects.filter(reviewer=user, purpose=Purpose.REVIEW).exclude(skipped_at=None)
    return rows.order_by("skipped_at", "prompt").values_list("prompt", flat=True)[:PUT_OFF]


def _still_given(among, project, user, ids):
    """The first of `ids` that is `among` those that the user could be given, or None."""
    still = among(project, user, ids)
    return next((pk for pk in ids if pk in still), None)


def _give(project, user, unit, ids=None):
    ids = decidable_among(project, user, unit.ids) if ids is None else ids
    prompts = tuple(prompt for prompt in unit.prompts if prompt.pk in ids)
    return ReviewItem(unit, prompts, hold(ids, user) if ids else None)


@transaction.atomic
def open_prompt(project, user, prompt):
    """A prompt that somebody asked for by its address, to decide or to change a decision that has no effect yet.

    It is held if there is room; without room the decision is taken all the same, as a surplus one.
    """
    locked = _lock_claims(project)
    unit = unit_of(locked, prompt.pk)
    given = _give(locked, user, unit)
    open_ones = tuple(p for p in unit.prompts if p.state == State.TO_REVIEW)
    return ReviewItem(unit, open_ones, given.until)


def _lock_claims(project):
    """Only one claim of a project is given at a time; everything else goes on meanwhile. Returns the project anew.

    SQLite has one writer at a time anyway. The project's row is not what is locked: a run that takes hold of a million
    prompts has that in hand for its time.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [CLAIMING, project.pk])
    anew = _project.first(project=project.pk)
    if anew is None:
        raise Project.DoesNotExist(f"{project} was deleted.")
    return anew


@Prepared
def _project(project: int):
    return Project.objects.filter(pk=project)


def hold(prompt_ids, user, purpose=Purpose.REVIEW):
    """Write the claims, in the order in which they are locked; returns until when."""
    until = timezone.now() + timedelta(seconds=settings.REVIEW_CLAIM_SECONDS)
    ReviewClaim.objects.bulk_create(
        [ReviewClaim(prompt_id=pk, reviewer=user, purpose=purpose, until=until) for pk in sorted(prompt_ids)],
        update_conflicts=True,
        unique_fields=["prompt", "reviewer"],
        update_fields=["purpose", "until", "skipped_at"],
    )
    return until


@transaction.atomic
def renew(project, user, prompt_ids):
    """The page is still open: hold on. Returns the new end, or None if others have taken the place meanwhile."""
    prompt_ids = set(prompt_ids)
    own = ReviewClaim.objects.filter(prompt__project=project, prompt__in=prompt_ids, reviewer=user)
    if own.count() != len(prompt_ids):
        return None  # never held, or decided from another window
    # A gold or repeated item takes no place, so that nobody else can have taken it.
    if own.filter(Q(until__gt=timezone.now()) | ~Q(purpose=Purpose.REVIEW)).count() == len(prompt_ids):
        until = timezone.now() + timedelta(seconds=settings.REVIEW_CLAIM_SECONDS)
        own.in_order().update(until=until)
        return until
    locked = _lock_claims(project)
    if decidable_among(locked, user, prompt_ids) != prompt_ids:
        return None
    return hold(prompt_ids, user)


@transaction.atomic
def skip(project, user, prompt_ids):
    """Let go of these prompts and put them at the end of this person's own queue.

    What everybody has skipped who reviews here and has not decided it goes to those who resolve.
    """
    now = timezone.now()
    locked = lock_units(project, prompt_ids)
    own = ReviewClaim.objects.filter(prompt__in=[pk for pk in prompt_ids if pk in locked], reviewer=user)
    skipped = own.in_order().update(until=now, skipped_at=now)
    for prompt in locked.values():
        if prompt.state == State.TO_REVIEW and prompt.given < (prompt.required or project.reviews_required):
            names = skipped_by_all(project, prompt)
            if names:
                prompt.go(State.TO_RESOLVE, "skipped_by_all", source=State.TO_REVIEW, detail={"skipped_by": names})
    return skipped


@transaction.atomic
def release(project, user, prompt_ids):
    """The page that showed these prompts was left: others may have them; for this person they come first again."""
    own = ReviewClaim.objects.filter(prompt__project=project, prompt__in=prompt_ids, reviewer=user, skipped_at=None)
    now = timezone.now()
    return own.filter(purpose=Purpose.REVIEW, until__gt=now).in_order().update(until=now)


def holders(prompts, user):
    """Names of others who hold one of `prompts` now."""
    live = ReviewClaim.objects.filter(prompt__in=prompts, until__gt=timezone.now(), purpose=Purpose.REVIEW)
    live = live.exclude(reviewer=user)
    return sorted(set(live.values_list("reviewer__username", flat=True)))


def held_until(prompts, user):
    """Until when `user` holds all of `prompts`, or None."""
    own = ReviewClaim.objects.filter(prompt__in=prompts, reviewer=user, until__gt=timezone.now())
    ends = list(own.values_list("until", flat=True))
    return min(ends) if ends and len(ends) == len(prompts) else None
