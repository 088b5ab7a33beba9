"""In what order prompts are given to people: `Prompt.rank`, the highest first, among those that are not pinned.

A rank is 0 to 1. What nobody can be given for now (its pair's other half is with the machines, a near-duplicate comes
first, its places are kept for people whom a manager named) is set aside by ASIDE below that, so that whoever looks for
the next one need not pass it; it comes back as soon as that changes, or when the rest of the queue is empty.
"""

import hashlib

from django.db import connection, transaction
from django.db.models import F, FloatField, Q
from django.db.models.functions import Floor

from ..models import FilterResult, GateResult, Pair, Project, Prompt, State
from ..models.state import MACHINE_STATES
from ..models.writing import update_rows
from .holding import held_back
from .queue import kept_places, needed, partner_in_machines

ASIDE = 10.0
GATE_WEIGHT = 0.8  # of the judges' part in the uncertainty; the filters have the rest
AT_ONCE = 500  # prompts that are put in order within a request
REACH = 50.0  # points from its limit at which a score leaves no doubt

Order = Project.QueueOrder


def arrived(project, prompt_ids):
    """These prompts have left the machines: those that came to people get their places, and so do their partners.

    Called by every stage that sends prompts past the gate, in its transaction.
    """
    ids = set(prompt_ids)
    if not ids:
        return
    partners = _partners(project, ids)
    put_in_order(project, ids | set(partners.values()), partners)


@transaction.atomic
def put_in_order(project, prompt_ids, partners=None):
    """Write the ranks of these prompts, as far as they wait for people; returns how many changed."""
    ids = set(prompt_ids)
    partners = _partners(project, ids) if partners is None else partners
    partners = partners | {other: one for one, other in partners.items()}
    rows = Prompt.objects.filter(pk__among=list(ids | set(partners)))
    rows = {row.pk: row for row in rows.only("pk", "key", "state", "current_response", "rank")}
    waiting = [row for row in rows.values() if row.state == State.TO_REVIEW]
    worth = _worth(project, waiting)
    changed = []
    for row in waiting:
        other = rows.get(partners.get(row.pk))
        rank = max(worth[row.pk], worth.get(other and other.pk, 0.0))
        if other and other.state in MACHINE_STATES:
            rank -= ASIDE
        if row.rank != rank:
            row.rank = rank
            changed.append(row)
    _write(changed)
    return len(changed)


def _write(rows):
    """Write ranks; a row that somebody else has in hand at this moment keeps its place."""
    free = _unlocked([row.pk for row in rows]) if rows else ()
    update_rows([row for row in rows if row.pk in free], ["rank"])


def _unlocked(ids):
    """Those of `ids` that nobody else is writing, locked until the transaction ends."""
    rows = Prompt.objects.filter(pk__among=list(ids)).order_by("pk")
    if connection.features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(skip_locked=True, no_key=True)
    return set(rows.values_list("pk", flat=True))


def _partners(project, ids):
    if not project.paired:
        return {}
    rows = Pair.objects.filter(Q(hypothesis__among=list(ids)) | Q(methodology__among=list(ids)), project=project)
    pairs = list(rows.values_list("hypothesis", "methodology"))
    return {one: other for one, other in pairs if one in ids} | {other: one for one, other in pairs if other in ids}


def order_changed(project, by):
    """Put the queue into the order that the project has now: at once where it is short, else by a run.

    Returns a sentence for whoever changed it.
    """
    waiting = project.prompts.in_state(State.TO_REVIEW).order_by("pk").values_list("pk", flat=True)
    ids = list(waiting[: AT_ONCE + 1])
    if len(ids) > AT_ONCE:
        return START_RUN[-1](project, by)
    put_in_order(project, ids)
    return "The queue is in the new order."


# How a run is started that puts a long queue in order: runs are the pipeline's, which adds its own when it is ready.
START_RUN = [lambda project, by: "What comes to review from now on is in the new order."]


# -- what an answer's decision is worth -------------------------------------------------------------------------------


