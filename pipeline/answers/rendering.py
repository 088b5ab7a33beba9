"""Fields -> the one text of a response. A pure function with a version: the same fields always give the same text.

A hypothesis is its statement. Where the statement does not name the varied variable or the measured outcome, they
follow in brackets before its last full stop, so that one to three sentences stay one to three.

A methodology is one numbered line a step. Of its five parts (system, perturbation, control, readout, safety) those
that the steps do not name yet are put, labelled, at the end of the step where they belong: four to six lines stay
four to six, and all five parts are in them.
"""

import re
from functools import lru_cache

from pipeline.answers.fields import one_line, step_lines
from pipeline.answers.schemas import METHOD_PARTS

RENDERER_VERSION = 1

EXPECTED = {
    "increase": "expected to increase",
    "decrease": "expected to decrease",
    "no change": "expected not to change",
}
WORD = re.compile(r"[^\W_]+")
SMALL_WORDS = frozenset("the and for with from into that this are was were its their per each all both between".split())  # noqa: SIM905
NAMED_SHARE = 0.6
STEM = 6


def render_answer(fields, task_type):
    """The text of an answer with these fields; "" where they hold none. Never raises on any JSON object."""
    if task_type == "hypothesis":
        return _hypothesis(fields)
    if task_type == "methodology":
        return _methodology(fields)
    text = fields.get("text")
    return text if isinstance(text, str) else ""


def names(text, part):
    """Whether `text` already names `part`: most of its words occur there, endings aside."""
    wanted = _stems(part)
    return not wanted or len(wanted & _stems(text)) / len(wanted) >= NAMED_SHARE


def _hypothesis(fields):
    statement = fields.get("statement")
    statement = statement.strip() if isinstance(statement, str) else ""
    if not statement:
        return ""
    variable, outcome = one_line(fields.get("variable")), one_line(fields.get("outcome"))
    added = []
    if not names(statement, variable):
        added.append(f"varied: {variable.rstrip('.')}")
    if not names(statement, outcome):
        added.append(f"measured: {outcome.rstrip('.')}")
        direction = fields.get("direction")
        if isinstance(direction, str) and direction in EXPECTED:
            added[-1] += f", {EXPECTED[direction]}"
    if not added:
        return statement
    return f"{statement.removesuffix('.')} ({'; '.join(added)})."


def _methodology(fields):
    lines = step_lines(fields.get("steps"))
    if not lines:
        return ""
    said = " ".join(lines)
    last = len(lines) - 1
    places = {
        "system": 0,
        "perturbation": min(1, last),
        "control": min(1, last),
        "readout": max(last - 1, 0),
        "safety": last,
    }
    for part in METHOD_PARTS:
        value = one_line(fields.get(part))
        if not names(said, value):
            lines[places[part]] = f"{_ended(lines[places[part]])} {part.capitalize()}: {_ended(value)}"
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, start=1))


def _ended(text):
    return text if text[-1] in ".!?" else f"{text.rstrip(',;:')}."


@lru_cache(maxsize=64)  # a statement is compared with each of its parts
def _stems(text):
    words = {word.lower() for word in WORD.findall(text)} - SMALL_WORDS
    kept = [word for word in words if len(word) > 2 or any(map(str.isdigit, word))]
    return frozenset([word.removesuffix("s")[:STEM] for word in kept])
