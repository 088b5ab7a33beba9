"""A release from chosen rows to a finished folder: written in every format, proved, described, checked.

Everything happens in a scratch folder; the stage that called gives it its place.
"""

import gc
import itertools
from collections import Counter
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from pipeline import formats, splits

from . import card, checking, lengths, manifest, press, proof, versioning, writing
from .garbage import few_looks
from .picking import REASONS
from .reading import AT_ONCE, BATCH, Reader

LEFT_OUT = "left_out.jsonl"
BATCHES_A_LOOK = 20
YOUNG = 1  # generations of objects that are looked through: those made since the last look, not all of Django
PIECES = 2 * AT_ONCE // BATCH  # that may wait: what is done with rows that were read while the next are looked for
LINES = 1000  # written at once
COUNTED = {"teachers": "teacher", "task_types": "task_type", "domains": "domain", "statuses": "status"}


@dataclass
class Written:
    """What one pass over the rows gave beside the release's own fields: files, what stands behind rows, lengths."""

    files: list
    behind: proof.Reader
    tokens: lengths.Lengths


def write(release, chosen, placed, scratch, step=lambda rows: None):
    """Write the rows of `chosen` in the formats of the release's recipe; `placed` are by row places in SPLITS.

    `step` hears how many rows were written, and may raise. Sets the release's counts, content hash and label.
    """
    recipe = release.recipe
    written = Written([], proof.Reader(release.project), lengths.Lengths(recipe["targets"], system=recipe["system"]))
    needs = frozenset().union(*(formats.FORMATS[name].needs for name in recipe["formats"]))
    reader = Reader(chosen, placed, needs, written.behind)
    counts, batches = {name: Counter() for name in COUNTED}, itertools.count(1)
    options = {"system": recipe["system"], "shard_bytes": recipe["shard_bytes"]}
    table = writing.Table(scratch, proof.NAME, proof.SCHEMA)

    def note(records, known):
        table.add(proof.table(proof.columns(records, known)))
        written.tokens.add(records, known)
        for name, attribute in COUNTED.items():
            counts[name].update(map(attrgetter(attribute), records))

    with writing.Behind(PIECES) as behind, few_looks():
        with press.files_of(len(chosen.rows), scratch, recipe["formats"], behind=behind, **options) as files:
            for place, split in enumerate(splits.SPLITS):
                for records, known in reader.batches(np.flatnonzero(placed == place)):
                    files.add(split, records)
                    behind.do(note, records, known)  # while the database looks for the next
                    if next(batches) % BATCHES_A_LOOK == 0:
                        gc.collect(YOUNG)
                    step(len(records))
            written.files += files.close()
        behind.wait()
        rows_file = table.close()
    release.counts = _counts(chosen, placed, counts, written.files)
    release.content_hash = formats.combined_sha256(written.files)
    written.files += rows_file + _write_left_out(scratch, chosen)
    return written


def _counts(chosen, placed, counts, files):
    by_split = {split: int(np.count_nonzero(placed == place)) for place, split in enumerate(splits.SPLITS)}
    return {
        "rows": len(chosen.rows),
        "unreviewed": counts["statuses"]["unreviewed"],
        "groups": sum(stratum is not None for stratum in chosen.strata),
        "splits": {split: rows for split, rows in by_split.items() if rows},
        "formats": writing.rows_by_format(files),
        **{name: dict(sorted(counted.items())) for name, counted in counts.items()},
        **chosen.counts(),
    }


def _write_left_out(scratch, chosen):
    """The rows that were ready and stayed out, sorted by row id; no file where there are none."""
    lines, reasons = writing.Lines(scratch, LEFT_OUT), (REASONS[place] for place in chosen.why)
    rows = zip(chosen.left_out.keys(), reasons, strict=True)
    said = ({"prompt_key": key, "row_id": row.row_id, "why": why} for (row, key), why in rows)
    while portion := list(itertools.islice(said, LINES)):
        lines.add(portion)
    return lines.close()


def describe(release, written, scratch):
    """Card and manifest of a written release; sets its files and manifest."""
    described = manifest.describe(release, written.behind.versions.entries(), written.behind.source_hash())
    release.report = {"lengths": written.tokens.figures()}
    release.manifest = described
    card.write(release, scratch)
    release.manifest, release.files = manifest.seal(described, written.files, scratch)


def check(release, scratch, halted):
    """Look at the finished files; sets the release's report and problems."""
    found = checking.check(scratch, targets=release.recipe["targets"], should_stop=halted)
    release.report |= {"remarks": found.remarks} | found.figures
    release.problems = found.problems


def name(release, base, chosen):
    """Give the release its label, by what changed since `base`."""
    release.semver = versioning.label(base, release.recipe, chosen.rows.table["row_id"])
