"""JSON that was cut off or not closed: closed again, without the field that was cut. Nothing is made up.

Libraries that repair JSON guess at what was meant: they close a text in the middle of a word and fill in what is
missing. Here a field is whole, word for word, or it is left out and named.
"""

import json
import re
from dataclasses import dataclass
from json.decoder import scanstring

from pipeline.answers.hygiene import clean_value
from pipeline.answers.json_in_text import OBJECT_BEGINS, keep_latex, refuse_constant

BLANK = re.compile(r"\s*")
CUT_NUMBER = re.compile(r"-?[\d.eE+-]*")
LITERALS = ("true", "false", "null")
MOST_COMMAS = 50
DECODER = json.JSONDecoder(strict=False, parse_constant=refuse_constant)


@dataclass(frozen=True)
class Repaired:
    """`value` holds whole fields alone; `left_out` names the one that was cut off, "" where there is none."""

    value: dict
    left_out: str
    note: str


def repair(text):
    """The one object in `text` that only its end or stray commas spoil, or None where more is wrong with it."""
    text = keep_latex(text)
    for commas in range(MOST_COMMAS):
        begins = OBJECT_BEGINS.search(text)
        if not begins:
            return None
        try:
            fields, end, left_out = _object(text, begins.start())
        except RecursionError:
            return None
        except json.JSONDecodeError as error:
            comma = _stray_comma(text, error.pos)
            if comma is None:
                return None
            text = text[:comma] + text[comma + 1 :]
            continue
        except ValueError:  # NaN and its like
            return None
        if not fields or OBJECT_BEGINS.search(text, end):
            return None  # where another object follows, which one was meant is not for us to say
        return Repaired(clean_value(fields), clean_value(left_out), _note(commas, text[end - 1] == "}", left_out))
    return None


def _object(text, position):
    """(whole fields, where it ends, name of the field that was cut off) of the object that begins at `position`."""
    fields, position = {}, _skip(text, position + 1)
    while not _is_end(text, position):
        if text[position] == "}":
            return fields, position + 1, ""
        name, value_at = _name(text, position)
        if value_at is None:
            return fields, len(text), name
        try:
            value, position = DECODER.raw_decode(text, value_at)
        except json.JSONDecodeError as error:
            if not _is_cut(text, error):
                raise
            if not fields and text[value_at] == "{":  # it wraps the answer
                return _object(text, value_at)
            return fields, len(text), name
        if _is_number_at_the_end(value, text, position):
            return fields, len(text), name
        fields[name] = value
        position = _next(text, position)
    return fields, len(text), ""


def _name(text, position):
    """(name of a field, where its value begins), None for the place where the text ends before it."""
    if text[position] != '"':
        raise json.JSONDecodeError("Expecting property name", text, position)
    try:
        name, position = scanstring(text, position + 1, False)
    except json.JSONDecodeError as error:
        if not _is_cut(text, error):
            raise
        return text[position + 1 : position + 21], None
    position = _skip(text, position)
    if not _is_end(text, position) and text[position] != ":":
        raise json.JSONDecodeError("Expecting ':' delimiter", text, position)
    value_at = _skip(text, position + 1)
    return name, None if _is_end(text, value_at) else value_at


def _next(text, position):
    """Where the next field begins, or the object ends, after a value that ended at `position`."""
    position = _skip(text, position)
    if _is_end(text, position) or text[position] == "}":
        return position
    if text[position] != ",":
        raise json.JSONDecodeError("Expecting ',' delimiter", text, position)
    after = _skip(text, position + 1)
    if not _is_end(text, after) and text[after] == "}":
        raise json.JSONDecodeError("Illegal trailing comma", text, position)
    return after


def _skip(text, position):
    return BLANK.match(text, position).end()


def _is_end(text, position):
    """Whether the JSON ends here: with the text, or with the code fence around it."""
    return position >= len(text) or text.startswith("```", position)


def _is_cut(text, error):
    """Whether a value cannot be read because the text ends in it."""
    rest = text[error.pos :].strip().removesuffix("```").rstrip()
    return (
        error.msg.startswith("Unterminated string")
        or not rest
        or any(word.startswith(rest) for word in LITERALS)
        or CUT_NUMBER.fullmatch(rest) is not None
    )


def _is_number_at_the_end(value, text, position):
    """Whether more digits could have followed."""
    return isinstance(value, int | float) and not isinstance(value, bool) and position >= len(text)


def _stray_comma(text, position):
    """Where the comma before a closing bracket stands that makes it unreadable at `position`, or None."""
    before = text[:position].rstrip()
    comma = position if text[position : position + 1] == "," else len(before) - 1
    closes = text[_skip(text, comma + 1) :][:1] in ("]", "}")
    return comma if comma >= 0 and text[comma] == "," and closes else None


def _note(commas, closed, left_out):
    told = []
    if left_out:
        told.append(f"cut off in “{left_out}”, which is left out")
    elif not closed:
        told.append("not closed")
    if commas:
        told.append("with a comma too many")
    return "The JSON was " + " and ".join(told) + "." if told else "The JSON was mended."
