"""A chart as SVG for a page: its looks, the renderer, and what is taken out of the drawing."""

import os
import re
import textwrap
from xml.etree import ElementTree

WIDTH = 440  # of the drawing, in its own pixels: a screen of 390 px shrinks it a little, a wide one enlarges it
SIZES = {"15px": "13px", "16px": "14px"}  # what Vega lays out and what is shown: the page's font may be a wide one
TEXT = 15
TITLE_LETTERS = 46
UNUSED = {"class", "role", "font-family", "pointer-events", "version"}
SVG = "http://www.w3.org/2000/svg"
UNDRAWABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")  # XML or Rust would refuse them

ElementTree.register_namespace("", SVG)
_drawn_by = None  # the process that has the renderer's threads: a fork of it has not


def drawable(value):
    """A value as text that can be drawn."""
    return UNDRAWABLE.sub("\N{REPLACEMENT CHARACTER}", str(value))


def drawn(chart, title, *, height, width=WIDTH):
    """The chart as SVG for a page, its title above it in as many lines as it needs."""
    lines = textwrap.wrap(drawable(title), TITLE_LETTERS * width // WIDTH)
    chart = chart.properties(width=width, height=height + 16 * len(lines), title=lines).configure(**_looks())
    return _fit_for_a_page(_rendered(chart.to_dict()), wide=width > WIDTH)


def _looks():
    axis = {
        **{"labelColor": "currentColor", "titleColor": "currentColor", "gridColor": "var(--plot-grid)"},
        **{"domainColor": "var(--plot-line)", "tickColor": "var(--plot-line)", "titleFontWeight": "normal"},
        **{"labelFontSize": TEXT, "titleFontSize": TEXT, "titlePadding": 8},
    }
    return {
        "background": "transparent",
        "autosize": {"type": "fit", "contains": "padding"},
        "view": {"stroke": None},
        "axis": axis,
        "legend": {"labelColor": "currentColor", "labelFontSize": TEXT},
        "title": {
            "color": "currentColor",
            "fontSize": TEXT + 1,
            "fontWeight": 600,
            "anchor": "start",
            "frame": "bounds",
        },
    }


def _rendered(spec):
    """Vega's SVG of a specification; nothing is fetched for it.

    The renderer has threads of its own, which a fork does not take along: it would wait for them for ever.
    """
    global _drawn_by
    import vl_convert

    if _drawn_by not in (None, os.getpid()):
        raise RuntimeError("This process was forked from one that had drawn plots: draw the first plot after forking.")
    _drawn_by = os.getpid()
    return vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])


def _fit_for_a_page(svg, *, wide):
    """Vega's SVG without what a page has no use for: sizes, roles, classes, fonts, and marks that nobody sees."""
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in [child for child in parent if _unseen(child)]:
            parent.remove(child)
    for element in root.iter():
        for name in [name for name in element.attrib if name in UNUSED or name.startswith("aria-")]:
            del element.attrib[name]
        if "font-size" in element.attrib:
            element.set("font-size", SIZES[element.get("font-size")])
    classes = "plot plot-wide" if wide else "plot"
    root.attrib.update({"class": classes, "aria-hidden": "true", "focusable": "false"})
    return ElementTree.tostring(root, encoding="unicode")


def _unseen(element):
    return (
        element.get("display") == "none"
        or element.get("opacity") == "0"
        or (element.tag == f"{{{SVG}}}path" and element.get("class") in ("background", "foreground"))
    )
