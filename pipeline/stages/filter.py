"""Filter: measure every rule on each answer, keep every value, and send the prompt on."""

from django.conf import settings

from curation.models import FilterResult, Ruleset, State
from pipeline import filters, ledger
from pipeline.config import read_yaml

from .sending import send_on
from .working import BATCH

STATE = State.TO_FILTER


def ruleset_of(project):
    """The project's current filter rules; configs/filters.yaml becomes version 1 at first use."""
    return project.filter_ruleset or adopt(project)


def adopt(project, path=None, by=None):
    """Make the rules of a filters.yaml (default: the shipped one) the project's; raises ConfigError by key."""
    path = path or settings.CONFIG_DIR / "filters.yaml"
    rules = filters.load_rules(read_yaml(path))
    body = filters.rules_to_mapping(rules)
    return Ruleset.record(project, Ruleset.Kind.FILTER, body, origin=path.name, by=by)


def room(run):
    """How many prompts are measured in one transaction."""
    return run.parameters.get("batch_size") or BATCH


def prepare(run, prompts):
    """Nothing is asked: the works are complete at once."""
    return [ledger.Work(prompt) for prompt in prompts]


def save(run, works):
    """Store every measurement and send each prompt on by the project's policy."""
    project = run.project
    ruleset = ruleset_of(project)
    rules = filters.load_rules(ruleset.body)
    passed_to = State.TO_JUDGE if project.judges else State.TO_REVIEW
    results, targets, details = [], {}, {}
    for each in works:
        response = each.prompt.current_response
        measured = filters.check(answer_of(each.prompt, response), rules)
        failed = filters.failed(measured)
        target = project.on_filter_fail if failed else passed_to
        results.append(
            FilterResult(
                response=response,
                ruleset=ruleset,
                run=run,
                measurements=[m._asdict() for m in measured],
                failed=failed,
                passed=not failed,
                outcome=target,
            )
        )
        targets.setdefault(target, []).append(each.prompt.pk)
        details[each.prompt.pk] = {"failed": failed}
    FilterResult.objects.bulk_create(results, ignore_conflicts=True)
    run.count(passed=sum(r.passed for r in results), failed_filters=sum(not r.passed for r in results))
    for target, ids in targets.items():
        send_on(run, ids, target, "filtered", source=STATE, detail={pk: details[pk] for pk in ids})
    return []


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
