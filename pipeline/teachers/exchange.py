"""Requests under way: sent as fast as the limits let them, tried again where that may help, handed back as they come.

The event loop lives in a thread of its own, so that everything that touches the database stays in the caller's.
"""

import asyncio
import json
import queue
import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace

import httpx2
from django.conf import settings

from pipeline.limits import EndpointDown, Limiter

from .endpoint import Line, address
from .errors import RETRIED, TOO_LARGE, UNSENT, classify, hidden_status, retry_after, words
from .tokens import most_output

FAILING = RETRIED - {"rate_limited"}  # what may be the endpoint's fault
MAX_TRIES = 5
MAX_TRIES_RATE_LIMITED = 20  # a limit is no failure of the request's, and the wait is what the endpoint asks for
LONGEST_PAUSE_SECONDS = 60.0
LONGEST_ASKED_SECONDS = 600.0  # an endpoint that asks to wait longer stops the run, as a used-up quota does
LINGER_SECONDS = 0.03  # how long replies are gathered, since storing many at once costs little more than one
ENOUGH = 64  # replies that are not made to wait for more
BYTES_A_TOKEN = 4  # of a whole body; the usage that comes back corrects it
BEGINNING = 10_000  # characters kept of a reply that is too large
OUTPUT_AT_FIRST = 400  # tokens an answer is taken for until the first one came


@dataclass(frozen=True)
class Reply:
    """What came back: the body as it came, or the class and words of the error.

    `sends` counts the tries, `lost` those of them that ended without a word and may have been billed.
    """

    body: str = ""
    status: int | None = None
    latency_ms: int | None = None
    error_class: str = ""
    error: str = ""
    sends: int = 1
    lost: int = 0


class Exchange:
    """Sends requests concurrently and hands the replies back; use as a context manager.

    `send([(ticket, endpoint, body)])` returns at once; `replies(timeout)` gives [(ticket, Reply)] as they come in.
    With `once`, nothing is tried again.
    """

    def __init__(self, *, once=False):
        self.in_flight, self.once = 0, once
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="teachers", daemon=True)
        self._inbox = queue.SimpleQueue()
        self._lines = {}
        self._usual_output = {}
        self._tasks = set()
        self._idle = set()  # tasks that wait for a permit or for their next try
        self._stopped = False
        self._limiter = None

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    @property
    def trouble(self):
        """Why nothing is sent at the moment, in a sentence; "" where all is well."""
        return self._limiter.trouble if self._limiter else ""

    def open(self, endpoint):
        """Make ready to send there; raises CannotSend if there is no key or no endpoint, before anything is bought."""
        if endpoint not in self._lines:
            self._lines[endpoint] = Line.to(endpoint)
        return self._lines[endpoint]

    def send(self, parcels):
        """Put requests on their way: [(ticket, endpoint, body)]."""
        opened = [(ticket, endpoint, self.open(endpoint), body) for ticket, endpoint, body in parcels]
        self.in_flight += len(opened)

        def start():
            for parcel in opened:
                task = self._loop.create_task(self._deliver(*parcel))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

        if opened:
            self._loop.call_soon_threadsafe(start)

    def replies(self, timeout):
        """The replies that are in, after waiting up to `timeout` seconds for the first."""
        arrived = []
        try:
            arrived.append(self._inbox.get(timeout=timeout) if self.in_flight else self._inbox.get_nowait())
            until = time.monotonic() + LINGER_SECONDS
            while (left := until - time.monotonic()) > 0 and len(arrived) < min(self.in_flight, ENOUGH):
                arrived.append(self._inbox.get(timeout=left))
        except queue.Empty:
            pass
        self.in_flight -= len(arrived)
        return arrived

    def stop_retrying(self):
        """Hand back what failed so far as it is, and what has not left as unsent: nobody waits for it any more."""
        self._loop.call_soon_threadsafe(self._stop)

    def _stop(self):
        self._stopped = True
        for task in self._idle:
            task.cancel()

    async def _close(self):
        self._stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for line in self._lines.values():
            await line.client.close()
        if self._limiter:
            await self._limiter.close()

    # -- one request --------------------------------------------------------------------------------------------

    async def _deliver(self, ticket, endpoint, line, body):
        try:
            reply = await self._ask(endpoint, line, body)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # a mistake of ours must not leave the prompt in hand for ever: it is parked
            reply = Reply(error_class="client_error", error=f"{type(error).__name__}: {error}")
        self._inbox.put((ticket, reply))

    async def _ask(self, endpoint, line, body):
        """One request with its retries: jittered, doubling, or as long as the endpoint asks."""
        reply, content = Reply(error_class=UNSENT, sends=0), _encoded(body)
        tries = lost = 0
        while True:
            try:
                permit = await self._while_idle(self._permit(endpoint, body, content))
            except asyncio.CancelledError:
                return reply
            except EndpointDown as down:
                return replace(reply, error_class="endpoint_down", error=str(down))
            reply, wait, headers = await self._once(
                endpoint, line, content, permit, failed_before=reply.error_class in FAILING
            )
            tries += 1
            lost += reply.error_class in ("timeout", TOO_LARGE)
            reply = replace(reply, sends=tries, lost=lost)
            most = MAX_TRIES_RATE_LIMITED if reply.error_class == "rate_limited" else MAX_TRIES
            if reply.error_class not in RETRIED or tries >= most or self._stopped or self.once:
                return reply
            if wait is not None and not wait <= LONGEST_ASKED_SECONDS:
                said = f"The endpoint asks to wait {wait:,.0f} seconds: {reply.error}"
                return replace(reply, error_class="quota", error=said)
            if wait is None:
                longest = min(settings.RETRY_PAUSE_SECONDS * 2 ** (tries - 1), LONGEST_PAUSE_SECONDS)
                wait = random.uniform(longest / 2, longest)
            try:
                await self._while_idle(asyncio.sleep(wait))
            except asyncio.CancelledError:
                return reply

    async def _while_idle(self, waiting):
        """Await what a stop may interrupt; raises CancelledError then."""
        if self._stopped:
            waiting.close()
            raise asyncio.CancelledError
        task = asyncio.current_task()
        self._idle.add(task)
        try:
            return await waiting
        finally:
            self._idle.discard(task)

    async def _permit(self, endpoint, body, content):
        if self._limiter is None:
            self._limiter = Limiter()
        read = written = 0
        if endpoint.counts_tokens:
            read, written = len(content) // BYTES_A_TOKEN, self._usual_output.get(endpoint, OUTPUT_AT_FIRST)
            written = min(written, most_output(body) or written)
        return await self._limiter.acquire(endpoint.allowance, read, written)

    async def _once(self, endpoint, line, content, permit, *, failed_before):
        """One try, and what the limits learn of it."""
        try:
            reply, wait, headers = await _ask_once(line, endpoint, content)
        except BaseException:
            permit.done("refused")  # given up with the worker, or a mistake of ours: no sign of a failing endpoint
            raise
        read = written = None
        if not reply.error_class:
            outcome = "answered"
            read, written = _usage(reply.body) if endpoint.counts_tokens else (None, None)
            if written is not None:
                usual = self._usual_output.get(endpoint, written)
                self._usual_output[endpoint] = round(0.9 * usual + 0.1 * written)
        elif reply.error_class == "rate_limited":
            outcome = "rate_limited"
        else:
            outcome = "failing" if reply.error_class in FAILING else "refused"
            outcome = "failing_again" if outcome == "failing" and failed_before else outcome
        permit.done(outcome, input_tokens=read, output_tokens=written, headers=headers, retry_after=wait)
        return reply, wait, headers


