"""New rules, old decisions: which verdicts are missing under the current version, and which prompts may move for it."""

import time
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.utils import timezone

from curation.models import Annotation, Prompt, Resolution, State
from curation.models.prompt import AT_ONCE
from curation.models.writing import insert_rows
from curation.reviewing.units import hold_units

BATCH = 1000  # prompts that are measured where they stand in one transaction
WAIT_SECONDS = 0.2  # between two looks at what another job has in hand
# Rejected or sent back by something else than this gate: with its hypothesis, by the other gate, by a person.
SENT_ELSEWHERE = Q(state__in=(State.REJECTED, State.TO_REGENERATE)) & ~Q(last_outcome=F("state"))


def unmeasured(project, results, ruleset, states):
    """Prompts of `project` in `states` with a row of `results` for their current response, but none by `ruleset`."""
    earlier = results.objects.filter(response=OuterRef("current_response")).order_by("-pk")
    return (
        Prompt.objects.filter(project=project, state__in=states, withdrawal=None)
        .filter(Exists(earlier), ~Exists(earlier.filter(ruleset=ruleset)))
        .annotate(last_outcome=Subquery(earlier.values("outcome")[:1]))
    )


def undecided(prompts, project):
    """Those of `unmeasured` prompts that may move by new rules: no person has decided them.

    Of the rejected and those sent back, only what this gate itself sent there: what fell with its hypothesis, is asked
    anew for it, or failed elsewhere stays where it is.
    """
    return prompts.exclude(SENT_ELSEWHERE).exclude(_decided_by_people())


def standing(prompts, project):
    """Those of `unmeasured` prompts that get their verdict where they stand, whatever it says."""
    return prompts.filter(SENT_ELSEWHERE | Q(_decided_by_people()))


def _decided_by_people():
    return Exists(Prompt.objects.filter(pk=OuterRef("pk")).decided_by_people())


def recall(prompts, target, kind, run):
    """Send undecided prompts back to `target`, some thousand at a time; what the policy had accepted is open again."""
    policy, after = Resolution.objects.filter(by=Resolution.By.POLICY, current=True), 0
    while ids := list(prompts.free().filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
        after = ids[-1]
        portion = Prompt.objects.filter(pk__among=ids).free()
        # A decision takes these locks as well: what was decided before this one got them is seen by the next statement.
        portion.lock()
        moved = portion.exclude(_decided_by_people()).move(target, kind, run=run)
        policy.filter(response__current_for__among=moved).update(current=False)


def expect(run, prompts):
    """Add to the run's total what it will measure where it stands; returns how many."""
    number = prompts.count()
    run.expect(number)
    return number


# -- in the job: what stands, batch by batch --------------------------------------------------------------------------


def catch_up(run, stage, should_stop=lambda: False):
    """Give every prompt of `stage.standing(project)` its verdict by the new rules, unless stopped or cancelled before.

    Killed and started again it goes on: what has its verdict stands no longer among them. Several jobs share them.
    """
    if not hasattr(stage, "measure_standing"):
        return
    while _go_through(run, stage, should_stop) and _others_measure(run, stage):
        time.sleep(WAIT_SECONDS)


def _others_measure(run, stage):
    """Whether another job has some of them in hand, or had until it died.

    What is in a batch is in hand for hours: it gets another answer, and that its own verdict.
    """
    soon = timezone.now() + timedelta(seconds=settings.LEASE_SECONDS)
    return stage.standing(run.project).in_hand().filter(lease_until__lte=soon).exists()


def _go_through(run, stage, should_stop):
    """One pass in the order of ids; returns False where it was interrupted."""
    after = 0
    while not (should_stop() or run.seen()):
        ids = stage.standing(run.project).filter(pk__gt=after).lease_ids(BATCH, settings.LEASE_SECONDS)
        if not ids:
            return True
        after = ids[-1]
        with transaction.atomic():
            hold_units(run.project, ids)
            stage.measure_standing(run, ids)
            Prompt.objects.filter(pk__among=ids).let_go()
            run.count(done=len(ids))
    return False


def keep(results, prompts_and_results, run):
    """Store verdicts on prompts where they stand, count them and those that flip; returns how many are new."""
    rows = [row for _, row in prompts_and_results]
    if not rows:
        return 0
    flipping = flips(results, {row.response_id: row.passed for row in rows})
    for row in rows:
        row.flips = row.response_id in flipping
    new = {response for (response,) in insert_rows(rows, returning=("response_id",))}
    count(run, len(new), len(new & flipping))
    return len(new)


def flips(results, passed):
    """The responses of `passed`, {id: a new verdict}, that people have decided under another verdict."""
    under = _decided_under(results, passed)
    differ = {response for response, now in passed.items() if under.get(response, now) != now}
    decided = Prompt.objects.filter(current_response__among=differ).decided_by_people()
    return differ & set(decided.values_list("current_response_id", flat=True))


def _decided_under(results, responses):
    """{response: the verdict that people saw}: the last; where that flipped and nobody decided since, the other."""
    rows = results.objects.filter(response__among=responses).order_by("pk")
    last = {pk: said for pk, *said in rows.values_list("response_id", "passed", "flips", "created_at")}
    flipped = [pk for pk, (_, flips, _) in last.items() if flips]
    since = _last_decisions(flipped) if flipped else {}
    return {pk: passed != (flips and not since.get(pk, at) > at) for pk, (passed, flips, at) in last.items()}


def _last_decisions(responses):
    """{response: when a person last decided on it}, of decisions that stand."""
    given = Annotation.objects.filter(response__among=responses, purpose=Annotation.Purpose.REVIEW, current=True)
    held = Resolution.objects.filter(response__among=responses, current=True).exclude(by=Resolution.By.POLICY)
    found = {}
    for response, at in [row for rows in (given, held) for row in rows.values_list("response_id", "created_at")]:
        found[response] = max(at, found.get(response, at))
    return found


def count(run, stored, flipping):
    """Count verdicts that were stored on prompts where they stand, and those of them that flip."""
    if stored:
        run.count(measured_where_they_stand=stored, would_flip=flipping)


def note_outcomes(results, ruleset, chosen):
    """Say on verdicts that were known before where they sent their prompts now; `chosen` are rows of `results`."""
    for outcome in {row.outcome for row in chosen}:
        ids = [row.response_id for row in chosen if row.outcome == outcome]
        results.objects.filter(ruleset=ruleset, response__in=ids).exclude(outcome=outcome).update(outcome=outcome)
