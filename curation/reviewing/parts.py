"""The parts of an answer, its sentences and steps: what supports each of them, and taking one into another text."""

import re
from dataclasses import dataclass, field

from .shared_words import content_words, sentence_spans
from .support import Quote
from .terms import Piece

MOST_QUOTES = 2  # that one sentence of several is said to lean on
LEAST_SHARED = 2  # content words that a sentence and its quote have in common, at least …
LEAST_SHARE = 0.34  # … and the part of the smaller one's words
_LINE = re.compile(r"[^\n]+")
_STEP = re.compile(r"\s*(?:\d{1,3}[.)]|[-*•–])\s+\S")
_NUMBER = re.compile(r"(\s*)(\d{1,3})([.)]\s+)")


@dataclass
class Part:
    """A sentence or step of an answer: its Pieces, the Quotes of the source that it leans on, the white space after."""

    number: int
    pieces: list[Piece]
    after: str
    quotes: list[Quote] = field(default_factory=list)

    @property
    def text(self):
        return "".join(piece.text for piece in self.pieces)

    @property
    def what(self):
        """ "step" or "sentence"."""
        return "step" if _STEP.match(self.text) else "sentence"


def spans_of(text):
    """(start, end) of each sentence or step of `text`: a numbered or marked line is one step, whatever it says."""
    found, prose = [], None
    for line in _LINE.finditer(text):
        if _STEP.match(line[0]):
            found += _sentences(text, prose)
            found.append(_trimmed(text, *line.span()))
            prose = None
        elif found and prose is None and line[0][:1].isspace() and line[0].strip():
            found[-1] = _trimmed(text, found[-1][0], line.end())  # goes on below its step
        else:
            prose = (prose[0] if prose else line.start(), line.end())
    return found + _sentences(text, prose)


def _sentences(text, span):
    if span is None:
        return []
    start, end = span
    return [(start + first, start + last) for first, last in sentence_spans(text[start:end])]


def _trimmed(text, start, end):
    said = text[start:end]
    return start + len(said) - len(said.lstrip()), end - len(said) + len(said.rstrip())


def parts_of(text, pieces, quotes=()):
    """(white space before, [Part]) of an answer whose Pieces are known: together they are the text, complete."""
    spans = spans_of(text)
    if not spans:
        return text, []
    edges = [start for start, _ in spans[1:]] + [len(text)]
    made = [
        Part(number, _within(pieces, start, end), text[end:edge])
        for number, ((start, end), edge) in enumerate(zip(spans, edges, strict=True), 1)
    ]
    _lean(made, list(quotes))
    return text[: spans[0][0]], made


def _within(pieces, start, end):
    """What of `pieces` lies between `start` and `end`."""
    found, at = [], 0
    for piece in pieces:
        first, last = max(start, at), min(end, at + len(piece.text))
        if first < last:
            found.append(Piece(piece.text[first - at : last - at], piece.kind))
        at += len(piece.text)
    return found


def _lean(parts, quotes):
    """Tell each part which quotes it leans on: all of them where there is one part, else those that share its words."""
    if len(parts) == 1:
        parts[0].quotes = quotes
        return
    words = [(quote, content_words(quote.text)) for quote in quotes]
    for part in parts:
        own = content_words(part.text)
        ranked = []
        for place, (quote, said) in enumerate(words):
            shared = len(own & said)
            if shared >= LEAST_SHARED and shared >= LEAST_SHARE * min(len(own), len(said)):
                ranked.append((-shared, place, quote))
        best = sorted(ranked[:], key=lambda each: each[:2])[:MOST_QUOTES]
        part.quotes = [quote for _, _, quote in sorted(best, key=lambda each: each[1])]


def part_text(text, number):
    """The sentence or step of `text` with this number, counted from 1; None if it has none."""
    spans = spans_of(text)
    return text[slice(*spans[number - 1])] if 1 <= number <= len(spans) else None


def with_part(text, part):
    """`text` with a sentence or step of another answer put at its end; a step gets the next number."""
    if not text.strip():
        return part
    text = text.rstrip()
    lines = text.split("\n")
    numbers = [_NUMBER.match(line) for line in lines]
    last = next((number for number in reversed(numbers) if number), None)
    if not _STEP.match(part):
        return f"{text}\n{part}" if last else f"{text} {part}"
    if last:
        bare = part[match.end() :] if (match := _NUMBER.match(part)) else re.sub(r"^\s*[-*•–]\s+", "", part)
        part = f"{last[1]}{int(last[2]) + 1}{last[3]}{bare}"
    return f"{text}\n{part}"
