"""Which files there are: those that the configuration names, what the scripts left beside them, and what is given."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from curation.importing import PRESETS, ImportRefused
from curation.importing.files import SUFFIXES
from pipeline.datasets.aside import MARK, aside_of, is_ours

from .encodings import WINDOWS, encoding_of, said_of
from .kinds import columns_of, kind_of, open_rows, why_unread

# In the order in which they are read.
KINDS = {
    "inputs": "teacher inputs",
    "outputs": "teacher outputs",
    "filtered": "passed the filters",
    "rejected": "failed the filters",
    "gated": "passed the gate",
    "gate_rejected": "failed the gate",
    "labels": "labels",
    "regenerated": "regenerated",
    "sft": "training files",
    "manifest": "manifests",
}
STORAGE = {
    "raw_dataset": "inputs",
    "collected_dataset": "outputs",
    "filtered_dataset": "filtered",
    "regen_dataset": "regenerated",
    "sft_jsonl": "sft",
    "sft_parquet": "sft",
}
SPLITS = ("train", "val", "valid", "validation", "dev", "test")
READABLE = {suffix for suffix, kind in SUFFIXES.items() if kind in ("parquet", "csv", "jsonl", "json")}
PROMPTS = {preset["prompt"] for preset in PRESETS.values()}
MOST_LEFT = 20  # files beside that are named


@dataclass(frozen=True)
class Source:
    """One file to take over. `main`: the configuration names it; `name` is how the report calls it."""

    path: Path
    kind: str
    name: str
    main: bool = False


def find(config, config_path, *, root=None, labels=(), paths=()):
    """(every `Source`, in the order to read them; a sentence for each that is named and absent, or unknown).

    Relative paths of the configuration are looked for in `root`, else here, else beside the configuration.
    """
    search = _Search(config, Path(config_path), root)
    for key, kind in STORAGE.items():
        path = config.raw_dataset if key == "raw_dataset" else getattr(config.storage, key)
        search.named(path, kind, f"storage.{key}")
    search.beside()
    for path in labels:
        search.given(Path(path), "labels")
    for path in paths:
        search.given(Path(path))
    search.left()
    order = list(KINDS)
    sources = _told_apart(search.found.values())
    search.notes += [said for source in sources if (said := _of_windows(source))]
    return sorted(sources, key=lambda each: order.index(each.kind)), search.notes


def _of_windows(source):
    """What the report says of a file whose encoding is known by exclusion alone; "" for all others."""
    if encoding_of(source.path) != WINDOWS:
        return ""
    try:
        return said_of(source.name, open_rows(source.path).rows())
    except ImportRefused:
        return ""  # told when its turn comes


def _told_apart(sources):
    """The sources; of those that go by one name, such as files of several people elsewhere, each with its folders."""
    names = Counter(source.name for source in sources)
    alike = [source for source in sources if names[source.name] > 1]
    depth = 1
    while len({source.path.parts[-depth:] for source in alike}) < len(alike):
        depth += 1
    longer = {source.path: "/".join(source.path.parts[-depth:]) for source in alike}
    return [replace(source, name=longer.get(source.path, source.name)) for source in sources]


class _Search:
    def __init__(self, config, config_path, root):
        self.config, self.found, self.notes = config, {}, []
        self.seen = set()  # what was said to be none of them
        here = config_path.expanduser().resolve().parent
        self.roots = [Path(root)] if root else [Path.cwd(), here, here.parent]

    def place(self, path):
        """Where a path of the configuration lies, or None."""
        places = [path] if path.is_absolute() else [root / path for root in self.roots]
        return next((place for place in places if place.exists()), None)

    def add(self, path, kind, *, main=False):
        """Note a file once; the configuration's word on its kind goes before what it looks like."""
        path = path.resolve()
        if path not in self.found:
            self.found[path] = Source(path, kind, _name(path, self.roots), main)

    def named(self, path, kind, key):
        """A file that the configuration names."""
        if path is None:
            return
        place, aside = self.place(path), self.place(aside_of(path))
        if aside:  # our own file has taken its place since, and brings nothing
            self.add(aside, kind, main=True)
            if place:
                self.seen.add(place.resolve())
        elif place is None:
            self.notes.append(f"{key}: {path} is not there.")
        else:
            self.add(place, kind, main=True)

    def beside(self):
        """What the scripts wrote beside those files, by the names they gave it."""
        for source in list(self.found.values()):
            folder, stem = source.path.parent, source.path.name.split(".")[0]
            if source.kind == "filtered":
                for each in sorted(folder.glob("rejected_*")):
                    if aside_of(each).exists():
                        self.seen.add(each.resolve())
                    elif each.name.split(".")[0] == f"rejected_{stem}":
                        self.add(each, "rejected")
                for each in self._unread(folder):
                    if kind_of(each) == "regenerated":
                        self.add(each, "regenerated")  # the guide's own command called it regen.parquet
            if source.kind in ("filtered", "regenerated", "outputs"):
                for each in sorted(folder.parent.glob("labels/*.jsonl*")):
                    self.add(each, "labels")
            if source.kind == "sft":
                for each in sorted(folder.iterdir()):
                    if each.is_file() and _is_split_of(each, stem) and not _is_of_release(each, source):
                        self.add(each, "sft")
        self._batches()

    def _batches(self):
        data = self.config.data
        folder = self.place(data.output_dir) if data.output_dir else None
        for each in sorted(folder.glob("generated_batch_*.parquet")) if folder else ():
            self.add(each, "outputs")
        manifest = data.manifest_path and self.place(data.manifest_path)
        if manifest:
            self.add(manifest, "manifest")

    def given(self, path, kind=""):
        """A file or folder of the command line; what kind a file is, its columns tell."""
        path = path.expanduser()
        if not path.exists():
            self.notes.append(f"{path} is not there.")
        elif path.is_file():
            self._given_file(path, kind or kind_of(path))
        else:
            for each in sorted(path.rglob("*")):
                if each.is_file() and _suffix(each) in READABLE:
                    self._in_folder(each, kind or kind_of(each))

    def _in_folder(self, path, kind):
        """Raw texts in a folder are what the inputs were made of: they are left, unless they are named."""
        if kind == "inputs" and path.resolve() not in self.found and not columns_of(path) & PROMPTS:
            self.seen.add(path.resolve())
            name = _name(path.resolve(), self.roots)
            self.notes.append(f"{name} holds texts without prompts: `import_inputs` takes them in, if wanted.")
        else:
            self._given_file(path, kind)

    def _given_file(self, path, kind):
        if kind:
            self.add(path, kind)
        elif path.resolve() not in self.found:
            self.seen.add(path.resolve())
            why = why_unread(path) or "is none of the files of rows that the scripts wrote: it is not read."
            self.notes.append(f"{_name(path.resolve(), self.roots)} {why}")

    def _unread(self, folder):
        """The data files of a folder that are not among the files yet."""
        files = (each.resolve() for each in sorted(folder.iterdir()) if each.is_file() and _suffix(each) in READABLE)
        return [each for each in files if each not in self.found and each not in self.seen]

    def left(self):
        """Say which data files lie in the scripts' own folders and are not read."""
        own = {source.path.parent for source in self.found.values() if source.main}
        labels = {folder.parent / "labels" for folder in own}
        left = [each for folder in sorted(own | labels) if folder.is_dir() for each in self._unread(folder)]
        for each in left[:MOST_LEFT]:
            name = _name(each, self.roots)
            self.notes.append(f"{name} lies beside these files and is not read: name it to take it over.")
        if left[MOST_LEFT:]:
            self.notes.append(f"{len(left) - MOST_LEFT} more files lie beside these and are not read.")


def _name(path, roots):
    for root in roots:
        if path.is_relative_to(root.resolve()):
            return path.relative_to(root.resolve()).as_posix()
    return path.name


def _suffix(path):
    return Path(path.name.lower().removesuffix(".gz")).suffix


def _is_split_of(path, stem):
    """sft_v1.jsonl has sft_v1.validation.jsonl, sft_v1_val.jsonl, or val.jsonl beside it."""
    own = path.name.split(".jsonl")[0].split(".parquet")[0].removesuffix(MARK)
    names = {*SPLITS, *(f"{stem}{mark}{split}" for mark in "._-" for split in SPLITS)}
    return _suffix(path) in (".jsonl", ".parquet") and own in names


def _is_of_release(path, source):
    """Whether a split beside the scripts' training files is one of ours."""
    return source.path.stem.endswith(MARK) and MARK not in path.name and is_ours(path)
