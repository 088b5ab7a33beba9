"""The kinds of values in filters.yaml. Each reads a value, or raises ValueError saying what it takes."""

import re

VERB = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


def count_from(lowest):
    """A whole number of at least `lowest`; null switches the rule off."""

    def read(value):
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
            raise ValueError(f"takes a whole number of {lowest} or more, or null to switch the rule off")
        return value

    return read


def switch(value):
    """true or false; null is false."""
    if value is None:
        return False
    if not isinstance(value, bool):
        raise ValueError("takes true or false")
    return value


def verbs(value):
    """Base forms of verbs. An empty list is refused: it would silently mean "no verb will do" or "any will"."""
    hint = "takes a list of single verbs in their base form such as [measure, simulate]"
    if value is None or value == []:
        raise ValueError(f"{hint}; leave the key out for the shipped verbs, or set require_action_verb: false")
    words = tuple(dict.fromkeys(word.strip().lower() for word in _texts(value, hint)))
    wrong = [word for word in words if not VERB.fullmatch(word)]
    if wrong:
        raise ValueError(f"{hint}; {wrong[0]!r} is not one word")
    return words


def phrases(value):
    """Phrases, matched without regard to case; null is none."""
    return tuple(dict.fromkeys(" ".join(text.split()) for text in _texts(value or [], "takes a list of phrases")))


def regexes(value):
    """Regular expressions; null is none. One that matches the empty text would fail every answer and is refused."""
    patterns = tuple(dict.fromkeys(_texts(value or [], "takes a list of regular expressions")))
    wrong = [f"{pattern!r}, which {why}" for pattern in patterns if (why := _wrong_with(pattern))]
    if wrong:
        raise ValueError(f"holds {'; '.join(wrong)}")
    return patterns


def _wrong_with(pattern):
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        return f"is not a regular expression: {error}"
    return "matches the empty text and so would fail every answer" if compiled.match("") else ""


def _texts(value, hint):
    if not isinstance(value, list | tuple):
        raise ValueError(hint)
    for text in value:
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{hint}; {text!r} is not text")
    return value
