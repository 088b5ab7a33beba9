"""Taking a hypothesis apart: what is varied, and what is said to follow."""

import re

MODALS = re.compile(r"\b(?:will|would|should|shall|must|(?:is|are) (?:expected|predicted|likely) to)\b")
IF_FIRST = re.compile(r"\b(?:if|when|whenever|once|where|upon|by|under)\b")
THEN = re.compile(r"[,;:]?\s+then\b[,\s]*", re.IGNORECASE)
IF_LATER = re.compile(r"\b(?:if|when|whenever|once|upon)\b")
LEADS = re.compile(
    r"\b(?:leads? to|results? in|causes?|increases|decreases|reduces|raises|lowers|improves|enhances|suppresses|inhibits"
    r"|promotes|accelerates|slows|alters|affects|changes|shifts|modulates|determines|controls|drives|yields|produces)\b"
)
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
        split = _after_condition(text, opening, modal)
        if split:
            return split
    if modal:
        later = IF_LATER.search(lower, modal.end())
        if later:
            return text[later.end() :], text[: later.start()]
        return text[: modal.start()], text[modal.end() :]
    leads = LEADS.search(lower)
    if leads:
        return text[: leads.start()], text[leads.start() :]
    return text, text


def _after_condition(text, opening, modal):
    then = THEN.search(text, opening.end())
    if then:
        return text[opening.end() : then.start()], text[then.end() :]
    # The last comma before the modal verb ends the condition; those before it belong to lists and numbers.
    end = text.rfind(", ", opening.end(), modal.start() if modal else len(text))
    if end < 0:
        return None
    return text[opening.end() : end], text[end + 2 :]
