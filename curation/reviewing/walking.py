"""The next prompt for a person: a walk along the queue's index, in portions, to the first one that they are offered.

What it costs depends on what lies before that one, and nobody but the person has to pass that: what can be given to
nobody is set aside when it is met (see ranking.py).
"""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from ..models import Annotation, Assignment, Project, Prompt, ReviewClaim, State
from ..models.locking import delete_in_order
from ..models.prepared import Prepared
from ..models.review import Purpose
from . import ranking
from .asking import offered_among
from .queue import in_queue

FIRST, MOST = 32, 2048  # prompts in the first portion, and in any
LOOKED_AT = 4  # prompts whose offer is looked up at once; nearly always the first of them is given
ASIDE_AT_ONCE = 500  # prompts set aside that are looked at again where nothing else is left


class Place(NamedTuple):
    """One prompt in the queue."""

    pk: int
    pinned: bool
    rank: float
    given: int
    needed: int
    response: int


@dataclass
class Walk:
    """One person's walk."""

    project: object
    user: object

    def first(self):
        """The id of the first prompt in the queue that the person is offered and has not put off, or None."""
        found = self._first_in_place()
        if found is None and ranking.bring_back(self.project, self._aside()):
            found = self._first_in_place()
        return found

    def first_assigned(self):
        """The id of the first open prompt that a manager gave this person, or None; those done with are struck off."""
        after = 0
        while rows := self._assigned(after):
            after = max(rows)
            found = self._first_offered(list(rows.values()))
            if found:
                return found
            delete_in_order(Assignment.objects.filter(pk__in=self._done(rows)))
        return None

    def _assigned(self, after):
        return dict(_assigned(user=self.user.pk, project=self.project.pk, after=after, most=FIRST))

    def _done(self, rows):
        """Assignments whose prompt this person decided, or that is settled."""
        settled = Prompt.objects.filter(pk__in=rows.values(), state__in=(State.ACCEPTED, State.REJECTED))
        done = set(settled.values_list("pk", flat=True))
        current = Prompt.objects.filter(pk__in=rows.values(), current_response__isnull=False)
        by_response = dict(current.values_list("current_response", "pk"))
        done |= {by_response[response] for response in self._decided(by_response)}
        return [pk for pk, prompt in rows.items() if prompt in done]

    def _first_in_place(self):
        needs = self.project.reviews_required
        for pinned in (True, False):
            for portion in _portions(self.project, needs, pinned):
                found = self._first_offered(self._open(portion))
                if found:
                    return found
        return None

    def _open(self, portion):
        """Ids of the portion, in order, with room left, that this person has neither decided nor put off."""
        ids = [place.pk for place in portion]
        claims, now, own = _claims_on(prompts=ids), timezone.now(), self.user.pk
        held = Counter(prompt for prompt, by, until, _ in claims if by != own and until > now)
        places = [place for place in portion if place.given + held[place.pk] < place.needed]
        decided = self._decided([place.response for place in places if place.given])
        put_off = {prompt for prompt, by, _, skipped in claims if by == own and skipped}
        return [place.pk for place in places if place.response not in decided and place.pk not in put_off]

    def _decided(self, responses):
        """Those of `responses` that this person decided."""
        if not responses:
            return set()
        rows = Annotation.objects.filter(
            response__among=list(responses), reviewer=self.user, purpose=Purpose.REVIEW, current=True
        )
        return set(rows.values_list("response", flat=True))

    def _first_offered(self, ids):
        start, number = 0, LOOKED_AT
        while some := ids[start : start + number]:
            found = offered_among(self.project, self.user, some)
            place = next((place for place, pk in enumerate(some) if pk in found), len(some))
            if place:  # what was passed
                ranking.set_aside(self.project, some[:place])
            if place < len(some):
                return some[place]
            start, number = start + number, number * 4
        return None

    def _aside(self):
        """Ids of prompts set aside, those first that were looked at the longest ago."""
        ids = []
        for pinned in (True, False):
            rows = in_queue(self.project, pinned=pinned, aside=True).order_by("-rank", "pk")
            ids += rows.values_list("pk", flat=True)[: ASIDE_AT_ONCE - len(ids)]
        return ids


def enough_given(project):
    """Ids of the first prompts in the queue that have the decisions they need, and are still in it."""
    found = []
    for pinned in (True, False):
        rows = in_queue(project, pinned=pinned).filter(given__gte=Coalesce("required", project.reviews_required))
        found += rows.order_by("-rank", "pk").values_list("pk", flat=True)[:MOST]
    return found


@Prepared
def _assigned(user: int, project: int, after: int, most: int):
    rows = Assignment.objects.filter(reviewer=user, pk__gt=after, prompt__project=project)
    return rows.order_by("pk").values_list("pk", "prompt")[:most]


@Prepared
def _claims_on(prompts: list):
    rows = ReviewClaim.objects.filter(prompt__among=prompts, purpose=Purpose.REVIEW)
    return rows.order_by().values_list("prompt", "reviewer", "until", "skipped_at")


def _portions(project, needs, pinned):
    """One half of the queue (pinned or not) as lists of Place, in its order, each longer than the last."""
    size, last = FIRST, None
    while True:
        if last is None:
            rows = _beginning(project=project.pk, needs=needs, pinned=pinned, most=size)
        else:
            rows = _behind(project, needs, pinned, last)[:size]
        portion = [Place(*row) for row in rows]
        if not portion:
            return
        yield portion
        last, size = portion[-1], min(size * 4, MOST)


@Prepared
def _beginning(project: int, needs: int, pinned: bool, most: int):
    return _in_place(Project(pk=project), needs, pinned)[:most]


def _behind(project, needs, pinned, last):
    rows = _in_place(project, needs, pinned)
    return rows.filter(rank__lte=last.rank).exclude(rank=last.rank, pk__lte=last.pk)


def _in_place(project, needs, pinned):
    rows = in_queue(project, pinned=pinned).annotate(needed=Coalesce("required", needs)).filter(given__lt=F("needed"))
    fields = ("pk", "pinned", "rank", "given", "needed", "current_response")
    return rows.order_by("-rank", "pk").values_list(*fields)
