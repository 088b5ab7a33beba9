"""Batches at an endpoint: files of requests handed over, looked for, looked at, fetched and cancelled.

The only code that speaks to /v1/files and /v1/batches. Nothing is tried again here: whoever polls comes back anyway.
"""

import asyncio
import json
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field

import openai
from django.conf import settings

from pipeline.answers.hygiene import clean_text

from .endpoint import CannotSend, address, open_client
from .errors import RETRIED, classify, words

CHAT = "/v1/chat/completions"
WINDOW = "24h"
KEY_NAME = "nexa_batch"  # our own key in a batch's metadata, by which it is found again after a crash
ENDED = {"completed", "expired", "failed", "cancelled"}
NO_BATCH_MODE = {404, 405, 501}
PAGE = 100


class NoBatchMode(Exception):
    """The endpoint takes no batches; the message says what to do instead."""


class BatchTrouble(Exception):
    """A request about files or batches that failed; `error_class` as of any request, `passes` if waiting helps."""

    def __init__(self, error_class, message, status=None):
        self.error_class, self.status = error_class, status
        super().__init__(message)

    @property
    def passes(self):
        return self.error_class in RETRIED


@dataclass(frozen=True)
class Remote:
    """A batch as the endpoint tells of it."""

    id: str
    state: str
    counts: dict = field(default_factory=dict)
    output_file_id: str = ""
    error_file_id: str = ""
    said: str = ""

    @property
    def ended(self):
        return self.state in ENDED

    @classmethod
    def of(cls, batch):
        counts = batch.request_counts
        return cls(
            batch.id,
            batch.status,
            {name: _number(counts, name) for name in ("total", "completed", "failed")} if counts else {},
            batch.output_file_id or "",
            batch.error_file_id or "",
            _said(batch.errors),
        )


class BatchDesk:
    """Hands batches over and fetches what came of them; a context manager. Its methods raise BatchTrouble."""

    def __init__(self):
        self._runner = asyncio.Runner()
        self._clients = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for client in self._clients.values():
            self._runner.run(client.close())
        self._runner.close()

    def open(self, endpoint):
        """Make sure that there is a key and that the endpoint takes batches; raises CannotSend or NoBatchMode."""
        if endpoint in self._clients:
            return
        client = open_client(endpoint)
        self._clients[endpoint] = client
        try:
            self._run(endpoint, client.get("/batches", cast_to=object, options={"params": {"limit": 1}}))
        except BatchTrouble as trouble:
            self._runner.run(self._clients.pop(endpoint).close())
            if trouble.status in NO_BATCH_MODE:
                raise NoBatchMode(f"{endpoint.name} has no batch mode: start the run online.") from None
            raise

    def upload(self, endpoint, name, file):
        """Upload a file of requests under `name`; returns its id."""
        client = self._client(endpoint)
        made = self._run(endpoint, client.files.create(file=(name, file, "application/jsonl"), purpose="batch"))
        return made.id

    def create(self, endpoint, key, file_id, seconds):
        """Have an uploaded file worked on, under our own `key`; waits at most `seconds` for the word that it is."""
        made = self._client(endpoint).batches.create(
            input_file_id=file_id,
            endpoint=CHAT,
            completion_window=WINDOW,
            metadata={KEY_NAME: str(key)},
            extra_headers={"Idempotency-Key": f"{KEY_NAME}-{key}"},
            timeout=seconds,
        )
        return Remote.of(self._run(endpoint, made))

    def find(self, endpoint, key):
        """Every batch that carries our `key`, the oldest first; all pages are looked through."""
        return self._run(endpoint, _find(self._client(endpoint), str(key)))

    def look(self, endpoint, remote_id):
        """How far a batch is."""
        return Remote.of(self._run(endpoint, self._client(endpoint).batches.retrieve(remote_id)))

    def cancel(self, endpoint, remote_id):
        """Ask for its end; what is done by then can still be fetched."""
        return Remote.of(self._run(endpoint, self._client(endpoint).batches.cancel(remote_id)))

    @contextmanager
    def lines(self, endpoint, file_id):
        """The lines of a file, each a dict, or None where it is no JSON object; fetched whole before the first."""
        with tempfile.TemporaryFile(dir=settings.DATA_DIR) as file:
            if file_id:
                self._run(endpoint, _fetch(self._client(endpoint), file_id, file))
                file.seek(0)
            yield (_object(self._clean(endpoint, line)) for line in file if line.strip())

    def _client(self, endpoint):
        if endpoint not in self._clients:
            self._clients[endpoint] = open_client(endpoint)
        return self._clients[endpoint]

    def _run(self, endpoint, request):
        try:
            return self._runner.run(_within(request))
        except openai.APIStatusError as error:
            text = error.response.text if error.response.is_closed else ""
            text = self._clean(endpoint, text)
            said = words(text) or self._clean(endpoint, clean_text(str(error)))
            raise BatchTrouble(classify(error.status_code, text), said, error.status_code) from None
        except (TimeoutError, openai.APITimeoutError):
            raise BatchTrouble("timeout", f"No answer of {address(endpoint.base_url)}.") from None
        except openai.APIConnectionError as error:
            said = self._clean(endpoint, f"The connection broke: {error.__cause__ or error}")
            raise BatchTrouble("connection", said) from None

    def _clean(self, endpoint, text):
        """`text` without the key, which some endpoints repeat."""
        return endpoint.without_key(text, self._clients[endpoint].api_key)


async def _within(request):
    return await request


async def _find(client, key):
    found, seen = [], set()
    async for batch in client.batches.list(limit=PAGE):
        if batch.id in seen:
            break  # a server that knows no pages gives the same one again and again
        seen.add(batch.id)
        if (batch.metadata or {}).get(KEY_NAME) == key:
            found.append(batch)
    return [Remote.of(batch) for batch in sorted(found, key=lambda batch: batch.created_at or 0)]


async def _fetch(client, file_id, file):
    async with client.files.with_streaming_response.content(file_id) as response:
        async for chunk in response.iter_bytes():
            file.write(chunk)


def _object(line):
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _number(counts, name):
    number = getattr(counts, name, None)
    return number if isinstance(number, int) and number > 0 else 0


def _said(errors):
    """The endpoint's words on a batch that it refused as a whole."""
    rows = (errors.data if errors else None) or []
    told = []
    for row in rows[:3]:
        where = f"line {row.line}: " if row.line else ""
        told.append(f"{where}{row.message or row.code or ''}".strip())
    more = f" (and {len(rows) - 3:,} more)" if len(rows) > 3 else ""
    return clean_text(" ".join(" ".join(told).split())[:1000]) + more


__all__ = ["CHAT", "BatchDesk", "BatchTrouble", "CannotSend", "NoBatchMode", "Remote"]
