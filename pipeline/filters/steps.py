"""Reading the ordered steps of a text."""

import re

ITEM = re.compile(
    r"[ \t]*(?:>[ \t]*)?(?:#{1,6}[ \t]+)?[*_]{0,3}(?:(?:step|stage|phase)[ \t]*(?P<named>\d{1,2}|[a-h]"
    r"|[ivx]{1,4})\b[ \t]*[:.)–—-]?"
    r"|\(?(?P<number>\d{1,2})[.)](?=[ \t*_]|$)|(?P<letter>[a-h]|[ivx]{1,4})[.)](?=[ \t]))[*_]{0,3}",
    re.IGNORECASE,
)
# In running text: "1. Mix … 2. Heat …", "(1) mix, (2) heat". Not "at pH 2. Then".
INLINE = re.compile(r"(?P<number>[1-9](?<![^\s(].)[0-9]?)(?:\)\s|\.\s+(?=[A-Z*]))")
ORDER_WORDS = re.compile(
    r"[\s>*_#-]*(?:first(?:ly)?|second(?:ly)?|third(?:ly)?|fourth(?:ly)?|fifth(?:ly)?|sixth(?:ly)?|next|then|after that"
    r"|afterwards|subsequently|finally|lastly|to (?:begin|start)(?: with)?)\b(?!-)",
    re.IGNORECASE,
)
ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x")
LETTERS = ("a", "b", "c", "d", "e", "f", "g", "h")


def steps(text, sentences):
    """The ordered steps of `text`: numbered or lettered items, else "First … Then …", each as written.

    The numbers must rise by one: 1, 2, 3. Of nested lists the outermost counts. Bullets have no order and are none.
    `sentences` are those of the text.
    """
    items = _in_order(text, _items(text))
    if len(items) < 2:
        items = max(items, _in_order(text, _inline(text)), key=len)
    if len(items) < 2:
        items = max(items, [sentence for sentence in sentences if ORDER_WORDS.match(sentence)], key=len)
    return items


def _items(text):
    """(number, where its marker begins, where it ends) of every line that begins with one."""
    start = 0
    for line in text.split("\n"):
        match = ITEM.match(line)
        if match:
            yield _number(match), start, start + match.end()
        start += len(line) + 1


def _inline(text):
    for match in INLINE.finditer(text):
        before = text[max(0, match.start() - 3) : match.start()].rstrip(" \t")
        if not before or before[-1] in ".;:,!?)\n(":
            yield int(match["number"]), match.start(), match.end()


def _in_order(text, items):
    """The texts of the items whose numbers go on from the one before, from 0 or 1 on."""
    found, wanted = [], None
    for number, start, end in items:
        if wanted is None and number in (0, 1):
            wanted = number
        if number is not None and number == wanted:
            found.append((start, end))
            wanted += 1
    ends = [*(start for start, _ in found[1:]), len(text)]
    return [text[begin:end].strip() for (_, begin), end in zip(found, ends, strict=False)]


def _number(match):
    said = next((group for group in match.groups() if group), "").lower()
    if said.isdecimal():
        return int(said)
    if said in ROMAN:
        return ROMAN.index(said) + 1
    return LETTERS.index(said) + 1 if said in LETTERS else None
