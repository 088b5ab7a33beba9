"""The classes of what can go wrong with a request, and what each means for the run."""

import email.utils
import json
import time

# What ends a run at once: no later request could fare better, and the prompts keep waiting.
FATAL = {"quota", "unauthorised", "forbidden", "unknown_model", "no_key", "embedded_model_down", "endpoint_down"}
UNSENT = "unsent"  # not an error: the run was stopped before the request left
RETRIED = {"timeout", "connection", "rate_limited", "server_error", "conflict"}


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


def words(body):
    """The endpoint's own message, shortened."""
    try:
        error = json.loads(body)["error"]
        message = error["message"] if isinstance(error, dict) else error
    except (ValueError, KeyError, TypeError):
        message = body
    return " ".join(str(message).split())[:500]
