"""A quote as it is shown and kept."""

from dataclasses import dataclass, field
from decimal import Decimal

from curation.models import Teacher

from . import words
from .amounts import Amount
from .foreseeing import Purpose


@dataclass(frozen=True)
class Line:
    """One teacher for one purpose: the part of a quote that has one price."""

    teacher: Teacher
    purpose: Purpose
    calls: Amount
    input_tokens: Amount
    output_tokens: Amount
    price: Amount | None  # USD; None where it is unknown
    answers: int  # of this project, that it was estimated from; 0: an estimate

    @property
    def name(self):
        """What the calls are for."""
        return words.purpose(self.purpose)

    @property
    def cells(self):
        """Expected calls, tokens in, tokens out and price, in words."""
        price = "unknown" if self.price is None else words.usd(self.price.mid)
        return [words.number(a.mid) for a in (self.calls, self.input_tokens, self.output_tokens)] + [price]


@dataclass(frozen=True)
class Quote:
    """What a start would touch and cost. Amounts are p10, p50 and p90 of the whole run; an unknown price is None."""

    stage: str
    mode: str = "online"
    prompts: int = 0  # that would be worked on
    waiting: int = 0  # that wait for this stage
    held: int = 0  # of them, that wait for their hypotheses
    calls: Amount = Amount()
    reused: Amount = Amount()
    input_tokens: Amount = Amount()
    output_tokens: Amount = Amount()
    price: Amount | None = Amount()
    unknown_prices: tuple[str, ...] = ()
    prices_of: str = ""  # the oldest date of the prices, "date unknown", or "" where nothing costs anything
    hours: float | None = 0.0
    slowest: str = ""
    basis: str = ""
    trouble: str = ""
    unlimited: tuple[str, ...] = ()  # teachers whose answers have no largest length
    least_usd: Decimal | None = None  # what the cheapest of the calls may cost at most
    least_tokens: int | None = None
    lines: tuple[Line, ...] = field(default=(), compare=False)

    @property
    def tokens(self):
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens

    @property
    def time(self):
        """How long it takes, in words."""
        return words.time(self)

    @property
    def prices(self):
        """Of when its prices are, in words."""
        return words.prices(self)

    @property
    def sentence(self):
        """The quote in one line."""
        return words.sentence(self)

    def as_json(self):
        """What a run keeps of it, as JSON."""
        price = {name: f"{value:.6f}" for name, value in self.price.as_json().items()} if self.price else None
        return {
            "stage": self.stage,
            "mode": self.mode,
            "prompts": self.prompts,
            "waiting": self.waiting,
            "held": self.held,
            "calls": self.calls.as_json(),
            "reused": self.reused.as_json(),
            "input_tokens": self.input_tokens.as_json(),
            "output_tokens": self.output_tokens.as_json(),
            "price_usd": price,
            "unknown_prices": list(self.unknown_prices),
            "prices_of": self.prices_of,
            "hours": self.hours,
            "slowest": self.slowest,
            "basis": self.basis,
            "sentence": self.sentence,
        }
