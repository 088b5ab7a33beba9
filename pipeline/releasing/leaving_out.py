"""The files of a release without some of its rows: Parquet row by row, JSON Lines made anew from what is left."""

import json
import shutil
from collections import Counter

import pyarrow.parquet as pq

from pipeline import formats

from . import lengths, proof, standing, writing

TOMBSTONES = "tombstones.json"
LEFT_OUT = "left_out.jsonl"
BATCH = 1000
SHARD_BYTES = 500_000_000
SAID = ("id", "messages", "edited")  # columns that the length of a row is counted by
KEPT = ("teachers", "task_types", "domains", "statuses")  # counts by a column of the rows


def write(release, base, scratch, gone, look):
    """Write what is left of the base's files; sets its counts and content hash. Returns the removed rows' proof."""
    files, tally = [], _Tally(release)
    for name, split in _parts(base):
        files += _write_part(base, scratch, formats.FORMATS[name], split, gone, tally, look)
    numbers = tally.numbers
    removed, table_files, groups = _write_proof(base, scratch, gone)
    splits = {split: sum(each["rows"] for each in files if _is_main(each, split)) for split in standing.SPLITS}
    rows = sum(splits.values())
    release.counts = base.counts | {name: dict(sorted(counted.items())) for name, counted in numbers.items()}
    release.counts |= {
        "rows": rows,
        "unreviewed": numbers["statuses"]["unreviewed"],
        "groups": groups,
        "splits": {split: number for split, number in splits.items() if number},
        "formats": writing.rows_by_format(files),
        "withdrawn": len(gone),
    }
    release.report = {"lengths": tally.lengths.figures()}
    release.content_hash = formats.combined_sha256(files)
    files += table_files + _copy_left_out(base, scratch) + _write_tombstones(base, scratch)
    release.files = files
    return removed


class _Tally:
    """Counts the rows of a patch as they are written, and how long they are."""

    def __init__(self, release):
        system = release.recipe.get("system", False)
        self.numbers = {name: Counter() for name in KEPT}
        self.lengths = lengths.Lengths(release.recipe.get("targets"), system=system)
        self._known = proof.Reader(release.project)
        self._responses = dict(release.base.rows.values_list("row_id", "response_id"))

    def add(self, columns):
        """Add rows of the messages format."""
        for name, counted in self.numbers.items():
            counted.update(columns["status" if name == "statuses" else name.removesuffix("s")])
        records = [_record(*row) for row in zip(*(columns[name] for name in SAID), strict=True)]
        self.lengths.add(records, self._known.read([self._responses[row] for row in columns["id"]]))


def _record(row, messages, edited):
    """What the length of a row is counted by."""
    said = {each["role"]: each["content"] for each in messages}
    own = {"user": said["user"], "system": said.get("system", ""), "text": said["assistant"]}
    return formats.Record(id=row, prompt_key="", edited=edited, **own)


def _is_main(entry, split):
    return entry["format"] == standing.MAIN and entry["split"] == split and entry["path"].endswith(".parquet")


def _parts(base):
    """[(format, split)] that the base has Parquet files of, in one order."""
    order = list(formats.FORMATS)
    found = {(entry["format"], entry["split"]) for entry in tables(base)}
    return sorted(found, key=lambda each: (order.index(each[0]), standing.SPLITS.index(each[1])))


def tables(base):
    return [entry for entry in base.files if entry.get("split") and entry["path"].endswith(".parquet")]


def _write_part(base, scratch, wanted, split, gone, tally, look):
    """The files of one format and split, without the lines that stand on a row of `gone`; returns their entries."""
    folder = writing.FOLDERS.get(wanted.name, wanted.name)
    name = f"{folder}/{split}-{{shard}}-of-{{shards}}.parquet"
    table = writing.Table(scratch, name, wanted.schema, base.recipe.get("shard_bytes", SHARD_BYTES))
    lines = {
        suffix: writing.Lines(scratch, f"jsonl/{wanted.name}/{split}{suffix and '.'}{suffix}.jsonl")
        for suffix in ("", *wanted.beside)
    }
    for columns in _columns(base, wanted, split, gone):
        look()
        table.add(wanted.table(columns))
        for suffix, file in lines.items():
            file.add((wanted.beside[suffix] if suffix else wanted.lines)(columns))
        if wanted.name == standing.MAIN:
            tally.add(columns)
    about = {"split": split, "format": wanted.name}
    return [entry for file in (table, *lines.values()) for entry in file.close(**about)]


def _columns(base, wanted, split, gone):
    """The columns of the base's shards, some thousand rows at a time, without what stands on a row of `gone`."""
    for entry in tables(base):
        if (entry["format"], entry["split"]) != (wanted.name, split):
            continue
        for batch in pq.ParquetFile(base.directory / entry["path"]).iter_batches(BATCH):
            columns = batch.to_pydict()
            stays = [gone.isdisjoint(ids) for ids in wanted.row_ids(columns)]
            if any(stays):
                yield {
                    name: [value for value, kept in zip(values, stays, strict=True) if kept]
                    for name, values in columns.items()
                }


def _write_proof(base, scratch, gone):
    """(rows of rows.parquet that go, entries of what is left of it, number of groups left)."""
    groups, removed = set(), []
    table = writing.Table(scratch, proof.NAME, proof.SCHEMA)
    for batch in pq.ParquetFile(base.directory / proof.NAME).iter_batches(BATCH):
        rows = batch.to_pylist()
        left = [row for row in rows if row["id"] not in gone]
        removed += [row for row in rows if row["id"] in gone]
        groups |= {row["group"] for row in left}
        table.add(proof.table({name: [row[name] for row in left] for name in proof.SCHEMA.names}))
    return removed, table.close(), len(groups)


def _copy_left_out(base, scratch):
    """What had stayed out of the base stays out of its patch, for the same reasons."""
    if not (base.directory / LEFT_OUT).is_file():
        return []
    shutil.copyfile(base.directory / LEFT_OUT, scratch / LEFT_OUT)
    return [_entry(scratch, LEFT_OUT)]


def _write_tombstones(base, scratch):
    """Which rows of the base were withdrawn, and why; sorted, and without any text of theirs.

    Of a patch of a patch also which were `earlier`, from releases before the base: one list serves whoever holds any.
    """
    body = {"base": base.semver or f"{base.version}.0.0", "rows": [_tombstone(row) for row in _buried(base)]}
    named, before, earlier = {row["row_id"] for row in body["rows"]}, base.base, []
    while before:
        earlier += [_tombstone(row) for row in _buried(before) if row.row_id not in named]
        named |= {row["row_id"] for row in earlier}
        before = before.base
    if earlier:
        body["earlier"] = sorted(earlier, key=lambda row: row["row_id"])
    text = json.dumps(body, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    (scratch / TOMBSTONES).write_text(text, encoding="utf-8")
    return [_entry(scratch, TOMBSTONES)]


def _buried(release):
    return release.tombstones.select_related("withdrawal", "prompt").order_by("row_id")


def _tombstone(row):
    return {
        "row_id": row.row_id,
        "prompt_key": row.prompt.key if row.prompt else "",
        "kind": row.withdrawal.kind,
        "value": row.withdrawal.value,
        "reason": row.withdrawal.reason,
    }


def _entry(scratch, name):
    path = scratch / name
    return {"path": name, "bytes": path.stat().st_size, "sha256": formats.file_sha256(path)}
