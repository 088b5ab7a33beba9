"""What is wrong in a row of inputs or outputs, as the scripts left it: pure functions."""

import math
import re

from curation.importing.outputs import NO_ANSWERS
from curation.importing.values import EMPTY_WORDS
from pipeline.filters.citations import citations
from pipeline.filters.refusals import refusal_in

GAP = re.compile(r"\{\{?\s*(?:context|title|abstract|topic|domain|user_prompt)\s*\}\}?", re.IGNORECASE)
DRY_RUN = next(pattern for pattern, why in NO_ANSWERS.items() if "dry run" in why)


def is_nan(value):
    """Whether a cell is NaN, or a word that programs write for nothing."""
    if isinstance(value, float):
        return math.isnan(value)
    return isinstance(value, str) and value.strip().lower() in EMPTY_WORDS


def is_blank(value):
    """Whether a cell holds no text at all."""
    return value is None or (isinstance(value, str) and not value.strip())


def _has_text(value):
    return isinstance(value, str) and not is_blank(value) and not is_nan(value)


def no_answer(text):
    """The fault that a text in the column of answers is: dry_run, no_answer or ""."""
    start = text.lstrip()[:2000]
    if DRY_RUN.match(start):
        return "dry_run"
    return "no_answer" if any(pattern.match(start) for pattern in NO_ANSWERS) else ""


def gap_in(text):
    """The name of a gap that nobody filled, or ""."""
    found = GAP.search(text)
    return found.group() if found else ""


def declines(text):
    """The words with which a text declines, or ""."""
    return refusal_in(text)


def cites(text):
    """The first citation in a text, or ""."""
    return next(iter(citations(text, text.lower())), "")


def faults_of_answer(value):
    """(code, words) of a cell in the column of answers that is none."""
    if is_nan(value):
        return "nan_answer", str(value)
    if is_blank(value):
        return "empty_answer", ""
    code = no_answer(value) if isinstance(value, str) else ""
    return (code, value) if code else ("", "")


def faults_of_prompt(values, mapping, answered):
    """(code, words) of what was wrong with how a prompt was asked."""
    prompt, context = (values.get(mapping[field]) if field in mapping else None for field in ("prompt", "context"))
    # A row with a prompt_key was written by this project, which fills a text's prompt when it asks, and sends contexts.
    own = bool(values.get("prompt_key"))
    blank = "prompt" in mapping and answered and (prompt is None or is_nan(prompt))
    if blank and not own:
        yield "asked_nan", f"{mapping['prompt']} is empty"
    if isinstance(prompt, str) and gap_in(prompt):
        yield "unresolved_context", gap_in(prompt)
    if answered and not own and all(_has_text(each) for each in (prompt, context)):
        yield "context_not_sent", ""
