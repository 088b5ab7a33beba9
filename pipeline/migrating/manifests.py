"""Manifests: what they say of their files, held against the files."""

import hashlib
import json

from curation.importing import ImportRefused
from curation.importing.errors import BadRow

from .kinds import open_rows


def read_all(sources, all_sources, report):
    """Read every manifest: of batches (JSON Lines), or of one data set (schema, version, row_count, source_hash)."""
    for source in sources:
        file = report.file(source.name, source.kind)
        try:
            if source.path.name.endswith((".jsonl", ".jsonl.gz", ".ndjson")):
                _batches(source, file, report)
            else:
                _data_set(source, all_sources, file, report)
        except (ImportRefused, ValueError, RecursionError) as refused:
            file.refused = " ".join(getattr(refused, "problems", [str(refused)]))


def _batches(source, file, report):
    """A line a batch: `samples_processed` against the rows of generated_batch_<id>.parquet."""
    rows = {each.name.rsplit("/", 1)[-1].split(".")[0]: each.rows for each in report.files if each.kind == "outputs"}
    for line, values in open_rows(source.path).rows():
        file.rows += 1
        if isinstance(values, BadRow) or "batch_id" not in values:
            file.miss(line, str(values) if isinstance(values, BadRow) else "no batch_id")
            continue
        name, said = _batch_name(values["batch_id"]), values.get("samples_processed")
        if name not in rows:
            file.miss(line, f"there is no {name}.parquet among the files")
            continue
        file.matched += 1
        if rows[name] != said:
            report.findings.add("manifest_wrong", source.name, line, "", f"{name}: {said} samples, {rows[name]} rows")


def _batch_name(batch):
    if isinstance(batch, int) and not isinstance(batch, bool):
        return f"generated_batch_{batch:04d}"
    text = str(batch)
    digits = text.removeprefix("generated_").removeprefix("batch_")
    return f"generated_batch_{int(digits):04d}" if digits.isascii() and digits.isdigit() and len(digits) < 9 else text


def _data_set(source, all_sources, file, report):
    """One object: `source_hash` names the file it is about, `row_count` how many rows that has."""
    values = json.loads(source.path.read_text(encoding="utf-8-sig"))
    if not isinstance(values, dict):
        raise ValueError("A manifest is one JSON object with schema, version, row_count, created_at and source_hash.")
    file.rows = 1
    wanted = str(values.get("source_hash", "")).removeprefix("sha256:").lower()
    for each in all_sources:
        if each.kind != "manifest" and wanted and sha256(each.path) == wanted:
            file.matched = 1
            rows = next((found.rows for found in report.files if found.name == each.name), None)
            if rows is not None and rows != values.get("row_count"):
                said = f"{each.name}: row_count {values.get('row_count')}, {rows} rows"
                report.findings.add("manifest_wrong", source.name, 1, "", said)
            return
    file.miss(1, "no file has its source_hash")


def sha256(path):
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
