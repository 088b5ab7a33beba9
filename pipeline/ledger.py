"""The ledger of calls: reserved, marked sent before sending, stored as they came before anything is parsed.

The same payload is bought once: an answered call serves every prompt that asks the same thing, in any project. What a
run may spend is held by reservation: spent + held for calls under way never exceeds its cap.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from curation.models import Call
from curation.models.locking import update_in_order
from curation.models.writing import insert_rows, update_rows

from . import teachers
from .answers.completions import read_completion, why_not_a_completion
from .answers.hygiene import clean_text
from .asks import Ask
from .budget import Budget

MOST_USD = 100_000  # a call
LATENCY_EDGES = (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000, 120_000)  # ms
_UNDER_WAY = (Call.State.RESERVED, Call.State.SENT)
_TOKENS = ("prompt_tokens", "completion_tokens", "total_tokens", "reasoning_tokens", "cached_tokens")
_REPLY_FIELDS = [
    *("state", "raw_reply", "finish_reason", *_TOKENS, "usage", "cost", "latency_ms", "http_status", "error_class"),
    *("error_detail", "sends", "lease_until", "answered_at", "held_usd", "held_tokens"),
]


@dataclass
class Reserved:
    """Calls to send now, calls that are answered, what others are sending or have in a batch, what is too dear."""

    to_send: list[tuple[Call, Ask]] = field(default_factory=list)
    answered: list[Call] = field(default_factory=list)
    elsewhere: set = field(default_factory=set)
    in_batch: set = field(default_factory=set)
    too_dear: set = field(default_factory=set)
    resent: int = 0


def freshen(asks, run):
    """Where the run wants no answers that others bought, give each ask a sample above all of theirs."""
    wanted = [ask for ask in asks if not ask.fresh]
    if not run.parameters.get("fresh") or not wanted:
        return
    bought = {}
    rows = Call.objects.filter(payload_hash__in={ask.payload_hash for ask in wanted})
    for digest, sample, owner in rows.values_list("payload_hash", "sample_index", "run"):
        bought.setdefault(digest, []).append((sample, owner == run.pk))
    for ask in wanted:
        known = bought.get(ask.payload_hash, [])
        own = [sample for sample, of_this_run in known if of_this_run]
        ask.sample += min(own) if own else max((sample + 1 for sample, _ in known), default=0)
        ask.fresh = True


def reserve(asks, run, *, batch=None, seconds=None):
    """Find or make the Call of each ask, and hold for `seconds` those that this worker must send.

    A call under a live lease belongs to another worker; one that was sent and whose lease ran out may have been paid
    for, is sent again and marked so. A failed call is tried again: it cost nothing that is known of. What the run's
    cap has no room for, at the most that it can cost, is not held. In a `batch` they count as sent from here on, at
    the teacher's batch price; otherwise `mark_sent` comes before the sending. The cap's room goes to the first asks
    first, so that the candidates of one prompt fit together.
    """
    wanted = {ask.identity: ask for ask in asks}
    until = timezone.now() + timedelta(seconds=seconds or settings.LEASE_SECONDS)
    with transaction.atomic():
        return _reserve(wanted, run, {"run": run, "batch": batch, "lease_until": until})


def hold(asks):
    """Lock the calls that there are for these asks, of whatever teachers, before those of one after the other."""
    rows = Call.objects.filter(payload_hash__in={ask.payload_hash for ask in asks})
    list(rows.select_for_update(no_key=True, of=("self",)).order_by("pk").values_list("pk"))


def _reserve(wanted, run, sending):
    outcome, again = Reserved(), []
    rows = Call.objects.filter(payload_hash__in={digest for digest, _ in wanted}).defer("request")
    rows = rows.select_for_update(no_key=True, of=("self",)).order_by("pk")
    known = {(call.payload_hash, call.sample_index): call for call in rows}
    budget = Budget(run, sending["batch"])
    budget.give_back(known.values())
    for identity, ask in wanted.items():
        call = known.get(identity)
        if call and call.state == Call.State.ANSWERED:
            outcome.answered.append(call)
        elif call and call.state in _UNDER_WAY and not call.is_free:
            (outcome.in_batch if call.batch_id else outcome.elsewhere).add(identity)
        elif (held := budget.hold(ask)) is None:
            outcome.too_dear.add(identity)
        else:
            lost = bool(call) and call.state == Call.State.SENT
            outcome.resent += lost
            if call:
                again.append(call)
                call.teacher = ask.teacher
            else:
                call = _new_call(ask, run)
            call.maybe_paid_twice = call.maybe_paid_twice or lost
            call.held_usd, call.held_tokens = held
            for name, value in sending.items():
                setattr(call, name, value)
            call.state = Call.State.SENT if sending["batch"] else Call.State.RESERVED
            outcome.to_send.append((call, ask))
    update_rows(again, [*sending, "state", "maybe_paid_twice", "held_usd", "held_tokens"])
    _insert(outcome)
    budget.store()
    return outcome


def _insert(outcome):
    """Store the new calls of a reservation; one that another worker made since our look is that worker's."""
    # In one order for all workers, so that no two wait for each other's rows.
    new = sorted((call for call, _ in outcome.to_send if call.pk is None), key=lambda call: call.payload_hash)
    keys = {row[1:]: row[0] for row in insert_rows(new, ("id", "payload_hash", "sample_index"))}
    for call in new:
        call.pk = keys.get((call.payload_hash, call.sample_index))
    outcome.elsewhere |= {ask.identity for call, ask in outcome.to_send if call.pk is None}
    outcome.to_send = [(call, ask) for call, ask in outcome.to_send if call.pk]


