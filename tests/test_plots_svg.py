"""Plots as pages carry them: well-formed, without style, id or role, in the page's colours, true to their numbers."""

import os
import re
import threading
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.core.cache import cache
from django.template.loader import render_to_string

from curation import plot_svg, plots

EVIL = "<script>alert('evil')</script> & \"more\" \x00\x0b\ud800"
CSS = (Path(plots.__file__).parent / "static/curation/app.css").read_text()
BINS = [(0, 10, 3), (10, 20, 0), (20, 40, 12)]
POINTS = [(5, 10, 3, 2, 40), (55, 50, 30, 42, 60), (95, 80, 12, None, None)]


def histogram(bins=BINS, **options):
    return plots.histogram(bins, title="How long?", x="Characters", **options)


DRAWN = {
    "histogram": histogram,
    "one bin": lambda: histogram([(3, 4, 1)]),
    "nothing in the bins": lambda: histogram([(0, 1, 0), (1, 2, 0)]),
    "limit": lambda: histogram(limit=25),
    "limit far off": lambda: histogram(limit=1000),
    "limits": lambda: histogram(limits={"hypothesis": 5, "methodology": 30, EVIL: 31.5}),
    "series": lambda: histogram([(low, low + 1, 2, f"teacher {n} {EVIL}") for low in range(9) for n in range(8)]),
    "bars": lambda: plots.bars([("No citations", 12), (EVIL, 3), ("", 0)], title=EVIL, x=EVIL),
    "bars of nothing": lambda: plots.bars([("No citations", 0)], title="", x="Answers"),
    "points": lambda: plots.points(POINTS, title="Right?", x="Score", y=EVIL, diagonal=True),
    "shares": lambda: plots.points([(0.1, 0.2, 1, 0.0, 1.0)], title="Right?", x="Score", y="Accepted", diagonal=True),
    "points alone": lambda: plots.points(POINTS, title="Right?", x="Score", y="Accepted"),
    "grid": lambda: plots.grid([("a", EVIL, 5), (EVIL, "b", 0), ("c", "b", None)], title="What?", x="Task", y=EVIL),
    "wide grid": lambda: plots.grid([(n, "b", n) for n in range(9)], title="What?", x="Task", y="Domain"),
}


def paths(svg, fill):
    """(x, y, width, height) of every bar of this colour."""
    number = r"(-?[\d.]+)"
    shape = re.compile(rf'<path d="M{number},{number}h{number}v{number}h-?[\d.]+Z" fill="{re.escape(fill)}"')
    return [tuple(map(float, found)) for found in shape.findall(svg)]


def words(svg):
    return ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("name", DRAWN)
def test_a_plot_may_stand_in_a_page(name):
    svg = DRAWN[name]()
    root = ElementTree.fromstring(svg)
    assert root.get("aria-hidden") == "true"
    assert root.get("focusable") == "false"
    assert root.get("viewBox").split()[:2] == ["0", "0"]
    assert "<script" not in svg
    for element in root.iter():
        assert element.tag.removeprefix("{http://www.w3.org/2000/svg}") in {"svg", "g", "path", "line", "text", "tspan"}
        names = set(element.attrib)
        assert not names & {"style", "id", "role", "href", "font-family", "clip-path"}, element.attrib
        assert not any(each.startswith(("on", "aria-")) for each in names - {"aria-hidden"}), element.attrib
        if element is not root:
            assert "class" not in names


@pytest.mark.parametrize("name", DRAWN)
def test_its_colours_are_those_of_the_page(name):
    svg = DRAWN[name]()
    used = set(re.findall(r'\b(?:fill|stroke)="([^"]*)"', svg)) - {"none", "transparent"}
    assert used
    for colour in used - {"currentColor"}:
        assert re.fullmatch(r"var\(--plot-[a-z0-9]+\)", colour), colour
        assert f"{colour[4:-1]}:" in CSS, f"app.css does not know {colour}"


@pytest.mark.parametrize("name", DRAWN)
def test_its_letters_are_large_enough_on_a_telephone(name):
    svg = DRAWN[name]()
    width = float(ElementTree.fromstring(svg).get("viewBox").split()[2])
    shown = 340 if width <= plots.WIDTH else 576  # the room at 390 px; what is wider scrolls (.plot-wide)
    sizes = [float(size) for size in re.findall(r'font-size="([\d.]+)px"', svg)]
    assert min(sizes) * min(1, shown / width) >= 10 or width > plots.WIDTH


@pytest.mark.parametrize("function", [plots.bars, plots.histogram, plots.points, plots.grid])
def test_nothing_to_draw_draws_nothing(function):
    axes = {"y": "y"} if function in (plots.points, plots.grid) else {}
    assert function([], title="What?", x="x", **axes) == ""
    assert "figure" not in render_to_string("includes/plot.html", {"svg": "", "caption": "n = 0"})


