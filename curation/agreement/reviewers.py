"""How far reviewers agree with each other: tables for people to read, no judgement of people."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from .alpha import ALL_EQUAL, TOO_FEW
from .decisions import ENOUGH, by_response, decisions_of
from .resampling import estimates, kappa_of
from .statistics import cohen_kappa

ACTIONS = ("accept", "regenerate", "reject")
MOST_PAIRS = 60  # those who have most in common are shown


@dataclass(frozen=True)
class PairAgreement:
    """Two reviewers on the responses that both decided; `interval` is of kappa, 95 %, by bootstrap."""

    one: str
    other: str
    n: int
    equal: int
    kappa: float | None
    interval: tuple | None = None

    @property
    def percent(self):
        return 100 * self.equal / self.n

    @property
    def kappa_text(self):
        if self.kappa is None:
            return ALL_EQUAL
        return f"{self.kappa:.2f}" if self.n >= ENOUGH else TOO_FEW


@dataclass(frozen=True)
class ReviewerCounts:
    """One reviewer's decisions. `agreed_percent` is None for somebody whose responses nobody else decided.

    `timed` decisions have a known active time, `fast` of them took less than the project's limit.
    """

    name: str
    decisions: int
    accept: int
    regenerate: int
    reject: int
    edited: int
    surplus: int
    median_seconds: float | None
    compared: int
    agreed_percent: float | None
    timed: int = 0
    fast: int = 0

    @property
    def fast_percent(self):
        return 100 * self.fast / self.timed if self.timed else None


@dataclass(frozen=True)
class AgreementReport:
    """`compared` counts comparisons: two decisions of two people on one response."""

    decisions: int
    responses: int
    responses_of_several: int
    compared: int
    percent: float | None
    pairs: tuple[PairAgreement, ...]
    reviewers: tuple[ReviewerCounts, ...]


def agreement_report(project):
    """The AgreementReport over the newest current decisions of `project`, surplus ones included."""
    return report_of(decisions_of(project)[0], project.too_fast_seconds)


def report_of(decisions, too_fast=0):
    """The AgreementReport of rows of decisions_of; a decision in fewer than `too_fast` seconds is too fast."""
    several = by_response(decisions)
    cells = compared_by_pair(several)
    compared = sum(sum(table.values()) for table in cells.values())
    equal = sum(_equal(table) for table in cells.values())
    most_first = sorted(cells.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    shown = sorted(most_first[:MOST_PAIRS])
    return AgreementReport(
        decisions=len(decisions),
        responses=len({given.response for given in decisions}),
        responses_of_several=len(several),
        compared=compared,
        percent=100 * equal / compared if compared else None,
        pairs=tuple(_pair(*names, table) for names, table in shown),
        reviewers=tuple(_reviewer(*rows, cells, too_fast) for rows in _by_reviewer(decisions)),
    )


def compared_by_pair(several):
    """{(one, other): Counter of (decision of the one, of the other)} of the responses that both decided."""
    cells = defaultdict(Counter)
    for rows in several.values():
        ordered = sorted(rows, key=lambda given: given.reviewer)
        for one, other in combinations(ordered, 2):
            cells[one.reviewer, other.reviewer][one.action, other.action] += 1
    return cells


def _equal(table):
    return sum(number for (one, other), number in table.items() if one == other)


def _pair(one, other, table):
    answers = list(table.elements())
    ones, others = ([pair[side] for pair in answers] for side in (0, 1))
    kappa, interval = cohen_kappa(ones, others), None
    if kappa is not None and len(answers) >= ENOUGH:
        codes = ([ACTIONS.index(action) for action in side] for side in (ones, others))
        interval = estimates(*codes, {"kappa": kappa_of})["kappa"][1]
    return PairAgreement(one, other, len(answers), _equal(table), kappa, interval)


def _by_reviewer(decisions):
    found = defaultdict(list)
    for given in decisions:
        found[given.reviewer].append(given)
    return sorted(found.items())


def _reviewer(name, rows, cells, too_fast):
    own = [table for names, table in cells.items() if name in names]
    compared = sum(sum(table.values()) for table in own)
    timed = [given.seconds for given in rows if given.seconds > 0]
    actions = Counter(given.action for given in rows)
    return ReviewerCounts(
        name=name,
        decisions=len(rows),
        **{action: actions[action] for action in ACTIONS},
        edited=sum(given.edited for given in rows),
        surplus=sum(given.surplus for given in rows),
        median_seconds=float(median(timed)) if timed else None,
        compared=compared,
        agreed_percent=100 * sum(map(_equal, own)) / compared if compared else None,
        timed=len(timed),
        fast=sum(seconds < too_fast for seconds in timed),
    )
