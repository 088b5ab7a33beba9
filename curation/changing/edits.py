"""One edit, made again in another text: what it removed and added, and where that fits. No database."""

import re
from dataclasses import dataclass

from ..reviewing.diff import word_diff

LEAST_WORDS, LEAST_LENGTH = 2, 12  # words, or characters, from which what was removed is telling by itself
AROUND = 2  # words on either side that say where a short change belongs


@dataclass(frozen=True)
class Hunk:
    """One place of an edit: words removed, words that came instead, and the words around, which stayed.

    `case` is upper or lower where the first letter after it was changed with it.
    """

    removed: str
    added: str
    before: str = ""
    after: str = ""
    case: str = ""

    @property
    def is_telling(self):
        """Whether the removed words alone say where else the edit belongs."""
        return len(self.removed.split()) >= LEAST_WORDS or len(self.removed) >= LEAST_LENGTH


def hunks(before, after):
    """The places at which `after` differs from `before`, in order; white space alone is no difference."""
    found, removed, added, context = [], "", "", ""
    for change in [*word_diff(before, after), None]:
        if change and change.kind == "removed":
            removed += change.text
        elif change and change.kind == "added":
            added += change.text
        else:
            same = change.text if change else ""
            if removed.split() != added.split():
                found.append(_hunk(removed, added, context, same))
            removed, added, context = "", "", same
    return found


def _hunk(removed, added, before, after):
    """Words that both have at an end stayed; one whose first letter alone changed its case stayed too."""
    old, new, before, after, case = removed.split(), added.split(), before.split(), after.split(), ""
    while old and new and old[0] == new[0]:
        before.append(old.pop(0))
        new.pop(0)
    while old and new and old[-1] == new[-1]:
        after.insert(0, old.pop())
        new.pop()
    if len(old) > 1 and new and _differ_in_case(old[-1], new[-1]):
        case, after = "upper" if new[-1][0].isupper() else "lower", []  # the word after it is another in every text
        old.pop()
        new.pop()
    words = _cut(removed, old), _cut(added, new)
    return Hunk(*words, " ".join(before[-AROUND:]), " ".join(after[:AROUND]), case)


def _differ_in_case(one, other):
    return one[0].casefold() == other[0].casefold() and one[1:] == other[1:]


def _cut(text, words):
    """The stretch of `text` from the first to the last of `words`, its own line ends kept."""
    found = re.search(r"\s+".join(map(re.escape, words)), text) if words else None
    return found[0] if found else ""


def applied(places, text, *, near=False):
    """`text` with the edit made wherever it fits, or None where it fits nowhere.

    In a text that is `near` the edited one, a short change belongs where the words around it are the same.
    """
    made = text
    for hunk in places:
        if hunk.is_telling:
            made = _replace_all(made, hunk)
        elif near:
            made = _replace_around(made, hunk)
    return made if made != text and made.strip() else None


def telling(places):
    """The removed phrases that say by themselves where else the edit belongs."""
    return [hunk.removed for hunk in places if hunk.is_telling]


def _pattern(phrase):
    """The phrase as whole words, however its white space is."""
    words = r"\s+".join(re.escape(word) for word in phrase.split())
    start = r"(?<!\w)" if re.match(r"\w", phrase) else ""
    end = r"(?!\w)" if re.search(r"\w$", phrase) else ""
    return start + words + end


def _replace_all(text, hunk):
    made, place = "", 0
    for found in re.finditer(_pattern(hunk.removed), text):
        made, rest = _joined(made + text[place : found.start()], hunk.added, text[found.end() :], hunk.case)
        place = len(text) - len(rest.tail)
        made += rest.head
    return made + text[place:]


@dataclass(frozen=True)
class _Rest:
    """What follows a replaced phrase: the letter whose case changed, and all behind it."""

    head: str
    tail: str


def _joined(left, added, right, case):
    """(what stands before the rest, the _Rest); no double space is left where something was taken out."""
    if added:
        left += added
    elif not left or left[-1].isspace():
        right = right.lstrip(" ")
        if not right or right[0] == "\n":
            left = left.rstrip(" ")
    if not case:
        return left, _Rest("", right)
    blank = len(right) - len(right.lstrip())
    letter = right[blank : blank + 1]
    letter = letter.upper() if case == "upper" else letter.lower()
    return left, _Rest(right[:blank] + letter, right[blank + 1 :])


def _replace_around(text, hunk):
    """Once, where the words on both sides are the same; else where those on one side are."""
    for before, after in ((hunk.before, hunk.after), (hunk.before, ""), ("", hunk.after)):
        if not (before or after) or not (hunk.removed or (before and after)):
            continue
        inner = f"({_pattern(hunk.removed)})" if hunk.removed else "()"
        parts = [_pattern(before) if before else "", inner, _pattern(after) if after else ""]
        glue = r"\s+" if hunk.removed else r"\s*"
        found = list(re.finditer(glue.join(part for part in parts if part), text))
        if len(found) == 1:
            return _put(text, *found[0].span(1), hunk)
    return text


def _put(text, start, end, hunk):
    if hunk.removed:
        left, rest = _joined(text[:start], hunk.added, text[end:], hunk.case)
        return left + rest.head + rest.tail
    left, right = text[:start].rstrip(" "), text[end:].lstrip(" ")
    return f"{left} {hunk.added} {right}".rstrip(" ")
