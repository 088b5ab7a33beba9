"""Pages of long lists that cost the same on the first page and on the last: by key, never by offset or full count."""

from dataclasses import dataclass

PAGE = 50
WINDOW = 20_000  # rows that one page looks through at most; a rare match goes on with the next press
COUNT_CAP = 10_000


@dataclass(frozen=True)
class Page:
    """Some rows in the order of their keys. `after` begins the next page; 0 where there is none."""

    rows: list
    after: int
    looked_through: int  # rows searched without filling the page; 0 where all were searched


def capped_count(queryset):
    """How many rows, at most COUNT_CAP + 1 (so that "more than COUNT_CAP" can be said)."""
    return queryset.order_by()[: COUNT_CAP + 1].count()


def keyset_page(candidates, matching, *, after=0, size=PAGE, window=WINDOW):
    """The next `size` rows with pk > `after`.

    `candidates` is a queryset that an index answers; `matching(queryset)` narrows it by what needs a look at every
    row. Without `matching` (None) the page is read straight from the index.
    """
    ahead = candidates.filter(pk__gt=after).order_by("pk")
    if matching is None:
        rows = list(ahead[: size + 1])
        return Page(rows[:size], _key(rows[size - 1]) if len(rows) > size else 0, 0)
    end = ahead.values_list("pk", flat=True)[window - 1 : window].first()
    looked = ahead.filter(pk__lte=end) if end else ahead
    rows = list(matching(looked)[: size + 1])
    if len(rows) > size:
        return Page(rows[:size], _key(rows[size - 1]), 0)
    return Page(rows, end or 0, window if end else 0)


def _key(row):
    return row["pk"] if isinstance(row, dict) else row.pk
