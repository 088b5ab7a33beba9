"""Is a release what its manifest says? Recomputed from the files alone, without the database that made them."""

import json
import os
from collections import Counter
from pathlib import Path, PurePosixPath

import pyarrow as pa

from pipeline.formats import combined_sha256, file_sha256

from . import claims, parts, proof, standing
from . import manifest as manifests
from .claims import LEFT_OUT, TOMBSTONES
from .standing import Different

FIRST_SCHEMA = "1.0.0"  # releases without rows.parquet, one format, and a manifest that names fewer files
FIRST_KEYS = ("version", "row_count", "counts", "recipe", "seed", "source_hash", "files")
SHAPES = {"files": list, "counts": dict, "recipe": dict, "versions": dict, "row_count": int, "content_hash": str}
ENTRY = {"path": str, "bytes": int, "sha256": str}


def verify(directory, *, told=lambda said: None):
    """Recompute everything that the release in `directory` says of itself; raises Different at the first difference.

    `told(sentence)` is called for each part that holds. Nothing outside the directory is read.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise Different(f"{directory} is not there, or no folder: name the folder of a release.")
    said = read_manifest(directory)
    try:
        for step in _steps(said):
            told(step(directory, said))
    except (pa.ArrowException, OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        # Whoever made manifest and file fit each other may have written anything.
        raise Different(f"A file cannot be read: {type(error).__name__}: {error}.") from error


# -- the manifest ---------------------------------------------------------------------------------------------------


def read_manifest(directory):
    """The manifest of a release, complete and with its own sha256 right."""
    path = directory / manifests.NAME
    if not path.is_file():
        raise Different(f"{manifests.NAME} is missing: this is no release, or not the whole of it.")
    _is_no_link(directory, manifests.NAME)
    data = path.read_bytes()
    try:
        said = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Different(f"{manifests.NAME} is not JSON: {error}.") from error
    version = said.get("schema_version") if isinstance(said, dict) else None
    if version not in (FIRST_SCHEMA, manifests.SCHEMA_VERSION):
        known = f"{FIRST_SCHEMA} and {manifests.SCHEMA_VERSION}"
        raise Different(f"{manifests.NAME} has schema_version {version!r}; this program knows {known}.")
    wrong = [
        f"{key} is no {kind.__name__}" for key, kind in SHAPES.items() if not isinstance(said.get(key, kind()), kind)
    ]
    if wrong:
        raise Different(f"{manifests.NAME} is not what it should be: {', '.join(wrong)}.")
    missing = [key for key in (FIRST_KEYS if version == FIRST_SCHEMA else manifests.KEYS) if key not in said]
    if missing:
        raise Different(f"{manifests.NAME} does not say {', '.join(missing)}.")
    if version != FIRST_SCHEMA:
        _holds_itself(said, data)
    _entries_are_whole(said["files"])
    return said


def _holds_itself(said, data):
    try:
        right = manifests.own_sha256(said)
    except ValueError as error:  # NaN, half a surrogate: what no manifest is written with
        raise Different(f"{manifests.NAME} was changed: {error}.") from error
    if said[manifests.SELF] != right:
        raise Different(
            f"{manifests.NAME} was changed: it says {manifests.SELF} {said[manifests.SELF]}, it is {right}."
        )
    if data != manifests.as_bytes(said):
        raise Different(f"{manifests.NAME} says the right things in other bytes than it was written with.")


def _entries_are_whole(files):
    for entry in files:
        is_whole = isinstance(entry, dict) and all(isinstance(entry.get(key), kind) for key, kind in ENTRY.items())
        if not is_whole or not isinstance(entry.get("split", ""), str):
            raise Different(f"{manifests.NAME}: an entry of files has no path, bytes or sha256: {_short(entry)}.")
        path = PurePosixPath(entry["path"])
        if path.is_absolute() or ".." in path.parts:
            raise Different(f"{manifests.NAME} names {entry['path']}, which lies outside the release.")
        if path.as_posix() != entry["path"]:
            raise Different(f"{manifests.NAME} names {entry['path']}, which is {path.as_posix()}.")


# -- the files as bytes ---------------------------------------------------------------------------------------------


def _files_hold(directory, said):
    for entry in said["files"]:
        _file_holds(directory, entry)
    return f"{len(said['files']):,} files: bytes and sha256 hold"


def _file_holds(directory, entry):
    path = directory / entry["path"]
    if not path.is_file():
        raise Different(f"{entry['path']} is missing.")
    _is_no_link(directory, entry["path"])
    size = path.stat().st_size
    if size != entry["bytes"]:
        raise Different(f"{entry['path']} has {size:,} bytes, the manifest says {entry['bytes']:,}.")
    found = file_sha256(path)
    if found != entry["sha256"]:
        raise Different(f"{entry['path']} has sha256 {found}, the manifest says {entry['sha256']}.")


def _is_no_link(directory, name):
    """Bytes that lie elsewhere are not in the release: they may change, or stay behind when it is copied."""
    path = PurePosixPath(name)
    for part in (path, *path.parents):
        if part.name and (directory / part).is_symlink():
            raise Different(f"{part} is a link to {os.readlink(directory / part)}, no part of the release itself.")


def _nothing_more(directory, said):
    """Hidden files, such as those that a download leaves, are nobody's business."""
    listed = {entry["path"] for entry in said["files"]} | {manifests.NAME}
    for name in _lies_there(directory):
        if name not in listed:
            raise Different(f"{name} is not in the manifest.")
    return "no file beside those of the manifest"


