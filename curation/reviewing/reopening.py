"""Reopen many settled prompts for one reason, portion by portion."""

from django.db import transaction

from ..models import Annotation, Prompt, Resolution, State
from .resolutions import fell_with_hypothesis
from .units import lock_units, pairs_of

PORTION = 500
SETTLED = (State.ACCEPTED, State.REJECTED)


def reopen_many(project, chosen, user, reason):
    """Reopen the prompts of `chosen`, {id: id of the response as it was looked at}, as `reopen` does each.

    One that is no longer accepted or rejected, was withdrawn, or has another answer now, stays as it is. Returns the
    ids that were reopened, without the methodologies that came back with their hypotheses. Raises ValueError without a
    reason.
    """
    if not reason.strip():
        raise ValueError("Say why they are reopened: the reason stays in the history of each.")
    ids, reopened = sorted(chosen), set()
    for start in range(0, len(ids), PORTION):
        portion = {pk: chosen[pk] for pk in ids[start : start + PORTION]}
        reopened |= _reopen_portion(project, portion, user, reason)
    return reopened


@transaction.atomic
def _reopen_portion(project, chosen, user, reason):
    locked = lock_units(project, list(chosen))
    still = {
        pk
        for pk, response in chosen.items()
        if pk in locked
        and locked[pk].state in SETTLED
        and not locked[pk].withdrawal_id
        and locked[pk].current_response_id == response
    }
    partners = {pair.methodology_id for pair in pairs_of(project, still) if pair.hypothesis_id in still} - still
    back = [pk for pk in partners if pk in locked and fell_with_hypothesis(locked[pk])]
    _move([locked[pk] for pk in (*still, *back)], user, reason)
    return still


def _move(prompts, user, reason):
    responses = [prompt.current_response_id for prompt in prompts]
    decisions = Annotation.objects.filter(response__in=responses, purpose=Annotation.Purpose.REVIEW, current=True)
    decisions.withdraw()
    Resolution.objects.filter(response__in=responses, current=True).update(current=False)
    for state in SETTLED:
        ids = [prompt.pk for prompt in prompts if prompt.state == state]
        rows = Prompt.objects.filter(pk__in=ids)
        rows.move(State.TO_REVIEW, "reopened", source=state, actor=user, detail={"reason": reason})
