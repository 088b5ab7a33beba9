"""What is to be seen of a run: for its page and for the terminal alike, by few and cheap queries.

Whatever its size: the numbers come from the run's row, from an index over what is in hand, and from the limiter.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from curation.models import Run, Teacher
from pipeline import failures, limits
from pipeline.ledger import LATENCY_EDGES
from pipeline.stages import collect, regenerate
from pipeline.stages.sending import HANDLES
from pipeline.stages.working import StopRun

ASKING = (Run.Stage.COLLECT, Run.Stage.PIPELINE, Run.Stage.JUDGE, Run.Stage.REGENERATE)


@dataclass(frozen=True)
class Parts:
    """Where the prompts of a run are. `done` counts those that left it, the parked ones aside."""

    done: int
    in_flight: int
    waiting: int
    parked: int

    @property
    def total(self):
        return self.done + self.in_flight + self.waiting + self.parked

    def __str__(self):
        return f"{self.done:,} done, {self.in_flight:,} in flight, {self.waiting:,} waiting, {self.parked:,} parked"


def parts(run):
    """The Parts of a run; None where its size is unknown. One query while it lives, none afterwards."""
    if not run.total or run.stage not in (*HANDLES, Run.Stage.REPARSE):
        return None
    parked = min(run.counters.get("parked", 0), run.done)
    open_ones = max(0, run.total - run.done)
    in_flight = min(open_ones, run.prompts.in_hand().count()) if run.is_live else 0
    return Parts(run.done - parked, in_flight, open_ones - in_flight, parked)


def teachers_of(run):
    """The teachers and judges that a run asks, each once, in the order in which prompts meet them."""
    found = []
    try:
        if run.stage in (Run.Stage.COLLECT, Run.Stage.PIPELINE):
            found += collect.teachers_of(run)
        elif run.stage == Run.Stage.REGENERATE:
            found += regenerate.teachers_of(run)
    except StopRun:
        pass  # the run says so itself, and stops
    if run.stage in (Run.Stage.JUDGE, Run.Stage.PIPELINE):
        found += [judge for _, judge, _ in run.project.readers]
    return list({teacher.pk: teacher for teacher in found}.values())


@dataclass(frozen=True)
class Speed:
    """How fast a teacher is asked, by all runs together. `known` is false where Valkey does not answer."""

    teacher: Teacher
    watch: limits.Watch

    @property
    def known(self):
        return self.watch.known

    @property
    def meters(self):
        """[(what, how many, the limit or None)]: of the last minute, and how many requests are under way now.

        Tokens are counted only where they are limited; else how many is None.
        """
        watch, teacher = self.watch, self.teacher
        nothing = 0 if teacher.input_tokens_per_minute or teacher.output_tokens_per_minute else None
        return [
            ("Requests a minute", watch.requests, teacher.requests_per_minute),
            ("Input tokens a minute", watch.input_tokens or nothing, teacher.input_tokens_per_minute),
            ("Output tokens a minute", watch.output_tokens or nothing, teacher.output_tokens_per_minute),
            ("Requests at once", watch.in_flight, watch.concurrency or teacher.concurrency),
        ]

    @property
    def sentences(self):
        """Why it is slower than it might be; empty where nothing holds it back."""
        watch, said = self.watch, []
        if watch.down_until:
            said.append(
                f"The endpoint only fails ({watch.failures:,} in a row): nothing is sent until "
                f"{_clock(watch.down_until)}, then one request tries again."
            )
        if watch.paused_until:
            said.append(f"The endpoint asked to wait until {_clock(watch.paused_until)}.")
        if self.known and watch.concurrency < self.teacher.concurrency:
            said.append(
                f"At most {watch.concurrency:,} at once instead of {self.teacher.concurrency:,}, since the endpoint "
                "asked for less; it rises again by itself."
            )
        return said


def speeds(run):
    """The Speed of every teacher that a live run asks; empty once it has ended."""
    return [Speed(teacher, limits.watch(teacher)) for teacher in teachers_of(run)] if run.is_live else []


def _clock(moment):
    return timezone.localtime(moment).strftime("%H:%M:%S")


@dataclass(frozen=True)
class Money:
    """What a run has spent against its cap and its quote. USD, or tokens read and written."""

    spent: Decimal | int
    held: Decimal | int
    cap: Decimal | int | None
    quoted: Decimal | int | None = None
    quoted_range: tuple = ()
    unknown: int = 0  # calls whose price or usage is unknown: they are not in `spent`

    @property
    def left(self):
        return None if self.cap is None else max(self.cap - self.spent - self.held, type(self.spent)(0))

    @property
    def percent(self):
        """Whole per cent of the cap that are spent, or else of the quote; None without either."""
        whole = self.cap or self.quoted
        return int(self.spent * 100 / whole) if whole else None

    @property
    def scale(self):
        """What the whole length of a bar stands for: the cap, or else the quote; None without either."""
        whole = self.cap or self.quoted
        return max(whole, self.spent + self.held) if whole else None


def money(run):
    """The Money of a run in USD."""
    price = (run.quote or {}).get("price_usd")
    low, middle, high = (Decimal(price[name]) for name in ("p10", "p50", "p90")) if price else (None, None, None)
    between = (low, high) if low != high else ()
    return Money(run.cost, max(run.held_usd, Decimal(0)), run.cap_usd, middle, between, run.cost_unknown)


def tokens(run):
    """The Money of a run in tokens."""
    return Money(run.input_tokens + run.output_tokens, max(0, run.held_tokens), run.cap_tokens)


@dataclass(frozen=True)
class Error:
    """How often calls of a run failed for good in one way, with the last message and its time."""

    error_class: str
    number: int
    message: str
    at: datetime | None

    @property
    def label(self):
        return failures.label(self.error_class)

    @property
    def meaning(self):
        return failures.meaning(self.error_class)


def errors(run):
    """The Errors of a run, the most frequent first."""
    found = [
        Error(name, kind["n"], kind.get("last", ""), datetime.fromisoformat(kind["at"]) if kind.get("at") else None)
        for name, kind in run.errors.items()
    ]
    return sorted(found, key=lambda error: (-error.number, error.error_class))


@dataclass(frozen=True)
class Latencies:
    """How long answers took: [(from ms, to ms or None, calls)] without empty ends, and n of all calls."""

    bins: list = field(default_factory=list)

    @property
    def n(self):
        return sum(number for *_, number in self.bins)

    def within(self, share):
        """The time in ms within which this share of the answers came, as an upper bound; None beyond the last edge."""
        seen = 0
        for _, edge, number in self.bins:
            seen += number
            if seen >= share * self.n:
                return edge
        return None


def latencies(run):
    """The Latencies of a run, or None before its first answer."""
    edges = [0, *LATENCY_EDGES, None]
    numbers = [run.latencies.get("more" if edge is None else str(edge), 0) for edge in edges[1:]]
    filled = [place for place, number in enumerate(numbers) if number]
    if not filled:
        return None
    chosen = range(filled[0], filled[-1] + 1)
    return Latencies([(edges[place], edges[place + 1], numbers[place]) for place in chosen])
