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
RELEASE_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("messages", pa.list_(pa.field("element", MESSAGE, nullable=False)), nullable=False),
        pa.field("task_type", pa.string(), nullable=False),
        pa.field("domain", pa.string(), nullable=False),
        pa.field("prompt_key", pa.string(), nullable=False),
        pa.field("group", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("teacher", pa.string(), nullable=False),
        pa.field("attempt", pa.int64(), nullable=False),
        pa.field("edited", pa.bool_(), nullable=False),
        pa.field("locator", pa.string(), nullable=False),
        pa.field("licence", pa.string(), nullable=False),
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


def jsonl_bytes(record):
    """One line of JSONL: sorted keys, UTF-8 as it is, LF. NaN, infinity and lone surrogates are refused."""
    text = json.dumps(_normal(record), sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode() + b"\n"


def write_parquet(path, rows, schema=RELEASE_SCHEMA):
    """Write rows (an iterator, sorted already) as Parquet with exactly this schema; returns how many.

    Row groups are cut by count alone and nothing of this machine is written, so equal rows give equal bytes.
    A row with other columns than the schema's is refused by name. The file appears only when it is whole.
    """
    count, rows = 0, iter(rows)
    schema = schema.remove_metadata()
    options = {"version": "2.6", "compression": "zstd", "compression_level": 3, "data_page_version": "1.0"}
    with replacing(path) as part, pq.ParquetWriter(part, schema, **options) as writer:
        while slice_ := [_row(row, schema) for row in islice(rows, ROW_GROUP)]:
            writer.write_table(pa.Table.from_pylist(slice_, schema=schema), row_group_size=ROW_GROUP)
            count += len(slice_)
    return count


@contextmanager
def replacing(path):
    """Write to a file beside `path`, which takes its place when the block ends well; otherwise nothing changes."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def file_sha256(path):
    """The sha256 of a file, read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def combined_sha256(files):
    """One sha256 over [{"path", "sha256"}], whatever their order: equal files by equal names give the same."""
    lines = sorted(f"{file['sha256']}  {file['path']}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


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
