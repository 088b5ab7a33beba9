"""The round trip: every config and split is loaded by `datasets`, as users of a release will."""

import shutil

import yaml


def check(directory, said, report, *, cache, **_):
    """What `datasets.load_dataset` makes of the folder, against the manifest."""
    import datasets  # brings much along, which only this process needs

    datasets.disable_progress_bars()
    wanted = rows_by_config(said)
    loaded = report.figures["loaded"] = []
    for config in configs(directory):
        found = _load(datasets, directory, config, cache, report)
        if found is None:
            continue
        if found != wanted.get(config):
            report.problems.append(
                f"datasets reads {_rows(found)} of config {config}; the manifest says {_rows(wanted.get(config, {}))}."
            )
        loaded += [{"config": config, "split": split, "rows": rows} for split, rows in found.items()]
    missing = sorted(wanted.keys() - set(configs(directory)))
    if missing:
        report.problems.append(f"README.md names no config {', '.join(missing)}, so datasets does not find it.")


def _load(datasets, directory, config, cache, report):
    """{split: rows} as read; None where it cannot be loaded, which the report then says."""
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
    text = (directory / "README.md").read_text(encoding="utf-8")
    head = yaml.safe_load(text.split("---\n")[1]) if text.startswith("---\n") else {}
    return [each["config_name"] for each in head.get("configs", [])]


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
