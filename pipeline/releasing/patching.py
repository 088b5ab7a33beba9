"""A patch release: the files of an earlier one without the rows that were withdrawn since.

It is made from the files of its base alone, row by row; the base itself stays as it is.
"""

import json
import shutil
from collections import Counter
from functools import reduce

import pyarrow.parquet as pq
from django.db import transaction
from django.db.models import Max

from curation import withdrawing
from curation.models import Event, Project, Release, ReleaseRow, Run
from curation.models.writing import insert_values
from pipeline import formats

from . import card, checking, lengths, manifest, proof, standing, versioning, writing

TOMBSTONES = "tombstones.json"
LEFT_OUT = "left_out.jsonl"
BATCH = 1000
SHARD_BYTES = 500_000_000
SAID = ("id", "messages", "edited")  # columns that the length of a row is counted by
KEPT = ("teachers", "task_types", "domains", "statuses")  # counts by a column of the rows


class Halted(Exception):
    """The run was cancelled or must stop; nothing of the patch is there yet."""


class Outdated(Exception):
    """More was withdrawn while the patch was made: it is made anew, without that."""


class CannotPatch(Exception):
    """There is no patch of this release; the message says why."""


def newest_affected(project):
    """The release with the highest label, if rows of it were withdrawn and it has no patch without them; else None."""
    former = versioning.former(project)
    return former if former and left_to_bury(former) else None


def left_to_bury(release):
    """Whether a release holds withdrawn rows that no patch of it leaves out."""
    gone = release.tombstones.count()
    return bool(gone) and gone > max((patch.manifest["withdrawn"] for patch in patches_of(release)), default=0)


def patches_of(release):
    """The published patches of a release."""
    return [each for each in release.patches.filter(state=Release.State.PUBLISHED) if "withdrawn" in each.manifest]


def patch(run, base, look=lambda: None):
    """Make the patch release of `base` for `run`, whole or not at all, and return it; begun again it begins anew.

    Raises CannotPatch where there is nothing to patch or nothing left, Halted or whatever `look` raises between rows.
    """
    while True:
        withdrawing.bury(run.project)
        try:
            return _patch(run, base, look)
        except Outdated:
            look()


def _patch(run, base, look):
    gone = set(base.tombstones.values_list("row_id", flat=True))
    _refuse_impossible(base, gone)
    release = _open(run, base)
    scratch = release.directory.with_name(f".{release.directory.name}.part")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        removed = _write(release, base, scratch, gone, look)
        _describe(release, base, scratch, removed)
        _check(release, scratch, look)
        look()
        _publish(run, release, base, scratch, gone)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return release


def _refuse_impossible(base, gone):
    if not gone:
        raise CannotPatch(f"No row of release {base.version} was withdrawn.")
    if not ReleaseRow.objects.filter(release=base).exclude(row_id__in=gone).exists():
        raise CannotPatch(f"Every row of release {base.version} was withdrawn: there is nothing left for a patch.")
    paths = {entry["path"] for entry in base.files}
    if proof.NAME not in paths:
        raise CannotPatch(f"Release {base.version} was made before releases had {proof.NAME}: release anew instead.")
    needed = [proof.NAME, *(entry["path"] for entry in _tables(base))]
    missing = [path for path in needed if not (base.directory / path).is_file()]
    if missing:
        raise CannotPatch(f"{missing[0]} of release {base.version} is not there: release anew instead.")


@transaction.atomic
def _open(run, base):
    """The Release row of this patch; the next free version of the project."""
    project = Project.objects.select_for_update(no_key=True).get(pk=run.project_id)
    found = Release.objects.filter(run=run, base=base).first()
    if found:
        return found
    last = Release.objects.filter(project=project).aggregate(last=Max("version"))["last"] or 0
    return Release.objects.create(
        project=project,
        version=last + 1,
        base=base,
        recipe=base.recipe,
        seed=base.seed,
        run=run,
        created_by=run.created_by,
    )


def label(base):
    """The label of the next patch of `base`: 1.3.0 → 1.3.1, behind those that there are."""
    major, minor, _ = versioning.numbers(base)
    published = Release.objects.filter(project=base.project, state=Release.State.PUBLISHED).defer("files", "manifest")
    same = [numbers for numbers in map(versioning.numbers, published) if numbers[:2] == (major, minor)]
    return f"{major}.{minor}.{max(same)[2] + 1}"


# -- the files -------------------------------------------------------------------------------------------------------


