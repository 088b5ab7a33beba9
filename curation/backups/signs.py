"""Signs that SQLite keeps in a text and PostgreSQL refuses: NUL, and halves of surrogate pairs."""

import json
import re

INSTEAD = "\ufffd"  # as decoders put it for what is no sign, one for each
_REFUSED = re.compile("[\0\ud800-\udfff]")
_MAYBE = re.compile(r"\\u(?:0000|d[89a-f][0-9a-f]{2})")  # in a line of ASCII; of whole pairs and backslashes too


def storable(line):
    """(a line of JSON in ASCII without such signs, how many of them it had)."""
    if not _MAYBE.search(line):
        return line, 0
    number = [0]

    def clean(value):
        if isinstance(value, str):
            value, n = _REFUSED.subn(INSTEAD, value)
            number[0] += n
            return value
        if isinstance(value, dict):
            return {clean(name): clean(inner) for name, inner in value.items()}
        return [clean(inner) for inner in value] if isinstance(value, list) else value

    cleaned = clean(json.loads(line))
    return (json.dumps(cleaned) + "\n", number[0]) if number[0] else (line, 0)
