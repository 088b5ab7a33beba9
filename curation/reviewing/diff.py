"""What an edit changed, word by word."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

MAX_WORDS = 4000  # beyond it a comparison takes seconds; the texts are then shown whole


@dataclass(frozen=True)
class Change:
    """A stretch of text: `kind` is same, added or removed."""

    kind: str
    text: str


def word_diff(before, after):
    """The Changes that turn `before` into `after`; white space belongs to the words before it."""
    old, new = _words(before), _words(after)
    if len(old) + len(new) > MAX_WORDS:
        return [Change("removed", before), Change("added", after)]
    changes = []
    for kind, start, end, first, last in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            changes.append(Change("same", "".join(old[start:end])))
            continue
        if start < end:
            changes.append(Change("removed", "".join(old[start:end])))
        if first < last:
            changes.append(Change("added", "".join(new[first:last])))
    return changes


def _words(text):
    return re.findall(r"\s+|[^\s]+\s*", text)
