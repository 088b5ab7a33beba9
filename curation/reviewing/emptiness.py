"""Why there is nothing in a queue for one person, though something may wait for review."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, F, OuterRef

from .. import tallies
from ..models import Assignment, Resolution, State
from ..models.state import MACHINE_STATES
from .assigning import short
from .queue import LOOKED_AT, held_by_cluster, in_queue, live_claims, partner_in_machines, with_counts


@dataclass(frozen=True)
class EmptyQueue:
    """Nothing for this person now, and why: every number is of prompts; of a long queue, of those looked at."""

    waiting_for_run: int  # in the hands of the machines
    waiting_for_partner: int  # the other half of the pair waits for a run
    held: int  # held by others
    held_until: datetime | None  # when the first of these claims lapses
    holders: tuple[str, ...]
    waiting_for_others: int  # decided by this person; others must too
    taking_effect: int  # decided; can still be taken back, or the hypothesis is decided first
    to_resolve: int
    held_by_cluster: int = 0  # a near-duplicate that is better, or was accepted, comes before them
    kept: int = 0  # given to others by a manager
    kept_for: tuple[str, ...] = ()
    short: int = 0  # need more people than there are
    people: int = 0  # who may review
    prompts: int = 0  # of the project, in whatever state

    @property
    def all_done(self):
        return not any(
            (
                *(self.waiting_for_run, self.waiting_for_partner, self.held, self.waiting_for_others),
                *(self.taking_effect, self.kept, self.short),
            )
        )


def why_empty(project, user):
    """The EmptyQueue of `user`. Claims are few; of the rest of a long queue LOOKED_AT are looked at in each part."""
    states, lack = tallies.states(project), short(project)
    near = looked_at(project)
    held, until, holders = _held(project, user)
    kept, kept_for = _kept(project, user, near)
    waiting = project.prompts.in_state(State.TO_REVIEW).filter(pk__among=near)
    partner = waiting.filter(partner_in_machines()).count() if project.paired else 0
    others = _waiting_for_others(project, user, near).count()
    behind = held_by_cluster(project, user).filter(pk__among=near).count()
    rest = states[State.TO_REVIEW] - partner - others - held - behind - kept
    return EmptyQueue(
        prompts=sum(states.values()),
        waiting_for_run=sum(states[state] for state in MACHINE_STATES),
        waiting_for_partner=partner,
        held=held,
        held_until=until,
        holders=holders,
        waiting_for_others=others,
        taking_effect=max(0, rest) if states[State.TO_REVIEW] <= LOOKED_AT else 0,
        to_resolve=states[State.TO_RESOLVE],
        held_by_cluster=behind,
        kept=kept,
        kept_for=kept_for,
        short=lack.number,
        people=lack.people,
    )


def looked_at(project):
    """Ids of prompts to review: the first in their places, and of those set aside the ones that were looked at last."""
    ids = []
    for pinned in (True, False):
        in_place = in_queue(project, pinned=pinned).order_by("-rank", "pk")
        aside = in_queue(project, pinned=pinned, aside=True).order_by("rank", "pk")
        ids += [pk for rows in (in_place, aside) for pk in rows.values_list("pk", flat=True)[:LOOKED_AT]]
    return ids


def _held(project, user):
    """(how many are held by others and could else be this person's, when the first claim lapses, names)."""
    claims = list(live_claims().filter(prompt__project=project).exclude(reviewer=user).select_related("reviewer"))
    rows = with_counts(project, user).filter(given__lt=F("needed"), mine=False)
    held = set(rows.filter(pk__in={claim.prompt_id for claim in claims}).values_list("pk", flat=True))
    holding = [claim for claim in claims if claim.prompt_id in held]
    names = sorted({claim.reviewer.get_username() for claim in holding})
    return len(held), min((claim.until for claim in holding), default=None), tuple(names)


def _kept(project, user, near):
    """(how many have room for those alone whom a manager gave them, their names)."""
    rows = with_counts(project, user).filter(pk__among=near, mine=False, kept__gt=0)
    rows = rows.filter(given__lt=F("needed") - F("held"), given__gte=F("needed") - F("held") - F("kept"))
    ids = list(rows.values_list("pk", flat=True))
    given = Assignment.objects.filter(prompt__among=ids).exclude(reviewer=user)
    return len(ids), tuple(sorted(set(given.values_list("reviewer__username", flat=True)))) if ids else ()


def _waiting_for_others(project, user, near):
    """What this person decided and others must too, those whose pair waits for a run aside."""
    pending = Resolution.objects.filter(response=OuterRef("current_response"), current=True, applied_at=None)
    rows = with_counts(project, user).filter(pk__among=near, mine=True).exclude(Exists(pending))
    return rows.exclude(partner_in_machines()) if project.paired else rows
