"""What OpenAI, TRL, axolotl and LLaMA-Factory ask of the files that are meant for them."""

from . import axolotl, llama_factory, openai, trl

OF_OPENAI = {
    ("messages", ""): openai.problems,
    ("pairs", ""): openai.problems,
    ("preference", "openai"): openai.preference_problems,
}
OF_AXOLOTL = {"preference": "llama_factory"}  # which of a format's JSON Lines axolotl reads, where not its own
ASKED_FOR = "openai"  # a target whose name begins so makes problems of OpenAI's limits on numbers and sizes


def check(directory, said, report, *, targets, **_):
    """Every file by the rules of each program that reads it."""
    for entry in said["files"]:
        if entry.get("split"):
            _file(directory / entry["path"], entry, report, targets)
    report.problems += llama_factory.problems(directory)


def _file(path, entry, report, targets):
    kind = entry["format"]
    if path.suffix == ".parquet":
        if kind in trl.TYPES:
            report.problems += trl.problems(path, kind)
        return
    suffix = path.name.removesuffix(".jsonl").partition(".")[2]
    if (kind, suffix) in OF_OPENAI:
        _openai(OF_OPENAI[kind, suffix], path, entry, report, targets)
    if kind in axolotl.AXOLOTL and suffix == OF_AXOLOTL.get(kind, ""):
        report.problems += axolotl.problems(path, kind)


def _openai(problems, path, entry, report, targets):
    """How many examples and bytes OpenAI takes is nobody's concern who trains elsewhere: remarks, unless asked for."""
    of_size = openai.too_large(path)
    if entry["split"] == "train":
        of_size += openai.too_few(path, entry["rows"])
    report.problems += [said for said in problems(path) if said not in of_size]
    asked_for = any(name.lower().startswith(ASKED_FOR) for name in targets)
    (report.problems if asked_for else report.remarks).extend(of_size)
