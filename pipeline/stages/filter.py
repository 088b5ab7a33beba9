"""Filter: measure every rule on each answer, keep every value, and send the prompt on."""

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, Subquery

from curation.models import FilterResult, Prompt, Resolution, Ruleset, State
from curation.models.prompt import AT_ONCE
from pipeline import filters, ledger
from pipeline.config import read_yaml

from .sending import send_on
from .working import BATCH

STATE = State.TO_FILTER
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


def unmeasured(project):
    """Prompts past the filters that the current rules have not measured, though earlier ones did.

    Of the rejected, those alone that the filters rejected: what fell with its hypothesis, or by a judge, stays down.
    """
    earlier = FilterResult.objects.filter(response=OuterRef("current_response")).order_by("-pk")
    rejected_elsewhere = Q(state=State.REJECTED) & ~Q(last_outcome=State.REJECTED)
    return (
        Prompt.objects.filter(project=project, state__in=RECALLED)
        .filter(Exists(earlier), ~Exists(earlier.filter(ruleset=ruleset_of(project))))
        .annotate(last_outcome=Subquery(earlier.values("outcome")[:1]))
        .exclude(rejected_elsewhere)
    )


def undecided(project):
    """Those `unmeasured` prompts that may move by new rules: no person has decided them."""
    decided = Prompt.objects.filter(project=project).decided_by_people()
    return unmeasured(project).exclude(pk__in=decided.values("pk"))


def call_back(project, run):
    """New rules: every current response gets a verdict by them, but only what no person decided moves for it.

    Undecided prompts go back to the filters. Decided ones are measured where they stand; how many of those verdicts
    would flip is counted as `would_flip`. Returns how many were measured so.
    """
    recalled = undecided(project).free().move(State.TO_FILTER, "refiltered", run=run)
    policy = Resolution.objects.filter(by=Resolution.By.POLICY, current=True)
    for start in range(0, len(recalled), AT_ONCE):
        policy.filter(response__current_for__in=recalled[start : start + AT_ONCE]).update(current=False)
    ruleset = ruleset_of(project)
    rules = filters.load_rules(ruleset.body)
    flips, results = 0, []
    for prompt in unmeasured(project).decided_by_people().select_related("current_response").iterator(BATCH):
        result = _measure(run, prompt, ruleset, rules)
        flips += result.passed != prompt.current_response.filter_results.order_by("-pk").first().passed
        results.append(result)
    FilterResult.objects.bulk_create(results, ignore_conflicts=True, batch_size=BATCH)
    if results:
        run.count(measured_where_they_stand=len(results), would_flip=flips)
    return len(results)


def _measure(run, prompt, ruleset, rules):
    measured = filters.check(answer_of(prompt, prompt.current_response), rules)
    failed = filters.failed(measured)
    return FilterResult(
        response=prompt.current_response,
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
    return [ledger.Work(prompt) for prompt in prompts]


def save(run, works):
    """Store every measurement and send each prompt on by the project's policy."""
    project = run.project
    ruleset = ruleset_of(project)
    rules = filters.load_rules(ruleset.body)
    passed_to = State.TO_JUDGE if project.judges else State.TO_REVIEW
    results, targets, details = [], {}, {}
    for each in works:
        result = _measure(run, each.prompt, ruleset, rules)
        result.outcome = passed_to if result.passed else project.on_filter_fail
        results.append(result)
        targets.setdefault(result.outcome, []).append(each.prompt.pk)
        details[each.prompt.pk] = {"failed": result.failed}
    FilterResult.objects.bulk_create(results, ignore_conflicts=True)
    run.count(filters_passed=sum(r.passed for r in results), filters_failed=sum(not r.passed for r in results))
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
