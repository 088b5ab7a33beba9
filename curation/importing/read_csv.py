"""CSV: a header line, then a record per row; quoted fields may hold line breaks."""

import csv
from itertools import islice

from .errors import BadRow, shown
from .files import MAX_ROW_CHARS, lines, scan_text

csv.field_size_limit(MAX_ROW_CHARS)
DELIMITERS = ",;\t"
CLOSE_QUOTES = 'quote a field that holds quotes or line breaks, and double the quotes in it ("")'
SHORTER = f"a row may have {MAX_ROW_CHARS:,} characters"


class _Lines:
    """Lines for csv.reader that can be given back, so that one unclosed quote does not swallow the rows after it."""

    def __init__(self, stream):
        self._lines = lines(stream)
        self._returned = []
        self.begin()

    def __iter__(self):
        return self

    def __next__(self):
        item = self._returned.pop() if self._returned else next(self._lines)
        self.record.append(item)
        _, text, whole = item
        self._size += len(text)
        if not whole or self._size > MAX_ROW_CHARS:
            raise csv.Error("the row is too long")
        return text

    def begin(self):
        """A new record starts at the next line."""
        self.record, self._size = [], 0

    def give_back(self):
        """All lines of the record but its first are read again."""
        self._returned.extend(reversed(self.record[1:]))


class CsvReader:
    """Rows of a CSV file in UTF-8, separated by comma, semicolon or tab."""

    place = "line"

    def __init__(self, file):
        self.file = file
        self.total = None
        with file.open_text("") as stream:
            header = stream.readline(MAX_ROW_CHARS)
            self.delimiter = "\t" if file.suffix == ".tsv" else max(DELIMITERS, key=header.count)
        self.columns = self._header()

    def _header(self):
        with self.file.open_text("") as stream:
            try:
                names = next(self._csv(_Lines(stream)), None)
            except csv.Error as error:
                raise self.file.refuse(f"The header line is not CSV ({error}): {CLOSE_QUOTES}.") from error
        if not names or not any(name.strip() for name in names):
            raise self.file.refuse("There is no header line: the first line must name the columns.")
        # pandas leaves the name of an index column empty
        names = [name.strip() or f"column {number}" for number, name in enumerate(names, start=1)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise self.file.refuse(f"Columns named more than once: {shown(twice)}; found {shown(names)}.")
        if any("\0" in name for name in names):
            raise self.file.refuse("The header line holds NUL characters: this is no CSV file in UTF-8.")
        return names

    def _csv(self, source):
        return csv.reader(source, delimiter=self.delimiter, strict=True)

    def head(self, number=200):
        """The first rows, read without reading all."""
        return list(islice(self.rows(), number))

    def check(self):
        """Read all of it once; raises ImportRefused."""
        self.total = max(0, scan_text(self.file) - 1)  # an estimate: quoted fields may hold line breaks

    def rows(self):
        """(line, {column: value} or BadRow) of each record, the header and empty lines aside."""
        with self.file.open_text("") as stream:
            source = _Lines(stream)
            reader = self._csv(source)
            header = True
            while True:
                source.begin()
                try:
                    record = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    yield source.record[0][0], self._broken(source, error)
                    source.give_back()
                    reader = self._csv(source)
                    continue
                if record and not header:
                    yield source.record[0][0], self._row(record)
                header = header and not record

    def _row(self, record):
        if len(record) == len(self.columns):
            return dict(zip(self.columns, record, strict=True))
        fields = f"{len(record)} field{'s' if len(record) != 1 else ''}"
        return BadRow("", fields, f"the header names {len(self.columns)}", record)

    def _broken(self, source, error):
        raw = source.record[0][1].rstrip("\r\n")
        return BadRow("", f"not CSV ({error})", SHORTER if "too long" in str(error) else CLOSE_QUOTES, raw)
