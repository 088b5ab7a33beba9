"""How far reviewers agree with each other: tables for people to read, no judgement of people."""

from dataclasses import dataclass
from itertools import combinations

from ..models import Annotation
from .statistics import cohen_kappa

ACTIONS = ("accept", "regenerate", "reject")
ALL_EQUAL = "undefined, all answers equal"


@dataclass(frozen=True)
class PairAgreement:
    """Two reviewers on the responses that both decided."""

    one: str
    other: str
    n: int
    equal: int
    kappa: float | None

    @property
    def percent(self):
        return 100 * self.equal / self.n

    @property
    def kappa_text(self):
        return ALL_EQUAL if self.kappa is None else f"{self.kappa:.2f}"


@dataclass(frozen=True)
class ReviewerCounts:
    """One reviewer's decisions. `agreed_percent` is None for somebody whose responses nobody else decided."""

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
    """The AgreementReport over all current decisions of `project`, surplus ones included."""
    frame = _decisions(project)
    answers = frame.pivot(index="response", columns="reviewer", values="action")
    pairs = tuple(filter(None, (_pair(answers, *names) for names in combinations(sorted(answers.columns), 2))))
    compared, equal = sum(pair.n for pair in pairs), sum(pair.equal for pair in pairs)
    return AgreementReport(
        decisions=len(frame),
        responses=len(answers),
        responses_of_several=int((answers.notna().sum(axis=1) > 1).sum()) if len(answers) else 0,
        compared=compared,
        percent=100 * equal / compared if compared else None,
        pairs=pairs,
        reviewers=tuple(_reviewer(name, rows, pairs) for name, rows in frame.groupby("reviewer")),
    )


def _decisions(project):
    import pandas  # half a second that no start should wait for

    columns = ("response", "reviewer__username", "action", "edited_text", "surplus", "seconds")
    rows = Annotation.objects.filter(
        response__prompt__project=project, purpose=Annotation.Purpose.REVIEW, current=True
    ).values_list(*columns)
    frame = pandas.DataFrame.from_records(list(rows), columns=columns)
    return frame.rename(columns={"reviewer__username": "reviewer"}).assign(edited=frame["edited_text"].notna())


def _pair(answers, one, other):
    both = answers[[one, other]].dropna()
    if both.empty:
        return None
    equal = int((both[one] == both[other]).sum())
    return PairAgreement(one, other, len(both), equal, cohen_kappa(both[one], both[other]))


def _reviewer(name, rows, pairs):
    own = [pair for pair in pairs if name in (pair.one, pair.other)]
    compared = sum(pair.n for pair in own)
    timed = rows["seconds"][rows["seconds"] > 0]
    return ReviewerCounts(
        name=name,
        decisions=len(rows),
        **{action: int((rows["action"] == action).sum()) for action in ACTIONS},
        edited=int(rows["edited"].sum()),
        surplus=int(rows["surplus"].sum()),
        median_seconds=float(timed.median()) if len(timed) else None,
        compared=compared,
        agreed_percent=100 * sum(pair.equal for pair in own) / compared if compared else None,
    )
