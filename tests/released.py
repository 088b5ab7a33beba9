"""A release's folder from made-up records, without a database: for tests of what is done with the files alone."""

import hashlib
import json
from collections import Counter
from types import SimpleNamespace

import pyarrow as pa
import yaml

from pipeline import formats
from pipeline.formats import Record, Refused, row_id
from pipeline.releasing import manifest, proof, readers, writing

SPLITS = ("train", "validation", "test")
ODD = "Zwei\nZeilen mit µ, \\frac{a}{b}, „Zitat“ und \u2028 dazwischen"


def records(number=24):
    """Records in pairs of hypothesis and method, two groups of three in train; some edited, some with refused ones."""
    made = [_record(place, kind) for place in range(number // 2) for kind in ("hypothesis", "methodology")]
    for first, second in zip(made[::2], made[1::2], strict=True):
        first.partner = second
    return sorted(made, key=lambda each: each.id)


def _record(place, kind):
    key, group = _sha256(f"{kind} {place}"), _sha256(f"group {place}")
    text, edited = f"{kind} of source {place}. {ODD}", place % 3 == 0
    return Record(
        id=row_id(key, text),
        prompt_key=key,
        user=f"Read source {place} and write a {kind}.",
        system="You are careful.",
        text=text,
        task_type=kind,
        domain=["chemistry", "ökologie", ""][place % 3],
        group=group,
        split="train" if place % 4 < 2 else SPLITS[place % 4 - 1],
        status="edited" if edited else "accepted",
        teacher="stand-in",
        attempt=2,
        edited=edited,
        locator=f"doc:{place}",
        licence="CC0-1.0",
        title=f"Titre {place} é",
        score=None if place % 5 == 0 else 80 + place / 3,
        original=f"{text} (before)" if edited else "",
        reasons=("vague",) if edited else (),
        refused=(Refused(f"Worse: {text}", ("filter:min_chars",), 1, "stand-in"),) if place % 2 else (),
    )


def known(record):
    """What stands behind a record."""
    decision = {"action": "accept", "reviewer": "ab" * 8, "edited": record.edited, "reasons": list(record.reasons)}
    return proof.Known(
        model="stand-in-1",
        candidate=0,
        templates=[{"name": record.task_type, "version": 1, "sha256": "a" * 64}],
        source_sha256=_sha256(record.locator),
        prompt_tokens=40,
        completion_tokens=60,
        says_text_alone=True,
        sent_alone=True,
        resolved_by="consensus",
        filters_sha256="f" * 64,
        decisions=[decision],
    )


def write(directory, rows=None, names=None):
    """Write the files of a release as the product does; returns its manifest."""
    rows = records() if rows is None else rows
    directory.mkdir(parents=True, exist_ok=True)
    entries, table = [], writing.Table(directory, proof.NAME, proof.SCHEMA)
    for split in SPLITS:
        own = [row for row in rows if row.split == split]
        into = writing.Split(directory, split, names or list(formats.FORMATS))
        into.add(own)
        table.add(proof.table(proof.columns(own, [known(row) for row in own])))
        entries += into.close()
    entries += table.close()
    readers.write_dataset_info(directory, "made-up", entries)
    (directory / "README.md").write_text(_card(entries), encoding="utf-8")
    content = formats.combined_sha256([entry for entry in entries if "split" in entry])
    release = SimpleNamespace(
        project=SimpleNamespace(filter_ruleset=None, gate_ruleset=None, recipe_ruleset=None),
        semver="1.0.0",
        base=None,
        counts=_counts(rows) | {"formats": writing.rows_by_format(entries)},
        recipe={"include": "accepted", "seed": "a seed"},
        seed="a seed",
        content_hash=content,
    )
    sources = proof.combined(_sha256(row.locator) for row in rows)
    return manifest.seal(manifest.describe(release, _versions(rows), sources), entries, directory)[0]


def _versions(rows):
    """What a release says of the versions behind its rows: one of the rules, no gate, a template of each kind."""
    kinds = sorted(Counter(row.task_type for row in rows).items())
    templates = [{"name": name, "version": 1, "sha256": "a" * 64, "rows": number} for name, number in kinds]
    return {"filters": [{"version": 1, "sha256": "f" * 64, "rows": len(rows)}], "gate": [], "templates": templates}


def _counts(rows):
    names = {"teachers": "teacher", "task_types": "task_type", "domains": "domain", "statuses": "status"}
    counted = {name: dict(Counter(getattr(row, column) for row in rows)) for name, column in names.items()}
    numbers = {"rows": len(rows), "unreviewed": 0, "groups": len({row.group for row in rows})}
    return counted | numbers | {"splits": dict(Counter(row.split for row in rows))}


def _card(entries):
    configs = {}
    for entry in entries:
        if entry.get("split") and entry["path"].endswith(".parquet"):
            configs.setdefault(entry["format"], {})[entry["split"]] = entry["path"]
    head = [
        {
            "config_name": "default" if name == "messages" else name,
            "data_files": [{"split": split, "path": path} for split, path in files.items()],
        }
        for name, files in configs.items()
    ]
    return f"---\n{yaml.safe_dump({'configs': head}, sort_keys=False)}---\n\n# Made up\n"


def write_first(directory):
    """The files of a release of schema 1.0.0, as the product wrote it then; returns the directory."""
    turn = pa.struct([pa.field("role", pa.string(), nullable=False), pa.field("content", pa.string(), nullable=False)])
    turns = pa.field("messages", pa.list_(pa.field("element", turn, nullable=False)), nullable=False)
    schema, files, rows = formats.RELEASE_SCHEMA.set(1, turns), [], records()
    for split in SPLITS:
        columns = formats.FORMATS["messages"].columns([row for row in rows if row.split == split], formats.Options())
        own = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        names = f"data/{split}-00000-of-00001.parquet", f"jsonl/{split}.jsonl"
        formats.write_parquet(directory / names[0], own, schema)
        (directory / "jsonl").mkdir(exist_ok=True)
        lines = [formats.jsonl_bytes({"messages": row["messages"]}) for row in own]
        (directory / names[1]).write_bytes(b"".join(lines))
        files += [_entry(directory, name) | {"split": split, "rows": len(own)} for name in names]
    said = {"schema_version": "1.0.0", "version": "1.0.0", "row_count": len(rows), "counts": _counts(rows)}
    said |= {"recipe": {}, "seed": "a seed", "source_hash": formats.combined_sha256(files), "files": files}
    (directory / manifest.NAME).write_bytes(manifest.as_bytes(said))
    (directory / "README.md").write_text("# Made up\n")
    return directory


def _entry(directory, name):
    return {
        "path": name,
        "bytes": (directory / name).stat().st_size,
        "sha256": formats.file_sha256(directory / name),
    }


def seal_again(directory, change=lambda said: None):
    """Make the manifest fit what was done to the files, as somebody would who knows how it is made."""
    path = directory / manifest.NAME
    said = json.loads(path.read_text(encoding="utf-8"))
    for entry in said["files"]:
        file = directory / entry["path"]
        entry |= _entry(directory, entry["path"]) if file.is_file() else {}
    said["content_hash"] = formats.combined_sha256([entry for entry in said["files"] if "split" in entry])
    change(said)
    said[manifest.SELF] = manifest.own_sha256(said)
    path.write_bytes(manifest.as_bytes(said))


def _sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()
