"""The file of rejected rows: what was wrong with each, what is right, and the row itself."""

import json
import math
import os
from pathlib import Path


class Rejects:
    """Writes rejected rows as JSON Lines; the file appears when the import ends, and only if there are any.

    Use as a context manager. `path` None counts without writing.
    """

    KEPT = 20

    def __init__(self, path, file_name):
        self.path = Path(path) if path else None
        self.file_name = file_name
        self.count = 0
        self.sentences = []
        self._file = None

    def __enter__(self):
        if self.path:
            self.path.unlink(missing_ok=True)  # those of an earlier import of the same file
        return self

    def __exit__(self, *exception):
        if self._file:
            self._file.close()
            os.replace(self._part, self.path)

    @property
    def _part(self):
        return self.path.with_name(self.path.name + ".part")

    def add(self, place, line, values, bad):
        """Note one bad row; `place` is "line" or "row"."""
        self.count += 1
        if len(self.sentences) < self.KEPT:
            self.sentences.append(f"{self.file_name}, {place} {line}: {bad}")
        if self.path:
            known = {"file": self.file_name, "line": line, "column": bad.column, "wrong": bad.wrong, "right": bad.right}
            self._write({**known, "row": bad.raw if bad.raw is not None or values is bad else values})

    def _write(self, record):
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self._part, "w", encoding="utf-8")  # noqa: SIM115 - closed at the end of the import
        self._file.write(_json(record) + "\n")


def _json(record):
    try:
        return json.dumps(_finite(record), default=str)
    except RecursionError:
        return json.dumps({**record, "row": "nested too deeply to be shown"})


def _finite(value):
    """Without NaN and infinities, which are not JSON."""
    if isinstance(value, dict):
        return {str(name): _finite(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
