"""JSON Lines, and the scripts' JSON files, both read a value at a time."""

import json
import re
from itertools import islice

from .errors import BadRow
from .files import CHUNK, MAX_ROW_CHARS, lines, scan_text

SHAPES = '{"texts": […]}, a list of texts or objects, an object of {"text": …} objects, or one such object'
LOOSE_LIMIT = 10_000
TOO_LONG = f"more than {MAX_ROW_CHARS:,} characters"
BLANK = re.compile(r"[ \t\r\n]*")
BROKEN = (ValueError, RecursionError)
ESCAPED = re.compile("[\udc80-\udcff]")  # as Python's surrogateescape puts bytes that are no text


class JsonLinesReader:
    """An object on every line."""

    place = "line"

    def __init__(self, file):
        self.file = file
        self.total = None
        head = self.head()
        self.columns = _columns(head)
        if head and not self.columns:
            line, bad = head[0]
            problem = f"line {line}: {bad.wrong}" if isinstance(bad, BadRow) else "objects without any name"
            raise file.refuse(f"None of the first {len(head)} lines is a JSON object ({problem}).")

    def head(self, number=200):
        """The first rows, read without reading all."""
        return list(islice(self.rows(), number))

    def check(self):
        """Read all of it once; raises ImportRefused."""
        self.total = scan_text(self.file)

    def rows(self):
        """(line, {column: value} or BadRow) of each line that is not blank."""
        with self.file.open_text("\n") as stream:
            for number, text, whole in lines(stream):
                if text.strip():
                    yield number, _object(text) if whole else BadRow("", TOO_LONG, "a shorter row is expected")


def _object(text):
    # Only where the file is read so that its broken lines are rows like any other; no line holds these otherwise.
    escaped = None if text.isascii() else ESCAPED.search(text)
    if escaped:
        return BadRow("", f"a byte that is no UTF-8 (0x{ord(escaped[0]) - 0xDC00:02x})", "UTF-8 is expected")
    try:
        value = json.loads(text)
    except BROKEN as error:
        return BadRow("", f"broken JSON ({error})", "one JSON object a line is expected", text.rstrip("\r\n"))
    if isinstance(value, dict):
        return value
    return BadRow("", f"a JSON {_kind(value)}", "one JSON object a line is expected", value)


class JsonReader:
    """One JSON document: `{"texts": […]}`, a list, or an object of objects with `text` or `content`."""

    place = "line"

    def __init__(self, file):
        self.file = file
        self.total = None
        self._has_text = False
        head = self.head()
        self._has_text = any(isinstance(values, dict) and "text" in values for _, values in head)
        self.columns = _columns([(line, self._row(values)) for line, values in head])

    def head(self, number=200):
        """The first rows, read without reading all."""
        return list(islice(self.rows(), number))

    def check(self):
        """Read all of it once, since a broken document cannot be read past its fault; raises ImportRefused."""
        scan_text(self.file)
        self.total = sum(1 for _ in self.rows())

    def rows(self):
        """(line, {column: value} or BadRow) of each text or object."""
        with self.file.open_text(None) as stream:
            scanner = _Scanner(stream)
            try:
                for line, value in _items(scanner):
                    yield line, self._row(value)
            except UnicodeError:
                raise
            except BROKEN as error:
                raise self.file.refuse(f"Broken JSON near line {scanner.line}: {error}; expected {SHAPES}.") from error

    def _row(self, value):
        if isinstance(value, str):
            return {"text": value}
        if isinstance(value, BadRow):
            return value
        if not isinstance(value, dict):
            return BadRow("", f"a JSON {_kind(value)}", "a text or an object is expected", value)
        if self._has_text and "text" not in value and isinstance(value.get("content"), str):
            # In a file whose items say "text", one that says "content" means the same.
            return {"text" if name == "content" else name: inner for name, inner in value.items()}
        return value


