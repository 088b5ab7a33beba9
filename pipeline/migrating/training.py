"""The scripts' training files: every shape they were written in, as input and output."""

import json
import math
import re
from typing import NamedTuple

from .kinds import ANSWERED, ASKED, TALKS

QUESTION = re.compile(
    r"\s*###\s*(?:Question|Instruction|Input)\s*:?(.*?)\n\s*###\s*(?:Answer|Response|Output)\s*:?", re.DOTALL
)
USERS, TEACHERS = ("user", "human"), ("assistant", "gpt", "model")
SPLITS = {"train": {"train"}, "validation": {"val", "valid", "validation", "dev"}, "test": {"test"}}


class Example(NamedTuple):
    """One training row; texts are "" where there is none, `nan` says that NaN stood in their place."""

    input: str
    output: str
    meta: dict
    nan: bool = False


def read_example(values):
    """The Example that a row is, or None where it is none of the known shapes."""
    talk = next((values[name] for name in TALKS if _is_talk(values.get(name))), None)
    if talk is not None:
        asked, answered = _of_talk(talk)
    elif isinstance(values.get("text"), str) and not set(values) & {*ASKED, *ANSWERED}:
        found = QUESTION.match(values["text"])
        if not found:
            return None
        asked, answered = found[1], values["text"][found.end() :]
    else:
        asked, answered = _first(values, ASKED), _first(values, ANSWERED)
        if not set(values) & set(ASKED) or not set(values) & set(ANSWERED):
            return None
        if isinstance(values.get("instruction"), str) and isinstance(values.get("input"), str) and values["input"]:
            asked = f"{values['instruction']}\n\n{values['input']}"
    nan = _is_nan(asked) or _is_nan(answered)
    return Example(_text(asked).strip(), _text(answered).strip(), _meta(values), nan)


def _is_talk(value):
    return isinstance(value, list) and all(isinstance(turn, dict) for turn in value)


def _of_talk(turns):
    asked = answered = ""
    for turn in turns:
        who, said = turn.get("role", turn.get("from")), turn.get("content", turn.get("value"))
        if who in USERS:
            asked = said
        elif who in TEACHERS:
            answered = said
    return asked, answered


def _first(values, names):
    """The first of these cells that says anything, else the first that is there."""
    found = [values[name] for name in names if values.get(name) is not None]
    return next((cell for cell in found if cell != ""), found[0] if found else None)


def _text(value):
    return value if isinstance(value, str) else ""


def _is_nan(value):
    return isinstance(value, float) and math.isnan(value)


def _meta(values):
    meta = values.get("meta", values.get("metadata"))
    if isinstance(meta, str):
        try:
            meta = json.loads(meta)
        except (ValueError, RecursionError):
            meta = None
    return meta if isinstance(meta, dict) else {}


def split_of(name):
    """The split that a file's name tells: train, validation or test; "" for none."""
    words = re.split(r"[^a-z]+", name.rsplit("/", 1)[-1].lower())
    return next((split for split, names in SPLITS.items() if names & set(words)), "")
