"""Draw a sample of what the filters measured, without reading the whole table, and keep it for some minutes."""

import hashlib
import json
import time

import numpy
from django.conf import settings
from django.core.cache import cache
from django.db.models import Max

from curation.models import FilterResult, Prompt, Ruleset, State
from pipeline import filters
from pipeline.config import read_yaml
from pipeline.config_errors import ConfigError

from .columns import AFRESH, fill_gaps
from .sample import UNKNOWN, Column, Sample, words_of

MOST = 20_000  # answers that one trial looks at
PORTION = 2_000
KEPT_SECONDS = 300
WHILE_RUNNING_SECONDS = 30
UNMEASURED_SECONDS = 20  # before the first filter run nothing says that there are other answers


def in_force(project):
    """(the current Ruleset or None, its Rules): the shipped rules before the first are recorded. Writes nothing."""
    ruleset = project.filter_ruleset
    if ruleset:
        return ruleset, filters.stored_rules(ruleset.body)
    return None, filters.load_rules(read_yaml(settings.CONFIG_DIR / "filters.yaml"))


def sample_of(project, most=MOST):
    """The Sample of `project`: all its measured current answers, or `most` of them drawn at random.

    Before the first filter run it holds answers that are measured afresh. Kept for some minutes, or until there are
    other verdicts or rules.
    """
    ruleset, rules = in_force(project)
    identity = _identity(project, ruleset, rules, most)
    key = f"trying:{project.pk}"  # one a project: a newer one takes the place of the older
    kept = cache.get(key)
    if kept is None or not _still_good(kept, project, identity):
        kept = _drawn(project, rules, most, identity)
        cache.set(key, kept, KEPT_SECONDS if kept.columns else UNMEASURED_SECONDS)
    return kept


def _still_good(kept, project, identity):
    """Whether nothing is new; while a run adds verdicts all the time, a sample of the same rules serves for a while."""
    if kept.identity == identity:
        return True
    recent = time.time() - kept.drawn_at < WHILE_RUNNING_SECONDS
    return kept.identity[0] == identity[0] and recent and project.runs.live().exists()


def forget(project):
    """Draw anew next time, for example after prompts have moved."""
    cache.delete(f"trying:{project.pk}")


def _identity(project, ruleset, rules, most):
    of_project = Ruleset.objects.filter(project=project, kind=Ruleset.Kind.FILTER)
    newest = max((_newest(pk) for pk in of_project.values_list("pk", flat=True)), default=0)
    said = [project.pk, str(project.created_at), ruleset and ruleset.pk, most, list(filters.RULES)]
    said.append(filters.rules_to_mapping(rules))
    return hashlib.sha256(json.dumps(said).encode()).hexdigest(), newest


def _newest(ruleset):
    return FilterResult.objects.filter(ruleset=ruleset).order_by("-pk").values_list("pk", flat=True).first() or 0


def _drawn(project, rules, most, identity):
    # Ids alone come from an index; the rows behind them are read for the drawn ones only.
    answered = project.prompts.exclude(state=State.TO_COLLECT).order_by().values_list("pk", flat=True)
    listed = numpy.fromiter(answered.iterator(10_000), numpy.int64)
    dice = numpy.random.default_rng(project.pk)
    drawn = numpy.sort(dice.choice(listed, most, replace=False)) if len(listed) > most else numpy.sort(listed)
    rows = _rows(project, drawn)
    if any(row[3] for row in rows):
        rows = [row for row in rows if row[3]]  # what waits for its first verdict has none that could flip
    prompts, task_types, responses, verdicts = zip(*rows, strict=True) if rows else ((), (), (), ())
    tasks = tuple(sorted(set(task_types)))
    small = dice.choice(len(rows), AFRESH, replace=False) if len(rows) > AFRESH else range(len(rows))
    columns, outdated = _columns(verdicts, task_types, rules, project.filter_ruleset_id)
    sample = Sample(
        identity=identity,
        drawn_at=time.time(),
        project_id=project.pk,
        total=len(rows) if len(drawn) == len(listed) else round(len(listed) * len(rows) / len(drawn)),
        prompts=numpy.array(prompts, numpy.int64),
        responses=numpy.array(responses, numpy.int64),
        tasks=tasks,
        task=numpy.array([tasks.index(name) for name in task_types], numpy.int16),
        decided=_decided(project, prompts),
        outdated=outdated,
        columns=columns,
        small=numpy.sort(numpy.array(small, numpy.int64)),
        body=filters.rules_to_mapping(rules),
    )
    fill_gaps(sample)
    return sample


def _portions(ids):
    ids = [int(pk) for pk in ids]
    return [ids[start : start + PORTION] for start in range(0, len(ids), PORTION)]


def _rows(project, drawn):
    """[(prompt, task type, response, id of its newest verdict or None)] of the drawn prompts with an answer."""
    found = []
    for ids in _portions(drawn):
        prompts = Prompt.objects.filter(pk__in=ids, current_response__isnull=False).order_by("pk")
        rows = list(prompts.values_list("pk", "task_type", "current_response"))
        results = FilterResult.objects.filter(response__in=[row[2] for row in rows]).order_by()
        newest = dict(results.values_list("response").annotate(newest=Max("pk")))
        found += [(*row, newest.get(row[2])) for row in rows]
    return found


def _decided(project, prompts):
    decided = set()
    for ids in _portions(prompts):
        decided.update(project.prompts.filter(pk__in=ids).decided_by_people().values_list("pk", flat=True))
    return numpy.array([pk in decided for pk in prompts], bool)


def _columns(verdicts, task_types, rules, current):
    """({rule: Column} of the stored measurements that still say what the rules in force would measure, outdated).

    Outdated are the rows whose newest verdict is not by the version `current`.
    """
    comparable = _Comparable(rules)
    size, values, fine = len(verdicts), {}, {}
    outdated = numpy.ones(size, bool)
    place = {pk: row for row, pk in enumerate(verdicts) if pk}
    for ids in _portions(place):
        stored = FilterResult.objects.filter(pk__in=ids).values_list("pk", "ruleset_id", "measurements")
        for pk, ruleset, measurements in stored:
            row = place[pk]
            outdated[row] = ruleset != current
            known = comparable.rules(ruleset, task_types[row])
            for each in measurements:
                name, value = each["rule"], each["value"]
                if name not in known:
                    continue
                if name not in fine:
                    values[name] = numpy.full(size, numpy.nan)
                    fine[name] = numpy.full(size, UNKNOWN, numpy.int8)
                fine[name][row] = each["ok"]
                if isinstance(value, int | float):
                    values[name][row] = value
    return {name: Column(values[name], fine[name]) for name in fine}, outdated


class _Comparable:
    """Which rules an older version measured with the same words and patterns as the rules in force."""

    def __init__(self, rules):
        self.now, self.loaded, self.known = rules, {}, {}

    def rules(self, ruleset, task_type):
        """Ids of the rules whose stored value and verdict hold today, their limit aside."""
        if (ruleset, task_type) not in self.known:
            then, now = self._load(ruleset), self.now.settings(task_type)
            self.known[ruleset, task_type] = then and {
                rule.id
                for rule in filters.RULES.values()
                if words_of(rule, then.settings(task_type)) == words_of(rule, now)
            }
        return self.known[ruleset, task_type] or ()

    def _load(self, ruleset):
        if ruleset not in self.loaded:
            try:
                self.loaded[ruleset] = filters.stored_rules(Ruleset.objects.get(pk=ruleset).body)
            except ConfigError:  # a version of before a key was renamed: what it measured is measured afresh
                self.loaded[ruleset] = None
        return self.loaded[ruleset]
