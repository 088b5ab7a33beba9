"""Charts of a run's page as numbers: its templates draw them, every two seconds anew while the run goes on.

What is drawn once and looked at longer is a plot (curation/plots.py).
"""

WIDTH = 640
PLOT, BASE, LEFT = 160, 205, 40  # pixels; the room above the plot is for the threshold's name


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
