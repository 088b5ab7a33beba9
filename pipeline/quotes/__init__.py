"""What a run would touch and cost, told before anything is asked or written; and what it may cost at most."""

from .amounts import Amount
from .caps import WrongCap, read_caps, refuse_wrong
from .choosing import RECALLS, waiting, wanted
from .quoted import Line, Quote
from .quoting import quote

__all__ = [
    "RECALLS",
    "Amount",
    "Line",
    "Quote",
    "WrongCap",
    "quote",
    "read_caps",
    "refuse_wrong",
    "waiting",
    "wanted",
]
