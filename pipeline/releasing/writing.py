"""Records -> files: every format of every split in one pass, each file with its sha256 as it is written.

Row groups are cut by count, shards by the bytes written, and nothing of this machine is in a file: the same rows give
the same bytes. A format or split without a row gets no file.
"""

import hashlib
import shutil
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.formats import FORMATS, Batch, Options
from pipeline.formats.files import ROW_GROUP, text_lines

PARQUET = {"version": "2.6", "compression": "zstd", "compression_level": 3, "data_page_version": "1.0"}
WAITING = 3  # pieces that may wait to be written: what bounds the memory
FOLDERS = {"messages": "data"}  # of the Parquet files; the others lie in a folder of their name


class Here:
    """Does work at once."""

    def do(self, work, *args):
        """Have `work` done."""
        work(*args)

    def wait(self):
        """Everything is done already."""


class Behind(Here):
    """Does work in a thread of its own, in order: what compresses, hashes and writes leaves this one free to read.

    A failure is raised at the next call. Leaving the block waits for all, or, by an exception, drops what waits.
    """

    def __init__(self, most=WAITING):
        self.most = most

    def __enter__(self):
        self._thread, self._waiting = ThreadPoolExecutor(1), deque()
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self.wait()
        finally:
            self._thread.shutdown(cancel_futures=True)

    def do(self, work, *args):
        """Have `work` done after everything before; waits where too much is waiting."""
        if len(self._waiting) >= self.most:
            self._waiting.popleft().result()
        self._waiting.append(self._thread.submit(work, *args))

    def wait(self):
        """Until everything is done."""
        while self._waiting:
            self._waiting.popleft().result()


class File:
    """A file that knows its bytes and sha256 while it is written."""

    def __init__(self, directory, path):
        self.path = path
        self.place = directory / path
        self.place.parent.mkdir(parents=True, exist_ok=True)
        self.bytes, self.closed = 0, False
        self._digest, self._file = hashlib.sha256(), open(self.place, "wb")  # noqa: SIM115  closed by close()

    def write(self, data):
        self._digest.update(data)
        self._file.write(data)
        self.bytes += len(data)
        return len(data)

    def tell(self):
        return self.bytes

    def flush(self):
        self._file.flush()

    def close(self):
        self.closed = True
        self._file.close()

    def entry(self, **about):
        """What the release's record says of it."""
        return {"path": self.path, "bytes": self.bytes, "sha256": self._digest.hexdigest()} | about


class Table:
    """Rows of one schema as Parquet, in row groups of exactly ROW_GROUP, in a new file above `shard_bytes`.

    `name` has the places `{shard}` and `{shards}` where the file is one of several.
    """

    def __init__(self, directory, name, schema, shard_bytes=None, behind=None):
        self.behind, self.directory, self.name = behind or Here(), directory, name
        self.schema, self.shard_bytes = schema.remove_metadata(), shard_bytes
        self.files, self.rows = [], []
        self._waiting, self._writer = [], None

    def add(self, table):
        """Add rows; what fills no row group waits."""
        if not table.num_rows:
            return
        self._waiting.append(table)
        waiting = sum(each.num_rows for each in self._waiting)
        if waiting >= ROW_GROUP:
            whole = pa.concat_tables(self._waiting)
            for start in range(0, waiting - ROW_GROUP + 1, ROW_GROUP):
                self.behind.do(self._write, whole.slice(start, ROW_GROUP))
            rest = whole.slice(waiting - waiting % ROW_GROUP)
            self._waiting = [rest] if rest.num_rows else []

    def _write(self, group):
        if self._writer and self.shard_bytes and self.files[-1].bytes >= self.shard_bytes:
            self._end()
        if self._writer is None:
            self.files.append(File(self.directory, f"{self.name}.{len(self.files)}.part"))
            self.rows.append(0)
            self._writer = pq.ParquetWriter(pa.PythonFile(self.files[-1], "w"), self.schema, **PARQUET)
        self._writer.write_table(group.combine_chunks(), row_group_size=ROW_GROUP)
        self.rows[-1] += group.num_rows

    def _end(self):
        self._writer.close()
        self.files[-1].close()
        self._writer = None

    def close(self, **about):
        """Write what waits, give the files their names; returns their entries."""
        self.behind.wait()
        if self._waiting:
            self._write(pa.concat_tables(self._waiting))
        if self._writer:
            self._end()
        for number, file in enumerate(self.files):
            file.path = self.name.format(shard=f"{number:05}", shards=f"{len(self.files):05}")
            file.place.rename(self.directory / file.path)
        return [file.entry(rows=rows, **about) for file, rows in zip(self.files, self.rows, strict=True)]


