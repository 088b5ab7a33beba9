"""What a release says of the rows that were withdrawn from it."""

from dataclasses import dataclass

from django.db.models import Count

from ..models import Tombstone, Withdrawal


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
