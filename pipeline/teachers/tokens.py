"""How many tokens a request may take, told before it is sent: an estimate for limits, a bound for caps.

No tokenizer is shipped, as every endpoint has its own. English text has about four characters a token
(https://help.openai.com/en/articles/4936856); a byte-level tokenizer makes at most one token of each byte.
"""

import json

CHARACTERS_A_TOKEN = 4
AROUND_A_MESSAGE = 4  # role and separators
MOST_AROUND_A_MESSAGE = 16
MOST_AROUND_ALL = 64  # chat templates add a few words of their own
LIMITS = ("max_completion_tokens", "max_tokens")


def estimate_input(body):
    """About how many input tokens a request body is."""
    characters = sum(len(text) for text in _texts(body))
    return characters // CHARACTERS_A_TOKEN + AROUND_A_MESSAGE * len(body["messages"]) + 3


def most_input(body):
    """More input tokens than this the body cannot be."""
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in _texts(body))
    return size + MOST_AROUND_A_MESSAGE * len(body["messages"]) + MOST_AROUND_ALL


def most_output(body):
    """The limit on the answer's tokens that the body itself sets, or None."""
    return next((body[name] for name in LIMITS if body.get(name)), None)


def bigger(body, most=None):
    """The same body with twice the limit on the answer, up to `most`; None where it sets none or has that already."""
    name = next((name for name in LIMITS if body.get(name)), None)
    limit = min(2 * body[name], most or 2 * body[name]) if name else 0
    return body | {name: limit} if name and limit > body[name] else None


def _texts(body):
    for message in body["messages"]:
        content = message["content"]
        yield content if isinstance(content, str) else json.dumps(content)
    for part in ("response_format", "tools"):
        if part in body:
            yield json.dumps(body[part])
