"""Where the sentences that an answer leans on stand in its source."""

import re
from dataclasses import dataclass, field

MAX_QUOTES = 30
_TRIM = " \t\n\r\"'“”‘’«»…."


@dataclass
class Quote:
    """A sentence an answer calls its support; `found` says whether the source really has it."""

    anchor: str
    text: str
    found: bool = False


@dataclass
class Segment:
    """A stretch of the source; marked if a quote covers it. `anchors` are of the quotes that begin here."""

    text: str
    marked: bool = False
    anchors: list[str] = field(default_factory=list)


def quotes_of(response):
    """The Quotes of a structured answer; none for plain text."""
    found = (response.fields or {}).get("support") if isinstance(response.fields, dict) else None
    found = [found] if isinstance(found, str) else found
    texts = [text for text in found if isinstance(text, str) and text.strip(_TRIM)] if isinstance(found, list) else []
    return [Quote(f"support-{response.pk}-{number}", text) for number, text in enumerate(texts[:MAX_QUOTES], 1)]


def mark(source, quotes):
    """The source as Segments, in order and complete; sets `found` on each quote.

    A quote is found with any white space between its words, whatever its case and the marks around it.
    """
    spans = []
    for quote in quotes:
        match = re.search(_pattern(quote.text), source, re.IGNORECASE)
        quote.found = bool(match)
        if match:
            spans.append((match.start(), match.end(), quote.anchor))
    edges = sorted({0, len(source), *(edge for start, end, _ in spans for edge in (start, end))})
    return [
        Segment(
            source[start:end],
            any(first <= start and end <= last for first, last, _ in spans),
            [anchor for first, _, anchor in spans if first == start],
        )
        for start, end in zip(edges, edges[1:], strict=False)
    ]


def _pattern(text):
    return r"\s+".join(re.escape(word) for word in text.strip(_TRIM).split())
