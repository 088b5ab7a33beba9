"""How a file of the scripts is to be read: programs on Windows wrote other encodings than UTF-8."""

import codecs
import re
from functools import lru_cache
from pathlib import Path

from curation.importing import ImportRefused
from curation.importing.files import BROKEN_GZIP, CHUNK, UTF_8, Encoding, identify

UTF_16, WINDOWS = Encoding("utf-16"), Encoding("cp1252")
DAMAGED = Encoding("utf-8-sig", "surrogateescape")  # its broken lines come as such, the others as they are
TEXTS = ("csv", "jsonl", "json")
_WHOLE = re.compile("[^\x00-\x7f\udc80-\udcff]")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f]")  # no text of Windows has them


def encoding_of(path):
    """The `Encoding` by which the file at `path` is to be read; UTF_8 where nothing else is certain.

    UTF-16 says so by its mark. Windows-1252 is taken where no sign beyond ASCII is UTF-8 and all of them are signs of
    Windows-1252; a text with signs in UTF-8 is one that was damaged, whatever else it holds.
    """
    try:
        status = Path(path).stat()
    except OSError:
        return UTF_8
    return _found(Path(path), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=1000)
def _found(path, size, changed):
    try:
        file = identify(path)
        if file.format not in TEXTS:
            return UTF_8
        with file.open() as stream:
            start = stream.read(4)
        if start in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
            return UTF_8
        return UTF_16 if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else _by_its_bytes(file)
    except (ImportRefused, OSError, *BROKEN_GZIP):
        return UTF_8  # why it cannot be read is said when it is


def _by_its_bytes(file):
    first = _first_wrong(file)
    if first is None:
        return UTF_8
    lines = file.format == "jsonl"
    if first == "cut":  # the end of a sign, or a letter of its own
        return DAMAGED if lines else UTF_8
    whole, windows = _kinds_of_signs(file)
    if whole:
        return DAMAGED if lines else UTF_8
    return WINDOWS if windows else UTF_8


def _first_wrong(file):
    """None for a text in UTF-8, "cut" for one that ends amidst a sign, else "wrong"."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with file.open() as stream:
        try:
            while chunk := stream.read(CHUNK):
                decoder.decode(chunk)
        except UnicodeDecodeError:
            return "wrong"
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cut"
    return None


def _kinds_of_signs(file):
    """(whether any sign beyond ASCII is UTF-8, whether all bytes are Windows-1252)."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    windows = True
    with file.open() as stream:
        while chunk := stream.read(CHUNK):
            if _WHOLE.search(decoder.decode(chunk)):
                return True, False
            windows = windows and not _CONTROL.search(chunk) and _is_windows(chunk)
    return False, windows


def _is_windows(chunk):
    try:
        chunk.decode(WINDOWS.name)
    except UnicodeDecodeError:
        return False
    return True


def said_of(name, rows):
    """A sentence on a file that is read as Windows-1252, for the report; `rows` are those of its reader."""
    number, other, signs = 0, 0, {}
    for _, values in rows:
        number += 1
        text = "".join(map(str, values.values())) if isinstance(values, dict) else str(values)
        if not text.isascii():
            other += 1
            signs |= dict.fromkeys(sign for sign in text if not sign.isascii())
    shown = f"{' '.join(list(signs)[:20])}{' …' if len(signs) > 20 else ''}"
    return (
        f"{name} is not UTF-8 and is read as Windows-1252: {other:,} of its {number:,} row{'s' if number != 1 else ''} "
        f"{'has' if other == 1 else 'have'} other signs than ASCII ({shown}). Where they look wrong, save the file as "
        "UTF-8 before it is taken over."
    )
