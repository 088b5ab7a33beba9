"""Cells: what a value of a file is as text, and as JSON that both databases keep."""

import base64
import datetime
import json
import math

from curation.models.prompt import normalise

from .errors import BadRow
from .files import MAX_ROW_CHARS

# What programs write where there is nothing; never the text of a prompt.
EMPTY_WORDS = {"nan", "none", "null", "<na>", "nat"}
MAX_DEPTH = 100
CLEAN = "text without NUL characters and lone surrogates"


def text_cell(column, value, *, limit=MAX_ROW_CHARS):
    """The normalised text of a cell, "" for an empty one (NULL, NaN, blank, the word "nan"). Raises BadRow."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if not isinstance(value, str):
        raise BadRow(column, f"{_kind(value)} {str(value)[:60]!r}", "text is expected")
    check_clean(column, value)
    stripped = value.strip()
    if not stripped or stripped.lower() in EMPTY_WORDS:
        return ""
    if len(value) > limit:
        raise BadRow(column, f"{len(value):,} characters", f"at most {limit:,} are stored")
    return normalise(value)


def _kind(value):
    names = {bool: "yes or no", int: "number", float: "number", list: "list", dict: "object", bytes: "binary"}
    return names.get(type(value), type(value).__name__)


def check_clean(column, text):
    """Refuse what PostgreSQL and UTF-8 cannot hold."""
    if "\0" in text:
        raise BadRow(column, "a NUL character", f"{CLEAN} is expected")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            code = ord(text[error.start])
            raise BadRow(column, f"a lone surrogate (U+{code:04X})", f"{CLEAN} is expected") from error


def json_cell(column, value, depth=0):
    """The value as JSON keeps it: NaN becomes null, dates ISO text, other numbers and nested values what they are."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        check_clean(column, value)
        return value
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return value if math.isfinite(value) else str(value)
    if depth == MAX_DEPTH:
        raise BadRow(column, f"values nested more than {MAX_DEPTH} deep", "flatter data is expected")
    if isinstance(value, dict):
        return {_json_name(column, name): json_cell(column, inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [json_cell(column, inner, depth + 1) for inner in value]
    return _json_other(column, value, depth)


def _json_name(column, name):
    check_clean(column, str(name))
    return str(name)


def _json_other(column, value, depth):
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return None if value != value else value.isoformat()  # pandas' NaT is a date unlike itself
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if hasattr(value, "tolist"):  # numpy's scalars and arrays
        return json_cell(column, value.tolist(), depth)
    return json_cell(column, str(value))


def dump(metadata):
    """Metadata as stored."""
    return json.dumps(metadata, ensure_ascii=False, sort_keys=True, allow_nan=False)


def same(stored, imported):
    """Whether two JSON values are equal; PostgreSQL gives back 1e300 as a whole number."""
    return stored == imported or _floated(stored) == _floated(imported)


def _floated(value):
    if isinstance(value, dict):
        return {name: _floated(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_floated(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        try:
            return float(value)
        except OverflowError:
            return value
    return value
