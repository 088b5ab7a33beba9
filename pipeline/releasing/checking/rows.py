"""The rows of a file as its reader gets them, and what is wrong with them in few sentences."""

import re
from pathlib import Path

import pyarrow.parquet as pq
from pydantic_core import from_json

BATCH = 1000
BOM = b"\xef\xbb\xbf"
NUL = re.compile(rb"\0|(?<!\\)(?:\\\\)*\\u0000")  # the escape, not a backslash before a word


class Found:
    """What is wrong in one file: each fault once, with the first row that has it and how many have it."""

    def __init__(self, path):
        self.path = Path(path)
        self.unit = "row" if self.path.suffix == ".parquet" else "line"
        self.faults = {}

    def add(self, number, fault):
        first, count = self.faults.get(fault, (number, 0))
        self.faults[fault] = first, count + 1

    def sentences(self):
        """One sentence a fault."""
        parts = self.path.parts[-3:] if "jsonl" in self.path.parts else self.path.parts[-2:]
        return [
            f"{'/'.join(parts)}, {self.unit} {first}: {fault}{f' ({count:,} such {self.unit}s)' if count > 1 else ''}."
            for fault, (first, count) in self.faults.items()
        ]


def rows_of(found):
    """(number, row as a dict) of a .jsonl or .parquet file, one batch in memory; what is no row goes to `found`."""
    if found.path.suffix == ".parquet":
        batches = pq.ParquetFile(found.path).iter_batches(BATCH)
        rows = (row for batch in batches for row in batch.to_pylist())
        yield from enumerate(rows, 1)
        return
    with open(found.path, "rb") as file:
        for number, line in enumerate(file, 1):
            row = _row(line, number, found)
            if row is not None:
                yield number, row


def _row(line, number, found):
    """The dict in one line, or None where there is none."""
    if number == 1 and line.startswith(BOM):
        found.add(number, "it begins with a byte order mark; UTF-8 stands without one")
        line = line.removeprefix(BOM)
    if not line.endswith(b"\n") or line.endswith(b"\r\n"):
        found.add(number, "it does not end with a line feed alone")
    # The words are looked for first: an expression that may begin anywhere takes longer than all the rest.
    if (b"\0" in line or b"\\u0000" in line) and NUL.search(line):
        found.add(number, "it holds a NUL character")
    try:
        row = from_json(line, allow_inf_nan=False)
    except ValueError as error:
        found.add(number, f"it is no JSON ({error})")
        return None
    if not isinstance(row, dict):
        found.add(number, f"it is a {type(row).__name__}; a line is an object")
        return None
    return row


def looked_through(path, *faults_of):
    """(what is wrong with a file in sentences, its number of rows); read once for all that look at it.

    Each of `faults_of` gives the faults of a row in words.
    """
    found, last = Found(path), 0
    for last, row in rows_of(found):
        wrong = [fault for faults in faults_of for fault in faults(row)]
        for fault in dict.fromkeys(wrong) if wrong else ():
            found.add(last, fault)
    return found.sentences(), last


def is_text(value):
    """Whether there is something to learn from."""
    return isinstance(value, str) and bool(value.strip())


def turns(messages, role="role", content="content"):
    """(roles of a list of messages, None) or (None, what is wrong with the list)."""
    if not isinstance(messages, list) or not messages:
        return None, "is not a list of messages, or an empty one"
    for message in messages:
        if not isinstance(message, dict) or not {role, content} <= message.keys():
            return None, f"has a message without {role} or {content}"
        if not is_text(message[content]):
            return None, f"has a message whose {content} is empty or no text"
    return [message[role] for message in messages], None
