"""What came of a batch: its files read into the ledger, and works made whole again for their stage."""

import json

from django.db import transaction

from curation.models import Batch, BatchItem, Call, Prompt
from curation.models.locking import update_in_order
from curation.reviewing.units import hold_units
from pipeline import ledger, teachers
from pipeline.asks import Ask, Ticket, Work
from pipeline.teachers.errors import hidden_status, sentence, words

from . import adapting
from .batch_filling import custom_id
from .packing import Unpacker

AT_ONCE = 200
MOST_SENDS = 3  # what failed for a reason that passes is sent again with so many batches, counted with the first
NOT_SENT = {"batch_expired", "batch_cancelled"}  # codes of requests that the endpoint never began


class Received:
    """What a batch's lines brought besides answers: what stops the run, and how many lines could not be read."""

    def __init__(self):
        self.unreadable, self.fatal = 0, ""
        self.stoppers = Stoppers()


class Stoppers:
    """Knows which failures stop a run; of many alike one is looked at."""

    def __init__(self):
        self._known = {}

    def stops(self, call):
        """Whether no later request could fare better, and no change of the teacher's profile helps either."""
        if call.state != Call.State.FAILED or call.error_class not in teachers.FATAL:
            return False
        alike = (call.teacher_id, call.error_class, call.error_detail)
        if alike not in self._known:
            self._known[alike] = not adapting.can_learn(Ask(call.teacher, call.request), call)
        return self._known[alike]


def store(run, lines, waiting, received):
    """Record the lines of one file; `waiting` is {custom id: call id} of what has no line yet."""
    replies = []
    for read in lines:
        reply = reply_of(read) if read else None
        received.unreadable += read is None
        call_id = waiting.pop(str(read.get("custom_id")), None) if reply else None
        if call_id is None:
            continue
        replies.append((Ticket(call_id), reply))
        if len(replies) >= AT_ONCE:
            _record(run, replies, received)
            replies = []
    _record(run, replies, received)


def _record(run, replies, received):
    for call in ledger.record(replies, run).values() if replies else ():
        if received.stoppers.stops(call):
            received.fatal = sentence(call.teacher.name, call.error_class, call.error_detail)


def unanswered(batch):
    """{custom id: call id} of the calls of a batch that have no answer."""
    calls = Call.objects.filter(batch=batch, state=Call.State.SENT)
    rows = calls.values_list("payload_hash", "sample_index", "pk").order_by("pk")
    return {custom_id(digest, sample): pk for digest, sample, pk in rows}


def release(run, call_ids):
    """Give back calls that were never worked on: what is held for them is free, and another batch may have them."""
    call_ids = list(call_ids)
    unsent = teachers.Reply(error_class=teachers.UNSENT, sends=0)
    for start in range(0, len(call_ids), AT_ONCE):
        ledger.record([(Ticket(pk), unsent) for pk in call_ids[start : start + AT_ONCE]], run)


def abandon(batch, why):
    """Give up a batch whose answers nobody will fetch; who asks the same again is told that it may be paid twice."""
    update_in_order(batch.calls.filter(state=Call.State.SENT), lease_until=None)
    batch.end(Batch.State.FAILED, error=why)


def why_it_stops(batch, remote, received, cancelled):
    """Why the run cannot go on after this batch, in a sentence; "" where it can."""
    name = batch.teacher.name
    if received.fatal:
        return received.fatal
    if remote.state == "failed":
        return f"{name} refused the batch: {remote.said or 'it gave no reason'}"
    if cancelled:
        return ""
    if remote.state == "cancelled":
        return f"{name}: somebody cancelled batch {batch.remote_id} there. What was answered by then is stored."
    if not batch.calls.filter(state__in=(Call.State.ANSWERED, Call.State.FAILED)).exists():
        none = f"none of its {batch.requests:,} requests answered"
        return f"{name}: batch {batch.remote_id} ended as {remote.state}, with {none}."
    return ""


