"""What kind a file of the scripts is, by its columns, and the rows of any of them."""

import json
import re

from curation.importing import ImportRefused
from curation.importing.files import BROKEN_GZIP, identify, scan_text
from curation.importing.outputs import JUDGED
from curation.importing.plan import READERS

from .encodings import encoding_of

GATE = re.compile(r"gate|accepted|passed", re.IGNORECASE)
OUTPUTS = ("teacher_output", "generated_output", "generation", "generated_text", "response", "completion")
MOST_OF_OBJECT = 1_000_000  # bytes
TALKS = ("messages", "conversations")
ASKED, ANSWERED = ("input", "prompt", "instruction", "question"), ("output", "completion", "response", "answer")


def identified(path):
    """The import's `InputFile`, to be read in its own encoding; raises ImportRefused."""
    return identify(path, encoding=encoding_of(path))


def open_rows(path):
    """The import's reader of a data file, which was read once to its end; raises ImportRefused."""
    file = identified(path)
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
        file = identified(path)
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
        file = identified(path)
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
    file = identified(path)
    (_, first), *_ = READERS[file.format](file).head(1) or [(0, None)]
    return isinstance(first, dict) and isinstance(first["text"], str) and first["text"].lstrip().startswith("###")


def _kind_of_outputs(path, columns):
    if columns & {"regenerated", "annotation_action"}:
        return "regenerated"
    if "rejection_reason" in columns:
        return "gate_rejected"
    if columns & {"passes_all", "quality_pass"}:
        return "rejected" if path.name.startswith("rejected_") or _all_failed(path) else "filtered"
    judged = any(name in columns for names in JUDGED.values() for name in names)
    return "gated" if judged and GATE.search(f"{path.parent.name}/{path.name}") else "outputs"


def _all_failed(path):
    """Whether the first rows of a file say of themselves that they did not pass the filters, whatever it is called."""
    file = identified(path)
    rows = [values for _, values in READERS[file.format](file).head() if isinstance(values, dict)]
    said = [values.get("quality_pass", values.get("passes_all")) for values in rows]
    return bool(said) and all(str(each).lower() in ("false", "0", "0.0") for each in said)