def _write(release, base, scratch, gone, look):
    """Write what is left of the base's files; sets counts, content hash and label. Returns the removed rows' proof."""
    files, tally = [], _Tally(release)
    for name, split in _parts(base):
        files += _write_part(base, scratch, formats.FORMATS[name], split, gone, tally, look)
    numbers = tally.numbers
    removed, table_files, groups = _write_proof(base, scratch, gone)
    splits = {split: sum(each["rows"] for each in files if _is_main(each, split)) for split in standing.SPLITS}
    rows = sum(splits.values())
    release.counts = base.counts | {name: dict(sorted(counted.items())) for name, counted in numbers.items()}
    release.counts |= {
        "rows": rows,
        "unreviewed": numbers["statuses"]["unreviewed"],
        "groups": groups,
        "splits": {split: number for split, number in splits.items() if number},
        "formats": writing.rows_by_format(files),
        "withdrawn": len(gone),
    }
    release.report = {"lengths": tally.lengths.figures()}
    release.content_hash = formats.combined_sha256(files)
    release.semver = label(base)
    files += table_files + _copy_left_out(base, scratch) + _write_tombstones(base, scratch)
    release.files = files
    return removed


class _Tally:
    """Counts the rows of a patch as they are written, and how long they are."""

    def __init__(self, release):
        system = release.recipe.get("system", False)
        self.numbers = {name: Counter() for name in KEPT}
        self.lengths = lengths.Lengths(release.recipe.get("targets"), system=system)
        self._known = proof.Reader(release.project)
        self._responses = dict(release.base.rows.values_list("row_id", "response_id"))

    def add(self, columns):
        """Add rows of the messages format."""
        for name, counted in self.numbers.items():
            counted.update(columns["status" if name == "statuses" else name.removesuffix("s")])
        records = [_record(*row) for row in zip(*(columns[name] for name in SAID), strict=True)]
        self.lengths.add(records, self._known.read([self._responses[row] for row in columns["id"]]))


def _record(row, messages, edited):
    """What the length of a row is counted by."""
    said = {each["role"]: each["content"] for each in messages}
    own = {"user": said["user"], "system": said.get("system", ""), "text": said["assistant"]}
    return formats.Record(id=row, prompt_key="", edited=edited, **own)


def _is_main(entry, split):
    return entry["format"] == standing.MAIN and entry["split"] == split and entry["path"].endswith(".parquet")


def _parts(base):
    """[(format, split)] that the base has Parquet files of, in one order."""
    order = list(formats.FORMATS)
    found = {(entry["format"], entry["split"]) for entry in _tables(base)}
    return sorted(found, key=lambda each: (order.index(each[0]), standing.SPLITS.index(each[1])))


def _tables(base):
    return [entry for entry in base.files if entry.get("split") and entry["path"].endswith(".parquet")]


def _write_part(base, scratch, wanted, split, gone, tally, look):
    """The files of one format and split, without the lines that stand on a row of `gone`; returns their entries."""
    folder = writing.FOLDERS.get(wanted.name, wanted.name)
    name = f"{folder}/{split}-{{shard}}-of-{{shards}}.parquet"
    table = writing.Table(scratch, name, wanted.schema, base.recipe.get("shard_bytes", SHARD_BYTES))
    lines = {
        suffix: writing.Lines(scratch, f"jsonl/{wanted.name}/{split}{suffix and '.'}{suffix}.jsonl")
        for suffix in ("", *wanted.beside)
    }
    for columns in _columns(base, wanted, split, gone):
        look()
        table.add(wanted.table(columns))
        for suffix, file in lines.items():
            file.add((wanted.beside[suffix] if suffix else wanted.lines)(columns))
        if wanted.name == standing.MAIN:
            tally.add(columns)
    about = {"split": split, "format": wanted.name}
    return [entry for file in (table, *lines.values()) for entry in file.close(**about)]


def _columns(base, wanted, split, gone):
    """The columns of the base's shards, some thousand rows at a time, without what stands on a row of `gone`."""
    for entry in _tables(base):
        if (entry["format"], entry["split"]) != (wanted.name, split):
            continue
        for batch in pq.ParquetFile(base.directory / entry["path"]).iter_batches(BATCH):
            columns = batch.to_pydict()
            stays = [gone.isdisjoint(ids) for ids in wanted.row_ids(columns)]
            if any(stays):
                yield {
                    name: [value for value, kept in zip(values, stays, strict=True) if kept]
                    for name, values in columns.items()
                }


def _write_proof(base, scratch, gone):
    """(rows of rows.parquet that go, entries of what is left of it, number of groups left)."""
    groups, removed = set(), []
    table = writing.Table(scratch, proof.NAME, proof.SCHEMA)
    for batch in pq.ParquetFile(base.directory / proof.NAME).iter_batches(BATCH):
        rows = batch.to_pylist()
        left = [row for row in rows if row["id"] not in gone]
        removed += [row for row in rows if row["id"] in gone]
        groups |= {row["group"] for row in left}
        table.add(proof.table({name: [row[name] for row in left] for name in proof.SCHEMA.names}))
    return removed, table.close(), len(groups)


