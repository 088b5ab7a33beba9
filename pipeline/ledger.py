"""The ledger of calls: reserved, marked sent before sending, stored as they came before anything is parsed.

The same payload is bought once: an answered call serves every prompt that asks the same thing.
"""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from curation.models import Call, Prompt, Teacher

from . import teachers
from .answers.hygiene import clean_text, clean_value

MOST_TOKENS = 2**31 - 1  # what the database's column holds


@dataclass
class Ask:
    """One question on its way to a call: who is asked, with which body; `sample` tells repeats apart."""

    teacher: Teacher
    body: dict
    sample: int = 0

    @property
    def payload_hash(self):
        """sha256 over the address and the final body, so that whatever changes the answer changes the hash."""
        wire = {"address": teachers.address(self.teacher.base_url), "body": self.body}
        canonical = json.dumps(wire, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def identity(self):
        return (self.payload_hash, self.sample)


@dataclass
class Work:
    """A prompt in hand: what a stage asks for it, by name, and the calls that came of it."""

    prompt: Prompt
    asks: dict[str, Ask] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    notes: dict = field(default_factory=dict)

    @property
    def complete(self):
        return self.calls.keys() >= self.asks.keys()


@dataclass(frozen=True)
class Ticket:
    """Which call a reply belongs to."""

    call_id: int


@dataclass
class Reserved:
    """What came of a reservation: calls to send now, calls that are answered, and those somebody else is sending."""

    to_send: list[tuple[Call, Ask]]
    answered: list[Call]
    elsewhere: set
    resent: int = 0


@transaction.atomic
def reserve(asks, run):
    """Find or make the Call of each ask and mark as sent those that this worker must send.

    A call that is `sent` under a live lease belongs to another worker; one whose lease ran out may have been paid
    for, is sent again and marked so. A failed call is tried again: it cost nothing that is known of.
    """
    wanted = {ask.identity: ask for ask in asks}
    Call.objects.bulk_create(
        [
            Call(
                payload_hash=digest,
                sample_index=sample,
                teacher=ask.teacher,
                project_id=run.project_id,
                run=run,
                model=ask.teacher.model,
                request=ask.body,
            )
            for (digest, sample), ask in wanted.items()
        ],
        ignore_conflicts=True,
    )
    now = timezone.now()
    rows = Call.objects.filter(payload_hash__in=[digest for digest, _ in wanted]).select_for_update()
    outcome = Reserved([], [], set())
    for call in rows.order_by("pk"):
        ask = wanted.get((call.payload_hash, call.sample_index))
        if ask is None:
            continue
        if call.state == Call.State.ANSWERED:
            outcome.answered.append(call)
        elif call.state == Call.State.SENT and call.lease_until and call.lease_until > now:
            outcome.elsewhere.add(ask.identity)
        else:
            outcome.resent += call.state == Call.State.SENT
            call.maybe_paid_twice = call.maybe_paid_twice or call.state == Call.State.SENT
            outcome.to_send.append((call, ask))
    _mark_sent([call for call, _ in outcome.to_send], run)
    return outcome


def _mark_sent(calls, run):
    until = timezone.now() + timedelta(seconds=settings.LEASE_SECONDS)
    for call in calls:
        call.state, call.lease_until, call.run = Call.State.SENT, until, run
    Call.objects.bulk_update(calls, ["state", "lease_until", "run", "maybe_paid_twice"], batch_size=200)


def renew(call_ids):
    """Keep the calls under way this worker's."""
    until = timezone.now() + timedelta(seconds=settings.LEASE_SECONDS)
    Call.objects.filter(pk__in=call_ids, state=Call.State.SENT).update(lease_until=until)


@transaction.atomic
def record(replies, run):
    """Store replies as they came: [(Ticket, Reply)] -> {call id: Call}. Counts the cost; parses only the usage.

    A call that has its answer keeps it: the reply that a stalled worker brings late changes nothing.
    """
    rows = Call.objects.select_related("teacher").select_for_update(of=("self",)).order_by("pk")
    calls = {call.pk: call for call in rows.filter(pk__in=[ticket.call_id for ticket, _ in replies])}
    filled, cost, unknown, last_error = [], 0, 0, ""
    for ticket, reply in replies:
        call = calls[ticket.call_id]
        if call.state == Call.State.ANSWERED:
            continue
        filled.append(call)
        _fill(call, reply)
        if call.state == Call.State.ANSWERED:
            unknown += call.cost is None
            cost += call.cost or 0
        else:
            last_error = call.error_detail
    Call.objects.bulk_update(filled, _REPLY_FIELDS, batch_size=200)
    answered = sum(call.state == Call.State.ANSWERED for call in filled)
    failed = len(filled) - answered
    run.count(cost=cost, cost_unknown=unknown, last_error=last_error, calls_answered=answered, calls_failed=failed)
    return calls


_REPLY_FIELDS = [
    "state",
    "raw_reply",
    "finish_reason",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "usage",
    "cost",
    "latency_ms",
    "http_status",
    "error_class",
    "error_detail",
    "sends",
    "lease_until",
    "answered_at",
]


def _fill(call, reply):
    call.sends += reply.sends
    call.http_status, call.latency_ms, call.lease_until = reply.status, reply.latency_ms, None
    # PostgreSQL's text takes no NUL: it is kept in JSON's own escape, so that nothing of the reply is lost.
    call.raw_reply = reply.body.replace("\x00", "\\u0000")
    call.error_class, call.error_detail = reply.error_class, clean_text(reply.error)
    call.state = Call.State.FAILED
    if reply.error_class:
        return
    reason = not_a_completion(reply.body)
    if reason:
        call.error_class, call.error_detail = "not_a_completion", reason
        return
    call.state, call.answered_at = Call.State.ANSWERED, timezone.now()
    completion = json.loads(reply.body)
    call.usage = usage = _usage(completion.get("usage"))
    call.finish_reason = message_of(call)[2]
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        value = usage.get(name)
        counts = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS
        setattr(call, name, value if counts else None)
    call.cost = call.teacher.price(call.prompt_tokens, call.completion_tokens)


def _usage(usage):
    """What a reply says of its tokens, as every database's JSON takes it; {} where it says nothing of use."""
    usage = clean_value(usage) if isinstance(usage, dict) else {}
    try:
        json.dumps(usage, allow_nan=False)
    except ValueError:
        return {}
    return usage


def not_a_completion(body):
    """Why a 200 reply is no chat completion; "" if it is one."""
    try:
        message = json.loads(body)["choices"][0]["message"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return f"The reply is no chat completion: {body[:200]!r}"
    if not isinstance(message, dict):
        return "The reply's first choice has no message."
    if not isinstance(message.get("content"), str | list | None):
        return f"The content of the reply's message is no text: {body[:200]!r}"
    return ""


def message_of(call):
    """(content, refusal, finish_reason) of an answered call; content is "" where the model sent none."""
    choice = json.loads(call.raw_reply)["choices"][0]
    message = choice["message"]
    content = message.get("content")
    if isinstance(content, list):  # some servers answer in parts
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        content = "".join(text for text in texts if isinstance(text, str))
    refusal = message.get("refusal")
    finish_reason = clean_text(str(choice.get("finish_reason") or ""))[:40]
    return content or "", refusal if isinstance(refusal, str) else "", finish_reason
