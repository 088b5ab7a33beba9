"""What became of second chances: which complaints were met, which attempts were accepted, and for how much."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Count, Exists, OuterRef, Q, Sum

from curation.agreement import wilson
from curation.models import Annotation, Complaint, ComplaintCheck, Resolution, State, TeacherResponse

from .recipes import REVIEWER

CHUNK = 5_000  # complaints that are looked at in one go


@dataclass
class Tally:
    """Complaints, or attempts, that belong together. `met` of `known` were met, `accepted` of `settled` accepted.

    `cost` is in USD of the attempts; of `unpriced` of them it is not known. `ended_cost` and `ended_unpriced` are the
    same of the settled ones.
    """

    asked: int = 0
    known: int = 0
    met: int = 0
    settled: int = 0
    accepted: int = 0
    cost: Decimal = Decimal(0)
    unpriced: int = 0
    ended_cost: Decimal = Decimal(0)
    ended_unpriced: int = 0

    def __iadd__(self, other):
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self

    @property
    def met_share(self):
        """(percent, low, high) of the complaints that were met, by Wilson; None where nobody knows of any."""
        return _share(self.met, self.known)

    @property
    def accepted_share(self):
        """(percent, low, high) of the settled attempts that were accepted; None before any is."""
        return _share(self.accepted, self.settled)

    @property
    def cost_each(self):
        """USD for each accepted answer, refused ones included; None where none is accepted or a price is unknown.

        What nobody has settled yet is not in it: most of it may be accepted.
        """
        return self.ended_cost / self.accepted if self.accepted and not self.ended_unpriced else None


def _share(hits, n):
    return (100 * hits / n, *(100 * end for end in wilson(hits, n))) if n else None


@dataclass
class Outcomes:
    """Tallies by (reason's key, teacher's name, version of the recipes), and of attempts by (teacher, version)."""

    complaints: dict = field(default_factory=lambda: defaultdict(Tally))
    attempts: dict = field(default_factory=lambda: defaultdict(Tally))
    first: Tally = field(default_factory=Tally)  # first attempts of the project

    def by_reason(self, teacher="", version=None):
        """{key: Tally} of these complaints, the most frequent first."""
        found = defaultdict(Tally)
        for (key, *where), tally in self.complaints.items():
            if _is_of(where, teacher, version):
                found[key] += tally
        return dict(sorted(found.items(), key=lambda item: (-item[1].asked, item[0])))

    def by(self, place, teacher="", version=None):
        """{name of the teacher (place 0) or version (place 1): (Tally of complaints, Tally of attempts)}."""
        found = defaultdict(lambda: (Tally(), Tally()))
        for (_, *where), tally in self.complaints.items():
            if _is_of(where, teacher, version):
                found[where[place]][0].__iadd__(tally)
        for where, tally in self.attempts.items():
            if _is_of(where, teacher, version):
                found[where[place]][1].__iadd__(tally)
        return dict(sorted(found.items(), key=lambda item: str(item[0])))

    def all_attempts(self, teacher="", version=None):
        """One Tally of these attempts."""
        found = Tally()
        for where, tally in self.attempts.items():
            if _is_of(where, teacher, version):
                found += tally
        return found


def _is_of(where, teacher, version):
    return (not teacher or where[0] == teacher) and (version is None or where[1] == version)


def outcomes_of(project):
    """The Outcomes of a project's second chances.

    A complaint of a rule or of SampleGate is met as the machines measured the new answer. One of reviewers is met as
    they ticked; where nobody did, it is met if the answer was accepted, and not if it came back with the same reason.
    """
    found, counted, attempts = Outcomes(first=_first_attempts(project)), Counter(), {}
    rows = Complaint.objects.filter(response__prompt__project=project).order_by("pk")
    named = ("pk", "response", "source", "code", "met", "recipes__version", "response__teacher__name")
    place = [f"response__{name}" for name in ("prompt", "attempt", "prompt__state", "prompt__withdrawal")]
    rows, last = rows.values_list(*named, *place, "response__prompt__current_response__attempt"), 0
    while chunk := list(rows.filter(pk__gt=last)[:CHUNK]):
        last = chunk[-1][0]
        _count(counted, attempts, chunk)
    for (*where, met, end), number in counted.items():
        found.complaints[tuple(where)] += _tally(number, met, end)
    for (*where, end), number in Counter(attempts.values()).items():
        found.attempts[tuple(where)] += _tally(number, None, end)
    _add_costs(project, found, attempts)
    return found


def _count(counted, attempts, chunk):
    """Count complaints by (key, teacher, version, met, how its attempt ended); note (teacher, version, end) of each."""
    said = _said_by_people(row for row in chunk if row[2] == REVIEWER)
    for pk, response, source, code, met, version, teacher, prompt, attempt, state, withdrawn, current in chunk:
        end = _end(attempt, current, state, withdrawn)
        if source == REVIEWER:
            met = said.met(pk, response, code, end)
        counted[f"{source}:{code}", teacher, version, met, end] += 1
        attempts.setdefault((prompt, attempt), (teacher, version, end))


def _tally(number, met, accepted):
    """The Tally of so many that are alike."""
    told = (met is not None, bool(met), accepted is not None, bool(accepted))
    return Tally(number, *(number * each for each in told))


def _end(attempt, current, state, withdrawn):
    """Whether an attempt was accepted in the end; None while that is open, or a source was withdrawn since."""
    if withdrawn:
        return None
    if current is not None and current > attempt:
        return False
    return {State.ACCEPTED: True, State.REJECTED: False}.get(state)


@dataclass
class _Said:
    """What people said of complaints: ticks by complaint, and reasons by response of what was sent back."""

    ticks: dict
    again: dict

    def met(self, complaint, response, code, end):
        ticks = self.ticks.get(complaint)
        if ticks and 2 * sum(ticks) != len(ticks):
            return 2 * sum(ticks) > len(ticks)
        if code in self.again.get(response, ()):
            return False
        return True if end else None


def _said_by_people(rows):
    rows = [(row[0], row[1]) for row in rows]
    ids, responses = [pk for pk, _ in rows], list({response for _, response in rows})
    counting = {"annotation__current": True, "annotation__purpose": Annotation.Purpose.REVIEW}
    ticks, again = defaultdict(list), defaultdict(set)
    if ids:
        for pk, met in ComplaintCheck.objects.filter(complaint__among=ids, **counting).values_list("complaint", "met"):
            ticks[pk].append(met)
        for model in (Annotation, Resolution):
            refused = model.objects.filter(response__among=responses).exclude(action="accept")
            if model is Annotation:
                refused = refused.filter(purpose=Annotation.Purpose.REVIEW)
            for response, codes in refused.values_list("response", "reasons"):
                again[response].update(codes)
    return _Said(ticks, again)


# -- what it cost -----------------------------------------------------------------------------------------------------


def _add_costs(project, found, attempts):
    """Add to each attempt what all its answers cost."""
    later = _bought(project, attempt__gt=1).order_by("prompt", "attempt")
    rows = later.values_list("prompt", "attempt").annotate(paid=Sum("call__cost", filter=FIRST), free=_unpriced())
    for prompt, number, paid, free in rows:
        if (prompt, number) not in attempts:
            continue
        *where, end = attempts[prompt, number]
        tally, paid = found.attempts[tuple(where)], paid or Decimal(0)
        tally += Tally(cost=paid, unpriced=bool(free))
        if end is not None:
            tally += Tally(ended_cost=paid, ended_unpriced=bool(free))


# A call that serves several answers, in this project or another one, was paid for the first of them.
FIRST = Q(served_before=False)


def _bought(project, **wanted):
    before = TeacherResponse.objects.filter(call=OuterRef("call"), pk__lt=OuterRef("pk"))
    return TeacherResponse.objects.filter(prompt__project=project, **wanted).annotate(served_before=Exists(before))


def _unpriced(*also):
    return Count("pk", filter=Q(FIRST, *also, call__cost=None))


def _first_attempts(project):
    """First attempts: how many were asked, settled, accepted as they were, and what they cost."""
    settled = Q(prompt__withdrawal=None) & (
        Q(prompt__current_response__attempt__gt=1) | Q(prompt__state__in=(State.ACCEPTED, State.REJECTED))
    )
    found = _bought(project, attempt=1).aggregate(
        asked=Count("prompt", distinct=True),
        settled=Count("prompt", distinct=True, filter=settled),
        cost=Sum("call__cost", filter=FIRST),
        unpriced=_unpriced(),
        ended_cost=Sum("call__cost", filter=FIRST & settled),
        ended_unpriced=_unpriced(settled),
    )
    accepted = project.prompts.filter(state=State.ACCEPTED, current_response__attempt=1).count()
    return Tally(accepted=accepted, **{name: number for name, number in found.items() if number is not None})
