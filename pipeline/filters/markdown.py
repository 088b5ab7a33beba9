"""The rule against broken markdown: an unclosed fence, bold that never ends, tables and headings that are none."""

import re

from pipeline.filters import kinds
from pipeline.filters.answer import Measurement, quoted
from pipeline.filters.registry import Setting, rule

FENCE = re.compile(r"[ ]{0,3}(?:>\s?)?(`{3,}|~{3,})(.*)")
CODE_OR_FORMULA = re.compile(
    r"`[^`\n]+`|\$\$.+?\$\$|\$(?!\s)[^$\n]{1,300}?(?<!\s)\$(?!\d)|\\\(.{0,400}?\\\)|\\\[.{0,2000}?\\\]", re.DOTALL
)
NEW_BLOCK = re.compile(r"\n\s*\n|\n(?=\s*(?:[-+]\s|\*\s|\d{1,2}[.)]\s|#{1,6}\s|>|\|))")
STARS = re.compile(r"(?<![\\*])\*{2,3}(?!\*|\s?[pP]\s?[<=≤])")  # "**p < 0.01" marks significance
RULE_LINE = re.compile(r"\s*(?:\*\s*){3,}$")
HEADING = re.compile(r"\s{0,3}(#{1,6})(?!#)(.*)")
DELIMITER_ROW = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")
OPEN_LINK = re.compile(r"\[[^\]\n]+\]\((?:https?:)?[^)\s]*(?=\s|$)")
RAW_JSON = re.compile(r"\s*(?:```\w*\s*)?(?:\[\s*)?\{\s*\"")


@rule(
    "broken_markdown",
    label="Broken markdown",
    help="The answer's formatting is whole: fences and bold are closed, tables and headings are complete.",
    settings=[Setting("ban_broken_markdown", kinds.switch, default=True)],
)
def broken_markdown(answer):
    found = breaks(answer.text)
    return Measurement("broken_markdown", len(found), 0, not found, "; ".join(found[:3]))


def breaks(text):
    """What is broken in the formatting of `text`, each in a few words."""
    text = text.replace("\r\n", "\n")
    found = ["the text is raw JSON"] if RAW_JSON.match(text) else []
    if "```" in text or "~~~" in text:
        text, unclosed = _without_fences(text)
        found += ["a code fence is not closed"] if unclosed or text.count("```") % 2 else []
    if "**" in text:
        found += _open_bold(text)
    if "#" in text:
        found += _odd_headings(text)
    if "|" in text:
        found += _odd_tables(text)
    if "](" in text and OPEN_LINK.search(text):
        found.append(f"a link is not closed: {quoted([OPEN_LINK.search(text)[0]])}")
    return found


def _without_fences(text):
    """The text without its fenced blocks, and whether the last one was left open."""
    kept, fence = [], ""
    for line in text.split("\n"):
        match = FENCE.fullmatch(line)
        if fence:
            if match and match[1][0] == fence[0] and len(match[1]) >= len(fence) and not match[2].strip():
                fence = ""
        elif match and not (match[1][0] == "`" and "`" in match[2]):
            fence = match[1]
        else:
            kept.append(line)
    return "\n".join(kept), bool(fence)


def _open_bold(text):
    """Bold ends within its paragraph or list item. 10**6 and the stars of p < 0.01** are no bold."""
    found = []
    for block in NEW_BLOCK.split(CODE_OR_FORMULA.sub("x", text)):
        if RULE_LINE.match(block):
            continue
        opened = 0
        for match in STARS.finditer(block):
            before, after = block[max(0, match.start() - 1) : match.start()], block[match.end() : match.end() + 1]
            if opened and before.strip():
                opened = 0
            elif after.strip() and not before.isalnum():
                opened = opened or match.start() + 1
            elif not before.isalnum():
                found.append(f"stray ** in {quoted([block[max(0, match.start() - 20) : match.end() + 20]])}")
        if opened:
            found.append(f"bold is not closed: {quoted([block[opened - 1 : opened + 40]])}")
        if re.search(r"(?<![*\w])\*{4,}(?![*\w])", block):
            found.append("empty bold: ****")
    return found


def _odd_headings(text):
    found = []
    lines = [line for line in text.split("\n") if line.strip()]
    for number, line in enumerate(lines):
        match = HEADING.fullmatch(line)
        if not match:
            continue
        marks, title = match[1], match[2].rstrip("# ")
        if not title.strip():
            found.append("a heading without text")
        elif not title[0].isspace():
            if len(marks) > 1 and title[0].isalpha():
                found.append(f"a heading without a space: {quoted([line])}")
        elif number == len(lines) - 1 and len(lines) > 1:
            found.append(f"a heading with nothing below it: {quoted([line])}")
    return found


def _odd_tables(text):
    """A block of lines that begin with | is a table: its second line is |---|, as many columns as the first."""
    found, block = [], []
    for line in [*text.split("\n"), ""]:
        if line.lstrip().startswith("|"):
            block.append(line.strip())
            continue
        if len(block) > 1 or (block and DELIMITER_ROW.match(block[0])):
            found += _odd_table(block)
        block = []
    return found


def _odd_table(rows):
    if DELIMITER_ROW.match(rows[0]):
        return ["a table without a head"]
    if not DELIMITER_ROW.match(rows[1]):
        return [f"a table without its |---| line: {quoted(rows[:1])}"] if rows[0].endswith("|") else []
    if _columns(rows[0]) != _columns(rows[1]):
        return [f"a table whose head has {_columns(rows[0])} columns and its |---| line {_columns(rows[1])}"]
    if rows[0].endswith("|") and not rows[-1].endswith("|"):
        return [f"a table cut off in {quoted(rows[-1:])}"]
    return []


def _columns(row):
    return len(re.split(r"(?<!\\)\|", row.strip("|")))
