"""Files that the earlier scripts wrote are never written over: they are put beside, once, under another name."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

MARK = ".scripts"
OURS = {"prompt_key", "messages"}  # one of them is in every file of rows that this program writes
_META = "meta"


def set_aside(path):
    """Put a file that is not ours out of the way of one that will be; returns where it lies then, else None."""
    path = Path(path)
    if not path.is_file() or is_ours(path):
        return None
    target, number = aside_of(path), 2
    while target.exists():
        target, number = path.with_name(f"{path.stem}{MARK}{number}{path.suffix}"), number + 1
    path.rename(target)
    return target


def aside_of(path):
    """Where the scripts' file of this name lies once ours has taken its place."""
    path = Path(path)
    return path.with_name(f"{path.stem}{MARK}{path.suffix}")


def is_ours(path):
    """Whether this program wrote a file of rows, Parquet or JSON Lines; of one that cannot be read nobody knows."""
    try:
        names = _of_parquet(path) if path.suffix == ".parquet" else _of_lines(path)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError, RecursionError, OSError):
        return False
    return bool(OURS & set(names))


def _of_parquet(path):
    schema = pq.read_schema(path)
    meta = schema.field(_META).type if _META in schema.names else None
    inner = [meta.field(number).name for number in range(meta.num_fields)] if meta and pa.types.is_struct(meta) else []
    if meta and pa.types.is_string(meta):
        first = next(pq.ParquetFile(path).iter_batches(1, columns=[_META]), None)
        inner = json.loads(first.column(0)[0].as_py() or "{}") if first and first.num_rows else []
    return [*schema.names, *inner]


def _of_lines(path):
    with open(path, encoding="utf-8-sig") as file:
        row = json.loads(file.readline() or "{}")
    if not isinstance(row, dict):
        return []
    meta = row.get(_META)
    return [*row, *(meta if isinstance(meta, dict) else [])]
