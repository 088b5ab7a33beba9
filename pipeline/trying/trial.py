"""What flips under other rules: all rules taken together, scaled up from the sample to the project."""

import random
from dataclasses import dataclass
from typing import NamedTuple

import numpy

from curation.agreement import wilson
from curation.models import TeacherResponse
from pipeline import filters

from .columns import column_of, is_stored
from .sample import limit_of

EXAMPLES = 10
EXCERPT = 240


class Effect(NamedTuple):
    """One rule in a trial: answers that fail it now and then, and what would flip if it alone were changed."""

    rule: filters.Rule
    failed_now: int
    failed_then: int
    to_pass: int
    to_fail: int


class Example(NamedTuple):
    """An answer that would flip: `why` are [(rule, value or None, limit or None)] that it fails, now or then."""

    key: str
    task_type: str
    excerpt: str
    passes: bool
    decided: bool
    why: list


@dataclass(frozen=True)
class Trial:
    """Numbers of answers in the project; where `exact` is False, estimated from `looked_at` answers drawn at random.

    `to_pass` and `to_fail` count every flip; `decided_flips` are those among them that people decided: they would not
    move. `flips_between` is the 95 % interval of an estimate. `afresh`: something had to be measured anew, on the small
    part of the sample.
    """

    total: int
    looked_at: int
    afresh: bool
    passed_now: int
    passed_then: int
    to_pass: int
    to_fail: int
    decided_flips: int
    flips_between: tuple | None
    effects: list
    examples: list

    @property
    def exact(self):
        """Whether every answer was looked at."""
        return self.looked_at == self.total

    @property
    def flips(self):
        """How many answers would flip, either way."""
        return self.to_pass + self.to_fail


def would(sample, rules, examples=EXAMPLES):
    """The Trial of `rules` (as of load_rules) against those in force, on a sample; writes nothing."""
    small = not _all_stored(sample, rules)
    rows = sample.small if small else sample.everything
    now, then = _fails(sample, sample.rules, rows, small), _fails(sample, rules, rows, small)
    counts_now, counts_then = (sum(each.values(), numpy.zeros(len(rows), int)) for each in (now, then))
    passes_now, passes_then = counts_now == 0, counts_then == 0
    flips = numpy.flatnonzero(passes_now != passes_then)

    def scaled(number):
        return round(int(number) * sample.total / len(rows)) if len(rows) else 0

    return Trial(
        total=sample.total,
        looked_at=len(rows),
        afresh=small,
        passed_now=scaled(passes_now.sum()),
        passed_then=scaled(passes_then.sum()),
        to_pass=scaled((passes_then & ~passes_now).sum()),
        to_fail=scaled((passes_now & ~passes_then).sum()),
        decided_flips=scaled(sample.decided[rows][flips].sum()),
        flips_between=_between(len(flips), len(rows), sample.total),
        effects=_effects(now, then, counts_now, scaled),
        examples=_examples(sample, rules, rows, flips, (now, then), passes_then, small, examples),
    )


def _between(hits, looked_at, total):
    if looked_at in (0, total):
        return None
    low, high = wilson(hits, looked_at)
    return round(low * total), round(high * total)


def _all_stored(sample, rules):
    return all(
        is_stored(sample, rule, task, each.settings(task))
        for task in sample.tasks
        for each in (sample.rules, rules)
        for rule, _ in each.active(task)
    )


def _fails(sample, rules, rows, small):
    """{rule: whether it fails each of `rows`} of the rules that are on for some task type."""
    found = {}
    for task in sample.tasks:
        settings = rules.settings(task)
        for rule, _ in rules.active(task):
            places, column = column_of(sample, rule, task, settings, small=small)
            fails = found.setdefault(rule.id, numpy.zeros(len(rows), bool))
            fails[numpy.searchsorted(rows, places)] = ~_fine(column, rule, limit_of(rule, settings))
    return found


def _fine(column, rule, limit):
    """Whether each value passes. What is no number (nothing to measure) keeps the verdict that it was given."""
    fine = column.fine == 1
    if limit is None or not rule.bound:
        return fine
    held = column.values >= limit if rule.bound == "at least" else column.values <= limit
    return numpy.where(numpy.isnan(column.values), fine, held)


def _effects(now, then, counts_now, scaled):
    nothing = numpy.zeros(len(counts_now), bool)
    effects = []
    for name, rule in filters.RULES.items():
        if name not in now and name not in then:
            continue
        before, after = now.get(name, nothing), then.get(name, nothing)
        alone = counts_now - before + after == 0
        effects.append(
            Effect(
                rule,
                scaled(before.sum()),
                scaled(after.sum()),
                scaled((alone & (counts_now > 0)).sum()),
                scaled((~alone & (counts_now == 0)).sum()),
            )
        )
    return effects


def _examples(sample, rules, rows, flips, fails, passes_then, small, most):
    """Up to `most` answers that flip, of both ways alike; the same ones at every look."""
    dice, ways = random.Random(sample.project_id), []
    for passes in (True, False):
        places = [int(place) for place in flips if passes_then[place] == passes]
        ways.append(dice.sample(places, min(most, len(places))))
    share = max(most // 2, most - len(ways[1]))
    chosen = ways[0][:share] + ways[1][: most - min(share, len(ways[0]))]
    ids = [int(sample.responses[rows[place]]) for place in chosen]
    found = TeacherResponse.objects.select_related("prompt").in_bulk(ids)
    return [
        _example(sample, rules, rows, place, fails, bool(passes_then[place]), small, found[pk])
        for place, pk in zip(chosen, ids, strict=True)
        if pk in found
    ]


def _example(sample, rules, rows, place, fails, passes, small, response):
    task = response.prompt.task_type
    failing, held = (fails[0], sample.rules) if passes else (fails[1], rules)
    settings, why = held.settings(task), []
    for name, failed in failing.items():
        if failed[place]:
            rule = filters.RULES[name]
            places, column = column_of(sample, rule, task, settings, small=small)
            value = column.values[numpy.searchsorted(places, rows[place])]
            why.append((rule, None if numpy.isnan(value) else float(value), limit_of(rule, settings)))
    text = " ".join(response.text.split())
    return Example(
        response.prompt.key,
        task,
        text if len(text) <= EXCERPT else text[: EXCERPT - 1] + "…",
        passes,
        bool(sample.decided[rows[place]]),
        why,
    )
