"""Accepted response -> training record -> file. The same records always give the same bytes.

One schema for every file of a release: what is unknown is an empty text, never null, so that readers which infer
types from the first rows see the same columns everywhere.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

MESSAGE = pa.struct([pa.field("role", pa.string(), nullable=False), pa.field("content", pa.string(), nullable=False)])
META_COLUMNS = ("domain", "task_type", "group", "source", "licence", "model", "review")
RECORD_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("messages", pa.list_(pa.field("element", MESSAGE, nullable=False)), nullable=False),
        *(pa.field(name, pa.string(), nullable=False) for name in META_COLUMNS),
    ]
)
ROW_GROUP = 5_000


def row_id(prompt_key, text):
    """The identity of a training row: sha256 over the prompt's key and the authoritative text, nothing else."""
    return hashlib.sha256(f"{prompt_key}\n{text}".encode()).hexdigest()


def to_messages(user, assistant, system=None):
    """Chat messages: system only if there is one. An empty user or assistant text is refused."""
    for role, text in (("user", user), ("assistant", assistant)):
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"the {role} message is {text!r}; a training record needs its text")
    messages = [{"role": "system", "content": system}] if system else []
    return [*messages, {"role": "user", "content": user}, {"role": "assistant", "content": assistant}]


def to_record(prompt_key, user, assistant, *, system=None, **meta):
    """One row of RECORD_SCHEMA. `meta` takes META_COLUMNS; those left out are empty, others are refused by name."""
    unknown = sorted(meta.keys() - set(META_COLUMNS))
    if unknown:
        raise ValueError(f"unknown columns: {', '.join(unknown)}; a record takes {', '.join(META_COLUMNS)}")
    record = {"id": row_id(prompt_key, assistant), "messages": to_messages(user, assistant, system)}
    return record | {name: meta.get(name) or "" for name in META_COLUMNS}


def to_legacy_io(user, assistant, **meta):
    """The earlier scripts' shape: {"input", "output", "meta"}, with task_type, model_id, regenerated … in `meta`."""
    to_messages(user, assistant)
    return {"input": user, "output": assistant, "meta": meta}


def jsonl_bytes(record):
    """One line of JSONL: sorted keys, UTF-8 as it is, LF. NaN, infinity and lone surrogates are refused."""
    text = json.dumps(_normal(record), sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode() + b"\n"


def write_jsonl(path, records):
    """Write records, one a line; returns how many. The file appears only when it is whole."""
    count = 0
    with _whole_file(path) as part, open(part, "wb") as file:
        for count, record in enumerate(records, start=1):  # noqa: B007  counted for the caller
            file.write(jsonl_bytes(record))
    return count


def write_parquet(path, rows, schema=RECORD_SCHEMA):
    """Write rows (an iterator, sorted already) as Parquet with exactly this schema; returns how many.

    Row groups are cut by count alone and nothing of this machine is written, so equal rows give equal bytes.
    A row with other columns than the schema's is refused by name. The file appears only when it is whole.
    """
    count, rows = 0, iter(rows)
    schema = schema.remove_metadata()
    options = {"version": "2.6", "compression": "zstd", "compression_level": 3, "data_page_version": "1.0"}
    with _whole_file(path) as part, pq.ParquetWriter(part, schema, **options) as writer:
        while slice_ := [_row(row, schema) for row in islice(rows, ROW_GROUP)]:
            writer.write_table(pa.Table.from_pylist(slice_, schema=schema), row_group_size=ROW_GROUP)
            count += len(slice_)
    return count


def file_sha256(path):
    """The sha256 of a file, read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _row(row, schema):
    if row.keys() != set(schema.names):
        wrong = sorted(row.keys() ^ set(schema.names))
        raise ValueError(
            f"columns {', '.join(wrong)} are missing or too many; a row has exactly {', '.join(schema.names)}"
        )
    return _normal(row)


def _normal(value):
    """-0.0 becomes 0.0: equal numbers must be equal bytes."""
    if isinstance(value, float):
        return value + 0.0
    if isinstance(value, Mapping):
        return {key: _normal(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_normal(item) for item in value]
    return value


@contextmanager
def _whole_file(path):
    """A path beside `path` to write to; renamed to it when all went well, removed when not."""
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
