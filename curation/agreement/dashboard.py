"""The quality of reviewing at a glance: what the page of reviewers shows, kept a while where it is dear to count."""

import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.utils import timezone

from .. import tallies
from . import known
from .decisions import ENOUGH, by_response, decisions_of
from .disagreement import agreement_by_reason, agreement_by_task, drivers
from .reviewers import AgreementReport, ReviewerCounts, report_of

DAYS = 30
DEAR_SECONDS = 0.4
WORTH = 20  # what took a second to count holds for as many seconds
MANY_FAST = 10  # per cent of a person's decisions from which the page warns


@dataclass(frozen=True)
class Reviewer:
    """One person: all decisions that stand, those of the last DAYS, and what their newest ones tell."""

    name: str
    decisions: int
    lately: int
    counts: ReviewerCounts | None
    gold: known.Share
    repeated: known.Share

    @property
    def is_fast(self):
        """Whether too many of their decisions are too fast to have been thought about."""
        return bool(self.counts) and self.counts.timed >= ENOUGH and self.counts.fast_percent >= MANY_FAST


@dataclass(frozen=True)
class Dashboard:
    """`days` are [(day, {name: decisions})], the newest last; `cut` says that there are decisions beyond the newest."""

    at: datetime
    days: list
    reviewers: list
    report: AgreementReport
    seconds: list  # active seconds of each decision that has them
    tasks: list
    reasons: list
    drivers: list
    gold: known.Share
    repeated: known.Share
    cut: bool

    @property
    def looked_at(self):
        return self.report.decisions

    @property
    def fast(self):
        """People of whom the page warns."""
        return [reviewer for reviewer in self.reviewers if reviewer.is_fast]


def dashboard_of(project):
    """The Dashboard of `project`; one that was dear to count holds for some seconds."""
    key = f"reviewers:{project.pk}:{project.created_at.timestamp()}:{project.too_fast_seconds}"
    found = cache.get(key)
    if found:
        return found
    began = time.monotonic()
    found = _counted(project)
    took = time.monotonic() - began
    if took > DEAR_SECONDS:
        cache.set(key, found, WORTH * took)
    return found


def _counted(project):
    decisions, cut = decisions_of(project)
    several, report = by_response(decisions), report_of(decisions, project.too_fast_seconds)
    days, all_of, lately = _throughput(project)
    gold = known.by_reviewer((name, said, right) for name, _, said, right in known.gold_decisions(project))
    repeated = known.by_reviewer(known.repeated_decisions(project))
    return Dashboard(
        at=timezone.now(),
        days=days,
        reviewers=_reviewers(all_of, lately, report, gold, repeated),
        report=report,
        seconds=[given.seconds for given in decisions if given.seconds > 0],
        tasks=agreement_by_task(several),
        reasons=agreement_by_reason(several),
        drivers=drivers(several),
        gold=_together(gold),
        repeated=_together(repeated),
        cut=cut,
    )


def _throughput(project):
    """([(day, {name: decisions})] of the last DAYS, {name: all decisions}, {name: decisions of the last DAYS})."""
    today = datetime.now(UTC).date()
    first = today - timedelta(days=DAYS - 1)
    names = dict(get_user_model().objects.filter(memberships__project=project).values_list("pk", "username"))
    all_of = {user: sum(actions.values()) for user, actions in tallies.by_reviewer(project).items()}
    gone = get_user_model().objects.filter(pk__in=set(all_of) - set(names))  # who left the project; decisions stay
    names |= dict(gone.values_list("pk", "username"))
    by_day = {first + timedelta(days=number): Counter() for number in range(DAYS)}
    for decided in tallies.decisions(project, since=first):
        if decided.day in by_day:
            by_day[decided.day][names[decided.user]] += decided.number
    lately = sum(by_day.values(), Counter())
    return list(by_day.items()), {names[user]: number for user, number in all_of.items()}, lately


def _reviewers(all_of, lately, report, gold, repeated):
    counts = {row.name: row for row in report.reviewers}
    people = set(all_of) | set(counts) | set(gold) | set(repeated)
    made = [
        Reviewer(
            name,
            all_of.get(name, 0),
            lately[name],
            counts.get(name),
            gold.get(name, known.Share()),
            repeated.get(name, known.Share()),
        )
        for name in people
    ]
    return sorted(made, key=lambda row: (-row.decisions, row.name))


def _together(shares):
    return known.Share(sum(share.hits for share in shares.values()), sum(share.n for share in shares.values()))
