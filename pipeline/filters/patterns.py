"""The project's own forbidden patterns."""

import re
from functools import lru_cache

from pipeline.filters import kinds
from pipeline.filters.answer import Measurement, quoted
from pipeline.filters.registry import Setting, rule


@rule(
    "forbidden_patterns",
    label="Forbidden patterns",
    help="None of the project's own regular expressions is found in the answer.",
    settings=[Setting("forbidden_patterns", kinds.regexes, "patterns", ())],
)
def forbidden_patterns(answer, *, patterns):
    """A pattern holds as written: case counts unless it begins with (?i)."""
    found = [match for pattern in _compiled(patterns) if (match := pattern.search(answer.text))]
    note = "; ".join(f"{match.re.pattern} matches {quoted([match[0]])}" for match in found[:3])
    return Measurement("forbidden_patterns", len(found), 0, not found, note)


@lru_cache(maxsize=64)
def _compiled(patterns):
    return tuple(re.compile(pattern) for pattern in patterns)
