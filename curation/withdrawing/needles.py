"""Words by which a copy of a text is known again in files of any form, and looking for many of them at once."""

import json
import re

import numpy

LONGEST = 300  # bytes of one that is looked for
LEAST = 20  # bytes; what is shorter stands in other texts too
MOST_CHARACTERS = 80
FEW = 16  # so many are looked for one by one
_KEY = 8  # bytes
_PLAIN = re.compile(r"[A-Za-z0-9 ,.;()-]+")  # what stands in every file the same, however it is escaped
_ESCAPED = "\\x00-\\x1f\"'\\\\<>&/\\x7f-\\xa0\\u2028\\u2029\\ud800-\\udfff"  # by some form of file
_WHOLE = re.compile(f"[^{_ESCAPED}]+")


def words_of(text):
    """The longest run of a text that files hold as it is; "" where it has none that is long enough."""
    for pattern in (_PLAIN, _WHOLE):
        words = max(pattern.findall(text), key=len, default="")[:MOST_CHARACTERS].strip()
        if len(words.encode()) >= LEAST:
            return words
    return ""


class Needles:
    """Many words; `stand_in` says whether any of them stands in some bytes, as UTF-8 or as JSON escapes it."""

    def __init__(self, words):
        self._all = sorted({form[-LONGEST:] for each in words for form in _forms(each)})
        self._ends = {}
        for each in self._all:
            self._ends.setdefault(int.from_bytes(each[-_KEY:], "little"), []).append(each)
        self._keys = numpy.array(sorted(self._ends), dtype=numpy.uint64)

    def stand_in(self, data):
        """Whether any of them stands in these bytes."""
        if len(self._all) <= FEW:
            return any(each in data for each in self._all)
        places = len(data) - _KEY + 1
        if places < 1:
            return False
        signs = numpy.frombuffer(data, dtype=numpy.uint8)
        found = numpy.zeros(places, dtype=numpy.uint64)
        for place in range(_KEY):
            found |= signs[place : place + places].astype(numpy.uint64) << numpy.uint64(8 * place)
        near = numpy.minimum(numpy.searchsorted(self._keys, found), len(self._keys) - 1)
        for place in numpy.flatnonzero(self._keys[near] == found).tolist():
            if any(data.endswith(each, 0, place + _KEY) for each in self._ends[int(found[place])]):
                return True
        return False


def _forms(words):
    escaped = json.dumps(words)[1:-1]
    yield words.encode()
    yield escaped.encode()
    yield re.sub(r"\\u[0-9a-f]{4}", lambda match: "\\u" + match.group()[2:].upper(), escaped).encode()
