"""The classes of what can go wrong with a request, and what each means for the run."""

import email.utils
import json
import re
import time

from pipeline.answers.hygiene import clean_text

from .refusals import OUT_OF_RANGE, REFUSES, ROLES, STRUCTURES, TOOLS, error_param, names, said

# What ends a run at once: no later request could fare better, and the prompts keep waiting.
FATAL = {
    *("quota", "unauthorised", "forbidden", "unknown_model", "wrong_address", "unsupported_parameter"),
    *("no_key", "embedded_model_down", "endpoint_down"),
}
UNSENT = "unsent"  # not an error: the run was stopped before the request left
TOO_LARGE = "reply_too_large"
RETRIED = {"timeout", "connection", "rate_limited", "server_error", "conflict"}

BY_STATUS = {
    **{401: "unauthorised", 402: "quota", 403: "forbidden", 405: "wrong_address", 408: "timeout", 409: "conflict"},
    **{413: "context_too_long", 425: "rate_limited", 429: "rate_limited", 498: "rate_limited"},
}

# Marks in the words of an endpoint, in the order in which they count.
QUOTA = re.compile(
    r"insufficient_quota|insufficient (?:balance|credits?|funds)|credit balance is too low|billing_"
    r"|requires more credits|exceeded your (?:current|monthly) quota"
    r"|used all available credits|out of credits|arrearage|spend(?:ing)? limit"
)
PASSES = re.compile(r"per[ _-]?min(?:ute)?\b|(?:retry|try again) (?:in|after) [\d.]+ ?m?s|rate.?limit of your current")
PER_DAY = re.compile(r"per[ -]day\b")
TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context|maximum context length|context (?:length|size|window)"
    r"|exceeds? (?:the )?context|context_exceeded"
    r"|prompt is too long|input is too long|too many (?:input )?tokens|request too large|n_ctx"
    r"|`?inputs`? tokens \+ `?max_new_tokens|reduce the length|tokens? limit exceeded"
    r"|max_tokens must be at least 1, got -|string_above_max_length|payload too large|request entity too large"
)
FILTERED = re.compile(
    r"content_filter|content management policy|responsibleaipolicy|content_policy|content exists risk"
    r"|data_inspection_failed|requires moderation|was flagged|safety system|usage policies"
)
NO_MODEL = re.compile(
    r"model_not_found|model_not_available|model_decommissioned|invalid_model|deploymentnotfound|model not exist"
    r"|model\b[^.]{0,120}?(?:does not exist|doesn't exist|not found|is not available|has been decommissioned)"
    r"|not a valid model|invalid model|unknown model|no such model|unable to access model|access to model"
    r"|no endpoints found (?:for|matching)|no allowed providers|unsupported model|api deployment for this resource"
)
WRONG_KEY = re.compile(r"api[ _]key not valid|invalid[ _]api[ _]key|incorrect api key|authentication (?:fails|failed)")
LIMIT = re.compile(r"max(?:_completion)?_tokens\b")
TOO_MUCH = re.compile(r"too (?:large|high|big)|maximum|exceed|at most|greater than|less than|out of range|valid range")


def classify(status, body):
    """The class of an HTTP error by its status and the endpoint's own words."""
    words = said(body)
    if 300 <= status < 400:
        return "wrong_address"  # a redirect, which is not followed
    if status >= 500:
        return _of_a_server_error(words)
    if status in (400, 402, 403, 429) and QUOTA.search(words) and not (status == 429 and PASSES.search(words)):
        return "quota"
    if status == 429:
        if "request too large" in words:
            return "context_too_long"  # larger than the whole limit of a minute: no waiting mends that
        return "quota" if PER_DAY.search(words) and "try again in" not in words else "rate_limited"
    if status in (400, 403, 404, 413, 422):
        return _of_a_refusal(status, words, body)
    return BY_STATUS.get(status, "bad_request")


def _of_a_server_error(words):
    """Servers of local models answer 500 to what is a refusal."""
    if re.search(r"exceed_context|context size has been exceeded|available context size", words):
        return "context_too_long"
    if "failed to parse grammar" in words:
        return "unsupported_structure"
    return "unsupported_parameter" if ROLES.search(words) else "server_error"


