"""A list of what is to be withdrawn, as lists of retractions come: one a line, or a column of a CSV file."""

import codecs
import csv
import io
import re
from dataclasses import dataclass
from itertools import chain
from pathlib import PurePath

from ..models import Withdrawal
from .chosen import WrongWish

Kind = Withdrawal.Kind
TABLES = (".csv", ".tsv")
DELIMITERS = ",;\t"
# Names of columns without spaces and marks. A notice of retraction has a DOI of its own, which is not the paper's.
USUAL = {Kind.SOURCE: ("originalpaperdoi", "locator", "doi", "sourceref", "url"), Kind.ROW: ("rowid", "id")}
MOST = 1_000_000  # lines
SHOWN = 30  # columns that a refusal names
NO_TEXT = {b"PAR1": "Parquet", b"PK\x03\x04": "a workbook or ZIP archive", b"\x1f\x8b": "gzip"}
WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Line:
    """One thing that a list names: the line where it begins, from 1, and its text."""

    number: int
    text: str


def read(file, kind, name="", column=""):
    """The Lines of a list, `file` being open for bytes: blank lines, empty cells and # remarks left out.

    What is called .csv or .tsv, or is given a `column`, is a table with a header. Raises WrongWish.
    """
    if kind not in USUAL:
        raise WrongWish(f"A list names sources or rows; {kind or 'nothing'} is withdrawn one by one.")
    start = file.read(4)
    file.seek(0)
    what = next((what for sign, what in NO_TEXT.items() if start.startswith(sign)), "")
    if what or start.startswith(WIDE):
        raise WrongWish(f"The file is {what or 'UTF-16'}: save it as text or CSV in UTF-8.")
    # DOIs and row ids are ASCII: what else stands in a row may be in any encoding.
    stream = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
    try:
        is_table = bool(column) or PurePath(name).suffix.lower() in TABLES
        found = list(_checked(_of_table(stream, kind, column) if is_table else _of_lines(stream)))
    except csv.Error as error:
        raise WrongWish(f"The file is no table: {error}.") from None
    finally:
        stream.detach()  # its file stays open for whoever opened it
    return _some(found)


def of_text(text):
    """The Lines of a text with one a line; raises WrongWish where there is none."""
    return _some(list(_of_lines(io.StringIO(text, newline=None))))


def _some(lines):
    if not lines:
        raise WrongWish("The list names nothing: one locator or row id a line, or a column of them, is wanted.")
    return lines


def _checked(lines):
    for number, line in enumerate(lines):
        if number >= MOST:
            raise WrongWish(f"The list has more than {MOST:,} lines: cut it into several.")
        yield line


def _of_lines(stream):
    for number, line in enumerate(stream, 1):
        text = line.strip().strip('"').strip()
        if text and not text.startswith("#"):
            yield Line(number, text)


def _of_table(stream, kind, column):
    first = stream.readline()
    rows = csv.reader(chain([first], stream), delimiter=max(DELIMITERS, key=first.count))
    header = [name.strip() for name in next(rows, [])]
    place = _place(header, kind, column)
    if place is None:  # one column without a name: its first line is one of them already
        yield Line(1, header[0])
        place = 0
    before = rows.line_num
    for row in rows:
        text = row[place].strip() if place < len(row) else ""
        if text:
            yield Line(before + 1, text)
        before = rows.line_num


def _place(header, kind, column):
    """Where the column stands; None in a table of one column whose first line is no name."""
    names = [re.sub(r"[^a-z0-9]", "", name.lower()) for name in header]
    wanted = [re.sub(r"[^a-z0-9]", "", column.lower())] if column else USUAL[kind]
    for name in wanted:
        if name in names:
            return names.index(name)
    if not column and len(header) == 1 and header[0]:
        return None
    there = ", ".join(header[:SHOWN]) or "none"
    asked = f"no column {column!r}" if column else "no column that is known to hold them"
    raise WrongWish(f"The table has {asked}: name one of its columns. There are: {there}.")
