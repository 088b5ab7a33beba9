"""The loop that every stage shares: claim what waits, ask where a call is needed, save and send on.

It knows nothing of RQ or HTTP pages: a job, a management command and a test run the same function. Killed and started
again it continues, since all it knows stands in the database.
"""

import time

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from curation.models import Call, Prompt, Run, State
from curation.reviewing import settle
from curation.reviewing.units import hold_units
from pipeline import ledger, teachers

from . import indexing, recalling
from .adapting import can_learn
from .hands import Hands
from .sending import left_waiting

BATCH = 200  # prompts a transaction where the run names no batch size
DRAIN_SECONDS = 4.0  # how long answers under way are awaited when the worker must end
CANCEL_SECONDS = 30.0  # and when somebody cancelled the run
SAVE_SECONDS = 0.2  # how long complete works may wait for others to be saved with; their answers are stored already
MANY_TO_SAVE = 100
LOOK_SECONDS = 0.5  # between two looks at whether somebody cancelled
INDEX_SECONDS = 1.0  # between two looks at whether the search index is far behind
DRY_SECONDS = 0.3  # between two looks for prompts where the last found few
AHEAD_SECONDS = 0.2  # for how long what lies ready is to last
MOST_AHEAD = 4  # times what is answered at once
REFILL_AT = 0.8  # of the room that is taken when more prompts are claimed
MOST_IN_BATCH = 1000  # prompts left to a batch of another run, until the rest is left as well
MOST_TOO_DEAR = 20  # prompts that do not fit under the cap, alone, until it counts as reached


class StopRun(Exception):
    """The run cannot go on for a reason that a person must mend; its prompts keep waiting."""


def work(run, stages, should_stop=lambda: False):
    """Work on what `run` enlisted until nothing is left. Returns "ended", or "stopped" when `should_stop` said so.

    `stages` are modules in flow order, each with STATE, room(run), prepare(run, prompts) and save(run, works), and
    LOOKS_AT where it needs rows beside the prompt's, fix_rules(project) where its rules become a version at first use,
    read(works) where reading answers needs no transaction. One that asks nobody goes through a run of its own:
    go_through(run, should_stop).
    """
    if not run.begin():
        return "ended"
    settle(run.project)
    try:
        for stage in stages:
            if hasattr(stage, "fix_rules"):
                stage.fix_rules(run.project)
        if len(stages) == 1:
            recalling.catch_up(run, stages[0], should_stop)
        if len(stages) == 1 and hasattr(stages[0], "go_through"):
            return stages[0].go_through(run, should_stop)
        with teachers.Exchange() as exchange:
            return _Worker(run, stages, should_stop, exchange).loop()
    except StopRun as stop:
        run.end(Run.State.FAILED, error=str(stop))
        return "ended"


