"""What pages see of a teacher's limits."""

import re
from types import SimpleNamespace

import pytest

from pipeline.limits import watch, watching
from pipeline.limits.limiter import TURN
from tests.limits import Worker

TEACHER = SimpleNamespace(pk=1, concurrency=8)


def now_by(valkey):
    seconds, micro = valkey.time()
    return seconds * 1000 + micro // 1000


@pytest.fixture
def worker(valkey):
    """A worker under Valkey's own clock."""
    return Worker(valkey, SimpleNamespace(now=now_by(valkey)), concurrency=8)


def test_nothing_asked_yet(valkey):
    seen = watch(TEACHER)
    assert (seen.known, seen.requests, seen.in_flight, seen.concurrency) == (True, 0, 0, 8)
    assert (seen.paused_until, seen.down_until, seen.failures) == (None, None, 0)


def test_what_the_last_minute_held(worker):
    worker.turn([(100, 10), (50, 10)])
    worker.turn(ended=1, released=10, output=7, answered=1, alive=True)
    seen = watch(TEACHER)
    assert (seen.requests, seen.input_tokens, seen.output_tokens, seen.in_flight) == (2, 150, 7, 1)


def test_what_is_older_counts_no_more(worker):
    worker.clock.now -= 61_000
    worker.turn([(100, 10)])
    seen = watch(TEACHER)
    assert (seen.requests, seen.input_tokens, seen.in_flight) == (0, 0, 0)


def test_waits_and_the_breaker(worker):
    worker.turn(rate_limited=3, alive=True, retry_after=60_000)
    worker.turn(failing=10)
    seen = watch(TEACHER)
    assert (seen.concurrency, seen.failures) == (6, 10)
    assert round(seen.paused_until.timestamp() * 1000) == worker.clock.now + 60_000
    assert round(seen.down_until.timestamp() * 1000) == worker.clock.now + 5_000


def test_without_valkey_it_is_false(settings):
    settings.REDIS_URL = "unix:///nowhere/valkey.sock"
    assert not watch(TEACHER)


@pytest.mark.parametrize(("name", "value"), [("BUCKET", watching.BUCKET_MS), ("ALIVE", watching.ALIVE_MS)])
def test_both_sides_mean_the_same(name, value):
    assert re.search(rf"^local {name} = (\d+)", TURN, re.MULTILINE)[1] == str(value)
