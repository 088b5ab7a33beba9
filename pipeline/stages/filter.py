"""Filter: measure every rule on each answer, keep every value, and send the prompt on."""

import time
from uuid import uuid4

from django.conf import settings
from django.db import transaction

from curation.models import FilterResult, Prompt, Ruleset, Run, State
from curation.models.writing import insert_rows
from curation.reviewing.units import hold_units
from pipeline import filters
from pipeline.asks import Work
from pipeline.config import read_yaml
from pipeline.regenerating import meeting

from . import choosing, measuring, recalling
from .sending import send_many, send_on
from .working import BATCH, LOOK_SECONDS, out_of_time

STATE = State.TO_FILTER
AT_ONCE = 1000  # prompts a transaction where the filters have a run of their own
WAIT_SECONDS = 0.2  # between two looks at what another worker has in hand
PAST = (State.TO_JUDGE, State.TO_REVIEW, State.TO_RESOLVE, State.TO_REGENERATE, State.REJECTED, State.ACCEPTED)


def ruleset_of(project):
    """The project's current filter rules; configs/filters.yaml becomes version 1 at first use."""
    return project.filter_ruleset or adopt(project)


def fix_rules(project):
    """Version 1 of the rules, before any prompt is locked: versions are made under the project's lock."""
    ruleset_of(project)


def adopt(project, path=None, by=None):
    """Make the rules of a filters.yaml (default: the shipped one) the project's; raises ConfigError by key."""
    path = path or settings.CONFIG_DIR / "filters.yaml"
    rules = filters.load_rules(read_yaml(path))
    body = filters.rules_to_mapping(rules)
    return Ruleset.record(project, Ruleset.Kind.FILTER, body, origin=path.name, by=by)


# -- new rules --------------------------------------------------------------------------------------------------------


def undecided(project):
    """Prompts past the filters that the current rules have not measured and no person has decided."""
    return recalling.undecided(_unmeasured(project), project)


def standing(project):
    """Prompts that the current rules have not measured and that stay where they are, whatever they say."""
    return recalling.standing(_unmeasured(project), project)


def _unmeasured(project):
    return recalling.unmeasured(project, FilterResult, ruleset_of(project), PAST)


def call_back(project, run):
    """New rules: every current response gets a verdict by them, but only what no person decided moves for it.

    Undecided prompts go back to the filters. The others are measured where they stand, by the job: see
    `recalling.catch_up`. Returns how many those are.
    """
    recalling.recall(undecided(project), STATE, "refiltered", run)
    return recalling.expect(run, standing(project))


def measure_standing(run, prompt_ids):
    """Store the verdicts of these prompts' current answers, and count them."""
    ruleset = ruleset_of(run.project)
    measured = measuring.measured(measuring.current(prompt_ids), filters.stored_rules(ruleset.body))
    flips = recalling.flips(FilterResult, {each.response: each.passed for each in measured})
    recalling.count(run, *measuring.store_standing(run, ruleset, measured, flips))


# -- a run of the filters alone ---------------------------------------------------------------------------------------


def go_through(run, should_stop=lambda: False):
    """Measure what the run enlisted until nothing is left; the filters ask nobody. Returns "ended" or "stopped".

    Jobs that share the run claim prompts by ranges of ids: see `Run.claim`.
    """
    job, size, looked_at = uuid4().hex, run.parameters.get("batch_size") or AT_ONCE, 0.0
    waiting, cancelled = run.prompts.in_state(STATE), False
    while True:
        if time.monotonic() - looked_at > LOOK_SECONDS:
            looked_at, cancelled = time.monotonic(), run.seen()
        if cancelled or should_stop() or out_of_time(run):
            break
        ids, others = run.claim(waiting, job, size, settings.LEASE_SECONDS)
        if ids:
            save_ids(run, ids)
        elif others:
            time.sleep(WAIT_SECONDS)
        else:
            break
    run.claim(waiting.none(), job, 0, 0)
    if should_stop() and not cancelled:
        return "stopped"
    run.end(Run.State.CANCELLED if cancelled else Run.State.FINISHED)
    return "ended"


# -- the stage, one of several in a run -------------------------------------------------------------------------------


def room(run):
    """How many prompts are measured in one transaction."""
    return run.parameters.get("batch_size") or BATCH


