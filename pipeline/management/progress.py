"""How far a run is, in a terminal: a live display, or a line now and then where standard error is no terminal."""

import sys
import time
from contextlib import contextmanager

from rich import progress as bars
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from curation.models import Run
from curation.templatetags.pages import duration, rate, usd
from pipeline import watching

QUIET_SECONDS = 20  # between two lines of progress where there is no terminal
LOOK_SECONDS = 0.3  # between two looks at the row
SPEED_SECONDS = 2.0  # between two looks at the limits
BAR = 40  # characters, where the terminal has room for them
MOST_ERRORS = 5
# What a run changes; its project, cached on the row, stays.
CHANGES = [f.attname for f in Run._meta.concrete_fields if not f.is_relation and f.name not in ("parameters", "quote")]


class Progress:
    """Shows a run for as long as it is entered; `update()` looks at its row and draws."""

    def __init__(self, run, file=None):
        self.run = run
        self.console = Console(file=file or sys.stderr, highlight=False)
        self.live = None
        if self.console.is_terminal and not self.console.is_dumb_terminal:
            # Without a thread of its own: whatever asks the database stays in the caller's.
            self.live = Live(console=self.console, auto_refresh=False, transient=False, vertical_overflow="crop")
        self.looked = self.told = time.monotonic()
        self.speeds, self.asked_speed, self.notice = [], 0.0, run.notice

    def __enter__(self):
        if self.live:
            self.live.start()
            self._draw()
        return self

    def __exit__(self, *_):
        self.update(at_once=True)
        if self.live:
            self.live.stop()

    def update(self, *, at_once=False):
        """Look at the row, at most some times a second, and draw; returns it."""
        if at_once or time.monotonic() - self.looked > LOOK_SECONDS:
            self.looked = time.monotonic()
            self.run.refresh_from_db(fields=CHANGES)
            if self.live:
                self._draw()
            else:
                self._say()
        return self.run

    def _draw(self):
        if not self.run.is_live or time.monotonic() - self.asked_speed > SPEED_SECONDS:
            self.speeds, self.asked_speed = watching.speeds(self.run), time.monotonic()
        lines = picture(self.run, self.speeds, width=min(BAR, self.console.width // 3), ascii=self._ascii())
        self.live.update(Group(*lines), refresh=True)

    def _ascii(self):
        return not self.console.encoding.lower().startswith("utf")

    def _say(self):
        """A line where something is to be said, or where none was for a while."""
        if self.run.notice and self.run.notice != self.notice:
            self.notice = self.run.notice
            self.console.print(f"{self.run}: {self.notice}", soft_wrap=True, markup=False)
        if time.monotonic() - self.told > QUIET_SECONDS:
            self.told = time.monotonic()
            total = f"{self.run.total:,}" if self.run.total else "unknown"
            done = f"{self.run}: {self.run.done:,} of {total}; {told(self.run)}"
            self.console.print(done, soft_wrap=True, markup=False)


def told(run):
    """A run's counters in one line."""
    parts = [f"{number:,} {name.replace('_', ' ')}" for name, number in run.counters.items() if number]
    if run.cost:
        parts.append(f"{run.cost:.4f} USD")
    return ", ".join(parts) or ("nothing to count yet" if run.is_live else "done")


@contextmanager
def rows_bar(name):
    """A bar over the rows of a file, where somebody watches; gives `progress(done, total or None)`."""
    console = Console(file=sys.stderr, highlight=False)
    columns = ("{task.description}", bars.BarColumn(), bars.MofNCompleteColumn(), "rows", bars.TimeRemainingColumn())
    with bars.Progress(*columns, console=console, disable=not console.is_terminal) as shown:
        task = shown.add_task(escape(name), total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


# -- the picture ----------------------------------------------------------------------------------------------------


def picture(run, speeds=(), *, width=BAR, ascii=False):
    """Lines of Text that show a run: bar, where its prompts are, money, speed, errors, and what it has to say."""
    parts = watching.parts(run)
    found = [_head(run, parts, width, ascii)]
    if parts:
        found.append(_line(_where(run, parts)))
    if run.stage in watching.ASKING:
        found.append(_line(_spent(run)))
        found += [_line(text) for speed in speeds for text in _speed(speed)]
        found += [_line(_error(error), "red") for error in watching.errors(run)[:MOST_ERRORS]]
    if run.is_stalled:
        found.append(_line("No worker has given a sign of life for a minute.", "yellow"))
    if run.notice:
        found.append(Text(f"  {run.notice}", style="yellow"))
    return found


def _line(text, style=""):
    return Text(f"  {text}", style=style, no_wrap=True, overflow="ellipsis")


def _head(run, parts, width, ascii):
    head = Text(f"{run.get_stage_display()} ", style="bold", no_wrap=True, overflow="ellipsis")
    if parts:
        head.append_text(_bar(parts, width, ascii)).append(" ")
    head.append(f"{run.done:,} of {run.total:,}" if run.total else f"{run.done:,}", style="not bold")
    said = [] if run.percent is None else [f"{run.percent} %"]
    if not run.is_live:
        said.append(run.get_state_display().lower())
    elif not run.started_at:
        said.append("waits for a worker")
    said += [duration(run.seconds)] if run.started_at else []
    said += [rate(run.rate)] if run.rate else []
    said += [f"about {duration(run.seconds_left)} left"] if run.seconds_left else []
    return head.append("".join(f", {each}" for each in said), style="not bold")


def _bar(parts, width, ascii):
    """Done, in flight, waiting and parked, side by side; each that is not empty has its place."""
    signs = "#>.!" if ascii else "━━━━"
    styles = ("green", "cyan", "bright_black", "red")
    numbers = (parts.done, parts.in_flight, parts.waiting, parts.parked)
    lengths = [max(1, round(width * n / parts.total)) if n else 0 for n in numbers]
    lengths[lengths.index(max(lengths))] += width - sum(lengths)
    bar = Text()
    for sign, style, length in zip(signs, styles, lengths, strict=True):
        bar.append(sign * length, style=style)
    return bar


def _where(run, parts):
    said = [str(parts)]
    counters = run.counters
    if counters.get("reused"):
        saved = f" ({usd(run.saved_usd)} saved)" if run.saved_usd else ""
        said.append(f"{counters['reused']:,} answers reused{saved}")
    if counters.get("maybe_paid_twice"):
        said.append(f"{counters['maybe_paid_twice']:,} maybe paid twice")
    return ", ".join(said)


def _spent(run):
    money, tokens = watching.money(run), watching.tokens(run)
    said = f"{usd(money.spent)} spent"
    said += f", {usd(money.held)} held" if money.held else ""
    said += f", {usd(money.left)} left of a cap of {usd(money.cap)}" if money.cap is not None else ""
    said += f", quoted {usd(money.quoted)}" if run.quote else ""
    said += f"; {money.unknown:,} calls of unknown price or usage" if money.unknown else ""
    said += f"; {tokens.spent:,} tokens"
    return said + (f", {tokens.left:,} left of {tokens.cap:,}" if tokens.cap else "")


def _speed(speed):
    name = speed.teacher.name
    if not speed.known:
        return [f"{name}: speed unknown, the server that keeps the limits does not answer"]
    units = ("requests", "tokens in", "tokens out", "at once")
    said = [
        f"{used:,}{f' of {limit:,}' if limit else ''} {unit}"
        for (_, used, limit), unit in zip(speed.meters, units, strict=True)
        if used or limit
    ]
    return [f"{name}: {', '.join(said[:-1]) or 'no requests'} a minute, {said[-1]}", *speed.sentences]


def _error(error):
    return f"{error.number:,} × {error.label}: {error.message}"
