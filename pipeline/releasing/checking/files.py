"""The rows themselves: no empty text, no NaN, no dry run, nothing that breaks readers; no group in two splits."""

from collections import Counter, defaultdict

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

BATCH = 1000
TURNS = ("content", "value")  # fields of a message that hold its text
TEXTS = ("instruction", "output", "completion", "prompt", "text")  # plain columns that do
NO_TEXTS = r"^\s*(?i:nan|null|none|n/a|undefined)\s*$"
DRY_RUN = r"^\s*\[DRY RUN\]"
SHOWN = 5  # examples of a kind that are named


def check(directory, said, report, **_):
    """Every Parquet file that the manifest lists, in pieces."""
    groups, schemas = defaultdict(set), {}
    for entry in said["files"]:
        if entry["path"].endswith(".parquet"):
            _table(directory, entry, report, groups, schemas)
    shared = sorted(group for group, splits in groups.items() if len(splits) > 1)
    report.figures["groups"] = dict(sorted(Counter(split for splits in groups.values() for split in splits).items()))
    report.figures["shared_groups"] = len(shared)
    if shared:
        named = ", ".join(f"{group[:12]} in {' and '.join(sorted(groups[group]))}" for group in shared[:SHOWN])
        report.problems.append(f"{len(shared):,} groups are in more than one split: {named}.")


def _table(directory, entry, report, groups, schemas):
    file = pq.ParquetFile(directory / entry["path"])
    path, first = schemas.setdefault(entry.get("format"), (entry["path"], file.schema_arrow))
    if not file.schema_arrow.equals(first):
        report.problems.append(f"{entry['path']} has other columns than {path}; the files of a config have the same.")
    if not file.metadata.num_rows:
        report.problems.append(f"{entry['path']} has no rows; readers refuse a split without any.")
    number, wrong = 0, defaultdict(list)
    for batch in file.iter_batches(BATCH):
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            for why, places in _faults(name, column):
                wrong[why, name] += [number + place for place in places]
        if {"group", "split"} <= set(batch.schema.names):
            split = entry.get("split")
            for group, own in set(zip(batch["group"].to_pylist(), batch["split"].to_pylist(), strict=True)):
                groups[group].update({own, split or own})
        number += batch.num_rows
    for (why, name), places in wrong.items():
        report.problems.append(f"{entry['path']}: {why} in {name}, row {_some(places)}.")


def _some(places):
    more = f" and {len(places) - SHOWN:,} more" if len(places) > SHOWN else ""
    return ", ".join(f"{place + 1:,}" for place in places[:SHOWN]) + more


def _faults(name, column):
    """[(what is wrong, rows of this batch)] of a column."""
    texts, rows, is_text = _leaves(name, column)
    if texts is None:
        if pa.types.is_floating(column.type):
            yield from _where("NaN", pc.is_nan(column), range(len(column)))
        return
    yield from _where("a NUL character", pc.match_substring(texts, "\0"), rows)
    if is_text:
        yield from _where("an empty text", pc.equal(pc.utf8_trim_whitespace(texts), ""), rows)
        yield from _where("the text of a missing value", pc.match_substring_regex(texts, NO_TEXTS), rows)
        yield from _where("the text of a dry run", pc.match_substring_regex(texts, DRY_RUN), rows)
        yield from _where("a byte order mark", pc.starts_with(texts, "\ufeff"), rows)


def _leaves(name, column):
    """(texts, the row of each, whether they are what models read); texts are None where a column has none."""
    if pa.types.is_string(column.type):
        return column, range(len(column)), name in TEXTS
    if pa.types.is_list(column.type):
        inside, rows = column.flatten(), pc.list_parent_indices(column)
        if pa.types.is_string(inside.type):
            return inside, rows, False
        if pa.types.is_struct(inside.type):
            turn = next((field for field in TURNS if inside.type.get_field_index(field) >= 0), None)
            return (inside.field(turn), rows, True) if turn else (None, rows, False)
    return None, range(len(column)), False


def _where(why, mask, rows):
    """[(why, rows)] where the mask says so; what is not known is not wrong here."""
    if pc.any(mask).as_py():
        places = pc.indices_nonzero(mask).to_pylist()
        yield why, [int(rows[place].as_py() if hasattr(rows[place], "as_py") else rows[place]) for place in places]
