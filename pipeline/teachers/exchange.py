"""Requests under way: sent concurrently, tried again where that may help, handed back as they come in.

The event loop lives in a thread of its own, so that everything that touches the database stays in the caller's.
"""

import asyncio
import queue
import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace

import httpx2
import openai
from django.conf import settings

from .endpoint import address, open_client
from .errors import RETRIED, classify, retry_after, words

MAX_TRIES = 5
LONGEST_PAUSE_SECONDS = 60.0
LONGEST_ASKED_SECONDS = 600.0  # an endpoint that asks to wait longer stops the run, as a used-up quota does
SHORTEST_SECRET = 8  # a shorter key is a placeholder; to blank it would tear the replies


@dataclass(frozen=True)
class Reply:
    """What came back: the body as it came, or the class and words of the error. `sends` counts the tries."""

    body: str = ""
    status: int | None = None
    latency_ms: int | None = None
    error_class: str = ""
    error: str = ""
    sends: int = 1


class Exchange:
    """Sends requests concurrently and hands the replies back; use as a context manager.

    `send(ticket, endpoint, body)` returns at once; `replies(timeout)` gives [(ticket, Reply)] as they come in.
    """

    def __init__(self):
        self.in_flight = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="teachers", daemon=True)
        self._inbox = queue.SimpleQueue()
        self._clients = {}
        self._slots = {}
        self._tasks = set()
        self._no_more_tries = asyncio.Event()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    def open(self, endpoint):
        """Make ready to send there; raises CannotSend if there is no key or no endpoint, before anything is bought."""
        if endpoint not in self._clients:
            self._clients[endpoint] = open_client(endpoint)
            self._slots[endpoint] = asyncio.Semaphore(endpoint.concurrency)
        return self._clients[endpoint]

    def send(self, ticket, endpoint, body):
        """Put a request on its way."""
        client = self.open(endpoint)
        self.in_flight += 1

        def start():
            task = self._loop.create_task(self._deliver(ticket, endpoint, client, body))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        self._loop.call_soon_threadsafe(start)

    def replies(self, timeout):
        """The replies that are in, after waiting up to `timeout` seconds for the first."""
        arrived = []
        try:
            arrived.append(self._inbox.get(timeout=timeout) if self.in_flight else self._inbox.get_nowait())
            while True:
                arrived.append(self._inbox.get_nowait())
        except queue.Empty:
            self.in_flight -= len(arrived)
            return arrived

    def stop_retrying(self):
        """Hand back what failed so far as it is: nobody waits for a better answer any more."""
        self._loop.call_soon_threadsafe(self._no_more_tries.set)

    async def _deliver(self, ticket, endpoint, client, body):
        try:
            async with self._slots[endpoint]:
                reply = await _ask(client, endpoint, body, self._no_more_tries)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # a mistake of ours must not leave the prompt in hand for ever: it is parked
            reply = Reply(error_class="client_error", error=f"{type(error).__name__}: {error}")
        self._inbox.put((ticket, _without_key(reply, endpoint, client.api_key)))

    async def _close(self):
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for client in self._clients.values():
            await client.close()


def _without_key(reply, endpoint, key):
    """The reply without the key, which some endpoints repeat in their errors; what is stored never holds it."""
    if not endpoint.key_env or len(key) < SHORTEST_SECRET:
        return reply
    return replace(reply, body=reply.body.replace(key, "[key]"), error=reply.error.replace(key, "[key]"))


async def _ask(client, endpoint, body, no_more_tries):
    """One request with its retries: jittered, doubling, or as long as the endpoint asks."""
    for tries in range(1, MAX_TRIES + 1):
        reply, wait = await _ask_once(client, endpoint, body, tries)
        if reply.error_class not in RETRIED or tries == MAX_TRIES or no_more_tries.is_set():
            return reply
        if wait is not None and not wait <= LONGEST_ASKED_SECONDS:
            said = f"The endpoint asks to wait {wait:,.0f} seconds: {reply.error}"
            return replace(reply, error_class="quota", error=said)
        if wait is None:
            longest = min(settings.RETRY_PAUSE_SECONDS * 2 ** (tries - 1), LONGEST_PAUSE_SECONDS)
            wait = random.uniform(longest / 2, longest)
        with suppress(TimeoutError):
            await asyncio.wait_for(no_more_tries.wait(), wait)
            return reply
    raise AssertionError("unreachable")


async def _ask_once(client, endpoint, body, tries):
    """(Reply, seconds the endpoint asks to wait or None) of one try."""
    began = time.monotonic()
    try:
        response = await asyncio.wait_for(
            client.post("/chat/completions", body=body, cast_to=httpx2.Response), endpoint.timeout
        )
    except openai.APIStatusError as error:
        text = error.response.text
        reply = Reply(text, error.status_code, _ms(began), classify(error.status_code, text), words(text), tries)
        return reply, retry_after(error.response.headers)
    except (TimeoutError, openai.APITimeoutError):
        # A refused connection surfaces as a timeout with the SDK's aiohttp transport.
        wasted = time.monotonic() - began
        refused = wasted < endpoint.timeout * 0.9
        said = f"No connection to {address(endpoint.base_url)}." if refused else f"No answer in {endpoint.timeout:g} s."
        return Reply(error_class="connection" if refused else "timeout", error=said, sends=tries), None
    except openai.APIConnectionError as error:
        said = f"The connection broke: {error.__cause__ or error}"
        return Reply(error_class="connection", error=said, sends=tries), None
    return Reply(response.text, response.status_code, _ms(began), sends=tries), None


def _ms(began):
    return round((time.monotonic() - began) * 1000)
