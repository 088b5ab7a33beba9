"""Answers read, measured and stored many at once: columns of the database become rows of it, no models between."""

import json
from functools import lru_cache
from typing import NamedTuple

from curation.models import FilterResult, Prompt, TeacherResponse
from curation.models.writing import insert_values
from pipeline import filters

COLUMNS = (
    *("pk", "task_type", "context"),
    *(f"current_response__{name}" for name in ("pk", "text", "completion_tokens", "finish_reason", "refusal")),
    *(f"current_response__{name}" for name in ("fields", "hypothesis__text", "hypothesis__fields")),
)


class Measured(NamedTuple):
    """One answer's verdict, its measurements and failed rules as the database keeps them."""

    response: int
    prompt: int
    measurements: str
    failed: list
    passed: bool


def answers(prompt_ids):
    """(the columns of the answers of prompts with one candidate, the ids of prompts with several)."""
    among = TeacherResponse.objects.filter(prompt__among=set(prompt_ids))
    several = set(among.filter(candidate__gt=0).order_by().values_list("prompt", flat=True))
    if several:
        prompt_ids = [pk for pk in prompt_ids if pk not in several]
    return current(prompt_ids), sorted(several)


def current(prompt_ids):
    """The columns of these prompts' current answers."""
    return list(Prompt.objects.filter(pk__among=set(prompt_ids)).order_by("pk").values_list(*COLUMNS))


def measured(rows, rules):
    """A Measured for each of these columns, by every rule that `rules` switches on for it."""
    checked = filters.check_all([_answer(row) for row in rows], rules)
    return [_measured(row, measurements) for row, measurements in zip(rows, checked, strict=True)]


def _answer(row):
    _, task_type, context, _, text, tokens, finish_reason, refusal, parsed, hypothesis, hypothesis_fields = row
    return filters.Answer(
        text, task_type, context, tokens, finish_reason, refusal, parsed, hypothesis or "", hypothesis_fields
    )


def _measured(row, measurements):
    failed = filters.failed(measurements)
    return Measured(row[3], row[0], f"[{', '.join(map(_as_json, measurements))}]", failed, not failed)


def _as_json(measurement):
    return json.dumps(as_dict(measurement)) if measurement.note else _without_note(measurement)


@lru_cache(maxsize=20_000)
def _without_note(measurement):
    """The same few come again and again."""
    return json.dumps(as_dict(measurement))


def as_dict(measurement):
    """A measurement as it is stored: an empty note is left out."""
    found = measurement._asdict()
    if not found["note"]:
        del found["note"]
    return found


def store(run, ruleset, measured, outcomes=None, flips=None):
    """Store Measured ones; returns how many are new.

    `outcomes` say by `passed` which state it sends the prompt to; without them it moves nothing. `flips` are ids of
    responses whose verdict differs from the one that people decided under.
    """
    outcomes, flips = outcomes or {True: "", False: ""}, flips or ()
    return insert_values(
        FilterResult,
        ("response_id", "measurements", "failed", "passed", "outcome", "flips"),
        [
            (
                each.response,
                each.measurements,
                _failed(each),
                each.passed,
                outcomes[each.passed],
                each.response in flips,
            )
            for each in measured
        ],
        ruleset_id=ruleset.pk,
        run_id=run.pk,
    )


def _failed(each):
    return json.dumps(each.failed) if each.failed else "[]"


def store_standing(run, ruleset, measured, flips):
    """Store verdicts that move nothing; returns (how many are new, how many of them flip)."""
    others = store(run, ruleset, [each for each in measured if each.response not in flips])
    flipping = store(run, ruleset, [each for each in measured if each.response in flips], flips=flips)
    return others + flipping, flipping
