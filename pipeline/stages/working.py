"""The loop that every stage shares: claim what waits, ask where a call is needed, save and send on.

It knows nothing of RQ or HTTP pages: a job, a management command and a test run the same function. Killed and started
again it continues, since all it knows stands in the database.
"""

import time
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from curation.models import Call, Prompt, Run
from curation.reviewing import settle
from pipeline import ledger, teachers

BATCH = 200  # prompts a transaction where the run names no batch size
DRAIN_SECONDS = 4.0  # how long answers under way are awaited when the worker must end
CANCEL_SECONDS = 30.0  # and when somebody cancelled the run


class StopRun(Exception):
    """The run cannot go on for a reason that a person must mend; its prompts keep waiting."""


@dataclass
class Hands:
    """What this worker has in hand: works by prompt id, and which of them wait for which call."""

    works: dict = field(default_factory=dict)
    waiting: dict = field(default_factory=dict)  # call id -> [(prompt id, name of the ask)]
    flying: dict = field(default_factory=dict)  # (payload hash, sample) -> call id
    renewed: float = 0.0

    def of(self, stage):
        return sum(work.notes["stage"] is stage for work in self.works.values())


def work(run, stages, should_stop=lambda: False):
    """Work on what `run` enlisted until nothing is left. Returns "ended", or "stopped" when `should_stop` said so.

    `stages` are modules in flow order, each with STATE, room(run), prepare(run, prompts) and save(run, works).
    """
    if not run.begin():
        return "ended"
    settle(run.project)
    try:
        with teachers.Exchange() as exchange:
            return _Worker(run, stages, should_stop, exchange).loop()
    except StopRun as stop:
        run.end(Run.State.FAILED, error=str(stop))
        return "ended"
    except Exception as error:
        run.end(Run.State.FAILED, error=f"{type(error).__name__}: {error}")
        raise