def _new_call(ask, run):
    return Call(
        payload_hash=ask.payload_hash,
        sample_index=ask.sample,
        teacher=ask.teacher,
        project_id=run.project_id,
        model=ask.teacher.model,
        request=ask.body,
    )


def mark_sent(call_ids, seconds=None):
    """Say of reserved calls that they are sent, before they are; returns the ids of those that may be.

    After a stall longer than the lease, another worker may have sent some.
    """
    until = timezone.now() + timedelta(seconds=seconds or settings.LEASE_SECONDS)
    sent = {"state": Call.State.SENT, "lease_until": until}
    marked = update_in_order(Call.objects.filter(pk__in=call_ids, state=Call.State.RESERVED), **sent)
    if marked == len(call_ids):
        return set(call_ids)
    return set(Call.objects.filter(pk__in=call_ids, **sent).values_list("pk", flat=True))


@transaction.atomic
def put_back(call_ids, run):
    """Let go of reserved calls that will not be sent after all, and of what the cap held for them."""
    unsent = Call.objects.filter(pk__in=call_ids, state=Call.State.RESERVED)
    # What is added up is what is given back.
    list(unsent.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    held = unsent.aggregate(usd=Sum("held_usd", default=0), tokens=Sum("held_tokens", default=0))
    unsent.update(lease_until=None, held_usd=0, held_tokens=0)
    if held["usd"] or held["tokens"]:
        run.count(held_usd=-held["usd"], held_tokens=-held["tokens"])


def renew(call_ids, seconds=None):
    """Keep the calls in hand this worker's."""
    until = timezone.now() + timedelta(seconds=seconds or settings.LEASE_SECONDS)
    update_in_order(Call.objects.filter(pk__in=call_ids, state__in=_UNDER_WAY), lease_until=until)


@transaction.atomic
def record(replies, run, calls=None):
    """Store replies as they came: [(Ticket, Reply)] -> {call id: Call}. Counts the cost; parses only the usage.

    A call that has its answer keeps it: the reply that a stalled worker brings late changes nothing. `calls` are those
    in hand, {id: Call}, where the caller has them; others are read.
    """
    ids = [ticket.call_id for ticket, _ in replies]
    rows = Call.objects.filter(pk__in=ids).select_for_update(no_key=True, of=("self",)).order_by("pk")
    settled = {pk for pk, state in rows.values_list("pk", "state") if state == Call.State.ANSWERED}
    found = {pk: call for pk, call in (calls or {}).items() if pk in ids and pk not in settled}
    unread = [pk for pk in ids if pk not in found]
    if unread:
        found |= Call.objects.select_related("teacher").defer("request").in_bulk(unread)
    filled, tally = [], _Tally()
    for ticket, reply in replies:
        call = found[ticket.call_id]
        if call.pk not in settled:
            _fill(call, reply)
            tally.add(call, reply)
            filled.append(call)
    update_rows(filled, _REPLY_FIELDS)
    run.count(**tally.counted())
    return found


def _fill(call, reply):
    call.sends += reply.sends
    call.http_status, call.latency_ms, call.lease_until = reply.status, reply.latency_ms, None
    # PostgreSQL's text takes no NUL: it is kept in JSON's own escape, so that nothing of the reply is lost.
    call.raw_reply = reply.body.replace("\x00", "\\u0000")
    call.error_class, call.error_detail = reply.error_class, clean_text(reply.error)
    if reply.error_class:
        call.state = Call.State.RESERVED if reply.error_class == teachers.UNSENT else Call.State.FAILED
        return
    reason = why_not_a_completion(reply.body)
    if reason:
        call.state, call.error_class, call.error_detail = Call.State.FAILED, "not_a_completion", reason
        return
    call.state, call.answered_at = Call.State.ANSWERED, timezone.now()
    said = read_completion(reply.body)
    for name in ("finish_reason", "usage", *_TOKENS):
        setattr(call, name, getattr(said, name))
    cost = call.teacher.price(
        said.prompt_tokens, said.completion_tokens, cached_tokens=said.cached_tokens, batch=bool(call.batch_id)
    )
    # Tokens beyond all measure are no usage; and an answer must never be lost for what its column does not hold.
    call.cost = None if cost is None or cost >= MOST_USD else cost


class _Tally:
    """What replies cost, how long they took and what went wrong, for the run's row."""

    def __init__(self):
        self.numbers, self.latencies, self.errors = Counter(), Counter(), {}
        self.cost = self.released_usd = self.released_tokens = 0

    def add(self, call, reply):
        self.numbers["lost_tries"] += reply.lost
        known = True
        if call.state == Call.State.ANSWERED:
            self.numbers["calls_answered"] += 1
            self.numbers["cost_unknown"] += call.cost is None
            self.numbers["input_tokens"] += call.prompt_tokens or 0
            self.numbers["output_tokens"] += call.completion_tokens or 0
            if call.latency_ms is not None:  # in a batch none is known
                self.latencies[bucket(call.latency_ms)] += 1
            self.cost += call.cost or 0
            counted = None not in (call.prompt_tokens, call.completion_tokens)
            known = counted and (call.cost is not None or not call.held_usd)
        elif call.state == Call.State.FAILED:
            self.numbers["calls_failed"] += 1
            kind = self.errors.setdefault(call.error_class, {"n": 0})
            kind |= {"n": kind["n"] + 1, "last": call.error_detail[:500], "at": timezone.now().isoformat()}
        # An endpoint may have written, and billed, what came too late: each such try keeps what one was held for.
        given_back = known - reply.lost
        self.released_usd += given_back * call.held_usd
        self.released_tokens += given_back * call.held_tokens
        call.held_usd, call.held_tokens = (1 - given_back) * call.held_usd, (1 - given_back) * call.held_tokens

    def counted(self):
        """The keywords of `Run.count`."""
        last = next((kind["last"] for kind in reversed(self.errors.values())), "")
        found = {name: number for name, number in self.numbers.items() if number}
        held = {"held_usd": -self.released_usd, "held_tokens": -self.released_tokens}
        return (
            found
            | held
            | {
                "cost": self.cost,
                "last_error": last,
                "latencies": self.latencies,
                "errors": self.errors,
            }
        )


def bucket(milliseconds):
    """The upper edge of the latency bucket, as text; "more" above the last."""
    return next((str(edge) for edge in LATENCY_EDGES if (milliseconds or 0) <= edge), "more")
