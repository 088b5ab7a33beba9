"""manifest.json: what the files of a release are, and what they were made of. No clock, no primary key."""

import hashlib
import json

from pipeline.formats import file_sha256

NAME = "manifest.json"
SCHEMA_VERSION = "2.0.0"
SELF = "manifest_sha256"
KEYS = (
    *("schema_version", "version", "row_count", "counts", "recipe", "seed", "source_hash", "content_hash", "files"),
    *("filters_sha256", "gate_sha256", "recipes_sha256", "versions", "unreviewed", "base", SELF),
)


def describe(release, versions, source_hash):
    """What a manifest says beside its files: `versions` of `proof.Reader.versions.entries()`, `source_hash` of
    `proof.Reader.source_hash()`. `release` has its counts, recipe, seed, semver, base and content_hash by now."""
    project = release.project
    return {
        "schema_version": SCHEMA_VERSION,
        "version": release.semver,
        "base": release.base.semver if release.base else "",
        "row_count": release.counts["rows"],
        "unreviewed": release.counts["unreviewed"],
        "counts": release.counts,
        "recipe": release.recipe,
        "seed": release.seed,
        "source_hash": source_hash,
        "content_hash": release.content_hash,
        "filters_sha256": _sha256_of(project.filter_ruleset),
        "gate_sha256": _sha256_of(project.gate_ruleset),
        "recipes_sha256": _sha256_of(project.recipe_ruleset),
        "versions": versions,
    }


def seal(body, files, directory):
    """Write manifest.json into `directory` as the last file; returns (manifest, entries of all files, its own too).

    `files` are the entries ({path, split, format, rows, bytes, sha256}) of what was written with its numbers; every
    other file that lies in the directory is added with its bytes and sha256.
    """
    known = {entry["path"]: entry for entry in files}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if path.is_file() and name not in known and name != NAME:
            known[name] = {"path": name, "bytes": path.stat().st_size, "sha256": file_sha256(path)}
    listed = [known[name] for name in sorted(known)]
    made = body | {"files": listed}
    made[SELF] = own_sha256(made)
    data = as_bytes(made)
    (directory / NAME).write_bytes(data)
    return made, [*listed, {"path": NAME, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}]


def as_bytes(manifest):
    """The manifest as its file has it."""
    return (json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def own_sha256(manifest):
    """The sha256 over everything that a manifest says but this number itself."""
    return hashlib.sha256(as_bytes({name: value for name, value in manifest.items() if name != SELF})).hexdigest()


def _sha256_of(ruleset):
    return ruleset.sha256 if ruleset else ""
