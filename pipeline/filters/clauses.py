"""Taking a hypothesis apart: what is varied, and what is said to follow."""

import re

# Each begins with letters, not with \b, so that the search is quick.
MODALS = re.compile(
    r"(?:w(?<!\w.)(?:ill|ould)|s(?<!\w.)h(?:ould|all)|m(?<!\w.)ust"
    r"|i(?<!\w.)s (?:expected|predicted|likely) to|a(?<!\w.)re (?:expected|predicted|likely) to)\b"
)
IF_FIRST = re.compile(r"(?:i(?<!\w.)f|w(?<!\w.)he(?:n(?:ever)?|re)|o(?<!\w.)nce|u(?<!\w.)(?:pon|nder)|b(?<!\w.)y)\b")
IF_LATER = re.compile(r"\b(?:if|when|whenever|once|upon)\b")
LEADING = frozenset(
    """causes cause increases decreases reduces raises lowers improves enhances suppresses inhibits promotes
    accelerates slows alters affects changes shifts modulates determines controls drives yields produces""".split()  # noqa: SIM905
)
LEADING_TO = {"leads": "to", "lead": "to", "results": "in", "result": "in"}
LONGEST = 3000


def clauses(text):
    """(what is varied, what follows) as parts of `text`; both are the whole text where it cannot be taken apart.

    "If X is raised, then Y will fall", "Y will fall when X is raised", "Raising X will lower Y", "X lowers Y".
    """
    text = " ".join(text[:LONGEST].split())
    lower = text.lower()
    opening = IF_FIRST.search(lower)
    modal = MODALS.search(lower)
    # A letter that is longer in lower case (İ) would shift the places; such a text is not taken apart.
    if len(lower) != len(text):
        return text, text
    if opening and (not modal or opening.start() < modal.start()):
        split = _after_condition(text, lower, opening, modal)
        if split:
            return split
    if modal:
        later = IF_LATER.search(lower, modal.end())
        if later:
            return text[later.end() :], text[: later.start()]
        return text[: modal.start()], text[modal.end() :]
    return _around_verb(text) or (text, text)


def _around_verb(text):
    """("X", "lowers Y") of "X lowers Y", or None."""
    told = text.split(" ")
    for place, word in enumerate(told):
        if word in LEADING or word in LEADING_TO and told[place + 1 : place + 2] == [LEADING_TO[word]]:
            return " ".join(told[:place]), " ".join(told[place:])
    return None


def _after_condition(text, lower, opening, modal):
    then = lower.find(" then ", opening.end())
    if then > 0:
        return text[opening.end() : then].rstrip(" ,;:"), text[then + 6 :]
    # The last comma before the modal verb ends the condition; those before it belong to lists and numbers.
    end = text.rfind(", ", opening.end(), modal.start() if modal else len(text))
    if end < 0:
        return None
    return text[opening.end() : end], text[end + 2 :]
