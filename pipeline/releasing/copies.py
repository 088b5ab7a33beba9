"""Files of a project that may hold a text a second time: what was uploaded to it and exported from it."""

import bz2
import gzip
import io
import json
import lzma
import zipfile
import zlib

import pyarrow as pa
import pyarrow.parquet as pq

from curation.withdrawing.needles import LONGEST, Needles
from pipeline.formats import file_sha256, replacing

REMOVED = ("uploads", "exports", "imports", "migration")  # folders of a project; a file goes where it holds the texts
KEPT = ("evaluation",)  # folders whose files are looked into and stay: others are measured by them
TOMBSTONE = ".purged"  # ends the name of what stands in place of a removed file
BATCH = 2000
PIECE = 1 << 20
DEEPEST = 3  # archives within archives
PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
CLOSED = {
    b"%PDF": "PDF",
    b"7z\xbc\xaf": "7z",
    b"Rar!": "RAR",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xd0\xcf\x11\xe0": "Office",
}
WIDE = {b"\xff\xfe\x00\x00": "utf-32", b"\x00\x00\xfe\xff": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
UNREADABLE = (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, pa.ArrowException, lzma.LZMAError)
UNREADABLE += (zipfile.BadZipFile, zlib.error)


class Closed(ValueError):
    """A kind of file that is not looked into; the message names it."""


def listed(project, folders=REMOVED):
    """The files in these folders of a project, sorted; what stands in place of removed ones is none."""
    places = (project.data_dir / name for name in folders)
    found = (path for place in places if place.is_dir() for path in place.rglob("*") if path.is_file())
    return sorted(path for path in found if path.suffix != TOMBSTONE)


def remove(withdrawal, words, step=lambda: None):
    """Remove the project's uploads and exports in which any of `words` stands, a tombstone in place of each.

    Returns (files that hold them and stay, files that nobody could look into with why). `step` may raise.
    """
    wanted, stay, unread = Needles(words), [], []
    for path in listed(withdrawal.project, REMOVED + KEPT) if words else ():
        step()
        name = path.relative_to(withdrawal.project.data_dir).as_posix()
        try:
            if not stands_in(path, wanted):
                continue
        except UNREADABLE as error:
            unread.append(f"{name}: {error}")
            continue
        if name.split("/")[0] in KEPT:
            stay.append(name)
        else:
            _bury(path, withdrawal)
    return stay, unread


def _bury(path, withdrawal):
    """What it was by size and sha256 is written before it goes: killed in between, both are there."""
    said = {"sha256": file_sha256(path), "bytes": path.stat().st_size, "withdrawal": withdrawal.pk}
    with replacing(path.with_name(path.name + TOMBSTONE)) as part:
        part.write_text(json.dumps(said, sort_keys=True) + "\n")
    path.unlink(missing_ok=True)


def removed(withdrawal):
    """{path: {sha256, bytes}} of the files that were removed for a withdrawal, as their tombstones say."""
    found, project = {}, withdrawal.project
    for folder in REMOVED:
        for path in sorted((project.data_dir / folder).rglob(f"*{TOMBSTONE}")):
            said = json.loads(path.read_text())
            if said.pop("withdrawal") == withdrawal.pk and not path.with_suffix("").exists():
                found[path.with_suffix("").relative_to(project.data_dir).as_posix()] = said
    return found


# -- looking into them -----------------------------------------------------------------------------------------------


def stands_in(path, wanted):
    """Whether any of the Needles stands in a file, unpacked where it is packed; raises one of UNREADABLE."""
    with open(path, "rb") as file:
        return any(wanted.stand_in(piece) for piece in pieces(file))


def pieces(file, deep=0):
    """The bytes of an open file with what it holds packed, each piece with the end of the one before it.

    Parquet and archives are known by how they begin, whatever their names: a workbook is a ZIP.
    """
    start = file.read(8)
    file.seek(0)
    kind = next((name for sign, name in CLOSED.items() if start.startswith(sign)), "")
    unpack = next((opened for sign, opened in PACKED.items() if start.startswith(sign)), None)
    coded = next((name for sign, name in WIDE.items() if start.startswith(sign)), "")
    if kind or deep > DEEPEST:
        raise Closed(f"{kind} is not looked into" if kind else "archives within archives are not looked into")
    if start.startswith(b"PAR1"):
        yield from _overlapping(_of_parquet(file))
    elif start.startswith(b"PK\x03\x04"):
        yield from _of_zip(file, deep)
    elif unpack:
        with unpack(file) as inner:
            yield from pieces(_seekable(inner), deep + 1)
    elif coded:
        lines = io.TextIOWrapper(file, encoding=coded)
        yield from _overlapping(piece.encode("utf-8", "replace") for piece in iter(lambda: lines.read(PIECE), ""))
    else:
        yield from _overlapping(iter(lambda: file.read(PIECE), b""))


def _seekable(file):
    return file if file.seekable() else io.BytesIO(file.read())


def _of_zip(file, deep):
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            if not member.is_dir():
                yield member.filename.encode("utf-8", "replace")
                with archive.open(member) as inner:
                    yield from pieces(inner, deep + 1)


def _of_parquet(file):
    for batch in pq.ParquetFile(file).iter_batches(BATCH):
        yield from (str(row).encode("utf-8", "replace") for row in batch.to_pylist())


def _overlapping(parts):
    before = b""
    for part in parts:
        text = before + part
        yield text
        before = text[-LONGEST:]
