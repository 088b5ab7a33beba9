"""Rules on how long an answer is, and whether it is all there."""

from pipeline.filters import kinds
from pipeline.filters.answer import Measurement
from pipeline.filters.registry import Setting, rule

CHARACTERS_A_TOKEN = 4
ESTIMATED = f"Estimated from the length, {CHARACTERS_A_TOKEN} characters a token."
CUT_OFF = {"length", "max_tokens"}


@rule(
    "empty",
    label="Empty answer",
    help="The answer has at least ten characters of text; less is no answer at all.",
    settings=[Setting("ban_empty", kinds.switch, default=True)],
    bound="at least",
    unit="characters",
)
def empty(answer, *, limit=10):
    length = len(answer.text.strip())
    ok = length >= limit
    return Measurement("empty", length, limit, ok, "" if ok else "The answer is empty or nearly so.")


@rule(
    "min_char_length",
    label="Shortest answer, in characters",
    help="The answer has at least this many characters, the space around it not counted.",
    settings=[Setting("min_char_length", kinds.count_from(0), "limit", 120)],
    bound="at least",
    unit="characters",
)
def min_char_length(answer, *, limit):
    length = len(answer.text.strip())
    ok = length >= limit
    return Measurement("min_char_length", length, limit, ok, "" if ok else f"{limit - length} characters too short.")


@rule(
    "max_char_length",
    label="Longest answer, in characters",
    help="The answer has at most this many characters, the space around it not counted.",
    settings=[
        Setting("max_char_length", kinds.count_from(1), "limit", by_task={"hypothesis": 1200, "methodology": 4000})
    ],
    unit="characters",
)
def max_char_length(answer, *, limit):
    length = len(answer.text.strip())
    ok = length <= limit
    return Measurement("max_char_length", length, limit, ok, "" if ok else f"{length - limit} characters too long.")


@rule(
    "min_token_length",
    label="Shortest answer, in tokens",
    help="The answer has at least this many tokens, as the endpoint counted them, else estimated from its length.",
    settings=[Setting("min_token_length", kinds.count_from(0), "limit", by_task={"methodology": 80})],
    bound="at least",
    unit="tokens",
)
def min_token_length(answer, *, limit):
    """Without a count from the endpoint, four characters make one token, rounded up (usual for English)."""
    tokens, estimated = _tokens(answer)
    ok = tokens >= limit
    return Measurement(
        "min_token_length", tokens, limit, ok, _note(ok, f"{limit - tokens} tokens too short.", estimated)
    )


@rule(
    "max_token_length",
    label="Longest answer, in tokens",
    help="The answer has at most this many tokens, as the endpoint counted them, else estimated from its length.",
    settings=[Setting("max_token_length", kinds.count_from(1), "limit")],
    unit="tokens",
)
def max_token_length(answer, *, limit):
    tokens, estimated = _tokens(answer)
    ok = tokens <= limit
    return Measurement(
        "max_token_length", tokens, limit, ok, _note(ok, f"{tokens - limit} tokens too long.", estimated)
    )


@rule(
    "truncated",
    label="Cut off",
    help="The teacher ended the answer itself; it was not cut off at the output limit.",
    settings=[Setting("ban_truncated", kinds.switch, default=True)],
    bound="",
    unit="",
)
def truncated(answer):
    ok = answer.finish_reason not in CUT_OFF
    note = "" if ok else "The answer was cut off at the output limit."
    return Measurement("truncated", answer.finish_reason, "length", ok, note)


def _tokens(answer):
    """(tokens, whether they are estimated)."""
    return (estimated_tokens(answer.text), True) if answer.tokens is None else (answer.tokens, False)


def _note(ok, failure, estimated):
    if not estimated:
        return "" if ok else failure
    return ESTIMATED if ok else f"{failure} {ESTIMATED}"


def estimated_tokens(text):
    """Tokens of `text` by the rule of thumb of four characters each, rounded up."""
    return -(-len(text.strip()) // CHARACTERS_A_TOKEN)
