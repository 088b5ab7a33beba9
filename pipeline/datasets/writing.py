"""A file of rows, Parquet or JSON Lines, whole or not at all; memory holds one batch."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.formats import replacing

BATCH = 2000
_TYPES = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
_KNOWN = {
    "latency_ms": pa.int64(),
    "prompt_tokens": pa.int64(),
    "completion_tokens": pa.int64(),
    "total_tokens": pa.int64(),
    "attempt": pa.int64(),
}


def write(path, records, make_row, columns):
    """A file of the rows that `make_row` makes of `records`, Parquet or JSON Lines (.jsonl); returns how many."""
    write = _write_lines if Path(path).suffix == ".jsonl" else _write_parquet
    return write(path, records, make_row, columns)


def _write_lines(path, records, make_row, columns):
    written = 0
    with replacing(path) as part, open(part, "w", encoding="utf-8", newline="\n") as file:
        for record in records.iterator(chunk_size=BATCH):
            row = make_row(record)
            if row is not None:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                written += 1
    return written


def _write_parquet(path, prompts, make_row, columns):
    """Two passes: the first finds one type a column, the second writes; memory holds one batch."""
    types = {}
    for prompt in prompts.iterator(chunk_size=BATCH):
        for name, value in (make_row(prompt) or {}).items():
            types[name] = _KNOWN.get(name) or _wider(types.get(name), value)
    if not types:
        types = dict.fromkeys(["prompt_key", *columns.values()], pa.string())
    schema = pa.schema([(name, kind or pa.string()) for name, kind in types.items()])
    written = 0
    with replacing(path) as part, pq.ParquetWriter(part, schema, compression="zstd") as writer:
        batch = []
        for prompt in prompts.iterator(chunk_size=BATCH):
            row = make_row(prompt)
            if row is not None:
                batch.append({name: _fit(row.get(name), schema.field(name).type) for name in schema.names})
                written += 1
            if len(batch) == BATCH:
                writer.write_table(pa.Table.from_pylist(batch, schema=schema))
                batch = []
        if batch or not written:
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
    return written


def _wider(known, value):
    """The Arrow type that holds what was seen of a column and `value`; text where they have nothing in common."""
    if value is None:
        return known
    kind = pa.list_(pa.string()) if _is_texts(value) else _TYPES.get(type(value), pa.string())
    if kind == pa.int64() and not -(2**63) <= value < 2**63:
        kind = pa.string()
    if known is None or known == kind:
        return kind
    return pa.float64() if {known, kind} == {pa.int64(), pa.float64()} else pa.string()


def _is_texts(value):
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _fit(value, kind):
    if value is None or not pa.types.is_string(kind) or isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
