"""What a manager says about single prompts in the queue: for whom, first of all, and by how many to be decided."""

from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F

from ..models import Annotation, Assignment, Event, Membership, Prompt, ReviewClaim, State, Tally
from ..models.locking import delete_in_order
from ..models.review import Purpose
from . import ranking
from .queue import MAY_REVIEW, decided_by_those, needed
from .resolutions import recount, weigh
from .units import hold_units, lock_units, pairs_of

OPEN = tuple(state for state in State if state not in (State.ACCEPTED, State.REJECTED))
LOWERED_AT_ONCE = 1000  # prompts, within a request
MOST_DECISIONS = 9  # as for a project


def reviewers(project):
    """The members who may review, as users in the order of their names."""
    rows = get_user_model().objects.filter(
        is_active=True, memberships__project=project, memberships__role__in=MAY_REVIEW
    )
    return rows.order_by("username")


@transaction.atomic
def assign(project, prompts, reviewer, by):
    """Give those of `prompts` (ids, or a queryset) that are open to `reviewer`, with their pairs; returns how many.

    They come first in this person's queue, in this order, and keep a place for them. Raises ValueError for somebody
    who may not review.
    """
    if not reviewers(project).filter(pk=reviewer.pk).exists():
        raise ValueError(f"{reviewer} may not review in {project}: choose one of its reviewers or managers.")
    chosen = _units(project, prompts).filter(state__in=OPEN).exclude(assignments__reviewer=reviewer)
    # Written in the order of the queue, so locked before in that of their ids, as everybody does.
    locked = Prompt.objects.filter(pk__among=chosen.lock())
    ids = list(locked.order_by("-pinned", "-rank", "pk").values_list("pk", flat=True))
    Assignment.objects.bulk_create(
        [Assignment(prompt_id=pk, reviewer=reviewer, created_by=by) for pk in ids], ignore_conflicts=True
    )
    _tell(project, ids, "assigned", by, to=reviewer.get_username())
    return len(ids)


@transaction.atomic
def unassign(project, prompts, reviewer, by):
    """Take those of `prompts` (ids, or a queryset) from `reviewer`, with their pairs; returns how many."""
    given = Assignment.objects.filter(prompt__in=_units(project, prompts).lock(), reviewer=reviewer)
    ids = sorted(given.values_list("prompt", flat=True))
    delete_in_order(Assignment.objects.filter(prompt__in=ids, reviewer=reviewer))
    ranking.bring_back(project, ids)
    _tell(project, ids, "unassigned", by, to=reviewer.get_username())
    return len(ids)


@transaction.atomic
def pin(project, prompts, by, *, on=True):
    """Put those of `prompts` (ids, or a queryset) before all others, with their pairs, or no more; returns how many."""
    chosen = _units(project, prompts).filter(pinned=not on)
    ids = chosen.lock()
    Prompt.objects.filter(pk__among=ids).update(pinned=on)
    _tell(project, ids, "pinned" if on else "unpinned", by)
    return len(ids)


@transaction.atomic
def set_required(project, prompt, number, by):
    """How many decisions one prompt needs; None for the project's number. Those already given are weighed at once.

    Raises ValueError for a number that its people cannot reach.
    """
    people = reviewers(project).count()
    if number is not None and not 1 <= number <= min(MOST_DECISIONS, max(people, 1)):
        raise ValueError(f"{number} decisions: give 1 to {min(MOST_DECISIONS, max(people, 1))}, as so many may review.")
    locked = lock_units(project, [prompt.pk])[prompt.pk]
    if locked.required == number:
        return
    locked.required = number
    locked.save(update_fields=["required"])
    _tell(project, [locked.pk], "decisions_needed", by, number=number or project.reviews_required)
    if locked.state == State.TO_REVIEW and locked.given:
        weigh(project, locked)


def _units(project, prompts):
    ids = list(prompts.values_list("pk", flat=True)) if hasattr(prompts, "values_list") else list(prompts)
    pairs = pairs_of(project, ids)
    both = {half for pair in pairs.values_list("hypothesis", "methodology") for half in pair}
    return project.prompts.filter(pk__among=list(both.union(ids)))


def _tell(project, ids, kind, by, **detail):
    Event.objects.bulk_create(
        [Event(project=project, prompt_id=pk, actor=by, kind=kind, detail=detail) for pk in ids], batch_size=1000
    )


# -- too few people ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Short:
    """Prompts that need more people than there are: `number` of them, of `people` who may review."""

    number: int
    people: int


def short(project, most=1000):
    """The Short of `project`; counts up to `most` prompts."""
    people = reviewers(project).count()
    if people >= project.reviews_required:
        return Short(0, people)
    return Short(_short(project, people).order_by().values("pk")[:most].count(), people)


def _short(project, people):
    """Prompts to review that want more decisions than those who may review and have not decided could give."""
    rows = project.prompts.in_state(State.TO_REVIEW)
    rows = rows.annotate(needed=needed(), ours=decided_by_those(reviewers(project).values("pk")))
    return rows.filter(needed__gt=F("given") - F("ours") + max(people, 1))


@transaction.atomic
def lower(project, by):
    """Let prompts that need more people than there are be decided by those there are; returns how many it were.

    At most LOWERED_AT_ONCE at a time: call again while `short` says that there are more.
    """
    people = reviewers(project).count()
    if people >= project.reviews_required:
        return 0
    ids = list(_short(project, people).order_by("pk").values_list("pk", flat=True)[:LOWERED_AT_ONCE])
    hold_units(project, ids)
    numbers = {}
    rows = _short(project, people).filter(pk__in=ids)
    for pk, given, ours in rows.values_list("pk", "given", "ours"):
        numbers.setdefault(max(1, given - ours + people), []).append(pk)
    for number, some in numbers.items():
        project.prompts.filter(pk__in=some).update(required=number)
        _tell(project, some, "decisions_needed", by, number=number)
    recount(project, [pk for some in numbers.values() for pk in some])
    return sum(map(len, numbers.values()))


# -- skipped by everyone ----------------------------------------------------------------------------------------------


def skipped_by_all(project, prompt):
    """Names of those who put a locked prompt off, if they and those who decided are all who review; else ().

    Managers are among these once they have reviewed. One person alone is not all: theirs comes back to them.
    """
    people = _who_review(project)
    decided = Annotation.objects.filter(response=prompt.current_response_id, purpose=Purpose.REVIEW, current=True)
    put_off = ReviewClaim.objects.filter(
        prompt=prompt, purpose=Purpose.REVIEW, skipped_at__gte=prompt.state_changed_at
    ).exclude(reviewer__in=decided.values("reviewer"))
    names = dict(put_off.values_list("reviewer", "reviewer__username"))
    missing = set(people) - names.keys() - set(decided.values_list("reviewer", flat=True))
    return tuple(sorted(names.values())) if len(people) > 1 and names and not missing else ()


def _who_review(project):
    members = project.memberships.filter(user__is_active=True)
    people = set(members.filter(role=Membership.Role.REVIEWER).values_list("user", flat=True))
    managers = list(members.filter(role=Membership.Role.MANAGER).values_list("user", flat=True))
    decided = Tally.objects.filter(project=project, kind=Tally.Kind.DECISION, user__in=managers)
    claims = ReviewClaim.objects.filter(reviewer__in=managers, prompt__project=project)
    return people.union(decided.values_list("user", flat=True), claims.values_list("reviewer", flat=True))
