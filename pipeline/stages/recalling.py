"""New rules, old decisions: which verdicts are missing under the current version, and which prompts may move for it."""

from django.db.models import Exists, F, OuterRef, Q, Subquery

from curation.models import Prompt, Resolution, State
from curation.models.prompt import AT_ONCE


def unmeasured(project, results, ruleset, states):
    """Prompts of `project` in `states` with a row of `results` for their current response, but none by `ruleset`.

    Of the rejected and those sent back, only what this gate itself sent there: what fell with its hypothesis, is asked
    anew for it, or failed elsewhere stays where it is.
    """
    earlier = results.objects.filter(response=OuterRef("current_response")).order_by("-pk")
    sent_elsewhere = Q(state__in=(State.REJECTED, State.TO_REGENERATE)) & ~Q(last_outcome=F("state"))
    return (
        Prompt.objects.filter(project=project, state__in=states)
        .filter(Exists(earlier), ~Exists(earlier.filter(ruleset=ruleset)))
        .annotate(last_outcome=Subquery(earlier.values("outcome")[:1]))
        .exclude(sent_elsewhere)
    )


def undecided(prompts, project):
    """Those of `prompts` that may move by new rules: no person has decided them."""
    decided = Prompt.objects.filter(project=project).decided_by_people()
    return prompts.exclude(pk__in=decided.values("pk"))


def recall(prompts, target, kind, run):
    """Send undecided prompts back to `target`; what the policy had accepted is open again."""
    recalled = prompts.free().move(target, kind, run=run)
    policy = Resolution.objects.filter(by=Resolution.By.POLICY, current=True)
    for start in range(0, len(recalled), AT_ONCE):
        policy.filter(response__current_for__in=recalled[start : start + AT_ONCE]).update(current=False)


def keep(results, prompts_and_results, run):
    """Store verdicts on decided prompts where they stand; counts them and those that differ from the last one."""
    flips = 0
    for prompt, result in prompts_and_results:
        last = results.objects.filter(response=prompt.current_response_id).order_by("-pk").first()
        flips += result.passed != last.passed
    results.objects.bulk_create([row for _, row in prompts_and_results], ignore_conflicts=True, batch_size=AT_ONCE)
    if prompts_and_results:
        run.count(measured_where_they_stand=len(prompts_and_results), would_flip=flips)
    return len(prompts_and_results)


def note_outcomes(results, ruleset, chosen):
    """Say on verdicts that were known before where they sent their prompts now; `chosen` are rows of `results`."""
    for outcome in {row.outcome for row in chosen}:
        ids = [row.response_id for row in chosen if row.outcome == outcome]
        results.objects.filter(ruleset=ruleset, response__in=ids).exclude(outcome=outcome).update(outcome=outcome)