class _Worker:
    def __init__(self, run, stages, should_stop, exchange):
        self.run, self.stages, self.exchange = run, stages, exchange
        self.should_stop = should_stop
        self.hands = Hands()
        self.failure = ""
        self.halted_at = None
        self.cancelled = False
        self.looked_at = self.saved_at = 0.0
        self.indexed_at = time.monotonic()
        self.rooms = {}  # stage -> (its room, when that was looked up)
        self.latency = 0.0  # seconds an answer takes, lately
        self.dry = {}  # stage -> when its last claim found too little to look again at once
        self.too_dear = set()  # prompts that the cap had no room for while nothing was under way
        self.in_batch = set()  # prompts whose question is in a batch of another run, for hours perhaps
        self.affordable = None  # how many to try where the cap was full: those whose answers gave something back
        self.said = ""

    def loop(self):
        while True:
            idle = not self.hands.works
            claimed = 0 if self._halted() else sum(self._claim(stage) for stage in reversed(self.stages))
            came = self.exchange.replies(timeout=0.1 if self.hands.waiting else 0)
            self._take_in(came)
            self._save_complete(at_once=not came)
            self.hands.renew()
            self._keep_searchable()
            # Answers under way are paid for, also where their prompt was postponed or given up.
            if (self.hands.works or self.hands.waiting) and self._may_wait():
                continue
            if claimed or not (idle or self.halted_at):
                continue
            # A run ends when nobody has anything of it in hand; a worker that must end leaves it to the others.
            if self.should_stop() or not self._others_at_work():
                if self.halted_at or self._nothing_left():
                    return self._finish()
                continue
            time.sleep(0.3)

    def _keep_searchable(self):
        if time.monotonic() - self.indexed_at > INDEX_SECONDS:
            self.indexed_at = time.monotonic()
            indexing.keep_up()

    # -- when to stop -------------------------------------------------------------------------------------------

    def _halted(self):
        """Whether nothing new is to be taken up: stopped, cancelled, failed, or out of time."""
        if time.monotonic() - self.looked_at > LOOK_SECONDS:
            self.looked_at = time.monotonic()
            self.cancelled = self.cancelled or self.run.seen()
            self._say(self.exchange.trouble)
        if self.halted_at is None and (self.failure or self.cancelled or self.should_stop() or out_of_time(self.run)):
            self.halted_at = time.monotonic()
            if self.cancelled or self.failure or self.should_stop():
                self.exchange.stop_retrying()
            self.hands.put_back_unsent(self.run)
        return self.halted_at is not None

    def _say(self, notice):
        if notice != self.said:
            self.said = notice
            self.run.say(notice)

    def _may_wait(self):
        """Whether answers under way may be awaited; some seconds after a stop they are given up, to be asked later."""
        limit = DRAIN_SECONDS if self.should_stop() else CANCEL_SECONDS if self.cancelled else float("inf")
        if not self.halted_at or time.monotonic() - self.halted_at < limit:
            return True
        self.hands.let_go(*list(self.hands.works.values()))
        self.hands.waiting.clear()
        return False

    def _others_at_work(self):
        """Prompts of this run that another worker has in hand, or had until it died."""
        states = [stage.STATE for stage in self.stages]
        return self.run.prompts.in_state(*states).filter(lease_until__gt=timezone.now()).exists()

    def _nothing_left(self):
        """Whether a look at every stage, all at once, finds nothing more to do."""
        self.affordable = None
        self.dry.clear()
        return not sum(self._claim(stage) for stage in reversed(self.stages)) and not self.hands.works

    def _finish(self):
        if self.failure:
            raise StopRun(self.failure)
        if self.should_stop() and (not self.cancelled or self._others_at_work()):
            return "stopped"
        said = [] if self.cancelled else left_waiting(self.run, capped=bool(self.too_dear))
        if self.in_batch:
            said.append(f"Left to a batch of another run that asks the same: {len(self.in_batch):,}.")
        self._say(" ".join(said))
        self.run.end(Run.State.CANCELLED if self.cancelled else Run.State.FINISHED)
        return "ended"

    # -- claim and ask ------------------------------------------------------------------------------------------

    def _claim(self, stage):
        """Take prompts in hand for `stage`; returns how many. Few at a time cost as much as many, so it waits a bit."""
        full = len(self.too_dear) >= MOST_TOO_DEAR or len(self.in_batch) >= MOST_IN_BATCH
        if full and stage.STATE != State.TO_FILTER:  # the filters ask nobody
            return 0
        now, capacity, in_hand = time.monotonic(), self._capacity(stage), self.hands.of(stage)
        if now - self.dry.get(stage, 0.0) < DRY_SECONDS or in_hand > capacity * REFILL_AT:
            return 0
        # What waits for a later stage counts too: prompts are finished before new ones are begun, so that a run that is
        # stopped early leaves finished prompts (and whole pairs) rather than many half-done ones.
        room = capacity - in_hand - self._backlog(stage)
        if not any(self.hands.ready.values()):  # slots may be free: what fills them goes first, the rest comes after
            room = min(room, 2 * self.rooms[stage][0])
        if self.affordable is not None:
            room = min(room, self.affordable)
            self.affordable -= max(0, room)
        prompts = self._lease(stage, room) if room > 0 else []
        if len(prompts) < room or room <= 0:
            self.dry[stage] = now
        if not prompts:
            return 0
        works = stage.prepare(self.run, prompts)
        for each in works:
            each.notes["stage"] = stage
        self._ask(works)
        return len(prompts)

    def _capacity(self, stage):
        """How many prompts may be in hand: what is answered at once, and what is answered while others are saved.

        The slower the answers, the fewer lie ready.
        """
        if stage not in self.rooms or self.rooms[stage][1] < self.looked_at:
            self.rooms[stage] = (stage.room(self.run), self.looked_at)
        room = self.rooms[stage][0]
        return room + int(room * min(MOST_AHEAD, AHEAD_SECONDS / self.latency if self.latency else 1))

    def _lease(self, stage, room):
        waiting = self.run.prompts.in_state(stage.STATE).select_related(*getattr(stage, "LOOKS_AT", ()))
        if stage.STATE in ("to_collect", "to_regenerate"):
            waiting = waiting.partner_ready()
        if self.too_dear or self.in_batch:
            waiting = waiting.exclude(pk__in=self.too_dear | self.in_batch)
        prompts = waiting.lease(room, settings.LEASE_SECONDS)
        for prompt in prompts:
            prompt.project = self.run.project
        return prompts

    def _backlog(self, stage):
        later = self.stages[self.stages.index(stage) + 1 :]
        waiting = self.run.prompts.in_state(*(each.STATE for each in later)).exclude(pk__in=self.in_batch)
        return waiting.count() if later else 0

    def _ask(self, works):
        """Reserve the calls that these works still miss, and send those that nobody has sent."""
        missing = [(each, name, ask) for each in works for name, ask in each.asks.items() if name not in each.calls]
        for each in works:
            self.hands.works[each.prompt.pk] = each
        try:
            for ask in {ask.teacher.pk: ask for _, _, ask in missing}.values():
                self.exchange.open(teachers.Endpoint.of(ask.teacher))
        except teachers.CannotSend as error:
            self._fail(str(error), works)
            return
        ledger.freshen([ask for _, _, ask in missing], self.run)
        new = [ask for _, _, ask in missing if ask.identity not in self.hands.flying]
        reserved = ledger.reserve(new, self.run) if new else ledger.Reserved()
        too_dear = []
        by_identity = {(c.payload_hash, c.sample_index): c for c in reserved.answered}
        self.hands.hold(reserved.to_send)
        for each, name, ask in missing:
            if ask.identity in by_identity:
                each.calls[name] = by_identity[ask.identity]
            elif ask.identity in reserved.in_batch:
                self.hands.let_go(each)
                self.in_batch.add(each.prompt.pk)
            elif ask.identity in reserved.elsewhere:
                self._postpone(each)
            elif ask.identity in reserved.too_dear:
                if name in each.optional:
                    del each.asks[name]
                else:
                    too_dear.append(each)
            else:
                self.hands.waiting.setdefault(self.hands.flying[ask.identity], []).append((each.prompt.pk, name))
        if too_dear:
            self._leave_unasked(too_dear)
        found = {by_identity[ask.identity].pk for each, _, ask in missing if self._is_answered(each, ask, by_identity)}
        self._count_reserved([call for call in reserved.answered if call.pk in found], reserved.resent)
        self.hands.dispatch(self.exchange, self.latency)

    def _is_answered(self, each, ask, by_identity):
        """Whether a prompt that stays in hand has this answer; one that was let go comes again, and counts then."""
        return ask.identity in by_identity and each.prompt.pk in self.hands.works

    def _count_reserved(self, answered, resent):
        """What was bought before by others is money saved; an answer of this very run's, found again, is not."""
        saved = [call for call in answered if call.run_id != self.run.pk]
        numbers = {
            "reused": len(saved),
            "saved_usd": sum(call.cost or 0 for call in saved),
            "saved_unknown": sum(call.cost is None for call in saved),
            "maybe_paid_twice": resent,
        }
        if any(numbers.values()):
            self.run.count(**{name: number for name, number in numbers.items() if number})

    def _postpone(self, each):
        """Another worker is asking the same thing: come back when its answer is there."""
        self.hands.works.pop(each.prompt.pk, None)
        Prompt.objects.filter(pk=each.prompt.pk).renew(2)

    def _leave_unasked(self, works):
        """The cap has no room for these now: they keep waiting."""
        self.hands.let_go(*works)
        if self.hands.waiting or self._others_at_work():
            self.affordable = 0
        else:
            self.too_dear.update(each.prompt.pk for each in works)

    def _fail(self, message, works):
        self.failure = self.failure or message
        self.hands.let_go(*works)

    # -- answers ------------------------------------------------------------------------------------------------

    def _take_in(self, replies):
        if not replies:
            return
        calls = ledger.record(replies, self.run, self.hands.calls)
        self.hands.free_slots(calls)
        self.hands.dispatch(self.exchange, self.latency)
        if self.affordable is not None:
            self.affordable += len(replies)
        for call in calls.values():
            if call.latency_ms:
                self.latency += (call.latency_ms / 1000 - self.latency) * (0.1 if self.latency else 1)
            for each, name in self.hands.waiting_for(call):
                fatal = call.state == Call.State.FAILED and call.error_class in teachers.FATAL
                if fatal and not can_learn(each.asks[name], call):
                    self._fail(teachers.sentence(call.teacher.name, call.error_class, call.error_detail), [each])
                elif call.state == Call.State.RESERVED or (self.halted_at and call.error_class in teachers.RETRIED):
                    self.hands.let_go(each)  # unsent, or not given its retries: that is no failure of the prompt's
                else:
                    each.calls[name] = call

    def _save_complete(self, *, at_once):
        """Save what has all its answers: many together, unless nothing else is to be done or some wait for long."""
        complete = {stage: [] for stage in self.stages}
        for each in self.hands.works.values():
            if each.complete:
                complete[each.notes["stage"]].append(each)
        few = sum(map(len, complete.values())) < MANY_TO_SAVE
        if few and not at_once and time.monotonic() - self.saved_at < SAVE_SECONDS:
            return
        self.saved_at = time.monotonic()
        size = self.run.parameters.get("batch_size") or BATCH
        for stage, works in complete.items():
            for start in range(0, len(works), size):
                chunk = works[start : start + size]
                for each in chunk:
                    del self.hands.works[each.prompt.pk]
                if hasattr(stage, "read"):
                    stage.read(chunk)
                with transaction.atomic():
                    hold_units(self.run.project, [each.prompt.pk for each in chunk])
                    again = stage.save(self.run, chunk)
                if again:
                    self._ask(again)
                self.dry.clear()


def out_of_time(run):
    """Whether a run that was given `seconds` has used them and done the least asked for, or is far over."""
    wanted = run.parameters
    if not wanted.get("seconds") or run.seconds < wanted["seconds"]:
        return False
    enough = Run.objects.get(pk=run.pk).done >= wanted.get("at_least", 0)
    return enough or run.seconds > wanted.get("at_most_seconds", float("inf"))
