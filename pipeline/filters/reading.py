"""Reading a text: its words and its sentences. Pure functions that any text may be given to."""

import re

WORD = re.compile(r"[^\W_]+")
ASCII_APART = bytes(32 if code < 128 and not chr(code).isalnum() else code for code in range(256))
APART = {code: " " for code in range(128) if not chr(code).isalnum()}
# The end of a sentence: a stop, perhaps closing marks, and space before what may begin the next one.
STOP = re.compile(r"[.!?](?<![.!?].)[.!?]*+[\"'”’)\]*_]*+(?=\s|$)|[。！？]")
STEM = 6
CLOSING = "\"'”’)]*_"
ABBREVIATION = re.compile(
    r"(?:(?:^|[^\w.])(?:[A-Z]|e\.g|i\.e|a\.k\.a|vs|cf|ca|approx|etc|resp|al|Fig|Figs|Eq|Eqs|Ref|Refs|Sec|Tab|No|Nos"
    r"|Vol|pp"
    r"|Dr|Prof|Mr|Ms|Mrs|St|Inc|Ltd|Co|sp|spp|subsp|var|viz|incl|max|min|avg|temp|conc|wt|vol|sat|aq)|\b[ap]\.m)\.$"
)
BEGINS_ONE = re.compile(r"\s*[\"'“‘(\[*_]*(?:[^\W\d_a-z]|\d)")
SURELY_BEGINS = re.compile(
    r"\s+(?:the|this|these|that|those|we|it|its|if|then|in|a|an|at|after|when|as|by|for|to|compare|measure|record"
    r"|add)\b",
    re.IGNORECASE,
)
MARKER = re.compile(r"[ \t]*(?:>[ \t]*)*(?:[-*+•–—][ \t]+|\(?(?:\d{1,2}|[a-hA-H]|[ivx]{1,4})[.)][ \t]+)?")
HEADING = re.compile(
    r"[ \t]*#{1,6}[ \t]|[ \t]*\*\*[^*.!?\n]{1,80}\*\*:?[ \t]*$|[^.!?\n]{1,60}:[ \t]*$|[ \t]*[-*_=]{3,}[ \t]*$"
)


def words(lower):
    """The words of a text in lower case, in order, as letters and digits: co-culture is two, mos2 is one."""
    if lower.isascii():  # taken apart so four times as fast
        return lower.translate(APART).split()
    found = []
    for token in lower.encode("utf-8", "surrogatepass").translate(ASCII_APART).decode("utf-8", "surrogatepass").split():
        if token.isascii():
            found.append(token)
        else:
            found += WORD.findall(token)
    return found


def stem(word):
    """The beginning of a word, which its forms share: concen of concentration and concentrate."""
    return word.removesuffix("s")[:STEM]


def sentences(text):
    """The sentences of `text` as written. A line that ends without a stop ends a sentence too, a heading is none."""
    found = []
    for block in _blocks(text):
        found += _split(block)
    return found


def _blocks(text):
    """Paragraphs and list items. A line without a marker goes on with the one before, unless that ended."""
    blocks = [[]]
    for line in text.splitlines():
        marker = MARKER.match(line).end()
        rest = line[marker:].strip()
        if not rest or HEADING.match(line):
            blocks.append([])
        elif line[:marker].strip() or not blocks[-1] or blocks[-1][-1][-1] in ".!?:":
            blocks.append([rest])
        else:
            blocks[-1].append(rest)
    return [" ".join(block) for block in blocks if block]


def _split(block):
    found, start = [], 0
    for match in STOP.finditer(block):
        abbreviated = match[0].rstrip(CLOSING) == "."  # perhaps
        if abbreviated and match.end() < len(block) and not _ends(block, match):
            continue
        found.append(block[start : match.end()].strip())
        start = match.end()
    found.append(block[start:].strip())
    return [sentence for sentence in found if WORD.search(sentence)]


def _ends(block, match):
    if not BEGINS_ONE.match(block, match.end()):
        return False
    before = block[max(0, match.start() - 12) : match.start() + 1]
    return not ABBREVIATION.search(before) or bool(SURELY_BEGINS.match(block, match.end()))
