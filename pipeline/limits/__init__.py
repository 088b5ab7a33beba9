"""Limits of a teacher (a placeholder that only holds the concurrency of this process)."""

import asyncio
from dataclasses import dataclass


@dataclass(frozen=True)
class Allowance:
    """What one teacher is allowed."""

    key: str
    concurrency: int
    requests_per_minute: int | None = None
    input_tokens_per_minute: int | None = None
    output_tokens_per_minute: int | None = None


class EndpointDown(Exception):
    """An endpoint that only failed for too long."""


class Limiter:
    """Waits for a free slot."""

    trouble = ""

    def __init__(self):
        self._slots = {}

    async def acquire(self, allowance, input_tokens, output_tokens):
        slots = self._slots.setdefault(allowance, asyncio.Semaphore(allowance.concurrency))
        await slots.acquire()
        return Permit(slots)

    async def close(self):
        pass


class Permit:
    def __init__(self, slots):
        self._slots = slots

    def done(self, outcome, **_):
        self._slots.release()