class Lines:
    """JSON Lines: sorted keys, UTF-8 as it is, LF."""

    def __init__(self, directory, name, behind=None):
        self.behind, self.directory, self.name = behind or Here(), directory, name
        self.file, self.rows = None, 0

    def add(self, lines):
        """Add a batch of dicts."""
        lines = list(lines)
        if lines:
            self.file = self.file or File(self.directory, self.name)
            self.behind.do(self.file.write, text_lines(lines))
            self.rows += len(lines)

    def close(self, **about):
        """End the file; returns its entry, or none where there was no row."""
        if self.file is None:
            return []
        self.behind.wait()
        self.file.close()
        return [self.file.entry(rows=self.rows, **about)]


class Split:
    """The files of all formats of one split."""

    def __init__(self, directory, split, names, *, system=False, shard_bytes=None, behind=None):
        self.split, self.options = split, Options(system=system)
        self.formats = [FORMATS[name] for name in names]
        self.tables, self.lines = {}, {}
        for each in self.formats:
            shards = f"{FOLDERS.get(each.name, each.name)}/{split}-{{shard}}-of-{{shards}}.parquet"
            self.tables[each.name] = Table(directory, shards, each.schema, shard_bytes, behind)
            self.lines[each.name] = {
                suffix: Lines(directory, f"jsonl/{each.name}/{split}{suffix and '.'}{suffix}.jsonl", behind)
                for suffix in ("", *each.beside)
            }

    def add(self, records):
        """Write a batch of Records."""
        batch, made = Batch(records), {}
        for each in self.formats:
            columns = each.columns(batch, self.options)
            self.tables[each.name].add(each.table(columns, made))
            for suffix, lines in self.lines[each.name].items():
                lines.add((each.beside[suffix] if suffix else each.lines)(columns))

    def close(self):
        """End all files; returns their entries."""
        entries = []
        for each in self.formats:
            about = {"split": self.split, "format": each.name}
            for file in (self.tables[each.name], *self.lines[each.name].values()):
                entries += file.close(**about)
        return entries


class Files:
    """The files of all formats, split by split."""

    def __init__(self, directory, names, *, behind=None, **options):
        self._new = lambda split: Split(directory, split, names, behind=behind, **options)
        self._split, self._entries = None, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Nothing to leave: a file that is not whole goes with its folder."""

    def add(self, split, records):
        """Write a batch of Records of a split; splits come one after the other."""
        if self._split is None or self._split.split != split:
            self._end()
            self._split = self._new(split)
        self._split.add(records)

    def _end(self):
        self._entries += self._split.close() if self._split else []

    def close(self):
        """End all files; returns their entries."""
        self._end()
        return self._entries


def rows_by_format(entries):
    """{format: {split: rows}} of the Parquet files among `entries`."""
    counted = {}
    for entry in entries:
        if "format" in entry and entry["path"].endswith(".parquet"):
            counted.setdefault(entry["format"], Counter())[entry["split"]] += entry["rows"]
    return {name: dict(splits) for name, splits in counted.items()}


def copy_table(release, split, target):
    """The messages of one split as a single Parquet file, however many the release has."""
    shards = sorted(
        entry["path"]
        for entry in release.files
        if entry.get("split") == split and entry.get("format") == "messages" and entry["path"].endswith(".parquet")
    )
    if len(shards) == 1:
        shutil.copyfile(release.directory / shards[0], target)
        return
    with pq.ParquetWriter(target, FORMATS["messages"].schema, **PARQUET) as writer:
        for shard in shards:
            file = pq.ParquetFile(release.directory / shard)
            for group in range(file.num_row_groups):
                writer.write_table(file.read_row_group(group), row_group_size=ROW_GROUP)
