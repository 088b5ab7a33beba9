"""Quality filters: a rule takes an answer and returns what it measured, the limit, and whether that is fine.

`RULES` lists the rules in the order they are shown; `load_rules` reads a filters.yaml; `check` measures an answer.
A new rule is a function with `@rule(...)` in the file of its family, imported here.
"""

from pipeline.filters import (  # noqa: F401, I001  registers them, in order
    length,
    structure,
    verbs,
    claims,
    methods,
    pairs,
    citations,
    refusals,
    markdown,
    leftovers,
    filler,
    repetition,
    copying,
    numbers,
    entities,
    unsafe,
    language,
    personal,
    patterns,
)
from pipeline.filters.answer import Answer, Measurement
from pipeline.filters.legacy import legacy_columns
from pipeline.filters.registry import RULES, Rule, Setting
from pipeline.filters.ruleset import Rules, load_rules, rules_to_mapping, rules_to_yaml, stored_rules
from pipeline.filters.screening import check_all

__all__ = [
    "RULES",
    "Answer",
    "Measurement",
    "Rule",
    "Rules",
    "Setting",
    "check",
    "check_all",
    "failed",
    "legacy_columns",
    "load_rules",
    "rules_to_mapping",
    "rules_to_yaml",
    "stored_rules",
]


def check(answer, rules):
    """Measure `answer` by every rule that `rules` switches on for its task type; all of them, also after a failure."""
    return [rule.measure(answer, **thresholds) for rule, thresholds in rules.active(answer.task_type)]


def failed(measurements):
    """The ids of the rules that failed, in order; empty when the answer passes."""
    return [measurement.rule for measurement in measurements if not measurement.ok]