def _lies_there(directory):
    """Names of everything below a folder that is no folder itself, links to folders too; nothing hidden."""
    for place, folders, files in os.walk(directory):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        for name in sorted([*links, *(name for name in files if not name.startswith("."))]):
            yield Path(place, name).relative_to(directory).as_posix()


def _names_hold(directory, said):
    claims.names_hold(said)
    return "every format and split has all its files, by their names"


def _content_holds(directory, said):
    found = combined_sha256(_of_rows(said))
    if found != said["content_hash"]:
        raise Different(f"content_hash is {found} by the files' sha256, the manifest says {said['content_hash']}.")
    return "content_hash holds"


def _of_rows(said):
    """The entries of the files that hold rows for training."""
    return [entry for entry in said["files"] if entry.get("split")]


# -- rows.parquet ---------------------------------------------------------------------------------------------------


def _rows_hold(directory, said):
    """rows.parquet has each row once, no group in two splits, and what the manifest counts."""
    rows = standing.Rows()
    rows.add_all(directory, proof.NAME, proof.SCHEMA, in_order=True)
    sources = set(standing.parquet(directory, proof.NAME, proof.SCHEMA).read(["source_sha256"])[0].to_pylist())
    _same("row_count", rows.number, said["row_count"])
    _same("counts.rows", rows.number, said["counts"].get("rows"))
    _same("counts.groups", len(rows.split_of), said["counts"].get("groups"))
    _same("counts.splits", dict(rows.splits), said["counts"].get("splits"))
    _same("counts.statuses", dict(rows.statuses), said["counts"].get("statuses"))
    _same("unreviewed", rows.statuses["unreviewed"], said["unreviewed"])
    _same("source_hash", proof.combined(sources), said["source_hash"])
    claims.numbers_hold(directory, said, _same)
    return f"{rows.number:,} rows in {len(rows.split_of):,} groups; no group is in two splits"


def _same(what, found, said):
    if found != said:
        raise Different(f"{what}: {_short(found)} by the files, {_short(said)} by the manifest.")


def _short(value):
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= 300 else f"{text[:300]}…"


def _out_is_out(directory, said):
    """What is listed as left out, or as withdrawn from the release that this one corrects, is in no file."""
    ids, numbers = standing.ids_of(directory, said["files"]), Counter()
    for name, kind in ((LEFT_OUT, "left out"), (TOMBSTONES, "withdrawn")):
        if any(entry["path"] == name for entry in said["files"]):
            for number, row in enumerate(_listed(directory / name), 1):
                if row["row_id"] in ids:
                    raise Different(f"{name}, row {number:,}: {row['row_id']} is {kind}, and is in the release.")
                numbers[kind] += 1
    told = " and ".join(f"{number:,} rows are listed as {kind}" for kind, number in numbers.items())
    return f"{told}, and are in no file" if told else "nothing is listed as left out or withdrawn"


def _listed(path):
    text = path.read_text(encoding="utf-8")
    rows = json.loads(text)["rows"] if path.name == TOMBSTONES else map(json.loads, text.split("\n")[:-1])
    return list(rows)


def _descriptions_hold(directory, said):
    claims.descriptions_hold(directory, said)
    return "the card and dataset_info.json name the files that there are"


# -- the files of each format ---------------------------------------------------------------------------------------


def _formats_hold(directory, said):
    numbers, asked, counted = Counter(), {}, {name: Counter() for name in standing.COUNTED}
    found = parts.parts(_of_rows(said))
    for split in said["counts"].get("splits", {}):
        if (standing.MAIN, split) not in found:
            raise Different(f"The manifest counts rows of {split}, and names no file of {standing.MAIN} for it.")
    for name, split in found:
        part = parts.Part(directory, _of_rows(said), name, split, counted, asked)
        numbers[name] += part.verify()
    for column, name in standing.COUNTED.items():
        if name in said["counts"]:
            _same(f"counts.{name}", dict(counted[column]), said["counts"][name])
    if "formats" in said["counts"]:
        _same("counts.formats", claims.rows_by_format(said["files"]), said["counts"]["formats"])
    told = ", ".join(f"{name} {number:,}" for name, number in numbers.items())
    return f"every row stands on a row of {proof.NAME}, JSON Lines say what Parquet says: {told}"


# -- releases of the first schema, which have no rows.parquet -------------------------------------------------------


def _rows_hold_alone(directory, said):
    rows = standing.Rows()
    for entry in standing.main_tables(said["files"]):
        before = rows.number
        rows.add_all(directory, entry["path"], *standing.MAIN_SCHEMAS)
        _same(f"rows of {entry['path']}", rows.number - before, entry.get("rows"))
        standing.ids_hold(directory, entry["path"])
    _same("row_count", rows.number, said["row_count"])
    _same("counts.splits", dict(rows.splits), said["counts"].get("splits"))
    return f"{rows.number:,} rows in {len(rows.split_of):,} groups; no group is in two splits; their ids are right"


def _first_lines_hold(directory, said):
    for entry in standing.main_tables(said["files"]):
        standing.first_lines_hold(directory, entry)
    return "JSON Lines say what Parquet says"


def _steps(said):
    """What is to be looked at, in order. A patch of a release of the first schema has no rows.parquet either."""
    if said["schema_version"] == FIRST_SCHEMA:
        return _files_hold, _rows_hold_alone, _first_lines_hold
    is_proven = any(entry["path"] == proof.NAME for entry in said["files"]) or not said["base"]
    if not is_proven:
        return _files_hold, _nothing_more, _content_holds, _rows_hold_alone, _out_is_out, _formats_hold
    bytes_first = (_files_hold, _nothing_more, _names_hold, _content_holds)
    return *bytes_first, _out_is_out, _rows_hold, _formats_hold, _descriptions_hold
