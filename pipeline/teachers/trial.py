"""One tiny call to a teacher, in the shape of a run's: whether it answers, as which model, how fast.

It takes part in the limits like any call, is tried once, and stands in no ledger: it is nobody's answer.
"""

import json
from dataclasses import dataclass, replace
from decimal import Decimal

from curation.profiles import TOKEN_PARAMETERS
from pipeline.answers.completions import read_completion, why_not_a_completion
from pipeline.answers.hygiene import clean_text
from pipeline.answers.json_in_text import split_thinking

from .endpoint import CannotSend, Endpoint
from .errors import sentence
from .exchange import Exchange
from .payload import payload, profile_of
from .refusals import refused

SYSTEM = "You answer in as few words as possible."
QUESTION = "This is a test of the connection. Reply with the one word: ready"
SCHEMA = (
    "reply",
    {
        "type": "object",
        "properties": {"reply": {"type": "string"}},
        "required": ["reply"],
        "additionalProperties": False,
    },
)
MOST_TOKENS = 64
MOST_TOKENS_THINKING = 1024  # with less, a reasoning model would end before it says a word
TURN_SECONDS = 5  # how long the call waits for its turn under the limits
ANSWER_SECONDS = 20  # with the turn less than the 30 s that web servers give a page
LONGEST_SHOWN = 2000

# What each class of error means for a test, where `errors.SENTENCES` has none.
ADVICE = {
    "timeout": "No answer came in time. A slow model may need longer, which runs give it: see the time limit.",
    "connection": "Nothing answered at the address, or it hung up: check the base URL and whether the server is up.",
    "rate_limited": "The endpoint asks to be asked less. Runs wait and try again; lower the limits if this stays.",
    "server_error": "The endpoint failed by itself. Runs try again; look at its status or log if this stays.",
    "conflict": "The endpoint refused for the moment. Runs try again.",
    "content_filter": "The endpoint's content filter refused the question of this test; your prompts may pass.",
    "context_too_long": "The endpoint finds even this short question too long: check its context size.",
    "output_limit": "The model writes fewer tokens than asked for: lower max_tokens, or set its largest limit.",
    "unsupported_structure": "The endpoint does not take this way to ask for a structure.",
    "bad_request": "The endpoint does not take the request as it is: see its message.",
    "not_a_completion": "Something answered that is no chat completion: check the base URL; it mostly ends in /v1.",
    "reply_too_large": "The endpoint sent more than an answer can be: check the base URL and what is behind it.",
    "unsent": "It was not sent: its turn did not come. Try again when less is going on.",
    "client_error": "Sending failed before anything left: see the message. Where it speaks of a header or ascii, the "
    "key's variable holds a line break or a letter that no key has.",
}
LEARNS = "Runs learn this by themselves: the profile is changed, and the question asked again."


@dataclass(frozen=True)
class Trial:
    """What came of the call. `error_class` is "" where an answer came; `advice` says what to do about an error."""

    error_class: str = ""
    advice: str = ""
    error: str = ""  # in the endpoint's own words
    status: int | None = None
    latency_ms: int | None = None
    model: str = ""  # the model id that the reply names
    text: str = ""
    thinking: str = ""
    finish_reason: str = ""
    notes: tuple = ()  # sentences on what an answer lacks
    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost: Decimal | None = None

    @property
    def good(self):
        return not self.error_class


def try_out(teacher, *, seconds=ANSWER_SECONDS):
    """Ask `teacher` one tiny question and return the Trial; waits at most `seconds` for the answer.

    Raises CannotSend for imported answers, behind which there is no endpoint.
    """
    if teacher.kind == teacher.Kind.IMPORTED:
        raise CannotSend("no_endpoint", f"{teacher.name} stands for imported answers: there is no endpoint to ask.")
    body = _question(teacher)
    endpoint = Endpoint.of(teacher)
    endpoint = replace(endpoint, timeout=min(endpoint.timeout, seconds))
    try:
        reply, trouble = _ask(endpoint, body)
    except CannotSend as error:
        return Trial(error.error_class, str(error))
    if reply is None:
        return Trial("unsent", ADVICE["unsent"], trouble)
    wrong = "" if reply.error_class else why_not_a_completion(reply.body)
    if wrong:
        reply = replace(reply, error_class="not_a_completion", error=wrong)
    return _failure(teacher, reply, body) if reply.error_class else _answer(teacher, reply)


def _question(teacher):
    """A body as runs would send it, with the teacher's own parameters, structure and profile, but little to write."""
    name = profile_of(teacher)["token_parameter"]
    own = {key: value for key, value in teacher.parameters.items() if key not in TOKEN_PARAMETERS}
    limits = [value for key, value in teacher.parameters.items() if key in TOKEN_PARAMETERS and isinstance(value, int)]
    most = MOST_TOKENS_THINKING if name == "max_completion_tokens" else MOST_TOKENS
    shape = type(teacher)(
        model=teacher.model, structure=teacher.structure, profile=teacher.profile | {"token_parameter": name}
    )
    return payload(shape, SYSTEM, QUESTION, schema=SCHEMA, parameters=own | {name: min([most, *limits])})


def _ask(endpoint, body):
    """(Reply or None, why none came): one try, within the limits."""
    with Exchange(once=True) as exchange:
        exchange.send([(None, endpoint, body)])
        for _, reply in exchange.replies(endpoint.timeout + TURN_SECONDS):
            return reply, ""
        return None, exchange.trouble or "The teacher's limits leave no room for it now."


def _failure(teacher, reply, body):
    known = reply.error_class in ADVICE
    advice = ADVICE[reply.error_class] if known else sentence(teacher.name, reply.error_class)
    if reply.status and 400 <= reply.status < 500 and refused(reply.body, body):
        advice = f"{advice} {LEARNS}"
    return Trial(
        reply.error_class,
        advice,
        clean_text(reply.error)[:LONGEST_SHOWN],
        status=reply.status,
        latency_ms=reply.latency_ms,
        text=clean_text(reply.body)[:LONGEST_SHOWN],
    )


def _answer(teacher, reply):
    said = read_completion(reply.body)
    text, thinking, _ = split_thinking(said.content)
    named = json.loads(reply.body).get("model")
    return Trial(
        status=reply.status,
        latency_ms=reply.latency_ms,
        model=clean_text(named)[:200] if isinstance(named, str) else "",
        text=clean_text(text or said.refusal)[:LONGEST_SHOWN],
        thinking=clean_text(said.thinking or thinking)[:LONGEST_SHOWN],
        finish_reason=said.finish_reason,
        notes=tuple(_notes(teacher, said, text)),
        input_tokens=said.prompt_tokens,
        output_tokens=said.completion_tokens,
        reasoning_tokens=said.reasoning_tokens,
        cost=teacher.price(said.prompt_tokens, said.completion_tokens, cached_tokens=said.cached_tokens),
    )


def _notes(teacher, said, text):
    """What an answer lacks, in sentences."""
    if said.finish_reason == "length":
        yield "The answer was cut off by the small limit of this test; runs set the teacher's own."
    if said.refusal:
        yield "The model refused the question."
    elif not text.strip():
        yield "The answer holds no text."
    elif said.finish_reason != "length" and teacher.structure != "text" and not _is_object(text):
        asked = teacher.get_structure_display()
        yield f"The answer is no JSON object, although it was asked for as: {asked}. Runs read what they can of it."
    if None in (said.prompt_tokens, said.completion_tokens):
        yield "The reply does not say how many tokens it took: what calls cost stays unknown."


def _is_object(text):
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
