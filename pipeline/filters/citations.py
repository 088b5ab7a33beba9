"""The rule against citations: an answer for training must not cite literature that nobody can check."""

import re

from pipeline.filters import kinds
from pipeline.filters.answer import Measurement, quoted
from pipeline.filters.brackets import bracket_citations
from pipeline.filters.registry import Setting, rule

IDENTIFIERS = re.compile(
    r"\bdoi\s*[:=]?\s*10\b\S*"
    r"|\b(?:dx\.)?doi\.org/\S*"
    r"|(?<![\d.])10\.\d{4,9}/[-._;()/:a-z0-9]*[a-z0-9]"
    r"|\barxiv\s*:\s*(?:\d{4}\.\d{4,5}|[a-z-]+/\d{7})"
    r"|\bpm(?:id|cid)\s*:?\s*(?:pmc)?\d+",
    re.IGNORECASE,
)
REFERENCES = re.compile(
    r"[(\[]\s*(?:see\s+|cf\.?\s+)?ref(?:erence)?s?\.?\s*\[?\d+[^)\]]{0,30}[)\]]"
    r"|\brefs?\.\s*\[?\d+\]?"
    r"|\\(?:auto|foot|paren|text)?cite[a-z]*\*?\s*(?:\[[^\]]*\]\s*){0,2}\{[^}]*\}"
    r"|\[(?:citations?(?: needed)?|refs?\.?|references?|sources?)\]"
    r"|\[\^\w+\]",
    re.IGNORECASE,
)

YEAR = r"(?:1[89]|20)\d\d[a-z]?\b"
NOT_AUTHORS = (
    r"(?!(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec|January|February|March|April|June|July|August"
    r"|September"
    r"|October|November|December|Spring|Summer|Autumn|Fall|Winter|Season|Fig|Figs|Figure|Table|Section|Eq|Equation|Step"
    r"|Version|Release|Edition|Since|From|In|By|Until|Before|After|Circa|Copyright|Published|Accessed|Revised|Updated"
    r"|Year|Day|Data|The|This|For|At|On|Windows|Office)\b)"
)
NAME = rf"{NOT_AUTHORS}(?:(?:van|von|de|der|den|la|le|di|del|da|dos|el|al|ter)\s+){{0,3}}[A-ZÀ-ÖØ-Þ](?:\w|['’-](?=\w))+"
AUTHORS = rf"{NAME}(?:(?:,\s*|,?\s+(?:and|&)\s+){NAME}){{0,6}}(?:,?\s+et\s+al\b\.?)?"
IN_BRACKETS = re.compile(
    rf"[(\[](?:see|e\.g\.|cf\.|i\.e\.|as in|reviewed (?:in|by)|[,;]|\s)*"
    rf"{AUTHORS},?\s+\(?{YEAR}[^()\[\]]{{0,160}}\)?[)\]]"
)
IN_THE_SENTENCE = re.compile(
    rf"{NAME}\s+(?:and|&)\s+{NAME}\s*\(\s*{YEAR}\s*\)"
    rf"|{NAME}\s*\(\s*{YEAR}\s*\)(?=\s+(?:show|report|found|find|demonstrat|propos|describ|observ|suggest|argu|not"
    rf"|stat|claim|measured))"
    rf"|(?<=\bby\s){NAME}\s*\(\s*{YEAR}\s*\)|(?<=\bto\s){NAME}\s*\(\s*{YEAR}\s*\)|(?<=\bsee\s){NAME}\s*\(\s*{YEAR}\s*\)"
)
ET_AL = re.compile(rf"[A-ZÀ-ÖØ-Þ](?:\w|['’-](?=\w))+,?\s+et\s+al\b\.?(?:,?\s*\(?{YEAR}\)?)?")
YEAR_BEHIND_BRACKET = re.compile(r"[(\[][^()\[\]]*?(?:1[89]|20)\d\d")
YEAR_IN_BRACKETS = re.compile(rf"\(\s*{YEAR}")
# No citation of the kind is without one of these; looking for them first makes the usual answer cheap.
IDENTIFIER_CUES = ("doi", "10.", "arxiv", "pmid", "pmcid", "pmc")
REFERENCE_PARTS = ("ref", "cit", "[")
REFERENCE_CUES = (
    "ref.",
    "refs.",
    "(ref",
    "[ref",
    "( ref",
    "[ ref",
    "see ref",
    "cf. ref",
    "cite",
    "citation",
    "[source",
    "[^",
)


@rule(
    "ban_citations",
    label="No citations",
    help="The answer cites no literature: no [1], (ref. 3), (Smith et al., 2019), DOI or the like.",
    settings=[Setting("ban_citations", kinds.switch, default=True)],
)
def ban_citations(answer):
    found = citations(answer.text, answer.lower)
    note = f"Cites {quoted(found)}." if found else ""
    return Measurement("ban_citations", len(found), 0, not found, note)


def citations(text, lower):
    """The citations in `text`, as written; `lower` is the same in lower case. Indexing such as x[0] is none."""
    found = []
    if any(cue in lower for cue in IDENTIFIER_CUES):
        found += [match[0] for match in IDENTIFIERS.finditer(text)]
    if "[" in text:
        found += bracket_citations(text)
    if any(part in lower for part in REFERENCE_PARTS) and any(cue in lower for cue in REFERENCE_CUES):
        found += [match[0] for match in REFERENCES.finditer(text)]
    return found + author_years(text)


def author_years(text):
    """Citations by name: (Smith et al., 2019), Smith and Jones (2019), Smith et al."""
    found = []

    def take(match):
        found.append(match[0])
        return " "

    if ("(" in text or "[" in text) and YEAR_BEHIND_BRACKET.search(text):
        text = IN_BRACKETS.sub(take, text)
        if YEAR_IN_BRACKETS.search(text):
            text = IN_THE_SENTENCE.sub(take, text)
    if "et al" in text:
        ET_AL.sub(take, text)
    return found
