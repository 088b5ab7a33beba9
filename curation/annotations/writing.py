"""Rows of decisions into a file, streamed: it appears whole or not at all."""

import csv
import json
import os
from contextlib import contextmanager
from itertools import islice

import pyarrow as pa
import pyarrow.parquet as pq

from .rows import AT_ONCE, COLUMNS

# A spreadsheet runs a cell that begins so as a formula (OWASP, "CSV Injection").
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_ARROW = {
    "text": pa.string(),
    "texts": pa.list_(pa.string()),
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "time": pa.timestamp("us", tz="UTC"),
}
SCHEMA = pa.schema([(column.name, _ARROW[column.kind]) for column in COLUMNS])


def write(path, rows, kind=None, *, step=lambda number: None):
    """Write `rows` (dicts by COLUMNS) to `path` as `kind` (jsonl, parquet or csv; by its ending if not given).

    `step` hears the number of rows after each portion, and may raise to stop: then there is no file. Returns the
    number of rows. Raises ValueError for an unknown kind.
    """
    kind = kind or path.suffix.lstrip(".")
    if kind not in FORMATS:
        raise ValueError(f"{path.name}: write to a file that ends in {', '.join(f'.{name}' for name in FORMATS)}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    done = 0
    try:
        with FORMATS[kind](part) as put:
            rows = iter(rows)
            while portion := list(islice(rows, AT_ONCE)):
                put(portion)
                done += len(portion)
                step(len(portion))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return done


@contextmanager
def _jsonl(path):
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        yield lambda portion: file.writelines(json.dumps(_plain(row), ensure_ascii=False) + "\n" for row in portion)


def _plain(row):
    return row | {"timestamp": row["timestamp"].isoformat().replace("+00:00", "Z")}


@contextmanager
def _parquet(path):
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        yield lambda portion: writer.write_table(pa.Table.from_pylist(portion, schema=SCHEMA))


@contextmanager
def _csv(path):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([column.name for column in COLUMNS])
        yield lambda portion: writer.writerows(map(_cells, portion))


def _cells(row):
    row = _plain(row)
    return [_cell(row[column.name], column.kind) for column in COLUMNS]


def _cell(value, kind):
    if value is None:
        return ""
    if kind in ("number", "integer", "boolean"):
        return value
    text = "; ".join(value) if kind == "texts" else value
    return f"'{text}" if text.startswith(FORMULA) else text


FORMATS = {"jsonl": _jsonl, "parquet": _parquet, "csv": _csv}
