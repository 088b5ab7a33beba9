"""The dataset card of a release: README.md with the YAML that `datasets.load_dataset` reads."""

import yaml

MADE_WITH = {"filters": "Filter rules", "gate": "SampleGate", "rubrics": "Rubric", "templates": "Template"}
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def render(release):
    """The card's text; it holds no clock, so that the same content gives the same bytes."""
    formats = release.counts.get("formats") or {"messages": release.counts["splits"]}
    head = {
        "pretty_name": release.project.name,
        "size_categories": [next((name for limit, name in SIZES if release.counts["rows"] < limit), "n>1M")],
        "task_categories": ["text-generation"],
        "configs": [_config(name, of_format) for name, of_format in formats.items()],
    }
    return f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---\n\n{_body(release)}"


def _config(name, splits):
    is_default = {"config_name": "default", "default": True} if name == "messages" else {"config_name": name}
    folder = "data" if name == "messages" else name
    return is_default | {"data_files": [{"split": split, "path": f"{folder}/{split}-*.parquet"} for split in splits]}


def _body(release):
    counts = release.counts
    lines = [
        f"# {release.project.name}, release {release.version}",
        "",
        f"{counts['rows']:,} chat examples (`messages`: user, assistant) distilled from scientific text.",
    ]
    if counts["unreviewed"]:
        lines += ["", f"**{counts['unreviewed']:,} of them were not reviewed by a person** (`status: unreviewed`)."]
    lines += _left_out(release)
    for title, numbers in (
        ("Split", counts["splits"]),
        ("Task", counts["task_types"]),
        ("Domain", counts["domains"]),
        ("Teacher", counts["teachers"]),
    ):
        lines += ["", f"| {title} | Rows |", "| --- | ---: |"]
        lines += [f"| {_cell(name)} | {number:,} |" for name, number in numbers.items()]
    made = made_with(release.manifest)
    lines += ["", "| Made with | sha256 | Rows |", "| --- | --- | ---: |"] if made else []
    lines += [f"| {_cell(name)} | {sha256[:12]} | {number:,} |" for name, sha256, number in made]
    lines += [
        "",
        "No source document is in two splits. `jsonl/` holds the same rows as messages alone; `manifest.json` has",
        "every file's sha256, the recipe and the seed.",
        "",
    ]
    return "\n".join(lines)


def made_with(manifest):
    """[(what in words, sha256 or "", rows)] of the versions that a release's manifest names; [] for older ones."""
    versions = manifest.get("versions", {})
    return [
        (_named(entry, what), entry.get("sha256", ""), entry["rows"])
        for key, what in MADE_WITH.items()
        for entry in versions.get(key, [])
    ]


def _named(entry, what):
    name = " ".join(part for part in (what, entry.get("name")) if part)
    if entry.get("judge"):
        name += f", read by {entry['judge']}"
    if entry["version"] is None:
        return f"{name}: {'came with the answer' if entry.get('imported') else 'no verdict'}"
    return f"{name} v{entry['version']}"


def _left_out(release):
    """What was ready and stayed out, and whether rows that share words with an evaluation set are in."""
    counts = release.counts
    reasons = {
        "near_duplicates": "near-duplicates of other rows",
        "leaks": "sharing words with an evaluation set",
        "split_conflicts": "tying two splits together",
    }
    said = [f"{counts[name]:,} {words}" for name, words in reasons.items() if counts.get(name)]
    lines = ["", f"Left out: {', '.join(said)}."] if said else []
    if release.recipe.get("include_leaks"):
        lines += ["", "**Rows that share words with an evaluation set were asked for, and are in.**"]
    return lines


def _cell(text):
    return (text or "(none)").replace("|", "\\|").replace("\n", " ")
