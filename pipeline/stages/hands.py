"""What one worker has in hand: prompts, what they wait for, and the calls on their way."""

import time
from collections import Counter, deque
from dataclasses import dataclass, field

from django.conf import settings

from curation.models import Prompt
from pipeline import ledger, teachers
from pipeline.asks import Ticket

FAST_SECONDS = 0.1  # an answer that takes less waits longer to be stored than it took


@dataclass
class Hands:
    """Works by prompt id, and which of them wait for which call."""

    works: dict = field(default_factory=dict)
    waiting: dict = field(default_factory=dict)  # call id -> [(prompt id, name of the ask)]
    flying: dict = field(default_factory=dict)  # (payload hash, sample) -> call id
    calls: dict = field(default_factory=dict)  # id -> Call under way
    ready: dict = field(default_factory=dict)  # teacher id -> what waits for a free slot there: [(Call, Ask)]
    sent: Counter = field(default_factory=Counter)  # teacher id -> calls that were sent and are not stored yet
    renewed: float = 0.0

    def of(self, stage):
        """How many prompts of `stage` in hand wait for answers."""
        return sum(work.notes["stage"] is stage and not work.complete for work in self.works.values())

    def hold(self, reserved):
        """Keep reserved calls, [(Call, Ask)], until there is a slot for each."""
        for call, ask in reserved:
            self.flying[ask.identity] = call.pk
            self.calls[call.pk] = call
            self.ready.setdefault(ask.teacher.pk, deque()).append((call, ask))

    def dispatch(self, exchange, latency):
        """Send what is ready, as many as each teacher answers at once, where an answer takes `latency` seconds.

        An answer takes its place until it is stored, so that a killed worker loses no more answers than that. Where
        answers come faster than they can be stored, as many again may be on their way.
        """
        leaving, times = [], 2 if 0 < latency < FAST_SECONDS else 1
        for teacher, ready in self.ready.items():
            while ready and self.sent[teacher] < times * ready[0][1].teacher.concurrency:
                leaving.append(ready.popleft())
                self.sent[teacher] += 1
        if leaving:
            ours = ledger.mark_sent([call.pk for call, _ in leaving])
            exchange.send(
                (Ticket(call.pk), teachers.Endpoint.of(ask.teacher), ask.body)
                for call, ask in leaving
                if call.pk in ours
            )
            self._leave_to_others([call for call, _ in leaving if call.pk not in ours])

    def _leave_to_others(self, calls):
        """Another worker sent these while this one stood still; it has their prompts too."""
        self.free_slots([call.pk for call in calls])
        for call in calls:
            for work, _ in self.waiting_for(call):
                self.works.pop(work.prompt.pk, None)

    def free_slots(self, call_ids):
        """The answers to these are stored. Our own rows count: another worker's may be of another teacher there."""
        self.sent.subtract(self.calls[pk].teacher_id for pk in call_ids)

    def waiting_for(self, call):
        """[(work, name of the ask)] of those in hand that wait for `call`, which is no longer under way."""
        self.calls.pop(call.pk, None)
        self.flying.pop((call.payload_hash, call.sample_index), None)
        found = [(self.works.get(prompt_id), name) for prompt_id, name in self.waiting.pop(call.pk, [])]
        return [(work, name) for work, name in found if work]

    def put_back_unsent(self, run):
        """What waits for a free slot will not be sent by this worker: its prompts go on waiting."""
        calls = [call for ready in self.ready.values() for call, _ in ready]
        self.ready.clear()
        ledger.put_back([call.pk for call in calls], run)
        for call in calls:
            self.let_go(*(work for work, _ in self.waiting_for(call)))

    def let_go(self, *works):
        """Put prompts back for the next worker, in the state they are in."""
        ids = [work.prompt.pk for work in works]
        for pk in ids:
            self.works.pop(pk, None)
        Prompt.objects.filter(pk__in=ids).let_go()

    def renew(self):
        """Keep what is in hand ours; a third of the lease leaves room for two missed beats."""
        if not (self.works or self.waiting) or time.monotonic() - self.renewed < settings.LEASE_SECONDS / 3:
            return
        self.renewed = time.monotonic()
        Prompt.objects.filter(pk__in=list(self.works)).renew(settings.LEASE_SECONDS)
        ledger.renew(list(self.waiting))
