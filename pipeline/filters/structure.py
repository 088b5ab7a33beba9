"""Rules on how an answer is built: sentences, lines, ordered steps."""

from pipeline.filters import kinds
from pipeline.filters.answer import Measurement
from pipeline.filters.registry import Setting, rule


@rule(
    "min_sentences",
    label="Fewest sentences",
    help="The answer has at least this many sentences; headings and list markers are none.",
    settings=[Setting("min_sentences", kinds.count_from(1), "limit")],
    bound="at least",
    unit="sentences",
)
def min_sentences(answer, *, limit):
    return _at_least("min_sentences", len(answer.sentences), limit, "sentences")


@rule(
    "max_sentences",
    label="Most sentences",
    help="The answer has at most this many sentences; a hypothesis is said in one to three.",
    settings=[Setting("max_sentences", kinds.count_from(1), "limit", by_task={"hypothesis": 3})],
    unit="sentences",
)
def max_sentences(answer, *, limit):
    return _at_most("max_sentences", len(answer.sentences), limit, "sentences")


@rule(
    "min_lines",
    label="Fewest lines or steps",
    help="The answer has at least this many lines; of a numbered list its steps are counted instead.",
    settings=[Setting("min_lines", kinds.count_from(1), "limit", by_task={"methodology": 4})],
    bound="at least",
    unit="lines",
)
def min_lines(answer, *, limit):
    return _at_least("min_lines", lines_or_steps(answer), limit, "lines or steps")


@rule(
    "max_lines",
    label="Most lines or steps",
    help="The answer has at most this many lines; of a numbered list its steps are counted instead.",
    settings=[Setting("max_lines", kinds.count_from(1), "limit", by_task={"methodology": 6})],
    unit="lines",
)
def max_lines(answer, *, limit):
    return _at_most("max_lines", lines_or_steps(answer), limit, "lines or steps")


@rule(
    "min_steps",
    label="Fewest ordered steps",
    help="The answer has at least this many steps in order: numbered ones, or told with first, then, finally.",
    settings=[Setting("min_steps", kinds.count_from(1), "limit", by_task={"methodology": 3})],
    bound="at least",
    unit="steps",
)
def min_steps(answer, *, limit):
    return _at_least("min_steps", len(answer.steps), limit, "ordered steps")


def lines_or_steps(answer):
    """How many lines an answer has. A step may run over several lines: where there are steps, those are counted."""
    steps = len(answer.steps)
    return steps if steps > 1 else len(answer.lines)


def _at_least(rule_id, value, limit, what):
    ok = value >= limit
    return Measurement(rule_id, value, limit, ok, "" if ok else f"{value} {what}; at least {limit} are wanted.")


def _at_most(rule_id, value, limit, what):
    ok = value <= limit
    return Measurement(rule_id, value, limit, ok, "" if ok else f"{value} {what}; at most {limit} are wanted.")
