"""How a request to the stand-in teacher can be answered: well, badly, late or never."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Reply:
    """How one request is answered. `text` None means a good answer of its own, `fields` change a JSON answer."""

    status: int = 200
    text: str | None = None
    fields: dict = dataclasses.field(default_factory=dict)
    error: dict | None = None
    body: bytes | None = None
    headers: dict = dataclasses.field(default_factory=dict)
    delay: float = 0
    drop: bool = False
    finish_reason: str = "stop"
    refusal: str | None = None
    usage: bool = True


def answer(text=None, **options):
    """A plain answer with this text, or the one it would give anyway."""
    return Reply(text=text, **options)


def failing(status, message, *, code=None, kind="server_error", **options):
    """An error in the shape of the OpenAI API."""
    return Reply(status=status, error={"message": message, "type": kind, "param": None, "code": code}, **options)


def rate_limited(retry_after=0.05):
    """429 that asks to wait `retry_after` seconds."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return failing(429, "Rate limit reached", code="rate_limit_exceeded", kind="requests", headers=headers)


def out_of_quota():
    """429 that no waiting mends."""
    return failing(429, "You exceeded your current quota", code="insufficient_quota", kind="insufficient_quota")


def server_error():
    return failing(500, "The server had an error")


def unavailable():
    return failing(503, "Loading model", kind="unavailable_error")


def wrong_key():
    return failing(401, "Incorrect API key provided", code="invalid_api_key", kind="invalid_request_error")


def bad_request(message="Unsupported parameter"):
    return failing(400, message, kind="invalid_request_error")


def context_too_long():
    return failing(400, "Maximum context length exceeded", code="context_length_exceeded", kind="invalid_request_error")


def slow(seconds):
    """A good answer, too late for a client that waits less long."""
    return Reply(delay=seconds)


def dropped():
    """The connection is closed without a reply."""
    return Reply(drop=True)


def refusal(words="I'm sorry, but I can't help with that."):
    """The model declines, in the field made for it."""
    return Reply(text="", refusal=words)


def refusal_in_words(words="I cannot assist with this request."):
    """The model declines in its answer."""
    return Reply(text=words)


def filtered():
    """Cut off by the provider's content filter."""
    return Reply(text="", finish_reason="content_filter")


def truncated(text="If the temperature is raised from 20 to 40 °C, then the growth rate of the culture will"):
    """Ended by the token limit in the middle of a sentence."""
    return Reply(text=text, finish_reason="length")


def broken_json():
    """An answer that begins as JSON and never ends."""
    return Reply(text='{"statement": "If the pressure is doubled, then the yi')


def not_http_json():
    """Status 200 with a body that is no JSON at all, as a proxy's error page."""
    return Reply(body=b"<html><body>Bad gateway</body></html>")


def unreadable_judgement():
    return Reply(text="I would give this answer a rather high score, it is quite good.")


def low_scores(score=41):
    return Reply(fields={"score": score, "rationale": "The claim does not follow from the source."})


def flagged(*flags, **fields):
    """A judgement with flags, `safety_biosecurity` without any named."""
    return Reply(fields={"flags": list(flags or ("safety_biosecurity",))} | fields)
