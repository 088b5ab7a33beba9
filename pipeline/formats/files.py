"""Rows -> files: the same rows always give the same bytes, and a file is whole or not there."""

import errno
import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic_core import to_json

from .chat import MESSAGES_SCHEMA

ROW_GROUP = 5_000
OF_RELEASES = ("manifest.json", "rows.parquet")  # by these files a folder is known as a release


def jsonl_bytes(record):
    """One line of JSONL: sorted keys, UTF-8 as it is, LF. NaN, infinity and lone surrogates are refused."""
    text = json.dumps(_normal(record), sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode() + b"\n"


def text_lines(lines):
    """Several lines of JSONL at once: the bytes of `jsonl_bytes`, four times as fast.

    For what a format gives: keys sorted already, and no float in it, which would be written in another way.
    """
    return b"".join([to_json(line) + b"\n" for line in lines])


def write_parquet(path, rows, schema=MESSAGES_SCHEMA):
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
    """Write to a file beside `path`, which takes its place when the block ends well; otherwise nothing changes.

    A path in the folder of a finished release is refused: PermissionError.
    """
    path = Path(path)
    refuse_in_release(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def refuse_in_release(path):
    """PermissionError for a path that lies in a release's folder, wherever that was copied to: it changes no more."""
    for folder in Path(path).absolute().resolve().parents:
        if all((folder / name).is_file() for name in OF_RELEASES):
            raise PermissionError(errno.EPERM, f"{folder} is a release, and a release never changes", str(path))


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
