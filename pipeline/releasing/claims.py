"""What a manifest, a card and dataset_info.json say beside sha256s: names of files, counts, versions. Counted anew."""

import json
import re
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

import yaml

from pipeline.formats import FORMATS

from . import manifest, picking, proof, readers
from .card.head import config_name, folder
from .checking.loading import head_of
from .standing import SPLITS, Different, parquet

CARD = "README.md"
LEFT_OUT = "left_out.jsonl"
TOMBSTONES = "tombstones.json"
ALWAYS = (CARD, readers.DATASET_INFO, proof.NAME)
PLAIN = {*ALWAYS, LEFT_OUT, TOMBSTONES}  # files of no format
LABEL = re.compile(r"\d+\.\d+\.\d+")


# -- names of files -------------------------------------------------------------------------------------------------


def names_hold(said):
    """Raises Different where the files are not named, or not all there, as a release names them."""
    names, own = [entry["path"] for entry in said["files"]], {}
    for name, entry in zip(names, said["files"], strict=True):
        if entry.get("split") or entry.get("format"):
            own.setdefault((entry.get("format"), entry.get("split")), []).append(name)
        elif name not in PLAIN:
            raise Different(f"{manifest.NAME} names {name} without its format and split.")
    if names != sorted(set(names)):
        raise Different(f"{manifest.NAME} names files twice, or not in their order.")
    for name in ALWAYS:
        if name not in names:
            raise Different(f"{manifest.NAME} does not name {name}, which every release has.")
    for (kind, split), found in own.items():
        _part_is_whole(kind, split, found)


def _part_is_whole(kind, split, found):
    if kind not in FORMATS or split not in SPLITS:
        known = f"formats are {', '.join(FORMATS)}, splits {', '.join(SPLITS)}"
        raise Different(f"{manifest.NAME} names {found[0]} as {kind!r} of {split!r}; {known}.")
    shards = sum(name.endswith(".parquet") for name in found)
    right = {f"{folder(kind)}/{split}-{number:05}-of-{shards:05}.parquet" for number in range(shards)}
    right |= {f"jsonl/{kind}/{split}{suffix and '.'}{suffix}.jsonl" for suffix in ("", *FORMATS[kind].beside)}
    wrong = sorted(right ^ set(found))
    if wrong:
        verb = "names" if wrong[0] in found else "does not name"
        raise Different(f"{manifest.NAME} {verb} {wrong[0]} among the files of {kind}, {split}.")


# -- numbers --------------------------------------------------------------------------------------------------------


def numbers_hold(directory, said, same):
    """Raises Different, by `same(what, found, said)`, where the manifest counts otherwise than the files."""
    _plain_hold(said, same)
    _listed_hold(directory, said, same)
    columns = ["filters_sha256", "gate_sha256", "templates"]
    table = parquet(directory, proof.NAME, proof.SCHEMA).read(columns)
    for name in ("filters", "gate"):
        _rules_hold(name, said, Counter(table[f"{name}_sha256"].to_pylist()), same)
    used = (each for row in table["templates"].to_pylist() for each in row)
    found = Counter((each["name"], each["version"], each["sha256"]) for each in used)
    wanted = {(each["name"], each["version"], each["sha256"]): each["rows"] for each in _versions(said, "templates")}
    if found != wanted:
        same("versions.templates", _as_lines(found), _as_lines(wanted))


def _plain_hold(said, same):
    if not LABEL.fullmatch(said["version"]):
        raise Different(f"{manifest.NAME} says version {said['version']!r}; it is three numbers, as in 1.0.0.")
    same("counts.unreviewed", said["unreviewed"], said["counts"].get("unreviewed"))
    if "seed" in said["recipe"]:
        same("seed", said["recipe"]["seed"], said["seed"])


def rows_by_format(files):
    """{format: {split: rows}} by the entries of a manifest."""
    found = {}
    for entry in files:
        if entry.get("split") and entry["path"].endswith(".parquet"):
            found.setdefault(entry["format"], Counter())[entry["split"]] += entry["rows"]
    return {name: dict(rows) for name, rows in found.items()}


def _listed_hold(directory, said, same):
    """How many rows are listed as left out, and why; and as withdrawn, of a release that corrects another."""
    names, counts = {entry["path"]: entry for entry in said["files"]}, said["counts"]
    why = Counter()
    if LEFT_OUT in names:
        with open(directory / LEFT_OUT, encoding="utf-8", newline="\n") as lines:
            why = Counter(json.loads(line)["why"] for line in lines)
        same(f"rows of {LEFT_OUT}", why.total(), names[LEFT_OUT].get("rows", why.total()))
    reasons = [name for name in picking.LEFT_OUT if counts.get(name)]
    same("rows left out", dict(why), {name: counts[name] for name in reasons})
    gone = None
    if TOMBSTONES in names:
        buried = json.loads((directory / TOMBSTONES).read_text(encoding="utf-8"))
        gone = len(buried["rows"])
        same(f"base of {TOMBSTONES}", buried["base"], said["base"])
    elif said["base"]:
        raise Different(f"{manifest.NAME} says base {said['base']}, and names no {TOMBSTONES}.")
    same("withdrawn", gone, said.get("withdrawn"))
    same("counts.withdrawn", gone, counts.get("withdrawn"))


def _versions(said, name):
    return said["versions"].get(name, [])


def _rules_hold(name, said, found, same):
    """The rows by each sha256 of rules, those without a verdict among them."""
    entries = _versions(said, name)
    wanted = Counter()
    for entry in entries:
        wanted[entry.get("sha256", "")] += entry["rows"]
    if not entries:
        wanted[""] = found[""]
    same(f"versions.{name}", _as_lines(+found), _as_lines(+wanted))
    in_force = [entry["sha256"] for entry in entries if entry.get("in_force")]
    if in_force:
        same(f"{name}_sha256", in_force[0], said[f"{name}_sha256"])


def _as_lines(counted):
    return sorted([str(key), number] for key, number in counted.items())


# -- what readers are told ------------------------------------------------------------------------------------------


def descriptions_hold(directory, said):
    """Raises Different where the card's head or dataset_info.json leads readers to other files than there are."""
    paths = [entry["path"] for entry in said["files"] if entry.get("split")]
    _head_holds(directory, said, [path for path in paths if path.endswith(".parquet")])
    info = json.loads((directory / readers.DATASET_INFO).read_text(encoding="utf-8"))
    right = {each["file_name"] for each in readers.dataset_info("", [{"path": path} for path in paths]).values()}
    wrong = sorted(right ^ {each["file_name"] for each in info.values()})
    if wrong:
        raise Different(f"{readers.DATASET_INFO} and the files differ: {wrong[0]} is in one of them alone.")


def _head_holds(directory, said, paths):
    try:
        configs = head_of(directory).get("configs", [])
    except yaml.YAMLError as error:
        raise Different(f"{CARD} has no head that can be read: {error}.") from error
    found = {
        (config["config_name"], each["split"], path)
        for config in configs
        for each in config["data_files"]
        for path in paths
        if fnmatchcase(path, each["path"])
    }
    right = {
        (config_name(entry["format"]), entry["split"], entry["path"])
        for entry in said["files"]
        if entry.get("split") and PurePosixPath(entry["path"]).suffix == ".parquet"
    }
    wrong = sorted(found ^ right)
    if wrong:
        config, split, path = wrong[0]
        verb = "does not name" if wrong[0] in right else "names"
        raise Different(f"{CARD} {verb} {path} as {split} of config {config}.")
