"""What OpenAI, TRL, axolotl and LLaMA-Factory ask of the files that are meant for them; each file is read once."""

from functools import partial

import pyarrow.parquet as pq

from . import axolotl, llama_factory, openai, trl
from .rows import looked_through

OF_OPENAI = {
    ("messages", ""): openai.faults,
    ("pairs", ""): openai.faults,
    ("preference", "openai"): openai.preference_faults,
}
OF_AXOLOTL = {"preference": "llama_factory"}  # which of a format's JSON Lines axolotl reads, where not its own
ASKED_FOR = "openai"  # a target whose name begins so makes problems of OpenAI's limits on numbers and sizes


def check(directory, said, report, *, targets, **_):
    """Every JSON Lines file: UTF-8, LF, JSON, as many lines as the manifest says, and what each program asks."""
    wrong, described = llama_factory.described(directory)
    report.problems += wrong
    of_llama_factory = {entry["file_name"]: partial(llama_factory.faults, entry) for entry in described}
    for entry in said["files"]:
        path = directory / entry["path"]
        if path.suffix == ".jsonl":
            more = [of_llama_factory[entry["path"]]] if entry["path"] in of_llama_factory else []
            _lines(path, entry, [*_readers_of(path, entry), *more], report)
            _limits_of_openai(path, entry, report, targets)
        elif path.suffix == ".parquet" and entry.get("format") in trl.TYPES:
            names = pq.read_schema(path).names
            report.problems += [f"{entry['path']}: {fault}." for fault in trl.column_faults(entry["format"], names)]


def _lines(path, entry, faults_of, report):
    sentences, rows = looked_through(path, *faults_of)
    report.problems += sentences
    if not path.stat().st_size:
        report.problems.append(f"{entry['path']} has no lines.")
    elif not sentences and rows != entry.get("rows", rows):
        report.problems.append(f"{entry['path']} has {rows:,} lines, the manifest says {entry['rows']:,}.")


def _readers_of(path, entry):
    """What looks at each row of a file, by its format and its suffix."""
    kind, suffix = entry.get("format"), _suffix(path)
    found = [OF_OPENAI[kind, suffix]] if (kind, suffix) in OF_OPENAI else []
    if kind in axolotl.AXOLOTL and suffix == OF_AXOLOTL.get(kind, ""):
        found.append(partial(axolotl.faults, kind))
    if kind in trl.TYPES and not suffix:  # the same rows as in its Parquet file, which is what TRL is given
        found.append(partial(trl.faults, kind))
    return found


def _suffix(path):
    return path.name.removesuffix(".jsonl").partition(".")[2]


def _limits_of_openai(path, entry, report, targets):
    """How many examples and bytes OpenAI takes is nobody's concern who trains elsewhere: remarks, unless asked for."""
    if (entry.get("format"), _suffix(path)) not in OF_OPENAI:
        return
    said = openai.too_large(path) + (openai.too_few(path, entry["rows"]) if entry["split"] == "train" else [])
    asked_for = any(name.lower().startswith(ASKED_FOR) for name in targets)
    (report.problems if asked_for else report.remarks).extend(said)
