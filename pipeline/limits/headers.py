"""What an endpoint's x-ratelimit headers say; they are anybody's text, so that what is no plain number says nothing."""

import re

LONGEST_MS = 60_000  # after a minute one more request finds out
NUMBER = re.compile(r"[0-9]{1,12}")
SECONDS = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,9})?")
SPAN = re.compile("".join(rf"(?:([0-9]{{1,9}}(?:\.[0-9]{{1,9}})?){unit})?" for unit in ("h", "m", "s", "ms")))


def told(headers):
    """{requests, requests_reset (ms), tokens, tokens_reset, tokens_limit}, as far as the headers say it."""
    found = {}
    for kind in ("requests", "tokens"):
        remaining = _number(headers.get(f"x-ratelimit-remaining-{kind}"))
        reset = milliseconds(headers.get(f"x-ratelimit-reset-{kind}"))
        if remaining is not None and reset is not None:
            found |= {kind: remaining, f"{kind}_reset": reset}
    limit = _number(headers.get("x-ratelimit-limit-tokens"))
    if limit and "tokens" in found:
        found["tokens_limit"] = limit
    return found


def milliseconds(text):
    """Milliseconds of a span such as "6m0s", "120ms" or "1.5" (seconds), a minute at most; None for anything else."""
    text = (text or "").strip()
    if SECONDS.fullmatch(text):
        return min(round(float(text) * 1000), LONGEST_MS)
    parts = SPAN.fullmatch(text)
    if not text or not parts:
        return None
    hours, minutes, seconds, thousandths = (float(part or 0) for part in parts.groups())
    return min(round((hours * 3600 + minutes * 60 + seconds) * 1000 + thousandths), LONGEST_MS)


def _number(text):
    text = (text or "").strip()
    return int(text) if NUMBER.fullmatch(text) else None
