"""The dataset card of a release: README.md with the YAML that `datasets.load_dataset` reads."""

import yaml

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def render(release):
    """The card's text; it holds no clock, so that the same content gives the same bytes."""
    splits = release.counts["splits"]
    head = {
        "pretty_name": release.project.name,
        "size_categories": [next((name for limit, name in SIZES if release.counts["rows"] < limit), "n>1M")],
        "task_categories": ["text-generation"],
        "configs": [
            {
                "config_name": "default",
                "default": True,
                "data_files": [{"split": split, "path": f"data/{split}-*.parquet"} for split in splits],
            }
        ],
    }
    return f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---\n\n{_body(release)}"


def _body(release):
    counts = release.counts
    lines = [
        f"# {release.project.name}, release {release.version}",
        "",
        f"{counts['rows']:,} chat examples (`messages`: user, assistant) distilled from scientific text.",
    ]
    if counts["unreviewed"]:
        lines += ["", f"**{counts['unreviewed']:,} of them were not reviewed by a person** (`status: unreviewed`)."]
    for title, numbers in (
        ("Split", counts["splits"]),
        ("Task", counts["task_types"]),
        ("Domain", counts["domains"]),
        ("Teacher", counts["teachers"]),
    ):
        lines += ["", f"| {title} | Rows |", "| --- | ---: |"]
        lines += [f"| {_cell(name)} | {number:,} |" for name, number in numbers.items()]
    lines += [
        "",
        "No source document is in two splits. `jsonl/` holds the same rows as messages alone; `manifest.json` has",
        "every file's sha256, the recipe and the seed.",
        "",
    ]
    return "\n".join(lines)


def _cell(text):
    return (text or "(none)").replace("|", "\\|").replace("\n", " ")
