"""What a run would touch and cost, told before anything is asked or written; and what it may cost at most."""

from .amounts import Amount
from .caps import WrongCap, read_caps, refuse_wrong
from .choosing import RECALLS, waiting, wanted
from .previewing import Order, preview
from .quoted import Line, Quote
from .quoting import quote

__all__ = [
    "RECALLS",
    "Amount",
    "Line",
    "Order",
    "Quote",
    "WrongCap",
    "preview",
    "quote",
    "read_caps",
    "refuse_wrong",
    "waiting",
    "wanted",
]
