"""Broken markdown, and formatting or formulas that are whole."""

import pytest

from pipeline.filters import RULES, Answer


def measure(text):
    return RULES["broken_markdown"].measure(Answer(text))


BROKEN = [
    ("```python\nx = 1", "fence"),
    ("Answer:\n~~~\nx", "fence"),
    ("````\n```\nstill open", "fence"),
    ("Use ```code here.", "fence"),
    ("**Hypothesis: it falls.", "bold"),
    ("1. **Prepare\n2. cells**", "bold"),
    ("**A\n\nB**", "bold"),
    ("A ** B", "stray"),
    ("A **** B", "empty bold"),
    ("| a | b |\n| 1 | 2 |", "table"),
    ("|---|---|", "table"),
    ("| a | b | c |\n|---|---|\n| 1 | 2 | 3 |", "columns"),
    ("| a | b |\n|---|---|\n| 1 | 2", "cut off"),
    ("##Method\nMix.", "heading"),
    ("Mix.\n### Safety", "heading"),
    ("##\nMix.", "heading"),
    ("See [the page](http://exam", "link"),
    ('{"statement": "It falls"}', "JSON"),
    ('```json\n{"statement": "It falls"}\n```', "JSON"),
    ('[{"statement": "It falls"}]', "JSON"),
]

WHOLE = [
    "",
    "Plain text.",
    "**Hypothesis:** it *falls*.",
    "***Both*** and un**believ**able.",
    "**over\ntwo lines** of one paragraph",
    "1. **Prepare** cells.\n2. **Measure** them.",
    "* one\n* two **bold**",
    "```python\na ** b\n```\nDone.",
    "A run of `**` and `a ** b`.",
    "10**6 cells, 2**n rows",
    "p < 0.01**, **p < 0.01, ***P<0.001",
    "$a ** b$ and \\(a ** b\\)",
    "***\n",
    "| a | b |\n|---|:-:|\n| 1 | 2 |",
    "The norm |x| and {x | x > 0}",
    "|x| is small.",
    "# Title\n\nText",
    "#1 of the samples",
    "C# and F#",
    "[page](https://example.org/a_(b))",
    "[1] is a number, {x} a set, {\\rm d}x a form",
    "A set {a: 1}",
]


@pytest.mark.parametrize(("text", "why"), BROKEN)
def test_broken(text, why):
    measurement = measure(text)
    assert not measurement.ok
    assert measurement.value >= 1
    assert why in measurement.note


@pytest.mark.parametrize("text", WHOLE)
def test_whole(text):
    measurement = measure(text)
    assert measurement.ok, measurement.note
    assert (measurement.value, measurement.limit, measurement.note) == (0, 0, "")
