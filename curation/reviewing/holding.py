"""Near-duplicates in the queue: the best of a cluster is offered, the others are held back until it is refused.

Nothing is written and no state moves: who is held back follows from the clusters and from where their prompts are.
"""

from dataclasses import dataclass

from django.db.models import BooleanField, Exists, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from ..models import Fingerprint, Pair, Prompt, State

DECIDED = (State.ACCEPTED, State.TO_RESOLVE)  # people want one of these, or are about to say so


def _of_current(response):
    """The fingerprints of the responses that `response` names, where they have near-duplicates."""
    return Fingerprint.objects.filter(kind=Fingerprint.Kind.RESPONSE, response=response, cluster__isnull=False)


def _ahead():
    """Fingerprints of other units that come before the outer one: decided, or to be reviewed and the better ones.

    The order is of units and the same for both halves of a pair, so that no two hold each other back.
    """
    mates = Fingerprint.objects.filter(
        kind=Fingerprint.Kind.RESPONSE, cluster=OuterRef("cluster"), prompt__current_response=F("response")
    ).exclude(unit=OuterRef("unit"))
    longer = Q(length__gt=OuterRef("length")) | Q(length=OuterRef("length"), unit__lt=OuterRef("unit"))
    better = Q(score__gt=OuterRef("score")) | Q(score=OuterRef("score")) & longer
    return mates.filter(Q(prompt__state__in=DECIDED) | Q(prompt__state=State.TO_REVIEW) & better)


def held_back(paired):
    """The condition under which a prompt to review is held back by a near-duplicate that comes before it.

    In a paired project either half holds back the pair; a pair of which people decided a half is never held back, so
    that two half-decided pairs do not wait for each other.
    """
    held = _holds("current_response")
    if not paired:
        return held
    halves = (("hypothesis", "methodology"), ("methodology", "hypothesis"))
    for own, other in halves:
        pair = Pair.objects.filter(**{own: OuterRef("pk")})
        held |= _one(pair.annotate(held=_holds(f"{other}__current_response")).values("held"))
    for own, other in halves:
        pair = Pair.objects.filter(**{own: OuterRef("pk")})
        held &= ~_one(pair.annotate(decided=Q(**{f"{other}__state__in": DECIDED})).values("decided"))
    return held


def _holds(response):
    """Whether something comes before the response that the outer row names so."""
    own = _of_current(OuterRef(response))
    return _one(own.annotate(held=Exists(_ahead())).values("held"))


def _one(values):
    """The one value of `values`, False where there is none.

    As a value it is looked up for the rows that are asked about; PostgreSQL would work out an EXISTS for the whole
    project first.
    """
    return Q(Coalesce(Subquery(values[:1], output_field=BooleanField()), Value(False)))


def held_back_anywhere():
    """`held_back` for prompts of many projects, each by its own settings."""
    held = Q(project__paired=True) & held_back(True) | Q(project__paired=False) & held_back(False)
    return Q(project__near_duplicate_percent__gt=0) & held


def held_prompts(project):
    """Prompts to review of `project` that a near-duplicate holds back."""
    waiting = project.prompts.in_state(State.TO_REVIEW)
    return waiting.filter(held_back(project.paired)) if project.near_duplicate_percent else waiting.none()


@dataclass(frozen=True)
class Mate:
    """A near-duplicate answer of another prompt. `ahead`: it holds the asked one back, if that is to be reviewed."""

    prompt: Prompt
    ahead: bool


def mates(response, most=20):
    """The current near-duplicates of a response, those that come before it first; [] where the project looks for none.

    Of a response that is not its prompt's current one there are none.
    """
    project = response.prompt.project
    own = _of_current(response.pk).filter(prompt__current_response=F("response")).first()
    if own is None or not project.near_duplicate_percent:
        return []
    rows = Fingerprint.objects.filter(
        kind=Fingerprint.Kind.RESPONSE, cluster=own.cluster, prompt__current_response=F("response")
    )
    rows = rows.exclude(unit=own.unit).select_related("prompt__current_response").order_by("-score", "-length", "unit")
    found = [Mate(row.prompt, _is_ahead(row, own)) for row in rows[: most * 5]]
    return sorted(found, key=lambda mate: not mate.ahead)[:most]


def _is_ahead(row, own):
    if row.prompt.state in DECIDED:
        return True
    order = [(-each.score, -each.length, each.unit) for each in (row, own)]
    return row.prompt.state == State.TO_REVIEW and order[0] < order[1]
