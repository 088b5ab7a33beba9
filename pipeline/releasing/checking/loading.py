"""The round trip: every config and split is loaded by `datasets`, as users of a release will."""

import os
import re
import shutil
import tempfile
from contextlib import contextmanager

import yaml

PATTERN = re.compile(r"[][*?{}]")


def check(directory, said, report, *, cache, **_):
    """What `datasets.load_dataset` makes of the folder, against the manifest."""
    try:
        named = configs(directory)
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        report.problems.append(f"README.md has no head that datasets can read: {type(error).__name__}: {error}.")
        return
    wanted = rows_by_config(said)
    missing = sorted(wanted.keys() - set(named))
    if missing:
        report.problems.append(f"README.md names no config {', '.join(missing)}, so datasets does not find it.")
    with _without_pattern(directory) as place:
        report.figures["loaded"] = [
            {"config": config, "split": split, "rows": rows}
            for config in named
            for split, rows in _compared(place, config, wanted.get(config, {}), cache, report).items()
        ]


def _compared(place, config, wanted, cache, report):
    found = _load(place, config, cache, report)
    if found not in (wanted, None):
        report.problems.append(f"datasets reads {_rows(found)} of config {config}; the manifest says {_rows(wanted)}.")
    return found or {}


@contextmanager
def _without_pattern(directory):
    """The folder, or links to its files in another where `datasets` would take its own name for a pattern."""
    if not PATTERN.search(str(directory)):
        yield directory
        return
    with tempfile.TemporaryDirectory() as elsewhere:
        yield shutil.copytree(directory, os.path.join(elsewhere, "release"), copy_function=_link)


def _link(source, target):
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copyfile(source, target)


def _load(directory, config, cache, report):
    """{split: rows} as read; None where it cannot be loaded, which the report then says."""
    import datasets  # brings much along, which only this process needs

    datasets.disable_progress_bars()
    place = cache / "datasets"
    try:
        made = datasets.load_dataset(str(directory), config, cache_dir=str(place))
        return {split: rows.num_rows for split, rows in made.items()}
    except Exception as error:  # whatever a reader says of the files is what a user would get
        cause = error.__cause__ or error
        report.problems.append(f"datasets cannot load config {config}: {type(cause).__name__}: {str(cause)[:300]}")
        return None
    finally:
        shutil.rmtree(place, ignore_errors=True)  # a copy of all rows: one config at a time is enough


def configs(directory):
    """Names of the configs in the head of README.md."""
    return [each["config_name"] for each in head_of(directory).get("configs", [])]


def head_of(directory):
    """The YAML in the head of README.md; empty where it has none."""
    text = (directory / "README.md").read_text(encoding="utf-8")
    return yaml.safe_load(text[4:].split("\n---\n")[0]) if text.startswith("---\n") else {}


def rows_by_config(said):
    """{config: {split: rows}} of the Parquet files that a manifest lists; `messages` is the config default."""
    wanted = {}
    for entry in said["files"]:
        if entry.get("split") and entry["path"].endswith(".parquet"):
            name = "default" if entry["format"] == "messages" else entry["format"]
            splits = wanted.setdefault(name, {})
            splits[entry["split"]] = splits.get(entry["split"], 0) + entry["rows"]
    return wanted


def _rows(found):
    return ", ".join(f"{rows:,} rows of {split}" for split, rows in sorted(found.items())) or "nothing"