def reply_of(read):
    """The Reply of one line of an output or error file; None where the endpoint says that it never began."""
    response = read.get("response") if isinstance(read.get("response"), dict) else {}
    status, body = response.get("status_code"), response.get("body")
    error = read.get("error") if isinstance(read.get("error"), dict) else {}
    if error.get("code") in NOT_SENT and not body:
        return None
    # As ASCII: a lone surrogate stays the escape that it was, and NUL too.
    text = json.dumps(body) if body else json.dumps({"error": error}) if error else ""
    if isinstance(body, str):
        text = body.encode("utf-8", "backslashreplace").decode()
    status = hidden_status(text) or status
    # Some endpoints leave the status of a good answer at 0 or null.
    if status == 200 or (not status and isinstance(body, dict) and "choices" in body):
        return teachers.Reply(text, 200)
    status = status if type(status) is int and 100 <= status < 600 else None
    # Without a status it is the endpoint's own failure, which passes.
    error_class = teachers.classify(status, text) if status else "server_error"
    said = words(text) if text else "The batch has no answer to this request, and no reason."
    return teachers.Reply(text, status, error_class=error_class, error=said)


def hand_over(run, stage, batch, put_again):
    """Hand the works that `batch` completed to their stage; prompts whose call must be sent again wait once more.

    Repeated after a kill it finds what is left: a prompt that was saved has moved on or waits for a later batch.
    """
    ids = list(batch.items.order_by("prompt_id").values_list("prompt_id", flat=True).distinct())
    stoppers = Stoppers()
    for start in range(0, len(ids), AT_ONCE):
        with transaction.atomic():
            hold_units(run.project, ids[start : start + AT_ONCE])
            works, missing = _works(run, stage, batch, ids[start : start + AT_ONCE], stoppers)
            Prompt.objects.filter(pk__in=missing).let_go()
            save(run, stage, works, put_again)


def save(run, stage, works, put_again):
    """Have the stage save complete works, and what it asks again put into the next batch."""
    with transaction.atomic():
        hold_units(run.project, [work.prompt.pk for work in works])
        again = stage.save(run, works) if works else []
        if again:
            put_again(again)


def _works(run, stage, batch, prompt_ids, stoppers):
    """(complete works, prompts to be taken up anew) among these prompts of a batch."""
    prompts = Prompt.objects.filter(pk__in=prompt_ids, run=run, state=stage.STATE)
    prompts = prompts.select_related("current_response__teacher", "document").in_bulk()
    items = BatchItem.objects.filter(prompt__in=prompts, batch__run=run).select_related("call__teacher", "batch")
    latest = {}
    for item in items.order_by("pk"):
        known = latest.get(item.prompt_id)
        if known and known[0].notes["work"] == item.notes["work"]:
            known.append(item)
        else:
            latest[item.prompt_id] = [item]
    unpacker, works, missing = Unpacker(), [], []
    for prompt_id, own in latest.items():
        if all(item.batch_id != batch.pk for item in own):
            continue  # taken up anew since
        if any(item.call.state == Call.State.SENT and item.batch.state in Batch.OPEN for item in own):
            continue  # another batch has the rest
        if any(_to_be_sent_again(item.call) or stoppers.stops(item.call) for item in own):
            missing.append(prompt_id)
            continue
        prompt = prompts[prompt_id]
        prompt.project = run.project
        works.append(_work(prompt, own, unpacker))
    return works, missing


def _to_be_sent_again(call):
    if call.state == Call.State.FAILED:
        return call.error_class in teachers.RETRIED and call.sends < MOST_SENDS
    return call.state != Call.State.ANSWERED


def _work(prompt, items, unpacker):
    kept = items[0].notes
    done = Call.objects.select_related("teacher").in_bulk(list(kept["done"].values()))
    calls = {name: done[pk] for name, pk in kept["done"].items()} | {item.name: item.call for item in items}
    asks = {
        name: Ask(calls[name].teacher, calls[name].request, calls[name].sample_index, fresh=True)
        for name in kept["names"]  # their order is that of the candidates
    }
    return Work(prompt, asks, calls, unpacker.unpack(kept["notes"]), set(kept["optional"]))
