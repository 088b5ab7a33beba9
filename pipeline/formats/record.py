"""What a release knows of one accepted row, and what a format is. Plain values: no database behind them."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate, chain
from operator import itemgetter

import pyarrow as pa

Columns = dict[str, list]


@dataclass(slots=True)
class Refused:
    """An answer to the same prompt that was not accepted, and why (codes of rules, gate and reviewers)."""

    text: str
    reasons: tuple = ()
    attempt: int = 1
    teacher: str = ""
    candidate: int = 0


@dataclass(slots=True)
class Record:
    """One accepted row, as every format and the proof see it."""

    id: str  # row_id(prompt_key, text)
    prompt_key: str
    user: str  # the prompt as sent, context included
    system: str  # as sent; shown only if Options.system
    text: str  # authoritative
    task_type: str = ""
    domain: str = ""
    group: str = ""
    split: str = ""
    status: str = ""  # accepted, edited, policy, unreviewed
    teacher: str = ""
    attempt: int = 1
    edited: bool = False
    locator: str = ""
    licence: str = ""
    title: str = ""
    score: float | None = None  # of the gate
    original: str = ""  # the teacher's own text where people edited it
    reasons: tuple = ()  # given with the edit
    refused: tuple = ()  # of Refused
    partner: "Record | None" = None  # a hypothesis carries its methodology, if both are in the same split


class Batch(list):
    """Records that several formats look at: what is the same in all of them is made once, and kept in `made`."""

    def __init__(self, records):
        super().__init__(records)
        self.made = {}

    def once(self, name, make):
        """What `make` gives of the records, at the first call; the same thing ever after."""
        if name not in self.made:
            self.made[name] = make(self)
        return self.made[name]


@dataclass(frozen=True)
class Options:
    """What of a recipe changes the rows of a format."""

    system: bool = False


@dataclass(frozen=True)
class Format:
    """One way to write rows for training.

    `columns(batch, options)` gives one list per column of `schema`, 0 to n rows for a record. Everything else is a
    function of those columns alone, so that files can be made again from the Parquet file: `lines(columns)` are the
    dicts of the JSON Lines file (keys sorted), `row_ids(columns)` the accepted rows that each row stands on,
    and `beside` has by suffix the lines of further JSON Lines files (`<split>.<suffix>.jsonl`), line for line.
    """

    name: str
    label: str
    help: str
    schema: pa.Schema
    columns: Callable[[list[Record], Options], Columns]
    lines: Callable[[Columns], Iterable[dict]]
    row_ids: Callable[[Columns], list[tuple[str, ...]]]
    needs: frozenset = frozenset()  # of "partner", "refused"
    beside: Mapping[str, Callable[[Columns], Iterable[dict]]] = field(default_factory=dict)

    def table(self, columns: Columns, made: dict | None = None) -> pa.Table:
        """The columns as Arrow with exactly the schema; a missing text is refused, never written as null.

        `made` remembers the lists that were converted, so that what formats share is converted once.
        """
        made = {} if made is None else made
        arrays = []
        for each in self.schema:
            values = columns[each.name]
            if id(values) not in made:
                made[id(values)] = values, array(values, each)  # the list is kept, and its number with it
            arrays.append(made[id(values)][1])
        return pa.Table.from_arrays(arrays, schema=self.schema)


def array(values: list, wanted: pa.Field) -> pa.Array:
    """One column as Arrow. A list of messages is laid out by hand, which takes half the time."""
    kind = wanted.type
    if pa.types.is_list(kind) and pa.types.is_struct(kind.value_type):
        made = _turns(values, kind)
    else:
        made = pa.array(values, kind)
    if made.null_count:
        raise ValueError(f"column {wanted.name} has no value in row {values.index(None)}; what is unknown is ''")
    return made


def _turns(values, kind):
    ends = [0, *accumulate(map(len, values))]
    flat = list(chain.from_iterable(values))
    fields = list(kind.value_type)
    parts = [array(list(map(itemgetter(each.name), flat)), each) for each in fields]
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.StructArray.from_arrays(parts, fields=fields), kind)


def row_id(prompt_key, text):
    """The identity of a training row: sha256 over the prompt's key and the authoritative text, nothing else."""
    return hashlib.sha256(b"%b\n%b" % (prompt_key.encode(), text.encode())).hexdigest()
