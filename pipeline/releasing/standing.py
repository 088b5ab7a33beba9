"""Do the files of each format say what rows.parquet says, row by row, and JSON Lines what Parquet says?"""

from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.formats import RELEASE_SCHEMA, jsonl_bytes, row_id

from . import proof

BATCH = 2000
SPLITS = ("train", "validation", "test")
MAIN = "messages"  # the format whose rows are those of rows.parquet
FIRST_TURN = pa.struct(
    [pa.field("role", pa.string(), nullable=False), pa.field("content", pa.string(), nullable=False)]
)
FIRST_TURNS = pa.field("messages", pa.list_(pa.field("element", FIRST_TURN, nullable=False)), nullable=False)
MAIN_SCHEMAS = (RELEASE_SCHEMA, RELEASE_SCHEMA.set(1, FIRST_TURNS))  # the first releases had a turn's role first
COUNTED = {"task_type": "task_types", "domain": "domains", "teacher": "teachers"}  # column: name in the counts


class Different(Exception):
    """The first difference between a release's files and what its manifest says, as a sentence."""


def parquet(directory, name, *schemas):
    """An open Parquet file of exactly one of these schemas."""
    path = directory / name
    if not path.is_file():
        raise Different(f"{name} is missing.")
    file = pq.ParquetFile(path)
    if not any(file.schema_arrow.equals(schema) for schema in schemas):
        found, right = ({f"{each.name} ({each.type})" for each in schema} for schema in (file.schema_arrow, schemas[0]))
        wrong = ", ".join(sorted(found ^ right)) or "in another order, or with gaps"
        raise Different(f"{name} has other columns than its schema: {wrong}.")
    return file


class Rows:
    """Rows of a release as they are read: each once, each group in one split."""

    def __init__(self):
        self.ids, self.split_of = set(), {}
        self.splits, self.statuses = Counter(), Counter()

    @property
    def number(self):
        return len(self.ids)

    def add_all(self, directory, name, *schemas, in_order=False):
        """Read a file's rows; raises Different at the first that cannot be, or that is not behind the one before."""
        number, last, astray = 0, (0, ""), ""
        for batch in parquet(directory, name, *schemas).iter_batches(BATCH, columns=["id", "split", "group", "status"]):
            for row in batch.to_pylist():
                number += 1
                self._add(f"{name}, row {number:,}", **row)
                place = SPLITS.index(row["split"]), row["id"]
                if in_order and place < last:
                    astray = astray or f"{name}, row {number:,} is not in its place: rows are sorted by split and id."
                last = place
        if astray:
            raise Different(astray)

    def _add(self, where, id, split, group, status):
        if id in self.ids:
            raise Different(f"{where}: {id} is there twice.")
        if split not in SPLITS:
            raise Different(f"{where} is in a split {split!r}.")
        if self.split_of.setdefault(group, split) != split:
            raise Different(f"{where}: its group {group} is in {self.split_of[group]} and in {split}.")
        self.ids.add(id)
        self.splits[split] += 1
        self.statuses[status] += 1


def main_tables(entries):
    """The entries of the Parquet files that have a release's rows; the first releases did not name their format."""
    return [
        entry
        for entry in entries
        if entry.get("split") and entry.get("format", MAIN) == MAIN and entry["path"].endswith(".parquet")
    ]


def has_its_id(where, row):
    right = row_id(row["prompt_key"], row["messages"][-1]["content"])
    if row["id"] != right:
        raise Different(f"{where}: its id is {row['id']}; its prompt key and its text make {right}.")


def ids_of(directory, entries):
    """The row ids of a release, by rows.parquet or, without one, by its rows."""
    if (directory / proof.NAME).is_file():
        return set(parquet(directory, proof.NAME, proof.SCHEMA).read(["id"])[0].to_pylist())
    tables = [parquet(directory, entry["path"], *MAIN_SCHEMAS).read(["id"])[0] for entry in main_tables(entries)]
    return {row for ids in tables for row in ids.to_pylist()}


def ids_hold(directory, name):
    """Raises Different where a row's id is not made of its prompt's key and its text."""
    for number, row in _numbered(directory, name, "id", "prompt_key", "messages"):
        has_its_id(f"{name}, row {number:,}", row)


def first_lines_hold(directory, entry):
    """The JSON Lines of the first schema have the messages of the Parquet file, line for line."""
    number, name = 0, f"jsonl/{entry['split']}.jsonl"
    if not (directory / name).is_file():
        raise Different(f"{name} is missing.")
    with open(directory / name, "rb") as lines:
        for number, row in _numbered(directory, entry["path"], "messages"):
            if lines.readline() != jsonl_bytes(row):
                raise Different(f"{name}, line {number:,} is not what {entry['path']} says.")
        if lines.readline():
            raise Different(f"{name} goes on after line {number:,}.")


def _numbered(directory, name, *columns):
    """(number from 1, row) of a main file."""
    batches = parquet(directory, name, *MAIN_SCHEMAS).iter_batches(BATCH, columns=list(columns))
    return enumerate((row for batch in batches for row in batch.to_pylist()), 1)
