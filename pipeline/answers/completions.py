"""A chat completion as it came over the wire -> content, reasoning, refusal and usage. Trusts no type in it."""

import json
from dataclasses import dataclass, field

from pipeline.answers.hygiene import clean_text, clean_value

MOST_TOKENS = 2**31 - 1  # what the database's column holds
REASONING_KEYS = ("reasoning_content", "reasoning", "thinking")


@dataclass(frozen=True)
class Completion:
    """What a reply says, its first choice alone. `content` is as it came, "" where there is none.

    `completion_tokens` are all that were written, reasoning included, also where the server counts that apart;
    `reasoning_tokens` are part of them and `cached_tokens` part of `prompt_tokens`. None: the reply does not say.
    """

    content: str = ""
    refusal: str = ""
    finish_reason: str = ""
    thinking: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    usage: dict = field(default_factory=dict)


def why_not_a_completion(body):
    """Why a 200 reply is no chat completion; "" if it is one."""
    try:
        reply = json.loads(body)
        message = reply["choices"][0]["message"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return f"The reply is no chat completion: {clean_text(body[:200])!r}"
    if not isinstance(message, dict):
        return "The reply's first choice has no message."
    if not isinstance(message.get("content"), str | list | None):
        return f"The content of the reply's message is no text: {clean_text(body[:200])!r}"
    error = reply["choices"][0].get("error") or reply.get("error")
    if error and not message.get("content"):
        return f"The reply holds an error instead of an answer: {clean_text(json.dumps(error)[:200])}"
    return ""


def read_completion(body):
    """The Completion in a reply for which `why_not_a_completion` has nothing to say."""
    reply = json.loads(body)
    choice = reply["choices"][0]
    message = choice["message"]
    content, thinking, refusal = _parts(message.get("content"))
    arguments = _arguments(message)
    if arguments and (not content.strip() or _is_object(arguments)):
        content = arguments
    usage = _usage(reply.get("usage"))
    return Completion(
        content=content,
        refusal=clean_text(_text(message.get("refusal")) or refusal),
        finish_reason=clean_text(str(choice.get("finish_reason") or ""))[:40],
        thinking=clean_text(_reasoning(message) or thinking),
        usage=usage,
        **_tokens(usage),
    )


def _text(value):
    return value if isinstance(value, str) else ""


def _parts(content):
    """(text, reasoning, refusal) of a message's content: one text, or a list of parts of several kinds."""
    if not isinstance(content, list):
        return _text(content), "", ""
    said = {"text": [], "thinking": [], "refusal": []}
    for part in content:
        if not isinstance(part, dict):
            continue
        kind = {"thinking": "thinking", "reasoning": "thinking", "refusal": "refusal"}.get(_text(part.get("type")))
        if kind == "thinking":
            inner = part.get("thinking", part.get("text"))
            said["thinking"].append(_parts(inner)[0])
        elif kind == "refusal":
            said["refusal"].append(_text(part.get("refusal")))
        else:
            said["text"].append(_text(part.get("text")))
    return "".join(said["text"]), "".join(said["thinking"]), "".join(said["refusal"])


def _reasoning(message):
    """The model's reasoning where the server keeps it in a field of its own."""
    named = (message.get(name) for name in REASONING_KEYS)
    found = next((text.strip() for text in named if isinstance(text, str) and text.strip()), "")
    details = message.get("reasoning_details")
    if found or not isinstance(details, list):
        return found
    texts = (_text(each.get("text")) or _text(each.get("summary")) for each in details if isinstance(each, dict))
    return "\n\n".join(text for text in texts if text)


def _arguments(message):
    """What the model handed to the tools it called, one line for each call."""
    calls = message.get("tool_calls")
    calls = [each.get("function") for each in calls if isinstance(each, dict)] if isinstance(calls, list) else []
    calls = calls or [message.get("function_call")]
    given = [each.get("arguments") for each in calls if isinstance(each, dict)]
    # Some servers hand over the object itself instead of its JSON.
    given = [json.dumps(each, ensure_ascii=False) if isinstance(each, dict) else _text(each) for each in given]
    return "\n".join(text for text in given if text.strip())


def _is_object(text):
    try:
        return bool(text) and isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _usage(usage):
    """What a reply says of its tokens, as every database's JSON takes it; {} where it says nothing of use."""
    try:
        usage = clean_value(usage) if isinstance(usage, dict) else {}
        json.dumps(usage, allow_nan=False)
    except (ValueError, RecursionError):
        return {}
    return usage


def _tokens(usage):
    """The counts, each an int that a database takes, or None."""
    prompt, written, total = (_count(usage, name) for name in ("prompt_tokens", "completion_tokens", "total_tokens"))
    reasoning = _first(
        _count(usage, "completion_tokens_details", "reasoning_tokens"), _count(usage, "reasoning_tokens")
    )
    cached = _first(
        _count(usage, "prompt_tokens_details", "cached_tokens"),
        _count(usage, "prompt_cache_hit_tokens"),
        _count(usage, "cached_tokens"),
    )
    if None not in (prompt, total):
        beyond = total - prompt - (written or 0)
        if written is None and beyond >= 0:
            written = beyond
        elif written is not None and beyond > 0 and beyond == (reasoning or beyond):
            # What is in the total and in neither part is reasoning that this server counts apart, and charges for.
            written, reasoning = written + beyond, beyond
    return {
        "prompt_tokens": prompt,
        "completion_tokens": written,
        "total_tokens": total,
        "reasoning_tokens": reasoning,
        "cached_tokens": cached,
    }


def _first(*values):
    return next((value for value in values if value is not None), None)


def _count(usage, *path):
    value = usage
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    counts = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS
    return value if counts else None