def prepare(run, prompts):
    """Nothing is asked: the works are complete at once."""
    return [Work(prompt) for prompt in prompts]


def save(run, works):
    """Measure every candidate, store all of it, and send each prompt on by the best one and the project's policy."""
    save_ids(run, [each.prompt.pk for each in works])
    return []


def save_ids(run, prompt_ids):
    """Measure the answers of these prompts and store that; those that still wait for the filters go on."""
    ruleset = ruleset_of(run.project)
    rules = filters.stored_rules(ruleset.body)
    rows, several = measuring.answers(prompt_ids)
    measured = measuring.measured(rows, rules)
    with transaction.atomic():
        hold_units(run.project, prompt_ids)
        _send_single(run, ruleset, measured)
        _send_best(run, ruleset, rules, several)


def _target(project, passed):
    if not passed:
        return project.on_filter_fail
    return State.TO_JUDGE if project.is_gated else State.TO_REVIEW


def _send_single(run, ruleset, measured):
    """Prompts with one answer, the usual case."""
    outcomes = {passed: _target(run.project, passed) for passed in (True, False)}
    measuring.store(run, ruleset, measured, outcomes)
    meeting.by_filters({each.response: (each.measurements, each.failed) for each in measured})
    passed = [each.prompt for each in measured if each.passed]
    failed = {each.prompt: {"failed": each.failed} for each in measured if not each.passed}
    departures = [(passed, outcomes[True], {"failed": []}), (list(failed), outcomes[False], failed)]
    send_many(run, departures, "filtered", source=STATE, counts=_both_ways)


def _both_ways(moved):
    passed, failed = map(len, moved)
    return {"filters_passed": passed, "filters_failed": failed}


def _send_best(run, ruleset, rules, prompt_ids):
    """Prompts with several answers: all of them are measured, and each prompt goes on by the best one."""
    prompts = list(Prompt.objects.filter(pk__among=prompt_ids).select_related("current_response"))
    if not prompts:
        return
    found = choosing.candidates_of(prompts)
    may = choosing.standing(prompts, found)
    results, chosen, targets, details = [], {}, {}, {}
    for prompt in prompts:
        measured = [_result(run, prompt, response, ruleset, rules) for response in found[prompt.pk]]
        best, why = choosing.by_rules([result for result in measured if result.response in may[prompt.pk]])
        target = _target(run.project, best.passed)
        for result in measured:
            result.outcome = target if result.passed == best.passed else ""
        results += measured
        chosen[prompt.pk] = best
        targets.setdefault(target, []).append(prompt.pk)
        details[prompt.pk] = {"failed": best.failed} | _words(measured, best, why, target)
    insert_rows(results)
    meeting.by_filters({each.response_id: (each.measurements, each.failed) for each in results})
    recalling.note_outcomes(FilterResult, ruleset, list(chosen.values()))
    choosing.make_current(run, [(prompt, chosen[prompt.pk].response) for prompt in prompts], source=STATE)
    for target, ids in targets.items():
        moved = send_on(run, ids, target, "filtered", source=STATE, detail={pk: details[pk] for pk in ids})
        passed = sum(chosen[pk].passed for pk in moved)
        run.count(filters_passed=passed, filters_failed=len(moved) - passed)


def _result(run, prompt, response, ruleset, rules):
    measured = filters.check(answer_of(prompt, response), rules)
    failed = filters.failed(measured)
    return FilterResult(
        response=response,
        ruleset=ruleset,
        run=run,
        measurements=[measuring.as_dict(each) for each in measured],
        failed=failed,
        passed=not failed,
    )


def _words(measured, best, why, target):
    """What the event says where there was a choice; with judges, SampleGate is still to make it."""
    if target != State.TO_JUDGE:
        return choosing.words(best.response, len(measured), why)
    return {"passed": sum(result.passed for result in measured), "of": len(measured)} if len(measured) > 1 else {}


def answer_of(prompt, response):
    """A response as the rules see it."""
    tested = response.hypothesis
    return filters.Answer(
        text=response.text,
        task_type=prompt.task_type,
        context=prompt.context,
        tokens=response.completion_tokens,
        finish_reason=response.finish_reason,
        refusal=response.refusal,
        parsed=response.fields,
        hypothesis=tested.text if tested else "",
        hypothesis_fields=tested.fields if tested else None,
    )
