"""Filter: measure every rule on each answer, keep every value, and send the prompt on."""

from django.conf import settings

from curation.models import FilterResult, Ruleset, State
from pipeline import filters
from pipeline.asks import Work
from pipeline.config import read_yaml

from . import choosing, recalling
from .sending import send_on
from .working import BATCH

STATE = State.TO_FILTER
LOOKS_AT = ("current_response__teacher",)
RECALLED = (State.TO_JUDGE, State.TO_REVIEW, State.TO_REGENERATE, State.REJECTED, State.ACCEPTED)


def ruleset_of(project):
    """The project's current filter rules; configs/filters.yaml becomes version 1 at first use."""
    return project.filter_ruleset or adopt(project)


def adopt(project, path=None, by=None):
    """Make the rules of a filters.yaml (default: the shipped one) the project's; raises ConfigError by key."""
    path = path or settings.CONFIG_DIR / "filters.yaml"
    rules = filters.load_rules(read_yaml(path))
    body = filters.rules_to_mapping(rules)
    return Ruleset.record(project, Ruleset.Kind.FILTER, body, origin=path.name, by=by)


def undecided(project):
    """Prompts past the filters that the current rules have not measured and no person has decided."""
    return recalling.undecided(_unmeasured(project), project)


def _unmeasured(project):
    return recalling.unmeasured(project, FilterResult, ruleset_of(project), RECALLED)


def call_back(project, run):
    """New rules: every current response gets a verdict by them, but only what no person decided moves for it.

    Undecided prompts go back to the filters. Decided ones are measured where they stand; how many of those verdicts
    would flip is counted as `would_flip`. Returns how many were measured so.
    """
    recalling.recall(undecided(project), STATE, "refiltered", run)
    ruleset = ruleset_of(project)
    rules = filters.load_rules(ruleset.body)
    decided = _unmeasured(project).decided_by_people().select_related("current_response")
    measured = [(p, _measure(run, p, p.current_response, ruleset, rules)) for p in decided.iterator(BATCH)]
    return recalling.keep(FilterResult, measured, run)


def _measure(run, prompt, response, ruleset, rules):
    measured = filters.check(answer_of(prompt, response), rules)
    failed = filters.failed(measured)
    return FilterResult(
        response=response,
        ruleset=ruleset,
        run=run,
        measurements=[m._asdict() for m in measured],
        failed=failed,
        passed=not failed,
    )


def room(run):
    """How many prompts are measured in one transaction."""
    return run.parameters.get("batch_size") or BATCH


def prepare(run, prompts):
    """Nothing is asked: the works are complete at once."""
    return [Work(prompt) for prompt in prompts]


def save(run, works):
    """Measure every candidate, store all of it, and send each prompt on by the best one and the project's policy."""
    project = run.project
    ruleset = ruleset_of(project)
    rules = filters.load_rules(ruleset.body)
    prompts = [each.prompt for each in works]
    found = choosing.candidates_of(prompts)
    may = choosing.standing(prompts, found)
    results, chosen, targets, details = [], {}, {}, {}
    for prompt in prompts:
        measured = [_measure(run, prompt, response, ruleset, rules) for response in found[prompt.pk]]
        best, why = choosing.by_rules([result for result in measured if result.response in may[prompt.pk]])
        target = _target(project, best)
        for result in measured:
            result.outcome = target if result.passed == best.passed else ""
        results += measured
        chosen[prompt.pk] = best
        targets.setdefault(target, []).append(prompt.pk)
        details[prompt.pk] = {"failed": best.failed} | _words(measured, best, why, target)
    FilterResult.objects.bulk_create(results, ignore_conflicts=True)
    recalling.note_outcomes(FilterResult, ruleset, [best for pk, best in chosen.items() if len(found[pk]) > 1])
    passed = sum(best.passed for best in chosen.values())
    run.count(filters_passed=passed, filters_failed=len(chosen) - passed)
    choosing.make_current(run, [(prompt, chosen[prompt.pk].response) for prompt in prompts], source=STATE)
    for target, ids in targets.items():
        send_on(run, ids, target, "filtered", source=STATE, detail={pk: details[pk] for pk in ids})
    return []


def _target(project, result):
    if not result.passed:
        return project.on_filter_fail
    return State.TO_JUDGE if project.judges else State.TO_REVIEW


def _words(measured, best, why, target):
    """What the event says where there was a choice; with judges, SampleGate is still to make it."""
    if target != State.TO_JUDGE:
        return choosing.words(best.response, len(measured), why)
    return {"passed": sum(result.passed for result in measured), "of": len(measured)} if len(measured) > 1 else {}


def answer_of(prompt, response):
    """A response as the rules see it."""
    return filters.Answer(
        text=response.text,
        task_type=prompt.task_type,
        context=prompt.context,
        tokens=response.completion_tokens,
        finish_reason=response.finish_reason,
        refusal=response.refusal,
        parsed=response.fields,
    )
