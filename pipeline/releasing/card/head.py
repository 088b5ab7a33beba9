"""The YAML on top of a dataset card: configs and splits for `datasets`, features, sizes and licences for the hub."""

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.formats import FORMATS
from pipeline.splits import SPLITS

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
# Licences by the names that the hub knows; any other is told as "other", and in the table of sources.
HUB_LICENCES = {
    *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0"),
    *("cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0"),
    *("cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "odbl", "odc-by"),
    *("pddl", "unlicense", "gpl-3.0", "lgpl-3.0", "etalab-2.0"),
}
DEFAULT = "messages"


def config_name(kind):
    """What readers call a format: messages are the default."""
    return "default" if kind == DEFAULT else kind


def folder(kind):
    """Where the Parquet files of a format lie."""
    return "data" if kind == DEFAULT else kind


def splits_of(directory):
    """{format: {split: [Parquet files]}} of what lies in a release's folder, in the order of formats and splits."""
    found = {}
    for kind in FORMATS:
        files = {split: sorted((directory / folder(kind)).glob(f"{split}-*.parquet")) for split in SPLITS}
        if any(files.values()):
            found[kind] = {split: paths for split, paths in files.items() if paths}
    return found


def head(release, figures, files):
    """The YAML as a dict; `files` of `splits_of`."""
    return {
        "pretty_name": release.project.name,
        **_licence(figures),
        "annotations_creators": ["machine-generated"],
        "source_datasets": ["original"],
        "size_categories": [next((name for limit, name in SIZES if release.counts["rows"] < limit), "n>1M")],
        "task_categories": ["text-generation"],
        "tags": ["distillation", "science", *(["preference"] if "preference" in files else [])],
        "dataset_info": [_info(kind, splits) for kind, splits in files.items()],
        "configs": [_config(kind, splits) for kind, splits in files.items()],
    }


def _licence(figures):
    names = {licence.strip().lower().replace(" ", "-") for licence in figures.licences}
    if names and names <= HUB_LICENCES:
        return {"license": sorted(names) if len(names) > 1 else names.pop()}
    return {"license": "other", "license_name": "by-row", "license_link": "README.md"}


def _config(kind, splits):
    said = [{"split": split, "path": f"{folder(kind)}/{split}-*.parquet"} for split in splits]
    return {"config_name": config_name(kind), **({"default": True} if kind == DEFAULT else {}), "data_files": said}


def _info(kind, splits):
    """Features, rows and bytes of one config."""
    sizes = [size_of(split, paths) for split, paths in splits.items()]
    return {
        "config_name": config_name(kind),
        "features": [feature(each) for each in pq.read_schema(next(iter(splits.values()))[0])],
        "splits": sizes,
        "download_size": sum(path.stat().st_size for paths in splits.values() for path in paths),
        "dataset_size": sum(size["num_bytes"] for size in sizes),
    }


def size_of(split, paths):
    told = [pq.read_metadata(path) for path in paths]
    size = sum(each.row_group(number).total_byte_size for each in told for number in range(each.num_row_groups))
    return {"name": split, "num_bytes": size, "num_examples": sum(each.num_rows for each in told)}


def feature(column):
    """A column as the hub's YAML says it."""
    return {"name": column.name, **_kind(column.type)}


def _kind(kind):
    if pa.types.is_list(kind):
        inside = _kind(kind.value_type)
        return {"list": inside.get("dtype") or inside["struct"]}
    if pa.types.is_struct(kind):
        return {"struct": [feature(each) for each in kind]}
    return {"dtype": str(kind)}
