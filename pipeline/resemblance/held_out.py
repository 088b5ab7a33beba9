"""The n-grams of an evaluation set as a file of sorted 64-bit hashes, written and read in pieces.

Made of texts in a stream: hashes are sorted into PARTS files by their highest bits, each of which then fits in memory.
"""

import hashlib
import shutil
from itertools import groupby
from pathlib import Path

import numpy as np

from .ngrams import hashes, words

PARTS = 64
AT_ONCE = 1 << 20  # hashes kept until they are written
SHORTEST = 4  # words; a shorter text, such as "yes" or "B", says nothing about where it comes from
SHOWN_WORDS = 40


def of_text(text, n):
    """(words, hashes) of a text: its n-grams, or itself as a whole where it has fewer words; none under SHORTEST."""
    found = words(text)
    if len(found) < SHORTEST:
        return found, np.zeros(0, np.uint64)
    return found, hashes(found, min(n, len(found)))


def write(path, texts, n):
    """Write the n-grams of `texts` (an iterable) to `path`; returns (texts, n-grams, sha256 of the file)."""
    path = Path(path)
    parts = path.with_name(f".{path.name}.parts")
    shutil.rmtree(parts, ignore_errors=True)
    parts.mkdir(parents=True)
    try:
        number = _scatter(parts, texts, n)
        return number, *_gather(parts, path)
    finally:
        shutil.rmtree(parts, ignore_errors=True)


def _scatter(parts, texts, n):
    number, kept, waiting = 0, [], 0
    for text in texts:
        found = of_text(text, n)[1]
        if len(found):
            number += 1
            kept.append(found)
            waiting += len(found)
        if waiting > AT_ONCE:
            _flush(parts, kept)
            kept, waiting = [], 0
    _flush(parts, kept)
    return number


def _flush(parts, kept):
    if not kept:
        return
    found = np.unique(np.concatenate(kept))
    edges = np.searchsorted(found, np.arange(PARTS, dtype=np.uint64) << np.uint64(58))
    for part, some in enumerate(np.split(found, edges[1:])):
        with open(parts / str(part), "ab") as out:
            out.write(some.astype("<u8").tobytes())


def _gather(parts, path):
    total, digest = 0, hashlib.sha256()
    whole = path.with_name(f".{path.name}.part")
    with open(whole, "wb") as out:
        for part in range(PARTS):
            if not (parts / str(part)).exists():
                continue
            data = np.unique(np.fromfile(parts / str(part), "<u8")).tobytes()
            digest.update(data)
            out.write(data)
            total += len(data) // 8
    whole.rename(path)
    return total, digest.hexdigest()


class HeldOut:
    """An evaluation set to hold texts against; its file is read as it is needed."""

    def __init__(self, path, n):
        self.n = n
        size = Path(path).stat().st_size
        self._known = np.memmap(path, "<u8", "r") if size else np.zeros(0, np.uint64)

    def shared(self, text):
        """(n-grams shared, their share of the text's own, the first shared words), or None."""
        found, grams = of_text(text, self.n)
        if not len(grams) or not len(self._known):
            return None
        places = np.minimum(np.searchsorted(self._known, grams), len(self._known) - 1)
        hits = np.flatnonzero(self._known[places] == grams)
        if not len(hits):
            return None
        return len(hits), len(hits) / len(grams), _first_words(found, hits, min(self.n, len(found)))


def _first_words(found, hits, width):
    """The words of the first n-grams in a row that are shared."""
    runs = groupby(enumerate(hits.tolist()), key=lambda item: item[1] - item[0])
    first = [place for _, place in next(runs)[1]]
    return " ".join(found[first[0] : first[-1] + width][:SHOWN_WORDS])
