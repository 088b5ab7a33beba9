"""What goes on at a teacher at this moment, for pages."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from .allowance import keys

BUCKET_MS = 250  # as in turn.lua
MINUTE = 60_000 // BUCKET_MS
ALIVE_MS = 15_000


@dataclass(frozen=True)
class Watch:
    """Figures of the last 60 seconds and of now; false, with all figures 0, where Valkey does not answer."""

    known: bool = False
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    in_flight: int = 0
    concurrency: int = 0  # at most so many at once now: less than the teacher's after a 429
    paused_until: datetime | None = None  # the endpoint asked to wait
    down_until: datetime | None = None  # the breaker is open; then one request tries again
    failures: int = 0  # in a row

    def __bool__(self):
        return self.known


def watch(teacher):
    """The Watch of a teacher's row."""
    state_key, hands_key = keys(f"teacher:{teacher.pk}")
    try:
        (seconds, micro), state, hands = (
            _server(settings.REDIS_URL).pipeline(transaction=False).time().hgetall(state_key).hgetall(hands_key)
        ).execute()
    except (redis.RedisError, OSError):
        return Watch()
    now = seconds * 1000 + micro // 1000
    number = {name: int(float(value)) for name, value in state.items() if name != "probe"}
    since = now // BUCKET_MS - MINUTE
    return Watch(
        known=True,
        requests=_counted(number, "r", since),
        input_tokens=_counted(number, "i", since),
        output_tokens=_counted(number, "o", since),
        in_flight=_in_flight(hands.values(), now),
        concurrency=min(number.get("concurrency") or teacher.concurrency, teacher.concurrency),
        paused_until=_still(number.get("wait_until", 0), now),
        down_until=_still(number.get("open_until", 0), now),
        failures=number.get("failures", 0),
    )


@cache
def _server(url):
    return redis.Redis.from_url(
        url, decode_responses=True, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)
    )


def _counted(numbers, kind, since):
    return sum(
        number for name, number in numbers.items() if name[0] == kind and name[1:].isdigit() and int(name[1:]) > since
    )


def _in_flight(hands, now):
    words = [each.split() for each in hands]
    return sum(int(each[0]) for each in words if now - int(each[4]) <= ALIVE_MS)


def _still(milliseconds, now):
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds > now else None
