"""The project's own forbidden patterns.

They are searched by `regex`, which reads what Python's own `re` reads and can be told to give up: a pattern whose
repeats overlap, such as (a|aa)+$, would try more ways than there is time for.
"""

from functools import lru_cache

import regex

from pipeline.config_errors import ConfigError
from pipeline.filters import kinds
from pipeline.filters.answer import Measurement, quoted
from pipeline.filters.registry import Setting, rule

SECONDS = 2.0  # of computing that one pattern may take on a text; a usual one takes some millionths
SECONDS_A_MILLION = 1.0  # characters, on top
# Texts on which overlapping repeats show, whatever the answers of a project are.
PROBES = tuple(piece * 60 + "!" for piece in ("a", "A", "1", " ", "a ", "ab", "a1", "."))


class SlowPattern(ConfigError):
    """A pattern that was given up on."""


@rule(
    "forbidden_patterns",
    label="Forbidden patterns",
    help="None of the project's own regular expressions is found in the answer.",
    settings=[Setting("forbidden_patterns", kinds.regexes, "patterns", ())],
)
def forbidden_patterns(answer, *, patterns):
    """A pattern holds as written: case counts unless it begins with (?i). Raises SlowPattern."""
    found = [match for pattern in _compiled(patterns) if (match := _search(pattern, answer.text))]
    note = "; ".join(f"{match.re.pattern} matches {quoted([match[0]])}" for match in found[:3])
    return Measurement("forbidden_patterns", len(found), 0, not found, note)


def refuse_slow(patterns, texts=()):
    """Raise SlowPattern where one of `patterns` takes too long on one of `texts`, or on texts made to show it."""
    for pattern in _compiled(tuple(patterns)):
        for text in (*PROBES, *texts):
            _search(pattern, text)


def _search(pattern, text):
    try:
        # `concurrent`: other threads of a web process go on meanwhile.
        return pattern.search(text, timeout=SECONDS + SECONDS_A_MILLION * len(text) / 1e6, concurrent=True)
    except TimeoutError:
        raise SlowPattern(
            f"forbidden_patterns: {pattern.pattern!r} takes too long on a text of {len(text):,} characters. Write it "
            "without a repeat of what repeats or overlaps, such as (a+)+ or (a|ab)*."
        ) from None


@lru_cache(maxsize=64)
def _compiled(patterns):
    return tuple(regex.compile(pattern, regex.V0) for pattern in patterns)
