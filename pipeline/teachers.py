"""The only network code: one OpenAI-compatible client, its retries, and the classes of what can go wrong.

The event loop lives in a thread of its own, so that everything that touches the database stays in the caller's.
"""

import asyncio
import email.utils
import json
import os
import queue
import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import httpx2
import openai
from django.conf import settings

from curation.models.teacher import EMBEDDED

from .embedded.model import embedded_model_url

MAX_TRIES = 5
LONGEST_PAUSE_SECONDS = 60.0
LONGEST_ASKED_SECONDS = 600.0  # an endpoint that asks to wait longer stops the run, as a used-up quota does
SHORTEST_SECRET = 8  # a shorter key is a placeholder; to blank it would tear the replies

# What ends a run at once: no later request could fare better, and the prompts keep waiting.
FATAL = {"quota", "unauthorised", "forbidden", "unknown_model", "no_key", "embedded_model_down"}
RETRIED = {"timeout", "connection", "rate_limited", "server_error", "conflict"}


@dataclass(frozen=True)
class Endpoint:
    """What a request needs to know of its teacher; built where the database may be read."""

    name: str
    base_url: str
    key_env: str
    concurrency: int
    timeout: float

    @classmethod
    def of(cls, teacher):
        return cls(
            teacher.name, teacher.base_url, teacher.api_key_env, teacher.concurrency, float(teacher.timeout_seconds)
        )


@dataclass(frozen=True)
class Reply:
    """What came back: the body as it came, or the class and words of the error. `sends` counts the tries."""

    body: str = ""
    status: int | None = None
    latency_ms: int | None = None
    error_class: str = ""
    error: str = ""
    sends: int = 1


class CannotSend(Exception):
    """A request that must not leave: no key, or no endpoint. `error_class` is one of FATAL."""

    def __init__(self, error_class, message):
        self.error_class = error_class
        super().__init__(message)


def address(base_url):
    """Scheme, host, port and path of a base URL, as they enter a call's hash."""
    if base_url == EMBEDDED:
        return EMBEDDED
    parts = urlsplit(base_url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{parts.hostname}:{port}{parts.path.rstrip('/')}"


def payload(teacher, system, user, *, schema=None, parameters=None):
    """The body of a chat request, in the shape that this teacher's profile takes.

    `schema` is (name, JSON schema) or None; the teacher's `structure` says how it is asked for, if at all.
    """
    profile = default_profile(teacher.model) | teacher.profile
    wanted = {**teacher.parameters, **(parameters or {})}
    if "max_tokens" in wanted:
        wanted[profile["token_parameter"]] = wanted.pop("max_tokens")
    if not profile["sampling"]:
        for name in ("temperature", "top_p"):
            wanted.pop(name, None)
    messages = [{"role": profile["system_role"], "content": system}] if system else []
    messages.append({"role": "user", "content": user})
    body = {"model": teacher.model, "messages": messages, **wanted}
    if schema and teacher.structure == "json_schema":
        name, definition = schema
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": name, "strict": True, "schema": definition},
        }
    elif schema and teacher.structure == "json_object":
        body["response_format"] = {"type": "json_object"}
        messages[-1]["content"] += "\n\nAnswer with one JSON object by this JSON schema:\n" + json.dumps(schema[1])
    return body


def default_profile(model):
    """What a model takes, judged by its name: reasoning models refuse max_tokens, temperature and top_p."""
    name = model.rsplit("/", 1)[-1]
    reasoning = name.startswith(("o1", "o3", "o4", "gpt-5")) and "chat" not in name
    return {
        "token_parameter": "max_completion_tokens" if reasoning else "max_tokens",
        "sampling": not reasoning,
        "system_role": "developer" if reasoning else "system",
    }


def classify(status, body):
    """The class of an HTTP error by its status and body."""
    text = body.lower()
    code = _error_code(body)
    if code == "insufficient_quota" or (status in (402, 429) and "quota" in text and "exceeded" in text):
        return "quota"
    if status == 400:
        for error_class, marks in _BAD_REQUESTS.items():
            if code == error_class or any(mark in text for mark in marks):
                return error_class
    named = {401: "unauthorised", 402: "quota", 403: "forbidden", 404: "unknown_model", 408: "timeout", 409: "conflict"}
    if status in named:
        return named[status]
    if status == 429:
        return "rate_limited"
    return "server_error" if status >= 500 else "bad_request"


_BAD_REQUESTS = {
    "context_too_long": ("context_length_exceeded", "maximum context length", "context size", "exceed context"),
    "content_filter": ("content_filter", "content management policy"),
    "unsupported_structure": ("response_format", "json_schema", "grammar"),
}


def _error_code(body):
    try:
        error = json.loads(body).get("error")
    except (ValueError, AttributeError):
        return ""
    return (error.get("code") or error.get("type") or "") if isinstance(error, dict) else ""


def retry_after(headers, now=None):
    """Seconds that a reply asks to wait (Retry-After in seconds or as a date, or retry-after-ms), or None."""
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        value = headers.get("retry-after", "")
        if value.replace(".", "", 1).isdigit():
            return float(value)
        when = email.utils.parsedate_to_datetime(value) if value else None
        return max(0.0, when.timestamp() - (now or time.time())) if when else None
    except (TypeError, ValueError):
        return None


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
            self._clients[endpoint] = _open_client(endpoint)
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


def _open_client(endpoint):
    base_url = endpoint.base_url
    if base_url == EMBEDDED:
        base_url = embedded_model_url()
        if base_url is None:
            raise CannotSend(
                "embedded_model_down", "The embedded model is not running: start it with `python manage.py serve`."
            )
    key = os.environ.get(endpoint.key_env, "").strip() if endpoint.key_env else "none"
    if not key:
        raise CannotSend(
            "no_key", f"{endpoint.key_env} is not set where the workers run: {endpoint.name} cannot be asked."
        )
    of_openai = endpoint.key_env == "OPENAI_API_KEY"
    return openai.AsyncOpenAI(
        api_key=key,
        base_url=base_url,
        organization=os.environ.get("OPENAI_ORG") if of_openai else None,
        project=_openai_project() if of_openai else None,
        max_retries=0,  # the SDK gives up on a Retry-After above 120 s; the retry is ours
        timeout=endpoint.timeout,
        http_client=openai.DefaultAioHttpClient(),
    )


def _without_key(reply, endpoint, key):
    """The reply without the key, which some endpoints repeat in their errors; what is stored never holds it."""
    if not endpoint.key_env or len(key) < SHORTEST_SECRET:
        return reply
    return replace(reply, body=reply.body.replace(key, "[key]"), error=reply.error.replace(key, "[key]"))


def _openai_project():
    """The scripts took any variable named OPENAI…PROJECT…; the documented one wins."""
    named = sorted(name for name in os.environ if name.startswith("OPENAI") and "PROJECT" in name)
    return os.environ.get("OPENAI_PROJECT_ID") or (os.environ[named[0]] if named else None)


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
        reply = Reply(text, error.status_code, _ms(began), classify(error.status_code, text), _words(text), tries)
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


def _words(body):
    """The endpoint's own message, shortened."""
    try:
        error = json.loads(body)["error"]
        message = error["message"] if isinstance(error, dict) else error
    except (ValueError, KeyError, TypeError):
        message = body
    return " ".join(str(message).split())[:500]