def _usage(body):
    """(input, output) tokens that a reply says it took, for the limits alone; (None, None) where it says nothing."""
    with suppress(ValueError, KeyError, TypeError, OverflowError, RecursionError):
        usage = json.loads(body)["usage"]
        return int(usage["prompt_tokens"]), int(usage["completion_tokens"])
    return None, None


async def _ask_once(line, endpoint, content):
    """(Reply, seconds the endpoint asks to wait or None, headers) of one try."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(endpoint.timeout):
            response, body, whole = await line.post(content, settings.MAX_REPLY_BYTES)
    except (TimeoutError, httpx2.TimeoutException):
        # A refused connection surfaces as a timeout with the SDK's aiohttp transport.
        wasted = time.monotonic() - began
        refused = wasted < endpoint.timeout * 0.9
        said = f"No connection to {address(endpoint.base_url)}." if refused else f"No answer in {endpoint.timeout:g} s."
        return Reply(error_class="connection" if refused else "timeout", error=said), None, {}
    except httpx2.HTTPError as error:
        said = endpoint.without_key(f"The connection broke: {error.__cause__ or error}", line.client.api_key)
        return Reply(error_class="connection", error=said), None, {}
    # JSON is UTF-8 (RFC 8259), whatever the headers say. The key goes before anything is cut: half a key is not known.
    text, headers = body.decode("utf-8", "replace"), response.headers
    text = endpoint.without_key(text, line.client.api_key)
    if not whole:
        return _too_large(text, response.status_code, _ms(began)), None, headers
    if response.has_redirect_location:
        text = text or f"It redirects to {endpoint.without_key(headers['location'], line.client.api_key)}"
    status = response.status_code if response.status_code >= 300 else hidden_status(text)
    if not status:
        return Reply(text, response.status_code, _ms(began)), None, headers
    reply = Reply(text, status, _ms(began), classify(status, text), words(text))
    return reply, retry_after(headers), headers


def _too_large(text, status, latency_ms):
    """A reply that was not read to its end: its beginning shows a person what it was."""
    said = f"The reply is larger than {settings.MAX_REPLY_BYTES:,} bytes and was not read to its end."
    return Reply(text[:BEGINNING], status, latency_ms, TOO_LARGE, f"{said} NEXA_MAX_REPLY_MB sets the limit.")


def _encoded(body):
    """The body as it is sent; a lone surrogate, which UTF-8 has not, as JSON writes it."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def _ms(began):
    return round((time.monotonic() - began) * 1000)
