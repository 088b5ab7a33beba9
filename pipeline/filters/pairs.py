"""Rules on a method and the hypothesis it is to test: it varies the variable and measures the outcome."""

from functools import lru_cache

from pipeline.filters import kinds
from pipeline.filters.answer import Measurement
from pipeline.filters.clauses import clauses
from pipeline.filters.lexicon import content_words
from pipeline.filters.reading import stem
from pipeline.filters.registry import Setting, rule


@rule(
    "min_variable_percent",
    label="Varies what the hypothesis names",
    help="The method names at least this share of the words with which its hypothesis says what is varied.",
    settings=[Setting("min_variable_percent", kinds.percent, "limit", by_task={"methodology": 25})],
    bound="at least",
    unit="%",
)
def min_variable_percent(answer, *, limit):
    return _share(answer, "min_variable_percent", "variable", limit)


@rule(
    "min_outcome_percent",
    label="Measures what the hypothesis names",
    help="The method names at least this share of the words with which its hypothesis says what is measured.",
    settings=[Setting("min_outcome_percent", kinds.percent, "limit", by_task={"methodology": 25})],
    bound="at least",
    unit="%",
)
def min_outcome_percent(answer, *, limit):
    return _share(answer, "min_outcome_percent", "outcome", limit)


def _share(answer, rule_id, part, limit):
    """100 where there is no hypothesis, or where it names nothing: then nothing is missing."""
    fields = answer.hypothesis_fields if isinstance(answer.hypothesis_fields, dict) else {}
    said = fields.get(part)
    wanted = _wanted(answer.hypothesis, part, said if isinstance(said, str) else "")
    missing = [word for word in wanted if stem(word) not in answer.stems]
    value = round(100 * (len(wanted) - len(missing)) / len(wanted)) if wanted else 100
    ok = value >= limit
    note = f"Not in the method: {', '.join(missing[:8])}." if missing else ""
    return Measurement(rule_id, value, limit, ok, note)


@lru_cache(maxsize=256)  # candidates of one prompt share their hypothesis
def _wanted(hypothesis, part, said):
    """The words of the hypothesis that name its variable or its outcome: of the field, else of the sentence."""
    named = content_words(said[:1000])
    return tuple(named or content_words(clauses(hypothesis)[part == "outcome"]))
