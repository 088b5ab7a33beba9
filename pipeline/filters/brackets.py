"""Telling numbers in square brackets apart: a citation [1, 2], an index arr[1], an interval [1, 2] mM."""

import re

NUMBERS = re.compile(r"\[\s*\d{1,3}(?:\s*(?:,|;|-|–|—)\s*\d{1,3})*\s*\]")
# Code and formulas hold no citations. A dollar counts as a formula's sign only where it hugs its content.
NOT_PROSE = re.compile(
    r"```[ \t]*(?!(?:markdown|md|text|txt)?[ \t]*\n).*?(?:```|\Z)|`[^`\n]+`|\$\$.+?\$\$"
    r"|\$(?![\s\d])[^$\n]{1,300}?(?<!\s)\$(?!\d)|\\\(.{0,400}?\\\)",
    re.DOTALL,
)
# Words that name what is indexed; "as shown[1]" on the other hand is a citation set close.
INDEXED = frozenset(
    """args array arrays batch bins buffer cell cells channel channels coef coefs col cols column columns coords data
    df dict dims edges elements entries features frame frames grid image images index indices input inputs item
    items keys labels layer layers list lists mask matrix matrices nodes outputs output params path points pos
    position probs queue readings result results row rows sample samples scores sequence series shape signal stack
    state states string table tensor tuple vals value values vector vectors weights words""".split()  # noqa: SIM905  a list of words reads best as words
)
WORD_BEFORE = re.compile(r"(?:^|[\s(“\"'—–-])([a-z]{4,})$")
BRACKETED_BEFORE = re.compile(r"(?:^|\s)\([^()]*\)$")
GLUED_AFTER = re.compile(r"[\w{(]|-(?=\w)|\s*(?:=(?!=)|[+*/<>^]\s*\w)")
OPERATOR_BEFORE = re.compile(r"(?:[=<>≤≥≈∈±~+*/^_×·]|\\in|\b(?:np|torch|list|array|vec)\()\s*$")
INTERVAL_BEFORE = re.compile(
    r"(?:\b(?:intervals?|ranges?|domain|between|bounds?|limits?|window|within|[CP]I)|\b(?:scaled?|rescaled?"
    r"|normali[sz]ed?"
    r"|clipped|mapped|restricted|set|varied|varies|vary)\s+(?:in|to|on|over|onto|from|within)|\bvalues?\s+(?:in"
    r"|from|of)"
    r"|\b[A-Za-zα-ωΑ-Ω]\s+in)\s*(?:of|from|is|was|in|over|:|,|=|\()?\s*$"
)
UNIT_AFTER = re.compile(
    r"\s*(?:[munpk]?(?:M|mol|g|V|Pa|eV|Hz|s|m|L|l)|[mµμ]A|[MG](?:Hz|Pa|eV)|µ\w+|μ\w+|K|°\w?|%|cm|bar|wt|ppm|hours?"
    r"|h|min"
    r"|minutes?|seconds?|days?|years?|fold|degrees?|units?)(?![\w'])"
)


def bracket_citations(text):
    """The numbers in square brackets of `text` that cite something, as written."""
    prose = NOT_PROSE.sub(lambda match: " " * len(match[0]), text)
    found, last_end = [], None
    for match in NUMBERS.finditer(prose):
        if _cites(prose, match, follows_citation=match.start() == last_end):
            found.append(match[0])
            last_end = match.end()
    return found


def _cites(text, match, follows_citation):
    before, after = text[max(0, match.start() - 60) : match.start()], text[match.end() : match.end() + 20]
    numbers = [int(number) for number in re.findall(r"\d+", match[0])]
    if 0 in numbers:  # references are counted from 1
        return False
    if after.startswith("("):  # [1](https://...) is a link to a source; f[1](x) is not
        return after.startswith("(http") and not before[-1:].isalnum()
    if GLUED_AFTER.match(after) and not after.startswith(("-[", "–[")):
        return False
    if OPERATOR_BEFORE.search(before):
        return False
    if len(numbers) == 2 and numbers[0] < numbers[1] and (INTERVAL_BEFORE.search(before) or UNIT_AFTER.match(after)):
        return False
    return follows_citation or _stands_free(before)


def _stands_free(before):
    """Whether a bracket after this text is not an index of it."""
    if not re.search(r"[\w\])}]$", before):
        return True
    word = WORD_BEFORE.search(before)
    if word:
        return word[1] not in INDEXED
    return bool(BRACKETED_BEFORE.search(before))
