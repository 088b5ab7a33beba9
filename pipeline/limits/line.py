"""The requests of one worker to one teacher: those that wait, in order, and those that are under way."""

import asyncio
import json
from collections import deque
from datetime import UTC, datetime
from itertools import islice

import redis
from django.conf import settings

from .allowance import keys
from .notes import Notes
from .past import Past

GATHER_SECONDS = 0.001  # what comes within it goes to Valkey together,
TURN_SECONDS = 0.0003  # as does what comes within so long of the last turn's beginning, for each request under way:
SHORTEST_TURN, LONGEST_TURN = 0.004, 0.012  # many make bunches worth it, and what one waits is little beside the others
HEARTBEAT_SECONDS = 5.0  # a third of what turn.lua takes for death
AWAY_SECONDS = 0.5  # between two tries to reach a Valkey that is away
MOST_ASKED = 64  # requests in one turn
LONGEST_ASKED_MS = 600_000  # an endpoint that asks to wait longer is as good as away


class EndpointDown(Exception):
    """The endpoint has failed for so long that waiting for it makes no sense; the message says since when."""


class Permit:
    """Leave to send one request; `done` must be called once it has ended, however it did."""

    __slots__ = ("allowance", "at", "at_tokens", "bucket", "input_tokens", "output_tokens", "probes", "_line")

    def __init__(self, line, input_tokens, output_tokens):
        self._line = line
        self.allowance = line.allowance
        self.input_tokens, self.output_tokens = input_tokens, output_tokens
        self.bucket = self.at = self.at_tokens = 0
        self.probes = False

    def done(self, outcome, *, input_tokens=None, output_tokens=None, headers=None, retry_after=None):
        """Note how the request ended; a second call says nothing.

        `outcome` is "answered", "rate_limited" (429), "failing" (5xx, timeout, connection), "failing_again"
        (as this request did before, which may be its own fault), "refused" (another 4xx: the endpoint is alive) or
        "unsent" (it never left: everything is given back). Tokens are those of the usage that came back, `headers`
        the response's, `retry_after` the seconds that the endpoint asks all to wait.
        """
        line, self._line = self._line, None
        if line is not None:
            line.leave(self, outcome, input_tokens, output_tokens, headers, retry_after)


