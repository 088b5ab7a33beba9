"""Sentences of a text that speak of what another text speaks of, found by the content words that both have."""

import re
from collections import Counter

MOST_FOUND = 3  # sentences: more would mark half of a short source
LEAST_WORDS = 3  # content words that a sentence and an answer must share …
LEAST_SHARE = 0.3  # … and the part of the sentence's weight that these must be
_SENTENCE_END = re.compile(r"(?<=[.!?])([\"”’)\]]*)\s+(?=[\"“‘(\[]*[A-Z0-9À-ÞΑ-Ω])|\n\s*\n")
_NOT_AN_END = re.compile(
    r"(?:\b(?:e\.g|i\.e|et al|cf|ca|vs|approx|resp|[Ff]igs?|[Ee]qs?|[Rr]efs?|[Nn]os?|Dr|Prof|St)|(?<!\d\s)\b[A-Z])\.$"
)
_WORD = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+(?:[-–'’][^\W_]+)*")
_EVERYDAY = """
about above after again against all along also although among an and another any are as at be because been before
being below between both but by can could did do does doing done during each either else ever every for from further
given had has have having he hence her here him his how however if in into is it its itself just least less like
made make many may me more most much must my near never no none not nothing of on one only onto or other others our
ours out over per same shall she should show shown shows since so some such take taken than that the their them then
there therefore these they this those through thus to together toward towards two under until up upon us use used
uses using very via was we were what when where whether which while who why will with within without would you your
"""
_SAYS_NOTHING = frozenset(_EVERYDAY.split())
_ENDINGS = ("ations", "ation", "ingly", "ities", "ings", "ing", "edly", "ies", "ity", "ed", "es", "s", "e")


def shared_sentences(text, source):
    """At most MOST_FOUND sentences of `source` that share enough content words with `text`, in the source's order.

    A word weighs less the more sentences of the source have it: what they all speak of tells none of them apart.
    """
    said = content_words(text)
    parts = [(sentence, content_words(sentence)) for sentence in sentences(source)]
    common = Counter(word for _, words in parts for word in words)
    ranked = []
    for place, (sentence, words) in enumerate(parts):
        shared = words & said
        weight, whole = (sum(1 / common[word] for word in each) for each in (shared, words))
        if len(shared) >= LEAST_WORDS and weight >= LEAST_SHARE * whole:
            ranked.append((-weight, place, sentence))
    best = sorted(ranked)[:MOST_FOUND]
    return [sentence for _, _, sentence in sorted(best, key=lambda each: each[1])]


def sentences(text):
    """The sentences of a text, trimmed; an abbreviation such as "et al." ends none."""
    return [text[start:end] for start, end in sentence_spans(text)]


def sentence_spans(text):
    """(start, end) of each sentence of a text, without the white space around it."""
    found, start = [], 0
    for end in _SENTENCE_END.finditer(text):
        if not _NOT_AN_END.search(text[start : end.start()]):
            found.append((start, end.end(1) if end[1] else end.start()))
            start = end.end()
    trimmed = []
    for first, last in [*found, (start, len(text))]:
        said = text[first:last]
        if said.strip():
            trimmed.append((first + len(said) - len(said.lstrip()), last - len(said) + len(said.rstrip())))
    return trimmed


def content_words(text):
    """What a text speaks of: its words without endings, everyday words aside; numbers and short symbols count."""
    found = set()
    for word in _WORD.findall(text):
        plain = word.casefold()
        if plain in _SAYS_NOTHING or (len(plain) < 3 and plain == word and not plain.isdigit()):
            continue
        found.add(_stem(plain))
    return found


def _stem(word):
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word
