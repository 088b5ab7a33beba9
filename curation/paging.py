"""Pages of long lists that cost the same on the first page and on the last: by key, never by offset or full count."""

from dataclasses import dataclass

PAGE = 50
COUNT_CAP = 10_000


@dataclass(frozen=True)
class Page:
    """Some rows in the order of their keys. `after` begins the next page; 0 where there is none."""

    rows: list
    after: int


def capped_count(queryset):
    """How many rows, at most COUNT_CAP + 1 (so that "more than COUNT_CAP" can be said)."""
    return queryset.order_by()[: COUNT_CAP + 1].count()


def keyset_page(candidates, *, after=0, size=PAGE):
    """The next `size` rows with pk > `after` of a queryset that an index answers; `finding` is for filtered prompts."""
    rows = list(candidates.filter(pk__gt=after).order_by("pk")[: size + 1])
    return Page(rows[:size], _key(rows[size - 1]) if len(rows) > size else 0)


def _key(row):
    return row["pk"] if isinstance(row, dict) else row.pk
