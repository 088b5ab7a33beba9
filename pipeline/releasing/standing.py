"""Do the files of each format say what rows.parquet says, row by row, and JSON Lines what Parquet says?"""

from collections import Counter
from pathlib import PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic_core import to_json

from pipeline.formats import FORMATS, RELEASE_SCHEMA, jsonl_bytes, row_id

from . import proof

BATCH = 2000
SPLITS = ("train", "validation", "test")
MAIN = "messages"  # the format whose rows are those of rows.parquet
SAME = ("prompt_key", "group", "status", "teacher", "attempt", "locator", "licence")  # in both of them
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

    def add_all(self, directory, name, *schemas):
        """Read a file's rows; raises Different at the first that cannot be."""
        number = 0
        for batch in parquet(directory, name, *schemas).iter_batches(BATCH, columns=["id", "split", "group", "status"]):
            for row in batch.to_pylist():
                number += 1
                self._add(f"{name}, row {number:,}", **row)

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


def parts(entries):
    """[(format, split)] of the entries of a manifest, formats in their own order."""
    found = {(str(entry.get("format")), entry["split"]) for entry in entries}
    unknown = sorted({name for name, _ in found} - FORMATS.keys())
    if unknown:
        raise Different(f"The manifest names files of {', '.join(unknown)}; formats are {', '.join(FORMATS)}.")
    order = list(FORMATS)
    return sorted(found, key=lambda each: (order.index(each[0]), each[1]))


class Part:
    """The files of one format and one split."""

    def __init__(self, directory, entries, name, split, counted):
        self.directory, self.format, self.split, self.counted = directory, FORMATS[name], split, counted
        self.proofs = [proof.NAME] if (directory / proof.NAME).is_file() else []
        self.proofs = self.proofs or [entry["path"] for entry in main_tables(entries) if entry["split"] == split]
        own = [entry for entry in entries if entry.get("format") == name and entry["split"] == split]
        self.tables = [entry for entry in own if entry["path"].endswith(".parquet")]
        self.texts = [entry for entry in own if entry["path"].endswith(".jsonl")]
        self.seen = 0

    def verify(self):
        """The number of its rows; raises Different at the first that is not what it should be."""
        if not self.tables:
            raise Different(f"{self.format.name}, {self.split}: JSON Lines without Parquet.")
        proven = _proven(self.directory, self.proofs, self.split)
        lines = [_Lines(self.directory, entry, self._makes(entry)) for entry in self.texts]
        for entry in self.tables:
            before = self.seen
            for batch in parquet(self.directory, entry["path"], self.format.schema).iter_batches(BATCH):
                columns = batch.to_pydict()
                self._rows_stand(entry["path"], self.seen - before, columns, proven)
                self.seen += len(columns["id"])
                for each in lines:
                    each.hold(columns)
            if self.seen - before != entry.get("rows"):
                found, said = f"{self.seen - before:,}", entry.get("rows")
                raise Different(f"{entry['path']} has {found} rows, the manifest says {said}.")
        for each in lines:
            each.end()
        if self.format.name == MAIN and self.seen != len(proven):
            raise Different(f"{self.split} has {self.seen:,} rows of {MAIN}, {self.proofs[0]} has {len(proven):,}.")
        return self.seen

    def _makes(self, entry):
        """The function that makes the lines of a JSON Lines file from columns."""
        suffix = PurePosixPath(entry["path"]).name.removesuffix(".jsonl").partition(".")[2]
        if suffix and suffix not in self.format.beside:
            raise Different(f"{entry['path']}: the format {self.format.name} has no lines of {suffix!r}.")
        return self.format.beside[suffix] if suffix else self.format.lines

    def _rows_stand(self, path, before, columns, proven):
        rows = zip(*columns.values(), strict=True)
        for number, (values, ids) in enumerate(zip(rows, self.format.row_ids(columns), strict=True), before + 1):
            row = dict(zip(columns, values, strict=True))
            self._row_stands(f"{path}, row {number:,}", row, ids, proven)

    def _row_stands(self, where, row, ids, proven):
        """It is in the right split, and holds the very texts of the accepted rows that it stands on."""
        if row["split"] != self.split:
            raise Different(f"{where} says split {row['split']!r}, in a file of {self.split}.")
        texts = {proof.sha256(text) for value in row.values() for text in _texts(value)}
        for each in ids:
            if each not in proven:
                raise Different(f"{where} stands on {each}, which {proof.NAME} does not have in {self.split}.")
            # A refused answer stands on the accepted one without holding its text.
            if row.get("label", True) and proven[each]["text_sha256"] not in texts:
                raise Different(f"{where} does not hold the text of {each} whose sha256 is in {proof.NAME}.")
        if self.format.name == MAIN:
            _is_the_row(where, row, proven[row["id"]])
            for column, counter in self.counted.items():
                counter[row[column]] += 1
        elif row["group"] != proven[ids[0]]["group"]:
            raise Different(f"{where} says group {row['group']}, {proof.NAME} says {proven[ids[0]]['group']}.")


