"""Where a request goes: the address, the key out of the environment, the client."""

import os
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

import httpx2
import openai

from curation.models.teacher import EMBEDDED
from pipeline.embedded.model import embedded_model_url
from pipeline.limits import Allowance

SHORTEST_SECRET = 8  # a shorter key is a placeholder; to blank it would tear the replies


@dataclass(frozen=True)
class Endpoint:
    """What a request needs to know of its teacher; built where the database may be read."""

    name: str
    base_url: str
    key_env: str
    timeout: float
    allowance: Allowance

    @property
    def counts_tokens(self):
        """Whether tokens a minute are limited there, so that a request's must be known."""
        return bool(self.allowance.input_tokens_per_minute or self.allowance.output_tokens_per_minute)

    def without_key(self, text, key):
        """`text`, str or bytes, without the key, which some endpoints repeat: what is stored never holds it."""
        if not self.key_env or len(key) < SHORTEST_SECRET:
            return text
        return text.replace(key.encode(), b"[key]") if isinstance(text, bytes) else text.replace(key, "[key]")

    @classmethod
    def of(cls, teacher):
        allowance = Allowance(
            f"teacher:{teacher.pk}",
            teacher.concurrency,
            teacher.requests_per_minute,
            teacher.input_tokens_per_minute,
            teacher.output_tokens_per_minute,
            teacher.name,
        )
        return cls(teacher.name, teacher.base_url, teacher.api_key_env, float(teacher.timeout_seconds), allowance)


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


@dataclass
class Line:
    """An open way to an endpoint: the SDK's client, its transport, and what every chat request has in common.

    The client's own `post` builds and checks request objects, which takes longer than sending (docs/performance.md,
    `make bench-collect`): chat requests are handed to its transport as bytes, with the client's address and headers.
    """

    client: openai.AsyncOpenAI
    transport: httpx2.AsyncClient
    url: httpx2.URL
    headers: dict
    timeout: dict

    @classmethod
    def to(cls, endpoint):
        """Open one; raises CannotSend where there is no key or no endpoint."""
        transport = open_transport(timeout=endpoint.timeout)
        client = open_client(endpoint, transport)
        url = httpx2.URL(f"{str(client.base_url).rstrip('/')}/chat/completions")
        named = {**client.default_headers, **client.auth_headers}
        headers = {name: value for name, value in named.items() if isinstance(value, str)}
        return cls(client, transport, url, headers, httpx2.Timeout(endpoint.timeout).as_dict())

    async def post(self, content, most):
        """(the response, its body, whether that is all of it), whatever its status; raises the transport's errors.

        No redirect is followed: an endpoint could have any address asked that this host reaches, and see the reply.
        Above `most` bytes, unpacked, the rest is not read: an endpoint may send without end.
        """
        request = httpx2.Request(
            "POST", self.url, headers=self.headers, content=content, extensions={"timeout": self.timeout}
        )
        response = await self.transport.send(request, auth=None, follow_redirects=False, stream=True)
        pieces, size = [], 0
        try:
            async for piece in response.aiter_bytes():
                pieces.append(piece)
                size += len(piece)
                if size > most:
                    break
        finally:
            await response.aclose()
        return response, b"".join(pieces), size <= most


@cache
def _trusted():
    """The certificates that endpoints' own are checked against; to read them takes longer than many a request."""
    return httpx2.create_ssl_context()


def open_transport(**options):
    """What carries requests of the SDK's client; `options` are those of an httpx2 client."""
    return openai.DefaultAioHttpClient(verify=_trusted(), **options)


def open_client(endpoint, transport=None):
    """The SDK's client that asks there; raises CannotSend where there is no key or no endpoint."""
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
        http_client=transport or open_transport(),
    )


def _openai_project():
    """The scripts took any variable named OPENAI…PROJECT…; the documented one wins."""
    named = sorted(name for name in os.environ if name.startswith("OPENAI") and "PROJECT" in name)
    return os.environ.get("OPENAI_PROJECT_ID") or (os.environ[named[0]] if named else None)