def _worth(project, rows):
    """{prompt id: 0 to 1} by the project's order."""
    order = project.queue_order
    if order == Order.AGE:
        return {row.pk: 0.0 for row in rows}  # among equals the first that was imported comes first
    if order == Order.RANDOM:
        return {row.pk: _drawn(project, row.key) for row in rows}
    responses = {row.current_response_id: row.pk for row in rows}
    gates = _newest(GateResult, responses, "reasons")
    if order == Order.JUDGES_APART:
        return {
            pk: judges_apart(gates[response][0]) if response in gates else 0.0 for response, pk in responses.items()
        }
    filters = _newest(FilterResult, responses, "failed")
    return {pk: uncertainty(gates.get(response), filters.get(response)) for response, pk in responses.items()}


def _drawn(project, key):
    digest = hashlib.sha256(f"queue:{project.split_seed}:{key}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


def _newest(results, responses, reasons):
    """{response: (measurements, reasons)} of the newest verdict on each."""
    rows = results.objects.filter(response__among=list(responses)).order_by("pk")
    return {pk: said for pk, *said in rows.values_list("response", "measurements", reasons)}


def uncertainty(gate, filters):
    """How little is sure of an answer, 0 to 1; `gate` and `filters` are (measurements, reasons) of a verdict, or None.

    A judge's score at its limit is 1, one REACH points away 0; what no judge could say, or wants a person for, is 1. A
    rule's value counts by how near it is to its limit, in proportion.
    """
    by_gate, by_filters = gate and _doubt_of_judges(*gate), filters and _doubt_of_rules(*filters)
    if by_gate is None or by_filters is None:
        return next((part for part in (by_gate, by_filters) if part is not None), 0.0)
    return GATE_WEIGHT * by_gate + (1 - GATE_WEIGHT) * by_filters


def _doubt_of_judges(measurements, reasons):
    scores = [each for each in measurements if _is_number(each.get("value")) and _is_number(each.get("limit"))]
    if any(not reason.endswith("_low_score") for reason in reasons) or not scores:
        return 1.0
    return max(max(0.0, 1 - abs(each["value"] - each["limit"]) / REACH) for each in scores)


def _doubt_of_rules(measurements, failed):
    doubts = [0.5 if failed else 0.0]  # a rule said no, and people are asked all the same
    for each in measurements:
        value, limit = each.get("value"), each.get("limit")
        if _is_number(value) and _is_number(limit) and limit:
            doubts.append(max(0.0, 1 - abs(value - limit) / max(abs(value), abs(limit))))
    return max(doubts)


def judges_apart(measurements):
    """How far judges are from each other on an answer, 0 to 1: between readings by one rubric, or between rubrics."""
    values = [each["value"] for each in measurements if _is_number(each.get("value"))]
    spreads = [each.get("spread") or 0 for each in measurements]
    between = max(values) - min(values) if len(values) > 1 else 0
    return min(1.0, max([between, *spreads]) / 100)


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


# -- aside ------------------------------------------------------------------------------------------------------------


def closed_to_all(project):
    """The condition under which a prompt to review can be given to nobody, but to people whom a manager named."""
    closed = Q(given__gte=needed() - kept_places())
    if project.paired:
        closed |= partner_in_machines()
    return closed | held_back(project.paired) if project.near_duplicate_percent else closed


def set_aside(project, prompt_ids):
    """Of these prompts, take out of everybody's way those that nobody can be given; returns their ids."""
    closed = set(_among(prompt_ids).filter(closed_to_all(project), given__lt=needed()).values_list("pk", flat=True))
    free = _unlocked(closed) if closed else set()
    Prompt.objects.filter(pk__among=list(free)).update(rank=F("rank") - ASIDE)
    return closed


def bring_back(project, prompt_ids):
    """Of these prompts, put those back into their places that can be given again; returns their ids.

    The others go behind all that are set aside, so that the next to look finds other ones.
    """
    aside = _among(prompt_ids).filter(rank__lt=0)
    closed = set(aside.filter(closed_to_all(project)).values_list("pk", flat=True))
    free = _unlocked(aside.values_list("pk", flat=True))
    Prompt.objects.filter(pk__among=list(free & closed)).update(rank=F("rank") - ASIDE)
    Prompt.objects.filter(pk__among=list(free - closed)).update(rank=in_place())
    return free - closed


def in_place():
    """The rank of a prompt that is set aside, as it was before."""
    return F("rank") - ASIDE * Floor(F("rank") / ASIDE, output_field=FloatField())


def _among(ids):
    return Prompt.objects.filter(pk__among=list(ids), state=State.TO_REVIEW)
