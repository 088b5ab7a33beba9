"""Parquet, read in small batches of rows so that memory stays bounded whatever the row groups are."""

from contextlib import nullcontext
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from .errors import BadRow, shown
from .files import unpacked

BATCH_ROWS = 1000
BATCH_BYTES = 8 << 20
# What a batch may hold where every value is all of its column's dictionary: a file of some hundred bytes can say one
# long text in each of a million rows.
MOST_UNFOLDED = 128 << 20
DICTIONARY_PAGE = 2
# A frame's index, written by pandas: a position, which says nothing about the row.
PANDAS_INDEX = "__index_level_0__"
UNREADABLE = (pa.ArrowException, OSError, ValueError, OverflowError, LookupError)


class ParquetReader:
    """Rows of a Parquet file."""

    place = "row"

    def __init__(self, file):
        self.file = file
        # Open for as long as the reader is needed; an unpacked copy of a gzipped file has no name to open it by.
        source = unpacked(file) if file.gzipped else file.path
        try:
            self.parquet = pq.ParquetFile(source, pre_buffer=False, buffer_size=1 << 16)
            schema = self.parquet.schema_arrow
        except UNREADABLE as error:
            raise file.refuse(f"This is no whole Parquet file: {_first_line(error)}") from error
        names = schema.names
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise file.refuse(f"Columns named more than once: {shown(twice)}; found {shown(names)}.")
        self.columns = [name for name in names if name != PANDAS_INDEX]
        self.types = {name: schema.field(name).type for name in self.columns}
        self.total = self.parquet.metadata.num_rows
        self._at_once = self._rows_at_once(source)

    def _rows_at_once(self, source):
        meta = self.parquet.metadata
        groups = [meta.row_group(number) for number in range(meta.num_row_groups)]
        size = sum(group.total_byte_size for group in groups)
        rows = min(BATCH_ROWS, BATCH_BYTES * max(1, meta.num_rows) // max(1, size))
        with _bytes_of(source) as file:
            heaviest = max((_dictionaries(file, group) for group in groups), default=0)
        return max(1, min(rows, MOST_UNFOLDED // max(1, heaviest)))

    def head(self, number=200):
        """The first rows, read without reading all."""
        return list(islice(self.rows(), number))

    def check(self):
        """Decode all of it once; raises ImportRefused."""
        for _ in self._batches():
            pass

    def wrong_types(self, columns):
        """A sentence for each of these columns that cannot hold text."""
        return [
            f"Column {name!r} holds {self.types[name]}: text is expected."
            for name in columns
            if not _may_hold_text(self.types[name])
        ]

    def _batches(self):
        try:
            yield from self.parquet.iter_batches(batch_size=self._at_once, columns=self.columns, use_threads=False)
        except UNREADABLE as error:
            raise self.file.refuse(f"The Parquet data is broken: {_first_line(error)}") from error

    def rows(self):
        """(row number from 1, {column: value} or BadRow) of each row."""
        number = 0
        for batch in self._batches():
            for values in _values(batch):
                number += 1
                yield number, values


def _bytes_of(source):
    """The file's bytes, apart from what the reader does with them; a copy without a name stays open for the reader."""
    return open(source, "rb") if isinstance(source, Path) else nullcontext(source)


def _dictionaries(file, group):
    """Bytes that one row of a row group can hold at most by the dictionaries of its columns."""
    columns = [group.column(number) for number in range(group.num_columns)]
    return sum(_dictionary(file, column.dictionary_page_offset or column.data_page_offset) for column in columns)


def _dictionary(file, place):
    """The size, unpacked, of the page at `place` where it is a dictionary; taken for the most where nobody can say.

    A page begins with its kind and its size: two fields of Thrift's compact protocol.
    """
    file.seek(place)
    start = file.read(16)
    kind, at = _field(start, 0)
    size, _ = _field(start, at) if at else (None, 0)
    if size is None:
        return MOST_UNFOLDED
    return size if kind == DICTIONARY_PAGE else 0


def _field(data, at):
    """(the next field's whole number, where what follows begins), (None, 0) where there is none."""
    number = shift = 0
    for place in range(at + 1, len(data) if data[at : at + 1] == b"\x15" else 0):
        number |= (data[place] & 0x7F) << shift
        shift += 7
        if data[place] < 0x80:
            return (number >> 1) ^ -(number & 1), place + 1
    return None, 0


def _values(batch):
    try:
        return batch.to_pylist()
    except UNREADABLE:  # a value that Python cannot hold, such as text that is not UTF-8: find it
        return [_one_row(batch.slice(number, 1)) for number in range(batch.num_rows)]


def _one_row(batch):
    values, bad = {}, None
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            values[name] = column[0].as_py()
        except UNREADABLE as error:
            right = "text in UTF-8 is expected" if isinstance(error, UnicodeError) else "another type is expected"
            bad = bad or BadRow(name, f"a value that cannot be read ({_first_line(error)})", right)
    if bad:
        bad.raw = values
    return bad or values


def _may_hold_text(kind):
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind in (pa.string_view(), pa.null())


def _first_line(error):
    return str(error).strip().split("\n")[0][:300] or type(error).__name__
