"""What a rule measures on the rows of a sample: as stored, or afresh on a small part of it."""

import hashlib
import json

import numpy
from django.core.cache import cache

from curation.models import TeacherResponse
from pipeline.filters.patterns import SlowPattern, refuse_slow
from pipeline.stages import filtering

from .sample import UNKNOWN, Column, limit_of, words_of

AFRESH = 1_000  # answers that a rule is measured on where nothing is stored
KEPT_SECONDS = 600


def is_stored(sample, rule, task, settings):
    """Whether every answer of this task type has a stored value that holds under `settings`."""
    if words_of(rule, settings) != words_of(rule, sample.rules.settings(task)):
        return False
    return bool((sample.column(rule.id).fine[sample.of_task(task, sample.everything)] != UNKNOWN).all())


def column_of(sample, rule, task, settings, *, small):
    """(rows, Column) of one rule and task type: of every row as stored, or of the `small` ones, if need be afresh."""
    rows = sample.of_task(task, sample.small if small else sample.everything)
    if not small or is_stored(sample, rule, task, settings):
        return rows, sample.column(rule.id).take(rows)
    return rows, _measured(sample, rule, task, settings, rows)


def values_of(sample, rules, rule, task):
    """What `rule` measures on a task type under the words and patterns of `rules`: (numbers, measured afresh?)."""
    settings = rules.settings(task)
    small = not is_stored(sample, rule, task, settings)
    _, column = column_of(sample, rule, task, settings, small=small)
    return column.values[~numpy.isnan(column.values)], small


def fill_gaps(sample):
    """Measure what the rules in force want to know of a few answers; many are left to the small part of the sample."""
    missing = numpy.zeros(len(sample), bool)
    wanted = [(rule, task) for task in sample.tasks for rule, _ in sample.rules.active(task)]
    for rule, task in wanted:
        rows = sample.of_task(task, sample.everything)
        missing[rows] |= sample.column(rule.id).fine[rows] == UNKNOWN
    if not missing.any() or missing.sum() > AFRESH:
        return
    gaps = numpy.flatnonzero(missing)
    answers = dict(zip(gaps.tolist(), _answers(sample.responses[gaps]), strict=True))
    for rule, task in wanted:
        column = sample.columns[rule.id] = sample.column(rule.id)
        rows = [row for row in sample.of_task(task, gaps).tolist() if column.fine[row] == UNKNOWN]
        fresh = _measure(rule, sample.rules.settings(task), [answers[row] for row in rows])
        column.values[rows], column.fine[rows] = fresh


def _measured(sample, rule, task, settings, rows):
    said = [sample.identity, rule.id, task, words_of(rule, settings)]
    key = "trying:" + hashlib.sha256(json.dumps(said).encode()).hexdigest()
    column = cache.get(key)
    if column is None:
        answers = _small_answers(sample)
        column = _measure(rule, settings, [answers[row] for row in rows.tolist()])
        cache.set(key, column, KEPT_SECONDS)
    return column


def refuse_slow_patterns(sample, rules):
    """Raise SlowPattern where a pattern that is not in force takes too long on one of the sample's answers."""
    known = _patterns(sample.rules)
    new = [pattern for pattern in _patterns(rules) if pattern not in known]
    if new:
        refuse_slow(new, [answer.text for answer in _small_answers(sample).values()])


def _patterns(rules):
    named = [rules.settings(task)["forbidden_patterns"] for task in ("", *rules.by_task)]
    return list(dict.fromkeys(pattern for each in named for pattern in each))


def _small_answers(sample):
    key = f"trying:answers:{sample.project_id}"
    kept = cache.get(key)
    if kept is None or kept[0] != sample.identity:
        answers = _answers(sample.responses[sample.small])
        kept = sample.identity, dict(zip(sample.small.tolist(), answers, strict=True))
        cache.set(key, kept, KEPT_SECONDS)
    return kept[1]


def _answers(responses):
    """The answers as the rules see them, in the order of these ids."""
    ids = [int(pk) for pk in responses]
    rows = TeacherResponse.objects.select_related("prompt", "hypothesis", "teacher").in_bulk(ids)
    return [filtering.answer_of(rows[pk].prompt, rows[pk]) for pk in ids]


def _measure(rule, settings, answers):
    thresholds = {each.keyword: settings[each.key] for each in rule.settings if each.keyword}
    if rule.limit and limit_of(rule, settings) is None:
        thresholds["limit"] = _any_limit(rule)
    try:
        made = [rule.measure(answer, **thresholds) for answer in answers]
    except SlowPattern:  # a run says so in a sentence; here it is a rule of which nothing is known
        return Column(numpy.full(len(answers), numpy.nan), numpy.full(len(answers), UNKNOWN, numpy.int8))
    values = [each.value if isinstance(each.value, int | float) else numpy.nan for each in made]
    return Column(numpy.array(values, float), numpy.array([each.ok for each in made], numpy.int8))


def _any_limit(rule):
    """A limit to measure a switched-off rule with: its value depends on none."""
    return next((limit for limit in (rule.limit.default, *rule.limit.by_task.values()) if limit is not None), 1)
