"""Where the sentences that the answers lean on stand in their source."""

import re
from dataclasses import dataclass, field

from .shared_words import shared_sentences

MAX_QUOTES = 30
_TRIM = " \t\n\r\"'“”‘’«»…."


@dataclass
class Quote:
    """A sentence an answer leans on; `found` says whether the source really has it.

    `half` is the place of the answer among those on the page. A sentence that the answer does not quote itself but
    shares words with is `by_words`.
    """

    anchor: str
    text: str
    found: bool = False
    by_words: bool = False
    half: int = 0
    tag: str = ""
    what: str = "answer"

    @property
    def claim(self):
        """The id of its place beside the answer."""
        return f"claim-{self.anchor}"


@dataclass
class Segment:
    """A stretch of the source with the quotes that cover it, those that begin here and those that end here."""

    text: str
    quotes: list[Quote] = field(default_factory=list)
    begins: list[Quote] = field(default_factory=list)
    ends: list[Quote] = field(default_factory=list)

    @property
    def marked(self):
        return bool(self.quotes)

    @property
    def halves(self):
        """Which answers it supports, as a word for the style: first, second or both."""
        halves = {quote.half for quote in self.quotes}
        return "both" if len(halves) > 1 else "second" if 1 in halves else "first"

    @property
    def by_words(self):
        """Whether no answer quotes it."""
        return all(quote.by_words for quote in self.quotes)


def support_of(response, source, *, half=0, letter="", what="answer"):
    """The Quotes of an answer (`what` names it); where it brings none, sentences of the source that share its words."""
    quotes = quotes_of(response) or found_by_words(response, source)
    for number, quote in enumerate(quotes, 1):
        quote.half, quote.tag, quote.what = half, f"{letter}{number}", what
    return quotes


def quotes_of(response):
    """The Quotes of a structured answer; none for plain text."""
    found = (response.fields or {}).get("support") if isinstance(response.fields, dict) else None
    found = [found] if isinstance(found, str) else found
    texts = [text for text in found if isinstance(text, str) and text.strip(_TRIM)] if isinstance(found, list) else []
    return [Quote(f"support-{response.pk}-{number}", text) for number, text in enumerate(texts[:MAX_QUOTES], 1)]


def found_by_words(response, source):
    """The sentences of `source` that share most content words with an answer, as Quotes in the source's order."""
    return [
        Quote(f"support-{response.pk}-{number}", sentence, by_words=True)
        for number, sentence in enumerate(shared_sentences(response.text, source), 1)
    ]


def mark(source, quotes):
    """The source as Segments, in order and complete; sets `found` on each quote.

    A quote is found with any white space between its words, whatever its case and the marks around it.
    """
    spans = []
    for quote in quotes:
        match = re.search(_pattern(quote.text), source, re.IGNORECASE)
        quote.found = bool(match)
        if match:
            spans.append((match.start(), match.end(), quote))
    edges = sorted({0, len(source), *(edge for start, end, _ in spans for edge in (start, end))})
    return [
        Segment(
            source[start:end],
            [quote for first, last, quote in spans if first <= start and end <= last],
            [quote for first, _, quote in spans if first == start],
            [quote for _, last, quote in spans if last == end],
        )
        for start, end in zip(edges, edges[1:], strict=False)
    ]


def _pattern(text):
    # What closes a sentence belongs to it, also where the quote leaves it out.
    return r"\s+".join(re.escape(word) for word in text.strip(_TRIM).split()) + r"[.!?…]?[\"”’]?"