class _Worker:
    def __init__(self, run, stages, should_stop, exchange):
        self.run, self.stages, self.exchange = run, stages, exchange
        self.should_stop = should_stop
        self.hands = Hands()
        self.failure = ""
        self.halted_at = None
        self.cancelled = False

    def loop(self):
        while True:
            idle = not self.hands.works
            claimed = 0 if self._halted() else sum(self._claim(stage) for stage in reversed(self.stages))
            self._save_complete()
            self._take_in(self.exchange.replies(timeout=0.1 if self.hands.waiting else 0))
            self._save_complete()
            self._renew()
            if self.hands.works and self._may_wait():
                continue
            if claimed or not (idle or self.halted_at):
                continue
            # A run ends when nobody has anything of it in hand; a worker that must end leaves it to the others.
            if self.should_stop() or not self._others_at_work():
                return self._finish()
            time.sleep(0.3)

    # -- when to stop -------------------------------------------------------------------------------------------

    def _halted(self):
        """Whether nothing new is to be taken up: stopped, cancelled, failed, or out of time."""
        self.cancelled = self.cancelled or self.run.seen()
        if self.halted_at is None and (self.failure or self.cancelled or self.should_stop() or _out_of_time(self.run)):
            self.halted_at = time.monotonic()
            if self.cancelled or self.failure or self.should_stop():
                self.exchange.stop_retrying()
        return self.halted_at is not None

    def _may_wait(self):
        """Whether answers under way may be awaited; some seconds after a stop they are given up, to be asked later."""
        limit = DRAIN_SECONDS if self.should_stop() else CANCEL_SECONDS if self.cancelled else float("inf")
        if not self.halted_at or time.monotonic() - self.halted_at < limit:
            return True
        Prompt.objects.filter(pk__in=self.hands.works).let_go()
        self.hands.works.clear()
        self.hands.waiting.clear()
        return False

    def _others_at_work(self):
        """Prompts of this run that another worker has in hand, or had until it died."""
        states = [stage.STATE for stage in self.stages]
        return self.run.prompts.in_state(*states).filter(lease_until__gt=timezone.now()).exists()

    def _finish(self):
        if self.failure:
            raise StopRun(self.failure)
        if self.should_stop() and (not self.cancelled or self._others_at_work()):
            return "stopped"
        self.run.end(Run.State.CANCELLED if self.cancelled else Run.State.FINISHED)
        return "ended"

    # -- claim and ask ------------------------------------------------------------------------------------------

    def _claim(self, stage):
        # What waits for a later stage counts too: prompts are finished before new ones are begun, so that a run that is
        # stopped early leaves finished prompts (and whole pairs) rather than many half-done ones.
        room = stage.room(self.run) - self.hands.of(stage) - self._backlog(stage)
        if room <= 0:
            return 0
        waiting = self.run.prompts.in_state(stage.STATE).select_related("current_response__teacher", "document")
        if stage.STATE in ("to_collect", "to_regenerate"):
            waiting = waiting.partner_ready()
        prompts = waiting.lease(room, settings.LEASE_SECONDS)
        for prompt in prompts:
            prompt.project = self.run.project
        if not prompts:
            return 0
        works = stage.prepare(self.run, prompts)
        for each in works:
            each.notes["stage"] = stage
        self._ask(works)
        return len(prompts)

    def _backlog(self, stage):
        later = self.stages[self.stages.index(stage) + 1 :]
        return self.run.prompts.in_state(*(each.STATE for each in later)).count() if later else 0

    def _ask(self, works):
        """Reserve the calls that these works still miss, and send those that nobody has sent."""
        missing = [(each, name, ask) for each in works for name, ask in each.asks.items() if name not in each.calls]
        for each in works:
            self.hands.works[each.prompt.pk] = each
        try:
            for _, _, ask in missing:
                self.exchange.open(teachers.Endpoint.of(ask.teacher))
        except teachers.CannotSend as error:
            self._fail(str(error), works)
            return
        own = [item for item in missing if item[2].identity in self.hands.flying]
        new = [item for item in missing if item[2].identity not in self.hands.flying]
        reserved = ledger.reserve([ask for _, _, ask in new], self.run) if new else ledger.Reserved([], [], set())
        by_identity = {(c.payload_hash, c.sample_index): c for c in reserved.answered}
        for call, ask in reserved.to_send:
            self.hands.flying[ask.identity] = call.pk
        for each, name, ask in own + new:
            if ask.identity in by_identity:
                each.calls[name] = by_identity[ask.identity]
            elif ask.identity in reserved.elsewhere:
                self._postpone(each)
            else:
                self.hands.waiting.setdefault(self.hands.flying[ask.identity], []).append((each.prompt.pk, name))
        if reserved.answered or reserved.resent:
            self.run.count(reused=len(reserved.answered), maybe_paid_twice=reserved.resent)
        for call, ask in reserved.to_send:
            self.exchange.send(ledger.Ticket(call.pk), teachers.Endpoint.of(ask.teacher), ask.body)

    def _postpone(self, each):
        """Another worker is asking the same thing: come back when its answer is there."""
        self.hands.works.pop(each.prompt.pk, None)
        Prompt.objects.filter(pk=each.prompt.pk).renew(2)

    def _let_go(self, each):
        self.hands.works.pop(each.prompt.pk, None)
        Prompt.objects.filter(pk=each.prompt.pk).let_go()

    def _fail(self, message, works):
        self.failure = self.failure or message
        Prompt.objects.filter(pk__in=[each.prompt.pk for each in works]).let_go()
        for each in works:
            self.hands.works.pop(each.prompt.pk, None)

    # -- answers ------------------------------------------------------------------------------------------------

    def _take_in(self, replies):
        if not replies:
            return
        calls = ledger.record(replies, self.run)
        for call in calls.values():
            self.hands.flying.pop((call.payload_hash, call.sample_index), None)
            for prompt_id, name in self.hands.waiting.pop(call.pk, []):
                each = self.hands.works.get(prompt_id)
                if each is None:
                    continue
                if call.state == Call.State.FAILED and call.error_class in teachers.FATAL:
                    self._fail(f"{call.teacher.name}: {call.error_detail}", [each])
                elif self.halted_at and call.error_class in teachers.RETRIED:
                    self._let_go(each)  # it was not given its retries, so it is no failure of the prompt's
                else:
                    each.calls[name] = call

    def _save_complete(self):
        for stage in self.stages:
            complete = [w for w in self.hands.works.values() if w.notes["stage"] is stage and w.complete]
            size = self.run.parameters.get("batch_size") or BATCH
            for start in range(0, len(complete), size):
                chunk = complete[start : start + size]
                for each in chunk:
                    del self.hands.works[each.prompt.pk]
                with transaction.atomic():
                    again = stage.save(self.run, chunk)
                if again:
                    self._ask(again)

    def _renew(self):
        """Keep what is in hand ours; a third of the lease leaves room for two missed beats."""
        if not self.hands.works or time.monotonic() - self.hands.renewed < settings.LEASE_SECONDS / 3:
            return
        self.hands.renewed = time.monotonic()
        Prompt.objects.filter(pk__in=list(self.hands.works)).renew(settings.LEASE_SECONDS)
        ledger.renew(list(self.hands.waiting))


def _out_of_time(run):
    """Whether a run that was given `seconds` has used them and done the least asked for, or is far over."""
    wanted = run.parameters
    if not wanted.get("seconds") or run.seconds < wanted["seconds"]:
        return False
    enough = Run.objects.get(pk=run.pk).done >= wanted.get("at_least", 0)
    return enough or run.seconds > wanted.get("at_most_seconds", float("inf"))