def _of_a_refusal(status, words, body):
    if FILTERED.search(words):
        return "content_filter"
    if TOO_LONG.search(words):
        return "context_too_long"
    if LIMIT.search(words) and (OUT_OF_RANGE.search(words) or TOO_MUCH.search(words)):
        return "output_limit"
    if ROLES.search(words):
        return "unsupported_parameter"
    if REFUSES.search(words) and _is_of_structure(words):
        return "unsupported_structure"
    if status in (400, 403, 404) and NO_MODEL.search(words):
        return "unknown_model"
    if status == 400 and WRONG_KEY.search(words):
        return "unauthorised"
    if status == 404:
        return "unsupported_parameter" if "requested parameters" in words else "wrong_address"
    if status in (400, 422) and _names_a_parameter(words, error_param(body)):
        return "unsupported_parameter"
    return BY_STATUS.get(status, "bad_request")


def _is_of_structure(words):
    return bool(STRUCTURES.search(words) or TOOLS.search(words))


# The parameters of a chat request that a person or a profile may set.
KNOWN = (
    *("max_tokens", "max_completion_tokens", "temperature", "top_p", "top_k", "min_p", "seed", "stop", "n", "logprobs"),
    *("top_logprobs", "logit_bias", "presence_penalty", "frequency_penalty", "repetition_penalty", "repeat_penalty"),
    *("reasoning_effort", "reasoning", "thinking", "verbosity", "service_tier", "store", "metadata", "user"),
    *("parallel_tool_calls", "prediction", "stream", "enable_thinking", "chat_template_kwargs"),
)


def _names_a_parameter(words, param):
    """Whether the words refuse a parameter by its name, known or not."""
    if param in KNOWN:
        return True
    if re.search(r"unsupported_parameter|unknown_parameter|unrecogni[sz]ed request argument|extra_forbidden", words):
        return True
    return bool(REFUSES.search(words)) and any(names(words, "", name) for name in KNOWN)


SENTENCES = {
    "quota": "{teacher} has no quota or credit left: top up the account or raise its limit, then start the run again.",
    "unauthorised": "{teacher} does not take the key: check the environment variable that the teacher names, then "
    "start server and workers again, as they read it once.",
    "forbidden": "{teacher} does not let this key in: check what the key may use.",
    "unknown_model": "{teacher} has no model of the name that the teacher gives: correct the model.",
    "wrong_address": "There is no chat endpoint at the address of {teacher}: correct its base URL; most end in /v1.",
    "unsupported_parameter": "{teacher} refuses a parameter and takes no other in its place: correct its parameters "
    "or its profile.",
    "no_key": "The environment variable with the key of {teacher} is not set where the workers run.",
    "embedded_model_down": "The embedded model is not running: start it with `python manage.py serve`.",
    "endpoint_down": "{teacher} only failed for a long time: start the run again when it answers.",
}


def sentence(teacher_name, error_class, detail=""):
    """What stopped a run and what mends it, in a sentence, with the endpoint's own words behind it."""
    told = SENTENCES.get(error_class, "{teacher} cannot be asked.").format(teacher=teacher_name)
    return f"{told} It says: {detail}" if detail else told


def hidden_status(body):
    """The status of an error that came in a reply of status 200, as routers send it, or None."""
    if '"error"' not in body:
        return None
    try:
        reply = json.loads(body)
        choice = (reply.get("choices") or [{}])[0]
        error = choice.get("error") or (None if choice.get("message") else reply.get("error"))
        status = None if choice.get("message", {}).get("content") else error["code"]
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
        return None
    return status if isinstance(status, int) and 400 <= status < 600 else None


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
    except (TypeError, ValueError, OverflowError):
        return None


def words(body):
    """The endpoint's own message, shortened."""
    try:
        error = json.loads(body)
        error = error[0] if isinstance(error, list) else error
        error = error.get("error") or error.get("message") or error.get("detail") or error
        message = error.get("message", error) if isinstance(error, dict) else error
    except (ValueError, AttributeError, IndexError, RecursionError):
        message = body
    return clean_text(" ".join(str(message).split())[:500])
