"""What goes into a batch: works reserved in the ledger, kept with all that is needed when the answers come."""

import json
import tempfile
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from curation.models import Batch, BatchItem, Call, Prompt
from curation.models.locking import update_in_order
from curation.reviewing.units import hold_units
from pipeline import ledger
from pipeline.teachers.batches import CHAT

from .packing import pack

MOST_REQUESTS = 50_000
MOST_BYTES = 200_000_000
HOLD = timedelta(hours=26)  # a batch may take 24 hours; renewed whenever it is looked at


@dataclass
class Put:
    """What came of putting works into batches: those that need no answer any more, and what found no place."""

    ready: list = field(default_factory=list)
    postponed: list = field(default_factory=list)
    too_dear: list = field(default_factory=list)
    answered: list = field(default_factory=list)
    resent: int = 0


def custom_id(payload_hash, sample):
    """The name of a call in a batch's files; some endpoints take no more than 64 characters."""
    return f"{payload_hash[:56]}-{sample}"


def line(name, body):
    """One request of a batch's file, as bytes."""
    request = {"custom_id": name, "method": "POST", "url": CHAT, "body": body}
    return json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


@contextmanager
def written(batch):
    """The file of a batch's requests, in a place that needs no tidying up."""
    calls = Call.objects.filter(batch=batch, state=Call.State.SENT).order_by("pk")
    with tempfile.TemporaryFile(dir=settings.DATA_DIR) as file:
        for digest, sample, body in calls.values_list("payload_hash", "sample_index", "request").iterator(500):
            file.write(line(custom_id(digest, sample), body))
        file.seek(0)
        yield file


@transaction.atomic
def put(run, works):
    """Reserve what `works` still miss and put it into the run's batches that are being filled; returns a Put.

    Calls, items and the prompts' long lease are stored in one transaction: killed before or after, nothing is half.
    """
    missing = [(work, name, ask) for work in works for name, ask in work.asks.items() if name not in work.calls]
    hold_units(run.project, [work.prompt.pk for work in works])  # before calls and the run, as whoever saves answers
    ledger.hold(ask for _, _, ask in missing)
    ledger.freshen([ask for _, _, ask in missing], run)
    outcome, answered, placed, dear = Put(), {}, {}, set()
    for asks in _by_teacher(ask for _, _, ask in missing):
        reserved = _reserve(run, asks, placed)
        answered |= {(call.payload_hash, call.sample_index): call for call in reserved.answered}
        placed |= _own(run, reserved.elsewhere | reserved.in_batch)
        dear |= reserved.too_dear
        outcome.resent += reserved.resent
    for work in works:
        _place(work, answered, placed, dear, outcome)
    left = {id(work) for work in [*outcome.postponed, *outcome.too_dear]}  # they come again, and count then
    used = {call.pk for work in works if id(work) not in left for call in work.calls.values()}
    outcome.answered = [call for call in answered.values() if call.pk in used]
    held = _store_items(works, placed, outcome)
    Prompt.objects.filter(pk__in=held).renew(HOLD.total_seconds())
    Prompt.objects.filter(pk__in=[work.prompt.pk for work in outcome.too_dear]).let_go()
    later = max(2, settings.BATCH_POLL_SECONDS)  # so that this pass does not take them up again and again
    Prompt.objects.filter(pk__in=[work.prompt.pk for work in outcome.postponed]).renew(later)
    return outcome


def _by_teacher(asks):
    groups = {}
    for ask in asks:
        groups.setdefault(ask.teacher.pk, []).append(ask)
    return [asks for _, asks in sorted(groups.items())]  # in one order for all


def _reserve(run, asks, placed):
    """Reserve the asks of one teacher; `placed` learns which calls go into which batch."""
    batch = _filling(run, asks[0].teacher)
    reserved = ledger.reserve(asks, run, batch=batch, seconds=HOLD.total_seconds())
    calls_of = {batch: []}
    for call, ask in reserved.to_send:
        length = len(line(custom_id(call.payload_hash, call.sample_index), ask.body))
        if batch.requests and (batch.requests + 1 > MOST_REQUESTS or batch.size + length > MOST_BYTES):
            batch = Batch.objects.create(project_id=run.project_id, run=run, teacher=ask.teacher)
            calls_of[batch] = []
        batch.requests, batch.size = batch.requests + 1, batch.size + length
        calls_of[batch].append(call.pk)
        placed[(call.payload_hash, call.sample_index)] = (call, batch)
    for number, (each, call_ids) in enumerate(calls_of.items()):
        if number:
            update_in_order(Call.objects.filter(pk__in=call_ids), batch=each)
        each.save(update_fields=["requests", "size"]) if each.requests else each.delete()
    return reserved


def _filling(run, teacher):
    """The run's batch at this teacher that has not been uploaded."""
    unsent = Batch.objects.filter(run=run, teacher=teacher, state=Batch.State.PREPARED, file_id="")
    return unsent.order_by("pk").last() or Batch.objects.create(project_id=run.project_id, run=run, teacher=teacher)


def _own(run, identities):
    """Of calls that are under way, those in open batches of this run: {identity: (call, batch)}."""
    if not identities:
        return {}
    calls = Call.objects.filter(payload_hash__in={digest for digest, _ in identities}, batch__run=run)
    found = calls.filter(state=Call.State.SENT, batch__state__in=Batch.OPEN).select_related("batch").defer("request")
    by_identity = {(call.payload_hash, call.sample_index): (call, call.batch) for call in found}
    return {identity: by_identity[identity] for identity in identities if identity in by_identity}


def _place(work, answered, placed, dear, outcome):
    """Take in what is answered, and note where the rest of a work is."""
    identities = {name: ask.identity for name, ask in work.asks.items() if name not in work.calls}
    for name, identity in identities.items():
        if identity in answered:
            work.calls[name] = answered[identity]
        elif identity in dear and name in work.optional:
            del work.asks[name]
    open_names = [name for name in work.asks if name not in work.calls]
    if any(identities[name] in dear for name in open_names):
        outcome.too_dear.append(work)
    elif any(identities[name] not in placed for name in open_names):
        outcome.postponed.append(work)
    elif not open_names:
        outcome.ready.append(work)


def _store_items(works, placed, outcome):
    """An item for each call that a work waits for; returns the prompts that are held for them."""
    elsewhere = {id(work) for work in [*outcome.ready, *outcome.postponed, *outcome.too_dear]}
    items, held = [], []
    for work in works:
        if id(work) in elsewhere:
            continue
        held.append(work.prompt.pk)
        notes = {
            "work": uuid.uuid4().hex,
            "notes": pack(work.notes),
            "names": list(work.asks),
            "done": {name: call.pk for name, call in work.calls.items()},
            "optional": sorted(work.optional),
        }
        for name, ask in work.asks.items():
            if name not in work.calls:
                call, batch = placed[ask.identity]
                items.append(BatchItem(batch=batch, prompt=work.prompt, call=call, name=name, notes=notes))
    BatchItem.objects.bulk_create(items, batch_size=500)
    return held


def renew(batch):
    """Keep a batch's prompts and calls for as long as it may still take."""
    until = timezone.now() + timedelta(seconds=HOLD.total_seconds())
    update_in_order(Call.objects.filter(batch=batch, state=Call.State.SENT), lease_until=until)
    Prompt.objects.filter(batch_items__batch=batch, run=batch.run_id).renew(HOLD.total_seconds())