def _copy_left_out(base, scratch):
    """What had stayed out of the base stays out of its patch, for the same reasons."""
    if not (base.directory / LEFT_OUT).is_file():
        return []
    shutil.copyfile(base.directory / LEFT_OUT, scratch / LEFT_OUT)
    return [_entry(scratch, LEFT_OUT)]


def _write_tombstones(base, scratch):
    """Which rows of the base were withdrawn, and why; sorted, and without any text of theirs."""
    rows = base.tombstones.select_related("withdrawal", "prompt").order_by("row_id")
    said = [
        {
            "row_id": row.row_id,
            "prompt_key": row.prompt.key if row.prompt else "",
            "kind": row.withdrawal.kind,
            "value": row.withdrawal.value,
            "reason": row.withdrawal.reason,
        }
        for row in rows
    ]
    body = {"base": base.semver or f"{base.version}.0.0", "rows": said}
    text = json.dumps(body, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    (scratch / TOMBSTONES).write_text(text, encoding="utf-8")
    return [_entry(scratch, TOMBSTONES)]


def _entry(scratch, name):
    path = scratch / name
    return {"path": name, "bytes": path.stat().st_size, "sha256": formats.file_sha256(path)}


# -- what is said of them --------------------------------------------------------------------------------------------


def _describe(release, base, scratch, removed):
    """Card and manifest: the base's, with the numbers of what is left."""
    described = {name: value for name, value in base.manifest.items() if name not in ("files", manifest.SELF)}
    described |= {
        "schema_version": manifest.SCHEMA_VERSION,
        "version": release.semver,
        "base": base.semver or f"{base.version}.0.0",
        "row_count": release.counts["rows"],
        "unreviewed": release.counts["unreviewed"],
        "counts": release.counts,
        "source_hash": _source_hash(scratch),
        "content_hash": release.content_hash,
        "versions": without(base.manifest.get("versions", {}), removed),
        "withdrawn": release.counts["withdrawn"],
    }
    release.manifest = described
    card.write(release, scratch)
    release.manifest, release.files = manifest.seal(described, release.files, scratch)


def _source_hash(scratch):
    return proof.combined(set(pq.read_table(scratch / proof.NAME, columns=["source_sha256"])[0].to_pylist()))


def without(versions, removed):
    """The versions of a manifest, their rows less those of the `removed` rows of rows.parquet."""
    gone = {
        "filters": Counter(row["filters_sha256"] for row in removed),
        "gate": Counter(row["gate_sha256"] for row in removed),
        "templates": reduce(
            Counter.__add__, (Counter(each["sha256"] for each in row["templates"]) for row in removed), Counter()
        ),
    }
    return {
        name: [left for entry in entries if (left := _less(entry, gone.get(name, {}))) is not None]
        for name, entries in versions.items()
    }


def _less(entry, gone):
    rows = entry.get("rows", 0) - gone.get(entry.get("sha256", ""), 0)
    return entry | {"rows": rows} if rows > 0 or entry.get("in_force") else None


def _check(release, scratch, look):
    def halted():
        try:
            look()
        except Halted:
            return True
        return False

    found = checking.check(scratch, targets=release.recipe.get("targets"), should_stop=halted)
    look()
    release.report |= {"remarks": found.remarks} | found.figures
    release.problems = found.problems


# -- its place -------------------------------------------------------------------------------------------------------


def _publish(run, release, base, scratch, gone):
    """Move the folder into place in one step, and say so in the database."""
    rows = ReleaseRow.objects.filter(release=base).exclude(row_id__in=gone).order_by("pk")
    with transaction.atomic():
        if withdrawing.withdrawn_among(run.project, rows.values_list("prompt", flat=True)):
            raise Outdated
        shutil.rmtree(release.directory, ignore_errors=True)
        scratch.rename(release.directory)
        release.state = Release.State.DRAFT if release.problems else Release.State.PUBLISHED
        release.save()
        names = ("prompt_id", "response_id", "row_id", "split")
        insert_values(ReleaseRow, names, list(rows.values_list(*names)), release_id=release.pk)
        kind = "release_drafted" if release.problems else "released"
        detail = {"version": release.version, "semver": release.semver, "base": base.version}
        Event.objects.create(project=run.project, run=run, actor=run.created_by, kind=kind, detail=detail)
        Run.objects.filter(pk=run.pk).update(versions={"release": release.version, "base": base.version})