def test_a_histogram_keeps_its_bins():
    bars = paths(histogram(), "var(--plot-1)")
    assert len(bars) == len(BINS)
    for (_, _, width, height), (low, high, count) in zip(bars, BINS, strict=True):
        assert height / bars[2][3] == pytest.approx(count / 12, abs=0.01)
        assert width / bars[0][2] == pytest.approx((high - low) / 10, rel=0.02)


def test_series_stand_on_each_other():
    svg = histogram([(0, 10, 3, "hypothesis"), (0, 10, 6, "methodology"), (10, 20, 1, "hypothesis")])
    (one,), (other,) = [[bar for bar in paths(svg, f"var(--plot-{n})") if bar[0] < 100] for n in (1, 2)]
    assert other[3] == pytest.approx(2 * one[3], rel=0.01)
    assert min(one[1] + one[3], other[1] + other[3]) == pytest.approx(max(one[1], other[1]), abs=0.1)
    assert {"hypothesis", "methodology"} <= set(words(svg))


def test_limits_are_named_and_stand_at_their_place():
    svg = histogram(limits={"hypothesis": 10, "methodology": 30})
    lines = re.findall(r'translate\(([\d.]+),\d+\)" x2="0" y2="\d+" stroke="var\(--plot-limit\)"', svg)
    first, second = paths(svg, "var(--plot-1)")[0], paths(svg, "var(--plot-1)")[2]
    middle = second[0] + second[2] / 2
    assert sorted(map(float, lines)) == [
        pytest.approx(first[0] + first[2], abs=1.5),
        pytest.approx(middle, abs=1.5),
    ]
    assert {"hypothesis 10", "methodology 30"} <= set(words(svg))


def test_bars_and_cells_say_their_numbers():
    svg = plots.bars([("same", 1200), ("same", 3)], title="Which?", x="Answers")
    assert {"1,200", "3"} <= set(words(svg))
    first, second = paths(svg, "var(--plot-1)")
    assert second[2] / first[2] == pytest.approx(3 / 1200, abs=0.01)
    cells = words(plots.grid([("a", "x", 1), ("b", "x", 20), ("b", "y", 3000)], title="What?", x="Task", y="Domain"))
    assert {"1", "20", "3,000", "a", "b", "x", "y"} <= set(cells)


def test_a_long_title_goes_on_in_the_next_line():
    svg = plots.bars([("a", 1)], title="How many answers of this project fail which of the rules " * 3, x="Answers")
    assert svg.count("<tspan") >= 3


def test_letters_have_room_to_be_wider_than_vega_thinks():
    svg = DRAWN["bars"]()
    assert set(re.findall(r'font-size="([^"]+)"', svg)) == {"13px", "14px"}


def test_the_same_plot_is_drawn_once(monkeypatch):
    cache.clear()
    drawn = []
    monkeypatch.setattr(
        plot_svg, "_rendered", lambda spec: drawn.append(spec) or '<svg xmlns="http://www.w3.org/2000/svg"/>'
    )
    assert histogram() == histogram()
    histogram(limit=3)
    assert len(drawn) == 2


def test_several_threads_draw_at_once():
    cache.clear()
    found = {}

    def draw(number):
        found[number] = plots.bars([(f"bar {number}", number)], title=f"Plot {number}", x="x")

    threads = [threading.Thread(target=draw, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert all(f"bar {number}" in words(found[number]) for number in range(8))


def test_a_fork_of_a_process_that_has_drawn_says_so_rather_than_hang(monkeypatch):
    cache.clear()
    monkeypatch.setattr(plot_svg, "_drawn_by", os.getpid() + 1)
    with pytest.raises(RuntimeError, match="after forking"):
        histogram()


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def mixed(over, under, share):
    pairs = [(int(over[at : at + 2], 16), int(under[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in pairs)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_are_told_from_the_ground_and_words_are_read(theme):
    block = CSS[CSS.index(f'[data-bs-theme="{theme}"] {{') :].split("}")[0]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
    for name in ("plot-1", "plot-2", "plot-3", "plot-4", "plot-5", "plot-6", "line-strong"):
        assert contrast(colours[name], colours["paper"]) >= 3, name
    for name in ("ink", "bad"):
        assert contrast(colours[name], colours["paper"]) >= 4.5, name
    deepest = mixed(colours["accent-fill"], colours["paper"], 0.45)
    assert contrast(colours["ink"], deepest) >= 4.5


@pytest.mark.parametrize("most", [1, 2, 3, 1200])
def test_an_axis_of_counts_has_no_halves(most):
    upright = plots.histogram([(10, 20, most), (20, 30, 1)], title="How long?", x="Characters")
    lying = plots.bars([("No citations", most), ("Refusal", 1)], title="Which?", x="Answers")
    daily = plots.days([(date(2026, 1, day), number, "") for day, number in ((1, most), (2, 1))], title="When?", y="n")
    assert [word for svg in (upright, lying, daily) for word in words(svg) if "." in word] == []


def test_a_limit_that_is_named_by_its_number_says_it_once():
    said = words(histogram(limits={"8 tokens": 8, "hypothesis": 5}))
    assert "8 tokens" in said
    assert "hypothesis 5" in said
