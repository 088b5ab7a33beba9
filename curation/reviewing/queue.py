"""Which prompts a person could be given now, and what stands in the way of the others."""

from django.db.models import Case, Count, Exists, F, IntegerField, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from ..models import Annotation, Assignment, Membership, Pair, Project, Prompt, Resolution, ReviewClaim, State
from ..models.review import Purpose
from ..models.state import MACHINE_STATES
from .holding import held_back, held_back_anywhere

MAY_REVIEW = (Membership.Role.MANAGER, Membership.Role.REVIEWER)
LOOKED_AT = 500  # prompts of a queue that are looked at for a count, however long it is
COUNT_CAP = LOOKED_AT  # beyond it a count says "500 or more": nobody plans by the exact number, and it stays cheap


def in_queue(project, *, pinned, aside=False):
    """One part of a project's queue, for an index: those that are pinned or not, in their places or set aside."""
    rows = project.prompts.in_state(State.TO_REVIEW).filter(pinned__literally=pinned)
    return rows.filter(rank__lt=0) if aside else rows.filter(rank__gte=0)


def _number(queryset, by):
    rows = queryset.order_by().values(by).annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(rows, output_field=IntegerField()), 0)


def _decisions(response="current_response"):
    return Annotation.objects.filter(response=OuterRef(response), purpose=Annotation.Purpose.REVIEW, current=True)


def with_counts(project, user):
    """Prompts to review with the decisions each has `given` of those `needed`, and what speaks against `user`.

    `held` are live claims of others, `kept` places for others whom a manager gave it, `mine` whether user decided. One
    statement reads all, since a submit turns a claim into a decision between two.
    """
    return _counted(project.prompts, user)


def _counted(prompts, user):
    claims = live_claims().filter(prompt=OuterRef("pk")).exclude(reviewer=user)
    own = Assignment.objects.filter(prompt=OuterRef("pk"), reviewer=user)
    kept = Case(When(Exists(own), then=Value(0)), default=kept_places(user), output_field=IntegerField())
    return prompts.in_state(State.TO_REVIEW).annotate(
        needed=needed(),
        held=_number(claims, "prompt"),
        kept=kept,
        mine=Exists(_decisions().filter(reviewer=user)),
    )


def needed():
    """How many decisions a prompt needs."""
    return Coalesce("required", "project__reviews_required")


def decided_by_those(users):
    """How many current decisions on a prompt's answer are by `users`, a queryset of ids."""
    return _number(_decisions().filter(reviewer__in=users), "response")


def live_claims():
    """Claims of this moment that take a place."""
    return ReviewClaim.objects.filter(until__gt=timezone.now(), purpose=Purpose.REVIEW)


def kept_places(user=None):
    """How many places a prompt keeps for people (other than `user`) whom a manager gave it and who are still to come.

    Nobody's place is kept who decided, holds the prompt now, put it off, or may review no more.
    """
    begun = ReviewClaim.objects.filter(prompt=OuterRef("prompt"), reviewer=OuterRef("reviewer"))
    begun = begun.filter(Q(until__gt=timezone.now(), purpose=Purpose.REVIEW) | Q(skipped_at__isnull=False))
    decided = _decisions("prompt__current_response").filter(reviewer=OuterRef("reviewer"))
    members = Membership.objects.filter(
        project=OuterRef("prompt__project"), user=OuterRef("reviewer"), user__is_active=True, role__in=MAY_REVIEW
    )
    rows = Assignment.objects.filter(Exists(members), ~Exists(begun), ~Exists(decided), prompt=OuterRef("pk"))
    return _number(rows.exclude(reviewer=user) if user else rows, "prompt")


def partner_in_machines():
    """The condition under which the other half of a prompt's pair is with the machines."""
    as_hypothesis = Pair.objects.filter(hypothesis=OuterRef("pk"), methodology__state__in=MACHINE_STATES)
    as_methodology = Pair.objects.filter(methodology=OuterRef("pk"), hypothesis__state__in=MACHINE_STATES)
    return Q(Exists(as_hypothesis)) | Q(Exists(as_methodology))


def _hypothesis_refused(user):
    """The hypothesis will not stand as it is, for all or for this user, so its methodology need not be judged yet."""
    refused = Resolution.objects.filter(
        response=OuterRef("hypothesis__current_response"), current=True, applied_at=None
    ).exclude(action="accept")
    refused_by_me = _decisions("hypothesis__current_response").filter(reviewer=user).exclude(action="accept")
    pairs = Pair.objects.filter(methodology=OuterRef("pk"), hypothesis__state__in=(State.TO_REVIEW, State.TO_RESOLVE))
    return Q(Exists(pairs.filter(Exists(refused) | Exists(refused_by_me))))


def decidable(project, user):
    """Prompts that `user` may decide now: not decided by them, capacity left, partner past the machines."""
    rows = with_counts(project, user).filter(mine=False, given__lt=F("needed") - F("held") - F("kept"))
    if project.paired:
        rows = rows.exclude(partner_in_machines()).exclude(_hypothesis_refused(user))
    return rows


def offered(project, user):
    """Prompts that `user` is given by the queue: what they may decide, near-duplicates of something better aside."""
    rows = decidable(project, user)
    return rows.exclude(held_back(project.paired)) if project.near_duplicate_percent else rows


def held_by_cluster(project, user):
    """Prompts that `user` would be given if no near-duplicate came before them."""
    rows = decidable(project, user)
    return rows.filter(held_back(project.paired)) if project.near_duplicate_percent else rows.none()


def capped_count(rows):
    """How many rows, at most COUNT_CAP."""
    return rows.order_by().values("pk")[:COUNT_CAP].count()


def to_resolve(project):
    """Prompts on which people disagree and no adjudicator has decided yet."""
    return _undecided(project.prompts)


def _undecided(prompts):
    decided = Resolution.objects.filter(response=OuterRef("current_response"), current=True, applied_at=None)
    return prompts.in_state(State.TO_RESOLVE).exclude(Exists(decided))


def near_rows(prompts, most=None):
    """The ids of the first `most` (LOOKED_AT) of `prompts` to review, in the order of the queue, as a subquery."""
    rows = prompts.in_state(State.TO_REVIEW).order_by("-pinned", "-rank", "pk")
    return rows.values("pk")[: most or LOOKED_AT]


class _CappedCount(Subquery):
    """How many rows a sliced subquery has."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) capped)"
    output_field = IntegerField()


def pending_by_project(user, projects):
    """{project id: pending_counts} of many projects in one statement."""
    prompts = Prompt.objects.filter(project=OuterRef("pk"))
    near = prompts.filter(pk__in=near_rows(Prompt.objects.filter(project=OuterRef(OuterRef("pk")))))
    review = _counted(near, user).filter(mine=False, given__lt=F("needed") - F("held") - F("kept"))
    review = review.exclude(Q(project__paired=True) & (partner_in_machines() | _hypothesis_refused(user)))
    review = review.exclude(held_back_anywhere())
    rows = Project.objects.filter(pk__in=[project.pk for project in projects]).annotate(
        review=_CappedCount(review.order_by().values("pk")[:COUNT_CAP]),
        resolve=_CappedCount(_undecided(prompts).order_by().values("pk")[:COUNT_CAP]),
    )
    return {row.pop("pk"): row for row in rows.values("pk", "review", "resolve")}
