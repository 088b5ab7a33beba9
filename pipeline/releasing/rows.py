"""The rows of a release to be, in columns: about ninety bytes a row, however long its texts are."""

from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pyarrow as pa
from django.db.models import FilteredRelation, Q
from django.db.models.functions import Coalesce

from curation.models import Prompt, State
from curation.models.prompt import AT_ONCE
from pipeline.formats import row_id

COLUMNS = np.dtype(
    [
        ("row_id", "S64"),
        ("prompt_id", "i8"),
        ("response_id", "i8"),
        ("group", "i4"),  # its place in `groups`
        ("kind", "i4"),  # its place in `kinds`
        ("accepted", "?"),  # or else unreviewed
        ("empty", "?"),  # without a text
    ]
)
OBJECTS = 1000  # made at once where one goes over all rows


@dataclass(slots=True)
class Row:
    """One row as an object, for where rows are looked at one by one."""

    row_id: str
    prompt_id: int
    response_id: int
    group: str
    domain: str
    status: str  # accepted or unreviewed


class Rows:
    """Rows as an array of COLUMNS, sorted by row id; `groups` are names, `kinds` are (domain, task type).

    A mask, a slice or places give some of them; one after the other they are objects.
    """

    def __init__(self, table, groups, kinds):
        self.table, self.groups, self.kinds = table, groups, kinds

    def __len__(self):
        return len(self.table)

    def __getitem__(self, which):
        return Rows(self.table[which], self.groups, self.kinds)

    def __iter__(self):
        for start in range(0, len(self), OBJECTS):
            part = self.table[start : start + OBJECTS]
            names = self.groups.take(pa.array(part["group"])).to_pylist()
            for name, (row, prompt, response, _, kind, accepted, _) in zip(names, part.tolist(), strict=True):
                status = "accepted" if accepted else "unreviewed"
                yield Row(row.decode(), prompt, response, name, self.kinds[kind][0], status)

    def places_of(self, prompt_ids):
        """Where the rows of these prompts (an array) are; -1 for a prompt without one."""
        own = self.table["prompt_id"]
        order = np.argsort(own)
        places = order[np.searchsorted(own, prompt_ids, sorter=order).clip(max=len(own) - 1)]
        return np.where(own[places] == prompt_ids, places, -1)

    def keys(self):
        """An iterator of (row, key of its prompt)."""
        for start in range(0, len(self), OBJECTS):
            part = self[start : start + OBJECTS]
            prompts = Prompt.objects.filter(pk__among=frozenset(part.table["prompt_id"].tolist())).order_by()
            keys = dict(prompts.values_list("pk", "key"))
            yield from ((row, keys[row.prompt_id]) for row in part)

    def strata(self):
        """[stratum] by group: which domains and task types the rows of a group have; None for one without a row."""
        said, found = {}, [None] * len(self.groups)
        both = np.unique(self.table["group"].astype("i8") * len(self.kinds) + self.table["kind"])
        pairs = map(divmod, both.tolist(), [len(self.kinds)] * len(both))
        for group, members in groupby(pairs, lambda pair: pair[0]):
            kinds = tuple(kind for _, kind in members)
            if kinds not in said:
                said[kinds] = _stratum([self.kinds[kind] for kind in kinds])
            found[group] = said[kinds]
        return found


def _stratum(kinds):
    domains = sorted({domain for domain, _ in kinds})
    return f"{'+'.join(domains)}|{'+'.join(sorted({task for _, task in kinds}))}"


def ids_of(queryset, *names):
    """What `values_list` of these whole numbers gives, as an array: of one name plain, else with a field for each."""
    if len(names) == 1:
        return np.fromiter(queryset.values_list(*names, flat=True).iterator(AT_ONCE), "i8")
    return np.fromiter(queryset.values_list(*names).iterator(AT_ONCE), [(name, "i8") for name in names])


def gather(prompts, look=lambda: None):
    """The Rows of all `prompts`; no text stays in memory. `look` is called now and then, and may raise."""
    ids, groups, kinds, parts = ids_of(prompts.order_by("pk"), "pk"), {}, {}, []
    held = Q(current_response__resolutions__current=True, current_response__resolutions__action="accept")
    texts = Prompt.objects.annotate(held=FilteredRelation("current_response__resolutions", condition=held))
    texts = texts.annotate(authoritative=Coalesce("held__text", "current_response__text")).order_by()
    names = ("pk", "key", "current_response_id", "group_key", "state", "domain", "task_type", "authoritative")
    for start in range(0, len(ids), AT_ONCE):
        look()
        found = texts.filter(pk__among=frozenset(ids[start : start + AT_ONCE].tolist())).values_list(*names)
        rows = [
            (
                row_id(key, text),
                pk,
                response,
                groups.setdefault(group, len(groups)),
                kinds.setdefault((domain, task_type), len(kinds)),
                state == State.ACCEPTED,
                not text.strip(),
            )
            for pk, key, response, group, state, domain, task_type, text in found
        ]
        parts.append(np.array(rows, COLUMNS))
    table = np.concatenate([np.empty(0, COLUMNS), *parts])
    return Rows(table[np.argsort(table["row_id"], kind="stable")], pa.array(groups, pa.string()), list(kinds))
