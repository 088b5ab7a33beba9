"""What an edit changed, word by word."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from .shared_words import content_words

MAX_WORDS = 4000  # beyond it a comparison takes seconds; the texts are then shown whole
ISLAND = 2  # everyday words that stayed between two changes: so few are read more easily as part of the change


@dataclass(frozen=True)
class Change:
    """A stretch of text: `kind` is same, added or removed."""

    kind: str
    text: str


@dataclass(frozen=True)
class Comparison:
    """Two texts beside each other: the Changes in between, and how many words came and went."""

    changes: list[Change]
    added: int
    removed: int
    whole: bool  # too long to be compared word by word


def word_diff(before, after):
    """The Changes that turn `before` into `after`, word by word; the spaces behind a word are no part of it."""
    old, new = _words(before), _words(after)
    if len(old) + len(new) > MAX_WORDS:
        return _both(before, after)
    matcher = SequenceMatcher(None, [_bare(word) for word in old], [_bare(word) for word in new], autojunk=False)
    pieces = []
    for kind, start, end, first, last in matcher.get_opcodes():
        if kind == "equal":
            for one, other in zip(old[start:end], new[first:last], strict=True):
                word = _bare(one)
                pieces += [(word, None), (one[len(word) :], other[len(word) :])]
        else:
            pieces.append(("".join(old[start:end]), "".join(new[first:last])))
    return _joined(pieces)


def _joined(pieces):
    """Changes of pairs (what was, what came; None where it stayed), neighbours of a kind in one."""
    made, same, removed, added = [], "", "", ""
    for was, came in pieces:
        if came is None or was == came and not (removed or added):
            if removed or added:
                made, same, removed, added = [*made, Change("same", same), *_both(removed, added)], "", "", ""
            same += was
        else:
            removed, added = removed + was, added + came
    made = [*made, Change("same", same), *_both(removed, added)]
    return [change for change in made if change.text]


def compare(before, after):
    """The Comparison of two texts, fit to be read: an “of the” that stayed between two changes goes with them."""
    whole = len(_words(before)) + len(_words(after)) > MAX_WORDS
    changes = word_diff(before, after)
    added, removed = (sum(len(c.text.split()) for c in changes if c.kind == kind) for kind in ("added", "removed"))
    return Comparison(readable(changes), added, removed, whole)


def readable(changes):
    """The same change in fewer stretches: what was removed, then what came in its place."""
    made, removed, added = [], "", ""
    for place, change in enumerate(changes):
        if change.kind == "removed":
            removed += change.text
        elif change.kind == "added":
            added += change.text
        elif (removed or added) and _is_island(change.text) and place + 1 < len(changes):
            removed, added = removed + change.text, added + change.text
        else:
            made += _both(removed, added) + [change]
            removed, added = "", ""
    return made + _both(removed, added)


def _is_island(text):
    return "\n" not in text and len(text.split()) <= ISLAND and not content_words(text)


def _both(removed, added):
    return [Change(kind, text) for kind, text in (("removed", removed), ("added", added)) if text]


def _words(text):
    # The end of a line stands by itself: a line more does not change the last word of the one before.
    return re.findall(r"\S+(?:[^\S\n]+(?=\S|$))?|\s+", text)


def _bare(word):
    return word.rstrip() or word
