"""Files to import, written by tests in every format."""

import csv
import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq


def parquet_bytes(rows, schema=None):
    """A Parquet file of dicts; column types as they come unless `schema` says."""
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), stream)
    return stream.getvalue()


def csv_text(rows, delimiter=","):
    """CSV as Python writes it, None as an empty cell."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def jsonl_text(rows):
    """One object a line."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def content(rows, suffix):
    """The bytes of a file with these rows whose name would end in `suffix`, .gz included."""
    kind = suffix.removesuffix(".gz")
    if kind == ".parquet":
        data = parquet_bytes(rows)
    elif kind in (".csv", ".tsv"):
        data = csv_text(rows, "\t" if kind == ".tsv" else ",").encode()
    elif kind == ".jsonl":
        data = jsonl_text(rows).encode()
    else:
        data = json.dumps({"texts": rows, "generated_at": 1_700_000_000.5}).encode()
    return gzip.compress(data) if suffix.endswith(".gz") else data


def write(directory, name, data):
    """The path of a new file with `data`, text or bytes."""
    path = directory / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def stored(project):
    """What is in the project: (prompts, sources, pairs)."""
    return project.prompts.count(), project.documents.count(), project.pairs.count()
