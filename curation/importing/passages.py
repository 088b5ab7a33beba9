"""Long documents are cut at paragraphs into passages."""

import re
from collections.abc import Iterator

PARAGRAPH_END = re.compile(r"\n[ \t]*\n\s*")
SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")
WORD_END = re.compile(r"\s+")
DEFAULT_LIMIT = 6000
SMALLEST_LIMIT = 200


def cut(text: str, limit: int = DEFAULT_LIMIT) -> list[str]:
    """`text` itself if it has at most `limit` characters, else passages of at most that many.

    Cuts fall between paragraphs; a paragraph over the limit is cut between sentences, a sentence between words.
    Nothing but white space at the cuts is left out.
    """
    if len(text) <= limit:
        return [text]
    passages = (text[start:end] for start, end in _joined(_pieces(text, 0, len(text), limit), limit))
    return [passage for passage in passages if passage.strip()]


def _pieces(text, start, end, limit) -> Iterator[tuple[int, int]]:
    """(start, end) of paragraphs, or of the parts of one that is too long."""
    for ends in (PARAGRAPH_END, SENTENCE_END, WORD_END):
        if ends.search(text, start, end):
            for piece in _between(ends, text, start, end):
                yield from _pieces(text, *piece, limit) if piece[1] - piece[0] > limit else [piece]
            return
    yield from ((at, min(at + limit, end)) for at in range(start, end, limit))


def _between(ends, text, start, end):
    for match in ends.finditer(text, start, end):
        yield start, match.start()
        start = match.end()
    yield start, end


def _joined(pieces, limit):
    """Neighbours that fit into one passage, as one; the white space between them stays."""
    held = None
    for start, end in pieces:
        if start == end:
            continue
        if held and end - held[0] <= limit:
            held = (held[0], end)
            continue
        if held:
            yield held
        held = (start, end)
    if held:
        yield held
