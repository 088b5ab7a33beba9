"""A worker that takes turns with turn.lua under a clock of the test's, without an event loop."""

import json

from pipeline.limits.allowance import keys
from pipeline.limits.limiter import TURN

SILENT = {
    "answered": 0,
    "rate_limited": 0,
    "failing": 0,
    "failing_again": 0,
    "alive": False,
    "output": 0,
    "retry_after": 0,
    "corrections": [],
    "probing": False,
    "concurrency": 1000,
    "pause": 5000,
}
START = 1_800_000_000_000  # ms


class Clock:
    """Milliseconds since an arbitrary beginning, which the test moves on."""

    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now

    def go_on(self, milliseconds):
        self.now += milliseconds


class Worker:
    """One worker's turns; `limits` are words for every turn, such as requests_limit=10."""

    def __init__(self, client, clock, name="a", key="teacher:1", **limits):
        self.script, self.keys = client.register_script(TURN), keys(key)
        self.clock, self.name, self.limits = clock, name, limits
        self.in_flight = self.held = 0
        self.probing = False

    def turn(self, asks=(), waiting=None, ended=0, released=0, **notes):
        """Tell that `ended` requests with `released` output tokens ended, ask for [(input, output)]; the reply."""
        self.in_flight -= ended
        self.held -= released
        asks = [(1, 1)] * asks if isinstance(asks, int) else list(asks)
        words = SILENT | self.limits | {
            "id": self.name,
            "now": self.clock.now,
            "in_flight": self.in_flight,
            "held": self.held,
            "waiting": len(asks) if waiting is None else waiting,
            "asks": [number for each in asks for number in each],
            "probing": self.probing,
        } | notes  # fmt: skip
        reply = json.loads(self.script(keys=self.keys, args=[json.dumps(words)]))
        self.in_flight += reply["granted"]
        self.held += sum(output for _, output in asks[: reply["granted"]])
        self.probing = reply["probing"] or words["probing"]
        return reply

    def granted(self, asks, **notes):
        """How many of `asks` may go."""
        return self.turn(asks, **notes)["granted"]


def most_in(milliseconds, events):
    """The largest sum of amounts in any span of this length; `events` are (time, amount)."""
    events = sorted(events)
    most = running = first = 0
    for time, amount in events:
        running += amount
        while events[first][0] <= time - milliseconds:
            running -= events[first][1]
            first += 1
        most = max(most, running)
    return most
