"""The file as it lies there: its format, its compression, its encoding. Knows nothing of rows."""

import codecs
import gzip
import io
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from .errors import ImportRefused

# A row, a line or a text document may have this many characters; one that has more is no row but an accident.
MAX_ROW_CHARS = 16_000_000
MAX_UNPACKED_BYTES = 16 * 1024**3
CHUNK = 1 << 20

SUFFIXES = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".txt": "text",
    ".text": "text",
    ".md": "markdown",
    ".markdown": "markdown",
}
FORMAT_HELP = "Parquet (.parquet), CSV (.csv, .tsv), JSON Lines (.jsonl), JSON (.json), text (.txt) or Markdown (.md), "
FORMAT_HELP += "each also gzipped (.gz)"
OTHER_ENCODINGS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


class Encoding(NamedTuple):
    """How the bytes of a text are read, in Python's words."""

    name: str
    errors: str = "strict"


UTF_8 = Encoding("utf-8-sig")  # with or without a byte order mark
BROKEN_GZIP = (EOFError, zlib.error, gzip.BadGzipFile)
# Text is packed to a tenth, and a file without an end to a thousandth, which would be unpacked for hours.
LEAST_UNPACKED = 1 << 30  # bytes that any file may unpack to
MOST_TIMES = 100  # its own size, where that is more


class UnpacksToTooMuch(gzip.BadGzipFile):
    """More than any text is packed from; the message says what to do."""


class _Unpacking(gzip.GzipFile):
    """The bytes of a gzipped file, up to what a text can unpack to; raises UnpacksToTooMuch, and one of BROKEN_GZIP."""

    def __init__(self, path):
        super().__init__(path, "rb")
        self._most = self._left = max(LEAST_UNPACKED, MOST_TIMES * path.stat().st_size)

    def read(self, size=-1):
        return self._counted(super().read(size))

    def read1(self, size=-1):
        return self._counted(super().read1(size))

    def _counted(self, data):
        self._left -= len(data)
        if self._left < 0:
            raise UnpacksToTooMuch(f"It unpacks to more than {self._most:,} bytes, many times its size: no text does.")
        return data


def _broken(file, error):
    if isinstance(error, UnpacksToTooMuch):
        return file.refuse(f"{error} If it is one, import it unpacked.")
    return file.refuse(f"The gzip data is cut or broken ({error}): pack the file again.")


@dataclass(frozen=True)
class InputFile:
    """A file to import: where it lies, the name people know it by, its format, and whether it is gzipped."""

    path: Path
    name: str
    format: str
    gzipped: bool
    encoding: Encoding = UTF_8

    @property
    def suffix(self):
        """The ending that names the format, without .gz and in lower case."""
        return _suffix(self.name)

    def refuse(self, *problems):
        """The exception to raise for this file."""
        return ImportRefused(self.name, *problems)

    def open(self):
        """The bytes, unpacked."""
        return _Unpacking(self.path) if self.gzipped else open(self.path, "rb")

    def open_text(self, newline):
        """The characters: UTF-8, unless whoever identified the file knew better."""
        return io.TextIOWrapper(self.open(), *self.encoding, newline=newline)


def _suffix(name):
    return Path(name.lower().removesuffix(".gz")).suffix


def identify(path, file_name="", encoding=UTF_8):
    """The `InputFile` at `path`; `file_name` is the name it was uploaded under. Raises ImportRefused."""
    path = Path(path)
    name = Path(file_name or path.name).name
    if not path.is_file():
        raise ImportRefused(name, "There is no such file.")
    format_name = SUFFIXES.get(_suffix(name))
    if format_name is None:
        raise ImportRefused(name, f"The name's ending tells no known format; import {FORMAT_HELP}.")
    with open(path, "rb") as stream:
        start = stream.read(4)
    if not start:
        raise ImportRefused(name, "The file is empty.")
    gzipped = start[:2] == b"\x1f\x8b"
    if name.lower().endswith(".gz") and not gzipped:
        raise ImportRefused(name, "The name ends in .gz, but the file is not gzipped.")
    return InputFile(path, name, format_name, gzipped, encoding)


def scan_text(file):
    """Read the whole text once, before anything is written; returns its number of lines.

    One streaming pass tells a broken or cut gzip and a wrong encoding wherever they stand. Raises ImportRefused.
    """
    decoder = codecs.getincrementaldecoder(file.encoding.name)(file.encoding.errors)
    lines, last = 0, ""
    try:
        with file.open() as stream:
            while chunk := stream.read(CHUNK):
                if not last and file.encoding == UTF_8:
                    _refuse_other_encoding(file, chunk)
                text = decoder.decode(chunk)
                lines += text.count("\n")
                last = text[-1:] or last
            decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise _not_decoded(file, error, lines) from error
    except BROKEN_GZIP as error:
        raise _broken(file, error) from error
    if not last:
        raise file.refuse("The file is empty.")
    return lines + (last != "\n")


def _not_decoded(file, error, lines):
    line = lines + error.object[: error.start].count(b"\n") + 1
    if file.encoding != UTF_8:
        name = file.encoding.name.upper()
        return file.refuse(f"The text is no whole {name} near line {line}: save the file as UTF-8.")
    byte = error.object[error.start]
    return file.refuse(f"Line {line} is not UTF-8 (byte 0x{byte:02x}): save the file as UTF-8.")


def _refuse_other_encoding(file, start):
    for mark, encoding in OTHER_ENCODINGS.items():
        if start.startswith(mark):
            raise file.refuse(f"The file is {encoding}: save it as UTF-8.")


def unpacked(file):
    """An open file with the unpacked bytes, for a format that must be read from its end. Raises ImportRefused."""
    target = tempfile.TemporaryFile(dir=settings.DATA_DIR)  # noqa: SIM115 - the reader keeps it
    try:
        with file.open() as stream:
            while chunk := stream.read(CHUNK):
                target.write(chunk)
                if target.tell() > MAX_UNPACKED_BYTES:
                    limit = MAX_UNPACKED_BYTES // 1024**3
                    raise file.refuse(f"It unpacks to more than {limit} GiB: import it unpacked, in parts.")
    except BROKEN_GZIP as error:
        raise _broken(file, error) from error
    target.seek(0)
    return target


def lines(stream):
    """(line number from 1, its text with the line end, whether that is all of it); a line over the limit comes cut."""
    number = 0
    while text := stream.readline(MAX_ROW_CHARS):
        number += 1
        cut = len(text) == MAX_ROW_CHARS and not text.endswith("\n") and _skip_rest(stream)
        yield number, text, not cut


def _skip_rest(stream):
    """Read on to the end of the line; returns whether there was anything left of it."""
    skipped = False
    while rest := stream.readline(CHUNK):
        skipped = True
        if rest.endswith("\n"):
            break
    return skipped
