"""Where an answer speaks of the variable and the outcome that a hypothesis names."""

import re
from dataclasses import dataclass

from .shared_words import content_words

KINDS = ("variable", "outcome")
_WORDS = re.compile(r"\S+")


@dataclass
class Piece:
    """A stretch of an answer; `kind` is variable, outcome or empty."""

    text: str
    kind: str = ""


def terms_of(fields):
    """{kind: words} that a parsed hypothesis names; empty without them."""
    fields = fields if isinstance(fields, dict) else {}
    return {kind: fields[kind] for kind in KINDS if isinstance(fields.get(kind), str) and fields[kind].strip()}


def pieces(text, terms):
    """`text` as Pieces, in order and complete, with every place that names one of `terms`.

    Where the words as they stand do not occur, the longest run of them that does is what is looked for: a method
    speaks of "the iron content" where the hypothesis has "the iron content of the electrolyte".
    """
    spans = []
    for kind, words in terms.items():
        for start, end in _places(text, words):
            if all(end <= first or start >= last for first, last, _ in spans):
                spans.append((start, end, kind))
    made, at = [], 0
    for start, end, kind in sorted(spans):
        made += [Piece(text[at:start]), Piece(text[start:end], kind)]
        at = end
    return [piece for piece in [*made, Piece(text[at:])] if piece.text]


def _places(text, words):
    words = _WORDS.findall(words.strip(" .,;:\"'“”"))
    for length in range(len(words), 0, -1):
        found = []
        for first in range(len(words) - length + 1):
            run = words[first : first + length]
            if length == len(words) or _says_enough(run):
                found += [match.span() for match in re.finditer(_pattern(run), text, re.IGNORECASE)]
        if found:
            return found
    return []


def _says_enough(run):
    """Whether a part of the words still means the thing: it begins and ends with a word of its own, not a short one."""
    ends = (run[0], run[-1])
    return all(content_words(word) for word in ends) and (len(run) > 1 or len(run[0]) > 4)


def _pattern(words):
    return r"(?<!\w)" + r"\s+".join(re.escape(word) for word in words) + r"(?:s|es)?(?!\w)"
