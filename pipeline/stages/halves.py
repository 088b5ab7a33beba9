"""Pairs at the gate: half of a pair is accepted with its other half alone, and the two have a score together."""

from statistics import fmean

from django.db.models import Q

from curation.models import GateResult, Pair, Prompt, Resolution, State, Teacher
from pipeline.gate import ACCEPT, band_of, load_gate


def partners(found):
    """{id of a prompt here: the id of its pair's other half} in a paired project.

    The pairs are locked, so that of two workers who decide the two halves the second one sees what the first did.
    """
    ids = [each.prompt.pk for each in found if each.prompt.project.paired]
    if not ids:
        return {}
    pairs = Pair.objects.filter(Q(hypothesis__in=ids) | Q(methodology__in=ids))
    pairs = pairs.select_for_update(no_key=True).order_by("pk")
    other_half = {}
    for first, second in pairs.values_list("hypothesis_id", "methodology_id"):
        other_half |= {first: second, second: first}
    return {pk: other_half[pk] for pk in ids if pk in other_half}


def accepted(run, ruleset, found, partners):
    """Ids of the prompts here that are accepted without a person; the other halves of theirs, which waited, are too.

    Half of a pair is accepted with the other half alone: until that is gated too, it waits for review.
    """
    may = {each.prompt.pk: each for each in found if each.may_be_accepted}
    alone = {pk for pk in may if pk not in partners}
    here = {pk for pk in may if partners.get(pk) in may and _fit(may[pk].row, may[partners[pk]].row)}
    decided_here = {each.prompt.pk for each in found}
    ask = {pk: partners[pk] for pk in may if pk in partners and partners[pk] not in decided_here}
    waiting = _waiting(ruleset, ask.values())
    with_other = {pk: ask[pk] for pk in ask if ask[pk] in waiting and _fit(may[pk].row, waiting[ask[pk]])}
    joined = _accept_waiting(run, {other: waiting[other] for other in with_other.values()})
    return alone | here | {pk for pk, other in with_other.items() if other in joined}


def _fit(one, other):
    """Whether of two GateResults the method's answer tests the hypothesis' answer."""
    return one.response_id == other.response.hypothesis_id or other.response_id == one.response.hypothesis_id


def _waiting(ruleset, ids):
    """{prompt id: GateResult} of the halves that this gate would accept as well and nobody has decided."""
    gate = load_gate(ruleset.body)
    prompts = Prompt.objects.filter(pk__in=list(ids), state__in=(State.TO_REVIEW, State.ACCEPTED)).free().unleased()
    decided = prompts.decided_by_people().values("pk")
    prompts = prompts.exclude(pk__in=decided).exclude(current_response__teacher__kind=Teacher.Kind.IMPORTED)
    current = dict(prompts.values_list("current_response", "pk"))
    rows = GateResult.objects.filter(response__in=current, ruleset=ruleset).select_related("response")
    accept = [row for row in rows if band_of(row.measurements, row.reasons, gate) == ACCEPT]
    return {current[row.response_id]: row for row in accept}


def _accept_waiting(run, waiting):
    """Accept halves that waited for the other: {prompt id: GateResult}; returns the ids that are accepted now."""
    if not waiting:
        return set()
    prompts = Prompt.objects.filter(pk__in=waiting)
    before = set(prompts.filter(state=State.ACCEPTED).values_list("pk", flat=True))
    detail = {"reasons": [], "with_its_pair": True}
    moved = prompts.move(State.ACCEPTED, "gated", source=State.TO_REVIEW, run=run, detail=detail)
    rows = [waiting[pk] for pk in moved]
    GateResult.objects.filter(pk__in=[row.pk for row in rows]).update(outcome=State.ACCEPTED, audit=False)
    accept_by_policy([row.response for row in rows])
    own = sum(row.run_id == run.pk for row in rows)  # counted by this run when they came to review
    if own:
        run.count(to_review=-own, accepted=own)
    return before | set(moved)


def give_pair_scores(rows, ruleset):
    """Say on the verdict of each method how it and its hypothesis score together; `rows` are not stored yet."""
    scores = {row.response_id: row.score for row in rows}
    methods = [row for row in rows if row.response.hypothesis_id]
    tested = {row.response.hypothesis_id for row in methods} - scores.keys()
    stored = GateResult.objects.filter(response__in=tested, score__isnull=False).order_by("pk")
    scores |= dict(stored.values_list("response_id", "score"))
    for row in methods:
        row.pair_score = _mean(row.score, scores.get(row.response.hypothesis_id))
    # Of methods that were judged before their hypotheses are judged again.
    earlier = GateResult.objects.filter(ruleset=ruleset, response__hypothesis__in=[row.response_id for row in rows])
    for row in earlier.exclude(response__in=scores).select_related("response"):
        pair_score = _mean(row.score, scores[row.response.hypothesis_id])
        GateResult.objects.filter(pk=row.pk).update(pair_score=pair_score)


def _mean(one, other):
    return None if None in (one, other) else fmean((one, other))


def accept_by_policy(responses):
    """What holds for responses that are accepted without a person."""
    Resolution.objects.bulk_create(
        [
            Resolution(
                response=response,
                by=Resolution.By.POLICY,
                action="accept",
                text=response.text,
                reasons=["auto_accept"],
                applied_at=response.created_at,
            )
            for response in responses
        ],
        ignore_conflicts=True,
    )
