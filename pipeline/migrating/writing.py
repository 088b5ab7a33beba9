"""The report as files: data, a page of Markdown, and a line for every row that is not matched or was wrong."""

import json
import re

from pipeline.formats import replacing

from .faults import FAULTS
from .finding import KINDS

PARQUET = re.compile(r"\.(parquet|pq)(\.gz)?$", re.IGNORECASE)


def write_report(report, path):
    """Write `path` as .json and .md, and beside them .unmatched.jsonl and .faults.jsonl; returns the four paths."""
    stem = path.with_suffix("") if path.suffix in (".json", ".md") else path
    stem.parent.mkdir(parents=True, exist_ok=True)
    texts = {
        ".json": json.dumps(report.as_json(), indent=2, ensure_ascii=False) + "\n",
        ".md": as_markdown(report),
        ".unmatched.jsonl": _lines(report.unmatched()),
        ".faults.jsonl": _lines(report.findings.rows),
    }
    written = []
    for ending, text in texts.items():
        target = stem.with_name(stem.name + ending)
        with replacing(target) as part:
            part.write_text(text, encoding="utf-8", errors="backslashreplace")
        written.append(target)
    return written


def _lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def as_markdown(report):
    """The report for people."""
    title = f"# From the earlier scripts into {report.project}"
    parts = [title + (" (dry run: nothing was written)" if report.dry_run else ""), _files(report), _faults(report)]
    if report.notes:
        parts.append("\n".join(["## Notes", "", *(f"- {note}" for note in report.notes)]))
    states = ", ".join(f"{number:,} {state.replace('_', ' ')}" for state, number in report.totals["states"].items())
    totals = {name: report.totals[name] for name in ("prompts", "answers", "decisions")}
    held = _counted(totals.items())
    parts.append(f"The project holds {held}" + (f" ({states})." if states else "."))
    return "\n\n".join(parts) + "\n"


def _files(report):
    rows = ["## Files", "", "| file | read as | rows | new | matched | unmatched |"]
    rows.append("| --- | --- | ---: | ---: | ---: | ---: |")
    for file in report.files:
        numbers = " | ".join(f"{number:,}" for number in (file.rows, file.imported, file.matched, file.unmatched))
        rows.append(f"| {_cell(file.name)} | {KINDS[file.kind]} | {numbers} |")
    refused = [f"{file.name} was not read: {file.refused}" for file in report.files if file.refused]
    brought = [f"{file.name}: {_counts(file)}." for file in report.files if +file.counts]
    return "\n".join([*rows, *([""] if brought or refused else []), *(f"- {each}" for each in [*brought, *refused])])


def _counts(file):
    return _counted((name.replace("_", " "), number) for name, number in sorted(file.counts.items()) if number)


def _counted(numbers):
    """Pairs of a plural and its number in words, such as 1 prompt, 2 answers."""
    return ", ".join(f"{number:,} {name.removesuffix('s') if number == 1 else name}" for name, number in numbers)


def _faults(report):
    counted = report.findings.counts()
    if not counted:
        return "## What the scripts got wrong\n\nNothing of what is looked for was found."
    rows = ["## What the scripts got wrong", "", "| what | rows | means |", "| --- | ---: | --- |"]
    rows += [f"| {FAULTS[code].label} | {number:,} | {FAULTS[code].help} |" for code, number in counted.items()]
    for code in counted:
        examples = report.findings.examples(code)
        rows += ["", f"### {FAULTS[code].label}", "", *map(_example, examples)]
        if counted[code] > len(examples):
            rows.append(f"- and {counted[code] - len(examples):,} more")
    return "\n".join(rows)


def _example(row):
    about = f" (prompt {row['prompt_key'][:12]})" if row["prompt_key"] else ""
    said = f": {_cell(row['said'])}" if row["said"] else ""
    place = "row" if PARQUET.search(row["file"]) else "line"
    return f"- {_cell(row['file'])}, {place} {row['line']}{about}{said}"


def _cell(text):
    return text.replace("|", "\\|").replace("<", "&lt;")
