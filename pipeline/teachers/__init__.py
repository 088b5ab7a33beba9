"""The only network code: one OpenAI-compatible client, its retries, and the classes of what can go wrong."""

from .endpoint import CannotSend, Endpoint, address
from .errors import FATAL, RETRIED, UNSENT, classify, retry_after, sentence
from .exchange import Exchange, Reply
from .payload import default_profile, payload, profile_of, schema_in, structure_of
from .refusals import own_words, refused
from .tokens import bigger, estimate_input, most_input, most_output

__all__ = [
    "FATAL",
    "RETRIED",
    "UNSENT",
    "CannotSend",
    "Endpoint",
    "Exchange",
    "Reply",
    "address",
    "bigger",
    "classify",
    "default_profile",
    "estimate_input",
    "most_input",
    "most_output",
    "own_words",
    "payload",
    "profile_of",
    "refused",
    "retry_after",
    "schema_in",
    "sentence",
    "structure_of",
]
