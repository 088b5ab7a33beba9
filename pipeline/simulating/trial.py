"""A recount of judged answers under another gate: against people's decisions, and what work it would leave."""

from dataclasses import dataclass
from decimal import Decimal

import numpy

from curation.agreement import ENOUGH
from curation.agreement.known import Share
from curation.models import State

from .judged import ACCEPT, ACCEPTED, PEOPLE, REFUSE, REFUSED, bands

EXAMPLES = 200  # flips of which some are shown
FURTHER = 1_000  # answers like these that a workload is told for


@dataclass(frozen=True)
class Policy:
    """What a project does with a verdict. What is not known is None: seconds of a decision, the cost of an answer."""

    reviews_required: int = 1
    on_gate_fail: str = State.TO_REGENERATE
    auto_accept_percent: int = 0
    seconds: float | None = None
    cost: Decimal | None = None
    timed: int = 0  # decisions that `seconds` is the median of
    priced: int = 0  # answers that `cost` is the mean of


@dataclass(frozen=True)
class Workload:
    """Where answers go: by band, and what that costs people and the project. Hours and cost are None where unknown."""

    n: int
    refuse: int
    people: int
    accept: int
    without_a_person: float
    to_people: float
    hours: float | None
    regenerated: int
    cost: Decimal | None


@dataclass(frozen=True)
class Flips:
    """Current answers that change to a stricter or to a looser band."""

    n: int
    people_accepted: int
    people_refused: int
    moves: tuple  # ((from, to, number), …)
    examples: tuple  # ((response, from, to), …), those first that people decided


@dataclass(frozen=True)
class Trial:
    """One gate over what is judged.

    `table` is {band: (people refused, people accepted)}. `passing` is what is not refused: `precise` of that is what
    people accept, and `found` of what people accept is that. `sure_precise` and `sure_found` are the same of the accept
    band.
    """

    decided: int
    table: dict
    precise: Share
    found: Share
    sure_precise: Share
    sure_found: Share
    everything: Workload
    waiting: Workload
    further: Workload
    stricter: Flips
    looser: Flips

    @property
    def enough(self):
        return self.decided >= ENOUGH


def simulate(judged, gate, policy, now=None):
    """The Trial of `gate`; `now` is the gate in force, which flips are told against."""
    then = bands(judged, gate)
    before = then if now is None else bands(judged, now)
    known = judged.whole & (judged.decided >= REFUSED)
    table = {
        band: tuple(int((known & (then == band) & (judged.decided == said)).sum()) for said in (REFUSED, ACCEPTED))
        for band in (REFUSE, PEOPLE, ACCEPT)
    }
    accepted = sum(yes for _, yes in table.values())
    passing, passing_yes = sum(table[PEOPLE]) + sum(table[ACCEPT]), table[PEOPLE][1] + table[ACCEPT][1]
    everything = _counts(then)
    return Trial(
        decided=int(known.sum()),
        table=table,
        precise=Share(passing_yes, passing),
        found=Share(passing_yes, accepted),
        sure_precise=Share(table[ACCEPT][1], sum(table[ACCEPT])),
        sure_found=Share(table[ACCEPT][1], accepted),
        everything=workload(everything, policy),
        waiting=workload(_counts(then[judged.waiting]), policy),
        further=workload(_scaled(everything, FURTHER), policy),
        stricter=_flips(judged, before, then, then < before),
        looser=_flips(judged, before, then, then > before),
    )


def _counts(found):
    return [int(number) for number in numpy.bincount(found, minlength=3)]


def _scaled(counts, to):
    """The same shares of `to` answers, in whole numbers that sum to it."""
    total = sum(counts)
    if not total:
        return counts
    ends = [round(to * sum(counts[:place]) / total) for place in range(4)]
    return [after - before for before, after in zip(ends, ends[1:], strict=False)]


def workload(counts, policy):
    """The Workload of [refused, to people, in the accept band] answers under a project's policy."""
    refuse, people, accept = counts
    alone = accept * policy.auto_accept_percent / 100
    to_people = people + accept - alone + (refuse if policy.on_gate_fail == State.TO_REVIEW else 0)
    hours = None if policy.seconds is None else to_people * policy.reviews_required * policy.seconds / 3600
    regenerated = refuse if policy.on_gate_fail == State.TO_REGENERATE else 0
    return Workload(
        n=sum(counts),
        refuse=refuse,
        people=people,
        accept=accept,
        without_a_person=alone,
        to_people=to_people,
        hours=hours if to_people else 0.0,
        regenerated=regenerated,
        cost=Decimal(0) if not regenerated else None if policy.cost is None else regenerated * policy.cost,
    )


def _flips(judged, before, then, chosen):
    chosen = chosen & judged.current
    kinds = numpy.bincount(3 * before[chosen].astype(int) + then[chosen], minlength=9)
    places = numpy.flatnonzero(chosen)
    shown = places[numpy.argsort(judged.decided[places] < REFUSED, kind="stable")][:EXAMPLES]
    return Flips(
        n=len(places),
        people_accepted=int((judged.decided[places] == ACCEPTED).sum()),
        people_refused=int((judged.decided[places] == REFUSED).sum()),
        moves=tuple((kind // 3, kind % 3, int(number)) for kind, number in enumerate(kinds) if number),
        examples=tuple((int(judged.responses[p]), int(before[p]), int(then[p])) for p in shown),
    )
