"""A judge's reply -> scores, flags and a rationale; or why it could not be read. Never a made-up number."""

import ast
import math
import re
from dataclasses import dataclass, field
from numbers import Real

from pipeline.answers.hygiene import clean_text
from pipeline.answers.json_in_text import split_thinking, values_in, why_broken
from pipeline.answers.repairing import repair

SCORE_KEYS = ("score", "overall_score", "overall", "total_score", "final_score", "judge_score")
RUBRIC_KEYS = ("factuality_score", "factuality", "reasoning_score", "reasoning")
DIMENSION_KEYS = ("dimensions", "dimension_scores", "subscores", "scores", "criteria")
RATIONALE_KEYS = ("rationale", "reason", "explanation", "justification", "reasoning", "comment")
NOTHING = {"", "nan", "none", "null", "<na>", "nat"}
NO_FLAG = {"", "none", "null", "n_a", "na", "no", "nil"}
NUMBER = re.compile(r"\s*(\d{1,3}(?:\.\d+)?)\s*(?:/\s*100|%)?\s*")
TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": False}


class JudgeUnreadable(ValueError):
    """A judge's reply without a usable score. `kind`: missing (no reply), json (no JSON in it), schema (no score)."""

    def __init__(self, reason, kind="schema"):
        super().__init__(reason)
        self.reason = reason
        self.kind = kind


@dataclass(frozen=True)
class Judgement:
    """Scores from 0 to 100; flags in lower case with underscores, each once."""

    score: float
    dimensions: dict = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    requires_human_review: bool = False
    rationale: str = ""


def parse_judgement(raw):
    """Read a judge's reply: JSON alone, fenced or among words. Raises JudgeUnreadable.

    Two judgements that differ are none: the answer that was judged may hold a flattering one, and a judge may quote it.
    """
    body, _, error = split_thinking(clean_text(raw or ""))
    if not body.strip():
        raise JudgeUnreadable(error or "the reply is empty", "missing")
    found, reason = [], None
    for value, _ in values_in(body):
        try:
            judgement = _judgement(value)
        except JudgeUnreadable as unreadable:
            reason = reason or unreadable
            continue
        if judgement not in found:
            found.append(judgement)
    if len(found) > 1:
        raise JudgeUnreadable(f"the reply holds {len(found)} judgements that differ")
    if found:
        return found[0]
    repaired = None if reason else repair(body)
    # What says that people must look stands beside the score: a judgement that was cut off before it is none.
    whole = repaired.value.keys() if repaired else set()
    if whole >= {"flags", "requires_human_review"} and any(key in whole for key in SCORE_KEYS):
        return _judgement(repaired.value)
    raise reason or JudgeUnreadable(why_broken(body) or "the reply holds no whole JSON object", "json")


def judgement_from_column(value):
    """Read an imported judge column: a mapping, JSON text, or a mapping as Python prints it (pandas writes so to CSV).

    Scores are from 0 to 100, as they stand.
    """
    value = _as_plain(value)
    if isinstance(value, str):
        value = None if value.strip().lower() in NOTHING else _printed(value)
    if value is None or isinstance(value, dict) and all(_as_plain(item) is None for item in value.values()):
        raise JudgeUnreadable("there is no judge score", "missing")
    if isinstance(value, str):
        return parse_judgement(value)
    return _judgement(value)


def _printed(text):
    """The mapping that Python printed as `text`; the text itself where it is none."""
    try:
        value = ast.literal_eval(re.sub(r"(?<=: )nan(?=[,}])", "None", text.strip()))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return value if isinstance(value, dict) else text


def _judgement(value):
    value = _as_plain(value)
    if not isinstance(value, dict):
        raise JudgeUnreadable(f"the reply is {type(value).__name__}; it must be an object with a score")
    key = next((key for key in SCORE_KEYS if key in value), None)
    key = key or next((key for key in RUBRIC_KEYS if _is_number(value.get(key))), None)
    if key is None:
        raise JudgeUnreadable(f"the reply has no score; its keys are {', '.join(map(str, value)) or 'none'}")
    return Judgement(
        score=_score(value[key], key),
        dimensions=_dimensions(value, key),
        flags=_flags(value.get("flags", value.get("flag"))),
        requires_human_review=_truth(value.get("requires_human_review")),
        rationale=next((value[key].strip() for key in RATIONALE_KEYS if isinstance(value.get(key), str)), ""),
    )


def _score(value, name):
    """A number from 0 to 100; digits as text count ("85", "85/100"). A scale is never guessed: 0.8 is 0.8 of 100."""
    number = value = _as_plain(value)
    if isinstance(value, str):
        match = NUMBER.fullmatch(value)
        number = float(match[1]) if match else None
    if isinstance(number, bool) or not isinstance(number, Real) or not 0 <= number <= 100:
        raise JudgeUnreadable(f"{name} is {value!r}; it must be a number from 0 to 100")
    return float(number)


def _dimensions(value, score_key):
    """Scores by dimension: those in a "dimensions" object, and further numbers beside the score. null is left out."""
    found = {
        name: number
        for name, number in value.items()
        if name != score_key and name not in SCORE_KEYS and _is_number(number)
    }
    for key in DIMENSION_KEYS:
        inner = _as_plain(value.get(key))
        if isinstance(inner, dict):
            found |= {
                name: number.get("score") if isinstance(number, dict) else number for name, number in inner.items()
            }
    return {name: _score(number, name) for name, number in found.items() if _as_plain(number) is not None}


def _flags(value):
    value = _as_plain(value)
    if value is None:
        return ()
    if isinstance(value, str):
        value = value.split(",")
    if isinstance(value, dict):
        value = [name for name, raised in value.items() if _truth(raised)]
    if not isinstance(value, list) or not all(isinstance(flag, str) for flag in value):
        raise JudgeUnreadable(f"flags is {value!r}; it must be a list of words")
    flags = (re.sub(r"[\W_]+", "_", flag.strip().lower()).strip("_") for flag in value)
    return tuple(dict.fromkeys(flag for flag in flags if flag not in NO_FLAG))


def _truth(value):
    value = _as_plain(value)
    if value is None:
        return False
    truth = TRUTH.get(str(int(value) if value in (0.0, 1.0) else value).strip().lower())
    if truth is None:
        raise JudgeUnreadable(f"requires_human_review is {value!r}; it must be true or false")
    return truth


def _is_number(value):
    value = _as_plain(value)
    return isinstance(value, Real) and not isinstance(value, bool)


def _as_plain(value):
    """Parquet readers hand lists as arrays and numbers as scalars of their own, and NaN or NA for nothing."""
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    value = value.tolist() if hasattr(value, "tolist") else value
    return None if isinstance(value, float) and math.isnan(value) else value
