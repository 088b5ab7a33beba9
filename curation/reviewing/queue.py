"""Which prompts a person could be given now, and what stands in the way of the others."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, F, IntegerField, Min, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from ..models import Annotation, Pair, Resolution, ReviewClaim, State
from ..models.prompt import MACHINE_STATES

COUNT_CAP = 1000  # beyond it a count says "1,000 or more": nobody plans by the exact number, and it stays cheap


def _number(queryset, by):
    rows = queryset.order_by().values(by).annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(rows, output_field=IntegerField()), 0)


def _decisions(response="current_response"):
    return Annotation.objects.filter(response=OuterRef(response), purpose=Annotation.Purpose.REVIEW, current=True)


def with_counts(project, user):
    """Prompts to review with `given` (current decisions), `held` (live claims of others) and `mine` (decided by user).

    One statement counts both, since a submit turns a claim into a decision between two.
    """
    claims = ReviewClaim.objects.filter(prompt=OuterRef("pk"), until__gt=timezone.now()).exclude(reviewer=user)
    return project.prompts.in_state(State.TO_REVIEW).annotate(
        given=_number(_decisions(), "response"),
        held=_number(claims, "prompt"),
        mine=Exists(_decisions().filter(reviewer=user)),
    )


def _partner_in_machines():
    as_hypothesis = Pair.objects.filter(hypothesis=OuterRef("pk"), methodology__state__in=MACHINE_STATES)
    as_methodology = Pair.objects.filter(methodology=OuterRef("pk"), hypothesis__state__in=MACHINE_STATES)
    return Q(Exists(as_hypothesis)) | Q(Exists(as_methodology))


def _hypothesis_refused(user):
    """The hypothesis will not stand as it is, for all or for this user, so its methodology need not be judged yet."""
    refused = Resolution.objects.filter(response=OuterRef("hypothesis__current_response"), current=True).exclude(
        action="accept"
    )
    refused_by_me = _decisions("hypothesis__current_response").filter(reviewer=user).exclude(action="accept")
    pairs = Pair.objects.filter(methodology=OuterRef("pk"), hypothesis__state__in=(State.TO_REVIEW, State.TO_RESOLVE))
    return Q(Exists(pairs.filter(Exists(refused) | Exists(refused_by_me))))


def decidable(project, user):
    """Prompts that `user` may be given now: not decided by them, capacity left, partner past the machines."""
    rows = with_counts(project, user).filter(mine=False, given__lt=project.reviews_required - F("held"))
    if project.paired:
        rows = rows.exclude(_partner_in_machines()).exclude(_hypothesis_refused(user))
    return rows


def capped_count(rows):
    """How many rows, at most COUNT_CAP."""
    return rows.order_by()[:COUNT_CAP].count()


def to_resolve(project):
    """Prompts on which people disagree and no adjudicator has decided yet."""
    decided = Resolution.objects.filter(response=OuterRef("current_response"), current=True)
    return project.prompts.in_state(State.TO_RESOLVE).exclude(Exists(decided))


def pending_counts(project, user):
    """{"review": prompts that `user` could review now, "resolve": disagreements open}; each at most COUNT_CAP."""
    return {"review": capped_count(decidable(project, user)), "resolve": capped_count(to_resolve(project))}


@dataclass(frozen=True)
class EmptyQueue:
    """Nothing for this person now, and why: every number is of prompts."""

    waiting_for_run: int  # in the hands of the machines
    waiting_for_partner: int  # the other half of the pair waits for a run
    held: int  # held by others
    held_until: datetime | None  # when the first of these claims lapses
    holders: tuple[str, ...]
    waiting_for_others: int  # decided by this person; others must too
    taking_effect: int  # decided; can still be taken back, or the hypothesis is decided first
    to_resolve: int

    @property
    def all_done(self):
        return not any(
            (self.waiting_for_run, self.waiting_for_partner, self.held, self.waiting_for_others, self.taking_effect)
        )


def why_empty(project, user):
    """The EmptyQueue of `user`."""
    rows = with_counts(project, user)
    waiting = rows.filter(_partner_in_machines()) if project.paired else rows.none()
    free = rows.exclude(pk__in=waiting.values("pk")) if project.paired else rows
    open_rows = free.filter(given__lt=project.reviews_required)
    held = open_rows.filter(mine=False, given__gte=project.reviews_required - F("held"))
    claims = ReviewClaim.objects.filter(prompt__in=held.values("pk"), until__gt=timezone.now()).exclude(reviewer=user)
    state_counts = project.prompts.state_counts()
    numbers = {
        "waiting_for_partner": capped_count(waiting),
        "held": capped_count(held),
        "waiting_for_others": capped_count(open_rows.filter(mine=True)),
    }
    return EmptyQueue(
        waiting_for_run=sum(state_counts[state] for state in MACHINE_STATES),
        held_until=claims.aggregate(first=Min("until"))["first"],
        holders=tuple(sorted(set(claims.values_list("reviewer__username", flat=True)[:20]))),
        taking_effect=max(0, capped_count(rows) - sum(numbers.values())),
        to_resolve=state_counts[State.TO_RESOLVE],
        **numbers,
    )