class Line:
    """The waiting requests of one teacher in one worker. Has a task only while it speaks to Valkey."""

    def __init__(self, limiter, allowance):
        self.limiter, self.allowance = limiter, allowance
        self._trouble = ""
        self._keys = keys(allowance.key)
        self._loop = asyncio.get_running_loop()
        self._waiting = deque()  # (future, permit)
        self._notes = Notes()
        self._in_flight = self._held = 0
        self._probing = self._closed = self._somebody_left = False
        self._first_seen = None  # Valkey's time of our first turn
        self._born = None  # when what Valkey knows of this teacher began
        self._past = Past()
        self._timer = self._due = self._turn = None
        self._began = float("-inf")

    @property
    def trouble(self):
        """Why those that wait do so, where it is no limit of the teacher's; "" where nobody waits."""
        return self._trouble if self._waiting else ""

    async def join(self, input_tokens, output_tokens):
        """Wait in line; returns a Permit."""
        if self._closed:
            raise RuntimeError("This limiter is closed.")
        permit = Permit(self, *self.allowance.cost(input_tokens, output_tokens))
        future = self._loop.create_future()
        self._waiting.append((future, permit))
        if len(self._waiting) == 1:
            self._soon(GATHER_SECONDS)
        try:
            return await future
        except asyncio.CancelledError:
            if future.cancelled():
                self._somebody_left = True
            elif future.exception() is None:
                permit.done("unsent")
            raise

    def leave(self, permit, outcome, *ending):
        """Note the end of a request that was under way."""
        self._notes.take(permit, outcome, *ending)
        self._in_flight -= 1
        self._held -= permit.output_tokens
        self._probing = self._probing and not permit.probes
        self._soon(GATHER_SECONDS)

    async def close(self):
        """The last word: nothing is in flight any more."""
        self._closed = True
        if self._timer:
            self._timer.cancel()
        for future, _ in self._waiting:
            future.cancel()
        self._waiting.clear()
        if self._turn:
            self._turn.cancel()
            await asyncio.gather(self._turn, return_exceptions=True)
        if self._first_seen is not None:
            self._in_flight = self._held = 0
            self._probing = False
            await self._speak()

    # -- turns --------------------------------------------------------------------------------------------------

    def _soon(self, seconds):
        """See to it that a turn begins within this time."""
        if self._closed or self._turn:
            return  # the turn under way looks around when it ends
        apart = min(max(SHORTEST_TURN, self._in_flight * TURN_SECONDS), LONGEST_TURN)
        due = max(self._loop.time() + seconds, self._began + apart)
        if self._timer:
            if self._due <= due:
                return
            self._timer.cancel()
        self._due = due
        self._timer = self._loop.call_at(due, self._begin)

    def _begin(self):
        self._timer, self._began = None, self._loop.time()
        self._turn = self._loop.create_task(self._take_turn())

    async def _take_turn(self):
        pause = AWAY_SECONDS
        try:
            pause = await self._speak()
        except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
            self._trouble = f"Valkey does not answer ({_words(error)}): requests wait until it is back."
        except redis.RedisError as error:
            self._trouble = f"Valkey refuses to keep the limits ({_words(error)}): requests wait until it does."
        except Exception as error:  # a mistake of ours, such as an address that is none: nobody waits for its end
            self._send_away(error)
        finally:
            self._turn = None
        if self._waiting or self._notes.any:
            self._soon(pause)
        elif self._in_flight:
            self._soon(HEARTBEAT_SECONDS)

    async def _speak(self):
        """One turn: tell, ask, let those go who may. Returns in how many seconds the next one makes sense."""
        if self._somebody_left:
            self._somebody_left = False
            self._waiting = deque(each for each in self._waiting if not each[0].done())
        asked = list(islice(self._waiting, MOST_ASKED))
        notes, self._notes = self._notes, Notes()
        try:
            reply = json.loads(await self.limiter.take_turn(self._keys, self._words(notes, asked)))
        except BaseException:
            self._notes = notes.put_back(self._notes)
            raise
        if self._first_seen is None:
            self._first_seen = reply["now"]
        if self._born not in (None, reply["born"]):
            self._past.tell(self._notes)
        self._born = reply["born"]
        self._past.add(reply["bucket"], reply["granted"], reply["input"], notes.output)
        self._let_go(asked[: reply["granted"]], reply)
        self._look_at(reply)
        if self._notes.any or (self._waiting and not reply["why"]):
            return GATHER_SECONDS
        return reply["wait"] / 1000

    def _words(self, notes, asked):
        words = notes.said() | self.allowance.limits()
        words |= {
            "id": self.limiter.id,
            "in_flight": self._in_flight,
            "held": self._held,
            "waiting": len(self._waiting),
            "probing": self._probing,
            "concurrency": max(1, self.allowance.concurrency),
            "pause": round(settings.BREAKER_PAUSE_SECONDS * 1000),
            "asks": [number for _, permit in asked for number in (permit.input_tokens, permit.output_tokens)],
        }
        if self._born is not None:
            words["born"] = self._born
        if self.limiter.clock:
            words["now"] = self.limiter.clock()
        return json.dumps(words)

    def _let_go(self, granted, reply):
        after, after_tokens = len(granted), sum(p.input_tokens + p.output_tokens for _, p in granted)
        for future, permit in granted:
            after, after_tokens = after - 1, after_tokens - permit.input_tokens - permit.output_tokens
            permit.bucket = reply["bucket"]
            permit.at, permit.at_tokens = reply["at"] - after, reply["at_tokens"] - after_tokens
            permit.probes = reply["probing"]
            self._in_flight += 1
            self._held += permit.output_tokens
            self._probing = self._probing or permit.probes
            self._waiting.popleft()  # only turns take from the front, one at a time
            if future.done():  # cancelled meanwhile
                permit.done("unsent")
            else:
                future.set_result(permit)

    def _look_at(self, reply):
        """Say why all wait; let nobody wait for an endpoint that is as good as gone."""
        name, self._trouble, lost = self.allowance.name, "", ""
        if reply["why"] == "asked":
            self._trouble = f"{name} asked to wait until {_clock(reply['free_at'])}."
            if reply["free_at"] - reply["now"] > LONGEST_ASKED_MS:
                lost = f"{name} asks not to be asked before {_clock(reply['free_at'])}."
        elif reply["why"] == "down":
            failed = f"{name} has failed {reply['failures']:,} times in a row since {_clock(reply['down_since'])}"
            tries = "one request tries it now" if reply["tried"] else f"the next try is at {_clock(reply['free_at'])}"
            self._trouble = f"{failed}; {tries}."
            impatient = reply["now"] - reply["down_since"] >= settings.ENDPOINT_PATIENCE_SECONDS * 1000
            if impatient and reply["failed_at"] >= self._first_seen:
                lost = f"{failed}, without one answer: look whether it is up, then start again."
        if lost:
            self._send_away(EndpointDown(lost))

    def _send_away(self, error):
        for future, _ in self._waiting:
            if not future.done():
                future.set_exception(error)
        self._waiting.clear()


def _clock(milliseconds):
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _words(error):
    return " ".join(str(error).split()).rstrip(".")[:200] or type(error).__name__