class _Scanner:
    """Takes one JSON value at a time from a stream of characters."""

    def __init__(self, stream):
        self._stream = stream
        self._text, self._at, self._ended = "", 0, False
        self._decode = json.JSONDecoder().raw_decode
        self.line = 1

    def _more(self):
        """Read on, twice as much as is waiting, and forget what was taken."""
        waiting = self._text[self._at :]
        if len(waiting) > MAX_ROW_CHARS:
            raise ValueError(f"a value of {TOO_LONG}, or one that does not end")
        chunk = self._stream.read(max(CHUNK, len(waiting)))
        self._text, self._at, self._ended = waiting + chunk, 0, not chunk

    def _advance(self, end):
        self.line += self._text.count("\n", self._at, end)
        self._at = end

    def peek(self):
        """The next character that is no white space, "" at the end."""
        while True:
            self._advance(BLANK.match(self._text, self._at).end())
            if self._at < len(self._text):
                return self._text[self._at]
            if self._ended:
                return ""
            self._more()

    def take(self, allowed):
        """The next character, which must be one of `allowed`."""
        found = self.peek()
        if not found or found not in allowed:
            raise ValueError(f"{found or 'the end'!r} where {' or '.join(map(repr, allowed))} belongs")
        self._advance(self._at + 1)
        return found

    def value(self):
        """The next value, whole."""
        self.peek()
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._ended:
                    raise ValueError(error.msg) from error
            else:
                # A number at the end of what was read may go on in what was not.
                if end < len(self._text) or self._ended:
                    self._advance(end)
                    return value
            self._more()


def _items(scanner):
    opening = scanner.peek()
    if opening == "[":
        yield from _list(scanner)
    elif opening == "{":
        yield from _members(scanner)
    else:
        raise ValueError(f"it begins with {opening!r}" if opening else "it is empty")
    if scanner.peek():
        raise ValueError("more follows after the end (name a file with one object a line .jsonl)")


def _list(scanner):
    scanner.take("[")
    if scanner.peek() == "]":
        scanner.take("]")
        return
    while True:
        scanner.peek()
        yield scanner.line, scanner.value()
        if scanner.take(",]") == "]":
            return


def _members(scanner):
    """Rows of an object: the list in "texts", or its members that are objects with a text, or the object itself."""
    loose, rows, listed = {}, 0, False
    for name, line in _names(scanner):
        if name == "texts" and scanner.peek() == "[":
            yield from _list(scanner)
            listed = True
            continue
        value = scanner.value()
        if isinstance(value, dict) and ("text" in value or "content" in value):
            rows += 1
            yield line, {"id": name, **value}
        else:
            loose[name] = (line, value)
            if len(loose) > LOOSE_LIMIT:
                raise ValueError("thousands of members without a text")
    if not listed:
        yield from _loose(loose, rows)


def _names(scanner):
    """The name of each member and its line; the caller takes the value."""
    scanner.take("{")
    if scanner.peek() == "}":
        scanner.take("}")
        return
    while True:
        scanner.peek()
        line, name = scanner.line, scanner.value()
        if not isinstance(name, str):
            raise ValueError(f"a {_kind(name)} where a name in quotes belongs")
        scanner.take(":")
        yield name, line
        if scanner.take(",}") == "}":
            return


def _loose(loose, rows):
    """What stands in the object beside its rows; what stands beside "texts" describes the file and is no row."""
    if rows:
        for name, (line, value) in loose.items():
            yield line, BadRow(name, f"a JSON {_kind(value)}", "an object with text or content is expected", value)
    elif isinstance(loose.get("text", loose.get("content", (0, None)))[1], str):
        yield 1, {name: value for name, (_, value) in loose.items()}
    else:
        raise ValueError("an object without texts")


def _columns(head):
    """All names of the first rows, in the order in which they appear."""
    return list(dict.fromkeys(str(name) for _, values in head if isinstance(values, dict) for name in values))


def _kind(value):
    kinds = {bool: "true or false", int: "number", float: "number", str: "text", list: "list", dict: "object"}
    return "null" if value is None else kinds[type(value)]