def _proven(directory, names, split):
    """{row id: its columns of SAME and its sha256s} of a split, by rows.parquet or, without one, by the rows."""
    if names == [proof.NAME]:
        columns = ["id", "split", *SAME, "text_sha256", "teacher_text_sha256"]
        batches = parquet(directory, proof.NAME, proof.SCHEMA).iter_batches(BATCH, columns=columns)
        return {row["id"]: row for batch in batches for row in batch.to_pylist() if row["split"] == split}
    return {
        row["id"]: {name: row[name] for name in SAME} | {"text_sha256": proof.sha256(row["messages"][-1]["content"])}
        for name in names
        for batch in parquet(directory, name, *MAIN_SCHEMAS).iter_batches(BATCH)
        for row in batch.to_pylist()
    }


def main_tables(entries):
    """The entries of the Parquet files that have a release's rows; the first releases did not name their format."""
    return [
        entry
        for entry in entries
        if entry.get("split") and entry.get("format", MAIN) == MAIN and entry["path"].endswith(".parquet")
    ]


def _has_its_id(where, row):
    right = row_id(row["prompt_key"], row["messages"][-1]["content"])
    if row["id"] != right:
        raise Different(f"{where}: its id is {row['id']}; its prompt key and its text make {right}.")


def _is_the_row(where, row, known):
    _has_its_id(where, row)
    for name in SAME:
        if row[name] != known[name]:
            raise Different(f"{where}: {name} is {row[name]!r}, {proof.NAME} says {known[name]!r}.")
    teachers = known.get("teacher_text_sha256")
    if teachers and row["edited"] != (known["text_sha256"] != teachers):
        raise Different(f"{where}: edited is {row['edited']}; the sha256 of its texts in {proof.NAME} say otherwise.")


def _texts(value):
    """Every text in a value of a column."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


class _Lines:
    """A JSON Lines file beside the columns that it was made of."""

    def __init__(self, directory, entry, makes):
        self.path, self.makes, self.rows, self.number = entry["path"], makes, entry.get("rows"), 0
        if not (directory / self.path).is_file():
            raise Different(f"{self.path} is missing.")
        # Open for as long as the batches of its Parquet file come: closed by end(), or when a difference ends it all.
        self.file = open(directory / self.path, "rb")  # noqa: SIM115

    def hold(self, columns):
        """Raises Different at the first line that is not the one which the columns make."""
        for line in self.makes(columns):
            self.number += 1
            if self.file.readline() != to_json(line) + b"\n":
                raise Different(f"{self.path}, line {self.number:,} is not what the Parquet file makes of that row.")

    def end(self):
        """Raises Different where the file goes on, or has another number of lines than the manifest says."""
        with self.file:
            if self.file.readline():
                raise Different(f"{self.path} goes on after line {self.number:,}, the last of the Parquet file.")
        if self.rows is not None and self.rows != self.number:
            raise Different(f"{self.path} has {self.number:,} lines, the manifest says {self.rows}.")


def ids_of(directory, entries):
    """The row ids of a release, by rows.parquet or, without one, by its rows."""
    if (directory / proof.NAME).is_file():
        return set(parquet(directory, proof.NAME, proof.SCHEMA).read(["id"])[0].to_pylist())
    tables = [parquet(directory, entry["path"], *MAIN_SCHEMAS).read(["id"])[0] for entry in main_tables(entries)]
    return {row for ids in tables for row in ids.to_pylist()}


def ids_hold(directory, name):
    """Raises Different where a row's id is not made of its prompt's key and its text."""
    for number, row in _numbered(directory, name, "id", "prompt_key", "messages"):
        _has_its_id(f"{name}, row {number:,}", row)


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
