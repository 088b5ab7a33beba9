"""The worker's side of the shared limits: one Limiter for an event loop, one Line of waiting requests per teacher."""

import asyncio
import uuid
from contextlib import suppress
from pathlib import Path

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from .line import Line

TURN = (Path(__file__).parent / "turn.lua").read_text()
ANSWER_SECONDS = 5  # a Valkey that takes longer counts as away
LAST_WORD_SECONDS = 1


class Limiter:
    """Asks leave for every request: `permit = await limiter.acquire(...)`, then `permit.done(outcome, ...)`.

    Belongs to the event loop in which `acquire` is called; close it there.
    """

    def __init__(self, url=None, *, clock=None):
        self.url = url or settings.REDIS_URL
        self.id = uuid.uuid4().hex
        self.clock = clock  # for tests: a function that gives milliseconds; without it Valkey's own
        self._lines = {}
        self._server = None
        self._turn = None

    @property
    def trouble(self):
        """Why requests wait although no limit of the teacher's is reached, in a sentence; "" when they do not."""
        return next((line.trouble for line in list(self._lines.values()) if line.trouble), "")

    async def acquire(self, allowance, input_tokens, output_tokens):
        """Wait until a request of this size may be sent, in the order of asking, and return its Permit.

        `input_tokens` and `output_tokens` are estimates, better too high than too low; what came back corrects them.
        Raises EndpointDown where the endpoint has done nothing but fail for settings.ENDPOINT_PATIENCE_SECONDS.
        """
        line = self._lines.get(allowance.key)
        if line is None:
            line = self._lines[allowance.key] = Line(self, allowance)
        line.allowance = allowance
        return await line.join(input_tokens, output_tokens)

    async def close(self):
        """Tell Valkey how the last requests ended, if it answers at once, and end; who still waits is cancelled."""
        for line in self._lines.values():
            with suppress(TimeoutError, redis.RedisError, OSError):
                await asyncio.wait_for(line.close(), LAST_WORD_SECONDS)
        self._lines.clear()
        if self._server is not None:
            await self._server.aclose()
            self._server = None

    async def take_turn(self, keys, words):
        """Run turn.lua; raises redis.RedisError or OSError where Valkey does not answer."""
        if self._server is None:
            self._server = redis.asyncio.Redis.from_url(
                self.url,
                socket_timeout=ANSWER_SECONDS,
                socket_connect_timeout=ANSWER_SECONDS,
                retry=Retry(NoBackoff(), 0),
                decode_responses=True,
            )
            self._turn = self._server.register_script(TURN)
        return await self._turn(keys=keys, args=[words])
