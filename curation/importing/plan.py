"""Look at a file and find it fit for import, or refuse it before anything is written.

Its columns are checked first; then one streaming pass reads compression, encoding and structure to the very end (a
hundredth to a tenth of an import's time), so that a file that is cut or broken in its middle leaves nothing behind.
"""

from dataclasses import dataclass, field

from .errors import BadRow, ImportRefused
from .files import BROKEN_GZIP, UTF_8, InputFile, identify, scan_text
from .mapping import resolve, without_task_type
from .outputs import COLUMNS
from .passages import DEFAULT_LIMIT, SMALLEST_LIMIT
from .read_csv import CsvReader
from .read_json import JsonLinesReader, JsonReader
from .read_parquet import ParquetReader
from .read_text import TextReader
from .rows import DEFAULT_TASK_TYPES, SHORT, RowConverter
from .values import json_cell

# A reader has `columns`, `place` ("line" or "row"), `total` rows (None: unknown), `head()`, `check()` and `rows()`.
READERS = {
    "parquet": ParquetReader,
    "csv": CsvReader,
    "jsonl": JsonLinesReader,
    "json": JsonReader,
    "text": TextReader,
    "markdown": TextReader,
}
PREVIEW_ROWS = 5


@dataclass
class Plan:
    """A file, and how its columns are to be read. `problems` says why it cannot be imported so."""

    file: InputFile
    reader: object
    mapping: dict
    task_types: tuple
    passage_chars: int
    problems: list

    def converter(self):
        """What turns the file's rows into sources and prompts."""
        return RowConverter(self.mapping, self.task_types, self.passage_chars)


@dataclass
class Preview:
    """A first look at a file. `problems` refuse it as mapped; `bad_rows` are those among its first rows."""

    file_name: str
    format: str = ""
    columns: list = field(default_factory=list)
    rows: list = field(default_factory=list)
    mapping: dict = field(default_factory=dict)
    problems: list = field(default_factory=list)
    bad_rows: list = field(default_factory=list)
    total: int | None = None

    @property
    def of_the_answer(self):
        """Columns that are kept with the answer of a row, not with its prompt."""
        named = set(self.mapping.values())
        return [name for name in self.columns if "output" in self.mapping and name in COLUMNS and name not in named]


def prepare(path, mapping=None, **options):
    """The `Plan` for the file at `path`, read once to its end. Raises ImportRefused with all that is wrong.

    `mapping` is {field: column}, "" leaving a field out. Options: `file_name`, the name to report; `defaults`, a
    preset (see `mapping.resolve`); `task_types` for texts without one; `passage_chars`, the length in characters over
    which a text without a prompt is cut at its paragraphs; `encoding`, if it is not UTF-8.
    """
    plan = look(path, mapping, **options)
    if plan.problems:
        raise plan.file.refuse(*plan.problems)
    plan.reader.check()
    return plan


def look(
    path, mapping=None, *, file_name="", defaults=None, task_types=None, passage_chars=DEFAULT_LIMIT, encoding=UTF_8
):
    """The `Plan` after reading the file's head only; raises ImportRefused where not even that can be read."""
    file = identify(path, file_name, encoding)
    try:
        reader = READERS[file.format](file)
    except (UnicodeError, *BROKEN_GZIP):
        scan_text(file)  # says which line and byte
        raise
    task_types = DEFAULT_TASK_TYPES if task_types is None else tuple(dict.fromkeys(task_types))
    found, problems = resolve(reader.columns, mapping, defaults)
    if file.format == "parquet":
        problems += reader.wrong_types(found.values())
    if not problems:
        problems += without_task_type(found, task_types)
    problems += _wrong_options(task_types, passage_chars)
    return Plan(file, reader, found, task_types, passage_chars, problems)


def _wrong_options(task_types, passage_chars):
    problems = []
    longest = SHORT["task_type"]
    if not task_types or not all(name.strip() and len(name) <= longest for name in task_types):
        problems.append(f"Name at least one task type, each of 1 to {longest} characters, such as hypothesis.")
    if passage_chars < SMALLEST_LIMIT:
        problems.append(f"Passages of {passage_chars} characters are too short: use {SMALLEST_LIMIT} or more.")
    return problems


def sniff(path, file_name="", mapping=None, **options):
    """A `Preview` of the file at `path` (uploaded as `file_name`): columns, first rows, the mapping to use.

    Never raises ImportRefused: what is wrong stands in `problems`.
    """
    try:
        plan = look(path, mapping, file_name=file_name, **options)
        head = plan.reader.head(PREVIEW_ROWS)
    except ImportRefused as refused:
        return Preview(refused.file_name, problems=refused.problems)
    except (UnicodeError, *BROKEN_GZIP):
        return _unreadable(path, file_name)
    preview = Preview(plan.file.name, plan.file.format, plan.reader.columns, mapping=plan.mapping)
    preview.problems, preview.total = plan.problems, plan.reader.total
    convert = plan.converter()
    for line, values in head:
        try:
            if isinstance(values, dict):
                preview.rows.append({column: json_cell(column, values.get(column)) for column in plan.reader.columns})
            if not plan.problems:
                convert(values)
        except BadRow as bad:
            preview.bad_rows.append(f"{plan.reader.place} {line}: {bad}")
    return preview


def _unreadable(path, file_name):
    file = identify(path, file_name)
    try:
        scan_text(file)
    except ImportRefused as refused:
        return Preview(file.name, file.format, problems=refused.problems)
    raise AssertionError(f"{file.name} cannot be read, and a second look found nothing wrong.")
