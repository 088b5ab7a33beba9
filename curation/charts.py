"""Charts as numbers: the templates draw them as SVG, with classes for colours, since a style attribute is refused."""

WIDTH = 640
LABEL, VALUE = 210, 70
ROW, BAR = 24, 14
PLOT, BASE, LEFT = 160, 205, 40  # pixels; the room above the plot is for the threshold's name


def bars(rows):
    """Horizontal bars of [(label, number, link)], the longest filling the room; each with its coordinates."""
    most = max((number for _, number, _ in rows), default=0) or 1
    room = WIDTH - LABEL - VALUE
    items = [
        {
            "label": label,
            "number": number,
            "link": link,
            "x": LABEL,
            "y": place * ROW + (ROW - BAR) // 2,
            "text_y": place * ROW + ROW // 2 + 4,
            "length": round(room * number / most, 1),
            "value_x": LABEL + round(room * number / most, 1) + 6,
        }
        for place, (label, number, link) in enumerate(rows)
    ]
    return {"width": WIDTH, "height": len(rows) * ROW or ROW, "bar": BAR, "label_x": LABEL - 8, "items": items}


def histogram(counts, limit=None):
    """Ten bins of scores from 0 to 100; `counts` is {bin 0-9: number}, `limit` where the threshold is drawn.

    A score of 100 belongs to the last bin.
    """
    most = max(counts.values(), default=0) or 1
    step = (WIDTH - LEFT - 10) / 10
    items = [
        {
            "from": 10 * place,
            "to": 10 * place + 10,
            "number": counts.get(place, 0),
            "x": round(LEFT + place * step + 2, 1),
            "y": round(BASE - PLOT * counts.get(place, 0) / most, 1),
            "length": round(PLOT * counts.get(place, 0) / most, 1),
            "middle": round(LEFT + (place + 0.5) * step, 1),
            "below": limit is not None and 10 * place + 10 <= limit,
        }
        for place in range(10)
    ]
    ticks = [{"at": value, "x": round(LEFT + step * value / 10, 1)} for value in range(0, 101, 20)]
    line = None if limit is None else {"at": limit, "x": round(LEFT + step * limit / 10, 1)}
    return {
        **{"width": WIDTH, "height": BASE + 40, "base": BASE, "left": LEFT, "right": WIDTH - 10},
        **{"bar": round(step - 4, 1), "items": items, "ticks": ticks, "limit": line, "most": most},
        **{"n": sum(counts.values()), "middle": WIDTH // 2},
    }


def columns(bins):
    """Upright bars of [(from, to or None, number)], side by side and equally wide, whatever their bins span."""
    most = max((number for *_, number in bins), default=0) or 1
    few = len(bins) <= 5
    step = 72 if few else (WIDTH - LEFT - 20) / len(bins)
    items = [
        {
            "from": low,
            "to": high,
            "number": number,
            "x": round(LEFT + place * step + 2, 1),
            "y": round(BASE - PLOT * number / most, 1),
            "length": round(PLOT * number / most, 1),
            "middle": round(LEFT + (place + 0.5) * step, 1),
        }
        for place, (low, high, number) in enumerate(bins)
    ]
    edges = [low for low, *_ in bins] + [high for _, high, _ in bins[-1:]]
    ticks = [{"at": at, "x": round(LEFT + place * step, 1)} for place, at in enumerate(edges) if at is not None]
    return {
        **{"width": LEFT + 5 * 72 + 20 if few else WIDTH, "height": BASE + 40, "base": BASE, "left": LEFT, "few": few},
        **{"right": round(LEFT + len(bins) * step), "bar": round(step - 4, 1), "items": items, "ticks": ticks},
        "n": sum(number for *_, number in bins),
    }


def stack(numbers, width=WIDTH):
    """One bar of several parts, [(name, number)]: each with where it begins and how long it is; no sliver is hidden."""
    total = sum(number for _, number in numbers) or 1
    shown = [(name, number) for name, number in numbers if number]
    lengths = [max(3.0, width * number / total) for _, number in shown]
    scale = width / sum(lengths) if lengths else 1
    items, x = [], 0.0
    for (name, number), length in zip(shown, lengths, strict=True):
        items.append({"name": name, "number": number, "x": round(x, 1), "length": round(length * scale, 1)})
        x += length * scale
    return {"width": width, "items": items}
