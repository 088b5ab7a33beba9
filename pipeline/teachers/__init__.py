"""The only network code: one OpenAI-compatible client, its retries, and the classes of what can go wrong."""

from .endpoint import CannotSend, Endpoint, address
from .errors import FATAL, RETRIED, classify, retry_after
from .exchange import Exchange, Reply
from .payload import default_profile, payload

__all__ = [
    "FATAL",
    "RETRIED",
    "CannotSend",
    "Endpoint",
    "Exchange",
    "Reply",
    "address",
    "classify",
    "default_profile",
    "payload",
    "retry_after",
]
