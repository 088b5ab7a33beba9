"""Which files there are: those that the configuration names, what the scripts left beside them, and what is given."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from curation.importing import PRESETS, ImportRefused
from curation.importing.files import BROKEN_GZIP, SUFFIXES, identify, scan_text
from curation.importing.outputs import JUDGED
from curation.importing.plan import READERS

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
GATE = re.compile(r"gate|accepted|passed", re.IGNORECASE)
OUTPUTS = ("teacher_output", "generated_output", "generation", "generated_text", "response", "completion")
MOST_LEFT = 20  # files beside that are named
MOST_OF_OBJECT = 1_000_000  # bytes
TALKS = ("messages", "conversations")
ASKED, ANSWERED = ("input", "prompt", "instruction", "question"), ("output", "completion", "response", "answer")


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
    return sorted(search.found.values(), key=lambda each: order.index(each.kind)), search.notes


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
        place = self.place(path)
        if place is None:
            self.notes.append(f"{key}: {path} is not there.")
        else:
            self.add(place, kind, main=True)

    def beside(self):
        """What the scripts wrote beside those files, by the names they gave it."""
        for source in list(self.found.values()):
            folder, stem = source.path.parent, source.path.name.split(".")[0]
            if source.kind == "filtered":
                for each in sorted(folder.glob("rejected_*")):
                    if each.name.split(".")[0] == f"rejected_{stem}":
                        self.add(each, "rejected")
                for each in self._unread(folder):
                    if kind_of(each) == "regenerated":
                        self.add(each, "regenerated")  # the guide's own command called it regen.parquet
            if source.kind in ("filtered", "regenerated", "outputs"):
                for each in sorted(folder.parent.glob("labels/*.jsonl*")):
                    self.add(each, "labels")
            if source.kind == "sft":
                for each in sorted(folder.iterdir()):
                    if each.is_file() and _is_split_of(each, stem):
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
    own = path.name.split(".jsonl")[0].split(".parquet")[0]
    names = {*SPLITS, *(f"{stem}{mark}{split}" for mark in "._-" for split in SPLITS)}
    return _suffix(path) in (".jsonl", ".parquet") and own in names


def open_rows(path):
    """The import's reader of a data file, which was read once to its end; raises ImportRefused."""
    file = identify(path)
    if file.format in ("text", "markdown"):
        raise file.refuse("It is text: a file of rows is expected (.jsonl, .json, .parquet, .csv).")
    try:
        reader = READERS[file.format](file)
    except (UnicodeError, *BROKEN_GZIP):
        scan_text(file)  # says which line and byte
        raise
    reader.check()
    return reader


def why_unread(path):
    """Why nobody can read a file; "" where it can be."""
    try:
        file = identify(path)
        if file.format == "json":
            file.open_text(None).read(1)  # JSON that is no list of rows can be read, and is none of theirs
        else:
            open_rows(path)
    except ImportRefused as refused:
        return f"cannot be read ({' '.join(refused.problems)})"
    except (UnicodeError, *BROKEN_GZIP) as error:
        return f"cannot be read ({error})"
    return ""


def columns_of(path):
    """The columns of a data file, or an empty set where it cannot be read."""
    try:
        file = identify(path)
        return set(READERS[file.format](file).columns) if file.format not in ("text", "markdown") else set()
    except (ImportRefused, UnicodeError, *BROKEN_GZIP):
        return set()


def kind_of(path):
    """What kind a file is, by its columns and then by its name; "" for none of the scripts' files."""
    columns = columns_of(path)
    if {"action", "teacher_output"} <= columns or (columns & set(OUTPUTS) and path.parent.name == "labels"):
        return "labels"
    if "batch_id" in columns and "samples_processed" in columns:
        return "manifest"
    if {"schema", "row_count"} <= (columns or _names_of_object(path)):
        return "manifest"
    if _is_training(columns) or (columns == {"text"} and _asks(path)):
        return "sft"
    if columns & set(OUTPUTS):
        return _kind_of_outputs(path, columns)
    return "inputs" if columns & {"user_prompt", "prompt_text", "prompt", "context", "text", "abstract"} else ""


def _names_of_object(path):
    """The names in a small file that is one JSON object, as a manifest of one data set is."""
    if path.suffix.lower() != ".json" or path.stat().st_size > MOST_OF_OBJECT:
        return set()
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError):
        return set()
    return set(data) if isinstance(data, dict) else set()


def _is_training(columns):
    if columns & set(TALKS):
        return True
    if columns & {"user_prompt", "prompt_text", "teacher_output", "template_name"}:
        return False
    return bool(columns & set(ASKED) and columns & set(ANSWERED))


def _asks(path):
    """Whether the texts of a file begin with a question, as training texts do and raw texts do not."""
    file = identify(path)
    (_, first), *_ = READERS[file.format](file).head(1) or [(0, None)]
    return isinstance(first, dict) and isinstance(first["text"], str) and first["text"].lstrip().startswith("###")


def _kind_of_outputs(path, columns):
    if columns & {"regenerated", "annotation_action"}:
        return "regenerated"
    if "rejection_reason" in columns:
        return "gate_rejected"
    if columns & {"passes_all", "quality_pass"}:
        return "rejected" if path.name.startswith("rejected_") else "filtered"
    judged = any(name in columns for names in JUDGED.values() for name in names)
    return "gated" if judged and GATE.search(f"{path.parent.name}/{path.name}") else "outputs"
