"""Plots drawn on the server as SVG for a page: Vega-Lite by Altair and vl-convert, coloured by the page's own CSS.

Every function returns an `<svg>` to stand in the page itself, or "" when there is nothing to draw. It carries no style
attribute, no id, no role and no font of its own; colours are `currentColor` and `var(--plot-…)` of app.css, so that
both themes and the switch between them work. It is hidden from screen readers: the figure around it
(includes/plot.html) says what it shows, a table beside it the same numbers. The first plot loads the libraries.
"""

import hashlib
import json
from collections import Counter
from functools import wraps

from django.core.cache import cache
from django.utils.safestring import SafeString

from .plot_svg import TEXT, WIDTH, drawable, drawn

KEPT_SECONDS = 24 * 3600
VERSION = 3  # a change of how plots look makes the cached ones stale
SERIES = [f"var(--plot-{number})" for number in range(1, 7)]


def warm():
    """Load what draws, by a plot that nobody sees: the first one a person waits for is then like all others."""
    histogram.__wrapped__([(0, 1, 1)], title="A first plot", x="Score", limit=1)


def _kept(draw):
    """Draw what is not in the cache: the same plot is drawn once a day, and nothing at all for no rows."""

    @wraps(draw)
    def kept(rows, **words):
        rows = list(rows)
        if not rows:
            return SafeString("")
        asked = json.dumps([VERSION, draw.__name__, rows, words], default=str)
        key = f"plot:{hashlib.sha256(asked.encode()).hexdigest()}"
        svg = cache.get(key)
        if svg is None:
            svg = draw(rows, **words)
            cache.set(key, svg, KEPT_SECONDS)
        return SafeString(svg)

    return kept


@_kept
def histogram(bins, *, title, x, y="Responses", limit=None, limits=None):
    """Upright bars of [(from, to, count)] or [(from, to, count, series)], each as wide as its bin; series are stacked.

    `limit` is a number drawn as a line, `limits` several of them as {label: number}.
    """
    import altair as alt

    rows = [
        {"from": low, "to": high, "count": count, "series": drawable(series[0]) if series else ""}
        for low, high, count, *series in bins
    ]
    lines = {"limit": limit} if limit is not None else dict(limits or {})
    edges = [row["from"] for row in rows] + [row["to"] for row in rows] + list(lines.values())
    domain = [min(edges), max(edges)]
    span = alt.Scale(domain=domain, nice=False)
    names = list(dict.fromkeys(row["series"] for row in rows))
    heights = Counter()
    for row in rows:
        heights[row["from"]] += row["count"]
    # The names of the limits stand above the tallest bar, not on it.
    most = max(heights.values()) or 1
    room = alt.Scale(domain=[0, most * (1.04 + 0.1 * len(lines))], nice=False)
    counts = _axis(alt, most=min(5, most), whole=True, grid=True)
    bars = (
        alt.Chart(_values(rows))
        .mark_bar(stroke="var(--plot-ground)", strokeWidth=0.5)
        .encode(
            x=alt.X("from:Q", bin="binned", title=drawable(x), scale=span, axis=_axis(alt)),
            x2="to:Q",
            y=alt.Y("count:Q", title=drawable(y), stack="zero", scale=room, axis=counts),
            color=_series(alt, names),
        )
    )
    return drawn(alt.layer(bars, *_limit_lines(alt, lines, domain)), title, height=240 if len(names) < 2 else 280)


@_kept
def bars(rows, *, title, x):
    """Lying bars of [(label, number)] in the order given, each with its number at its end."""
    import altair as alt

    labels = _distinct(label for label, _ in rows)
    data = [{"label": label, "number": number} for label, (_, number) in zip(labels, rows, strict=True)]
    most = max(row["number"] for row in data) or 1
    base = alt.Chart(_values(data)).encode(
        x=alt.X(
            "number:Q",
            title=drawable(x),
            axis=_axis(alt, most=min(4, most), whole=True),
            scale=alt.Scale(domain=[0, most * 1.16], nice=False),
        ),
        y=alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=215, labelPadding=6, ticks=False)),
    )
    shapes = base.mark_bar(height={"band": 0.66}, color=SERIES[0])
    numbers = base.mark_text(align="left", dx=4, fontSize=TEXT, color="currentColor").encode(
        text=alt.Text("number:Q", format=",~f")
    )
    return drawn(alt.layer(shapes, numbers), title, height=70 + 26 * len(rows))


