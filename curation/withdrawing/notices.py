"""What a release says of the rows that were withdrawn from it."""

from dataclasses import dataclass

from django.db.models import Count

from ..models import Release, Tombstone, Withdrawal
from .deeds import taken_before


@dataclass(frozen=True)
class Notice:
    """`rows` rows of a release were withdrawn: by which withdrawals, each with its number of rows."""

    rows: int
    withdrawals: tuple
    purged: bool  # whether texts were blanked, and the files that held them are gone


def notices(releases):
    """{release id: Notice} of those of `releases` from which something was withdrawn; two queries."""
    rows = Tombstone.objects.filter(release__in=[release.pk for release in releases])
    found = {}
    for release, withdrawal, number in (
        rows.order_by("release", "-withdrawal").values_list("release", "withdrawal").annotate(n=Count("pk"))
    ):
        found.setdefault(release, []).append((withdrawal, number))
    known = Withdrawal.objects.in_bulk({pk for each in found.values() for pk, _ in each}) if found else {}
    return {release: _notice([(known[pk], number) for pk, number in each]) for release, each in found.items()}


def _notice(parts):
    return Notice(
        rows=sum(number for _, number in parts),
        withdrawals=tuple(parts),
        purged=any(withdrawal.purged_at for withdrawal, _ in parts),
    )


def notice_of(release):
    """The Notice of one release, or None."""
    return notices([release]).get(release.pk)


def held_by(withdrawals):
    """[(release, how many of its rows these withdrawals took)], the newest release first."""
    rows = Tombstone.objects.filter(withdrawal__in=[each.pk for each in withdrawals])
    numbers = dict(rows.order_by().values_list("release").annotate(n=Count("pk")))
    releases = Release.objects.filter(pk__in=numbers).defer("manifest", "files").order_by("-version")
    return [(release, numbers[release.pk]) for release in releases]


def formers(withdrawal):
    """[(withdrawal, how many prompts of this one it had taken before)], the first of them first."""
    rows = taken_before(withdrawal).order_by().values_list("withdrawal").annotate(n=Count("pk"))
    numbers = dict(rows)
    return [(row, numbers[row.pk]) for row in Withdrawal.objects.filter(pk__in=numbers).order_by("pk")]
