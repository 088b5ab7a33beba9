"""Fitting a JSON value to the fields of a task type, forgiving in form and strict in substance."""

import re

from pipeline.answers.schemas import DIRECTIONS, METHOD_PARTS

STEP_NUMBER = re.compile(r"\s*(?:step\s*\d{1,2}\s*[.:)-]?|\(?\d{1,2}[.)](?=\s)|[-*•](?=\s))\s*", re.IGNORECASE)


def fit(value, task_type):
    """(fields, "") with every field of the schema, or (None, why not). A field of lesser weight may be missing."""
    value = unwrapped(value)
    if isinstance(value, list):
        return None, f"{len(value)} answers in one reply; exactly one is asked for"
    if not isinstance(value, dict):
        return None, f"the JSON is {type(value).__name__}; it must be an object"
    return _hypothesis(value) if task_type == "hypothesis" else _methodology(value)


def one_line(value):
    """A text on one line; anything that is no text is an empty one."""
    return " ".join(value.split()) if isinstance(value, str) else ""


def texts(value):
    """The texts of a list (or of one text), without blank ones."""
    items = value if isinstance(value, list) else [value]
    return [item.strip() for item in items if isinstance(item, str) and item.strip()]


def step_lines(value):
    """Steps as one line each, their own numbers taken off: from a list of texts, of {"step": text}, or from lines."""
    if isinstance(value, str):
        value = value.splitlines()
    if not isinstance(value, list):
        return []
    items = (item if not isinstance(item, dict) else _longest_text(item) for item in value)
    lines = (
        one_line(STEP_NUMBER.sub("", item, count=1) if STEP_NUMBER.match(item) else item) for item in texts(list(items))
    )
    return [line for line in lines if line]


def unwrapped(value):
    """Take off [ ] and {"hypothesis": { }} around a single answer."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict) and len(value) == 1:
        (inner,) = value.values()
        if isinstance(inner, dict) or isinstance(inner, list) and inner and isinstance(inner[0], dict):
            return unwrapped(inner)
    return value


def _hypothesis(value):
    statement = value.get("statement", value.get("hypothesis"))
    if not isinstance(statement, str) or not statement.strip():
        return None, "the JSON has no statement"
    direction = one_line(value.get("direction")).lower()
    return {
        "statement": statement.strip(),
        "variable": one_line(value.get("variable")),
        "outcome": one_line(value.get("outcome")),
        "direction": direction if direction in DIRECTIONS else "other",
        "support": texts(value.get("support")),
    }, ""


def _methodology(value):
    steps = step_lines(value.get("steps"))
    if not steps:
        return None, "the JSON has no steps"
    parts = {name: one_line(value.get(name)) for name in METHOD_PARTS}
    return parts | {"steps": steps, "support": texts(value.get("support"))}, ""


def _longest_text(item):
    return max((text for text in item.values() if isinstance(text, str)), key=len, default="")