@_kept
def days(rows, *, title, y):
    """Upright bars of [(date, count, series)], one a day; series are stacked. A day is in its place also with none."""
    import altair as alt

    data = [{"day": day.isoformat(), "count": count, "series": drawable(series)} for day, count, series in rows]
    names = list(dict.fromkeys(row["series"] for row in data))
    dates = sorted({row["day"] for row in data})
    shown = dates[:: max(1, -(-len(dates) // 6))]
    axis = alt.Axis(values=shown, labelAngle=0, labelExpr="slice(datum.value, 5)")
    heights = Counter()
    for row in data:
        heights[row["day"]] += row["count"]
    counts = _axis(alt, most=min(5, max(heights.values()) or 1), whole=True, grid=True)
    bars = (
        alt.Chart(_values(data))
        .mark_bar(stroke="var(--plot-ground)", strokeWidth=0.5)
        .encode(
            x=alt.X("day:O", title="Day (UTC), month-day", axis=axis, scale=alt.Scale(domain=dates)),
            y=alt.Y("count:Q", title=drawable(y), stack="zero", axis=counts),
            color=_series(alt, names),
        )
    )
    return drawn(bars, title, height=240 if len(names) < 2 else 290)


@_kept
def points(rows, *, title, x, y, diagonal=False):
    """Points of [(x, y, n, low, high)]: the larger its n, the larger a point; low to high is its interval (or None).

    `diagonal` draws where x and y are equal, with both axes over the same 0 to 1 or 0 to 100.
    """
    import altair as alt

    data = [dict(zip(("x", "y", "n", "low", "high"), row, strict=True)) for row in rows]
    scale = alt.Undefined
    if diagonal:
        most = max(max(row["x"], row["y"], row["high"] or 0) for row in data)
        scale = alt.Scale(domain=[0, 1 if most <= 1 else max(100, most)], nice=False)
    base = alt.Chart(_values(data)).encode(x=alt.X("x:Q", title=drawable(x), axis=_axis(alt), scale=scale))
    marks = base.mark_circle(color=SERIES[0], opacity=1, clip=False).encode(
        y=alt.Y("y:Q", title=drawable(y), axis=_axis(alt, grid=True), scale=scale),
        size=alt.Size("n:Q", legend=None, scale=alt.Scale(range=[40, 240], domainMin=0)),
    )
    layers = [marks]
    intervals = [row for row in data if row["low"] is not None and row["high"] is not None]
    if intervals:
        whiskers = alt.Chart(_values(intervals)).mark_rule(color=SERIES[0], strokeWidth=2)
        layers.insert(0, whiskers.encode(x="x:Q", y="low:Q", y2="high:Q"))
    if diagonal:
        line = alt.Chart(_values([{"x": at, "y": at} for at in scale.domain]))
        layers.insert(0, line.mark_line(color="var(--plot-line)", strokeDash=[4, 4]).encode(x="x:Q", y="y:Q"))
    return drawn(alt.layer(*layers), title, height=320 if diagonal else 260)


@_kept
def shares(rows, *, title, x):
    """Points on 0 to 100 % of [(label, percent, low, high, n)] in the order given, each with its interval and its n."""
    import altair as alt

    labels = _distinct(f"{label}\nn = {n:,}" for label, *_, n in rows)
    data = [
        {"label": label, "percent": percent, "low": low, "high": high}
        for label, (_, percent, low, high, _) in zip(labels, rows, strict=True)
    ]
    scale = alt.Scale(domain=[0, 100], nice=False)
    axis = alt.Axis(labelLimit=215, labelPadding=6, ticks=False, labelExpr="split(datum.label, '\\n')")
    base = alt.Chart(_values(data)).encode(y=alt.Y("label:N", sort=None, title=None, axis=axis))
    whiskers = base.mark_rule(color=SERIES[0], strokeWidth=2).encode(x=alt.X("low:Q", scale=scale), x2="high:Q")
    points = base.mark_circle(color=SERIES[0], opacity=1, size=90).encode(
        x=alt.X("percent:Q", title=drawable(x), scale=scale, axis=_axis(alt, grid=True))
    )
    return drawn(alt.layer(whiskers, points), title, height=70 + 42 * len(rows))


@_kept
def grid(rows, *, title, x, y):
    """A heat table of [(column, row, number)] with its numbers: the more, the deeper. Order is that of first sight."""
    import altair as alt

    data = [{"column": drawable(column), "row": drawable(row), "number": number} for column, row, number in rows]
    columns, lines = (list(dict.fromkeys(row[side] for row in data)) for side in ("column", "row"))
    base = alt.Chart(_values(data)).encode(
        x=alt.X("column:N", sort=columns, title=drawable(x), axis=alt.Axis(orient="top", labelAngle=0, labelLimit=110)),
        y=alt.Y("row:N", sort=lines, title=drawable(y), axis=alt.Axis(labelLimit=150)),
    )
    most = max((row["number"] or 0 for row in data), default=0) or 1
    depth = alt.Opacity("number:Q", legend=None, scale=alt.Scale(domain=[0, most], range=[0, 0.45]))
    cells = base.mark_rect(fill="var(--plot-heat)", stroke=None).encode(fillOpacity=depth)
    frames = base.mark_rect(fill=None, stroke="var(--plot-grid)")
    numbers = base.mark_text(fontSize=TEXT, color="currentColor").encode(text=alt.Text("number:Q", format=",~f"))
    width = max(WIDTH, 170 + 72 * len(columns))
    return drawn(alt.layer(cells, frames, numbers), title, height=90 + 28 * len(lines), width=width)


def _axis(alt, *, whole=False, grid=False, most=5):
    least = {"tickMinStep": 1} if whole else {}
    return alt.Axis(format=",~f", tickCount=most, grid=grid, **least)


def _series(alt, names):
    """The colours of stacked series with their legend below; one series needs neither."""
    if len(names) < 2:
        return alt.value(SERIES[0])
    colours = [SERIES[place % len(SERIES)] for place in range(len(names))]
    legend = alt.Legend(title=None, orient="bottom", columns=2, labelLimit=190)
    return alt.Color("series:N", sort=names, scale=alt.Scale(domain=names, range=colours), legend=legend)


def _limit_lines(alt, lines, domain):
    """A dashed line for each limit, its name on the side that has room; no line crosses the name of another."""
    middle = (domain[0] + domain[1]) / 2
    inwards = sorted(lines.items(), key=lambda line: (line[1] > middle, abs(line[1] - middle) * -1))
    layers = []
    for place, (label, value) in enumerate(inwards):
        top, right = alt.value(16 * place), value > middle
        words = label if f"{value:,g}" in label else f"{label} {value:,g}"
        base = alt.Chart(_values([{"at": value, "name": drawable(words)}])).encode(x=alt.X("at:Q"))
        rule = base.mark_rule(color="var(--plot-limit)", strokeWidth=2, strokeDash=[5, 3])
        name = {"align": "right" if right else "left", "dx": -5 if right else 5, "dy": 2, "baseline": "top"}
        text = base.mark_text(color="var(--plot-limit)", fontSize=TEXT, fontWeight=600, **name)
        layers += [rule.encode(y=top, y2=alt.value("height")), text.encode(text="name:N", y=top)]
    return layers


def _values(rows):
    import altair as alt

    return alt.Data(values=rows)


def _distinct(labels):
    """Labels as text, equal ones told apart by spaces of no width: a scale would lay them on top of each other."""
    seen = {}
    for label in map(drawable, labels):
        seen[label] = seen.get(label, -1) + 1
        yield label + "\N{ZERO WIDTH SPACE}" * seen[label]
