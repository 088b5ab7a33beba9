"""The kinds of values in filters.yaml. Each reads a value, or raises ValueError saying what it takes."""

import re

import regex

# The languages that py3langid tells apart, its code for no language left out.
LANGUAGES = frozenset(
    """ace af am an ar ary arz as az ba bcl be bg bn br bs ca crh cs cy da de dz el en eo es et eu ext fa fi fo fr fuv
    fy ga gcf gcr gd gl gom grc gu gug guw ha hbo he hi hr ht hu hy id ig is it ja jv ka kab kik kk km kn ko ku ky
    la lb lg lij ln lo lt ltg lv mg mk ml mn mr ms mt my ne nl nn no nso oc om or pa pcm pl ps pt qu ro ru rw sa
    sdh se si sk sl sn so sq sr st sv sw ta te tg th tk tl tr tt ug uk ur uz uzs vec vi vo wa wuu xh yo yue zh
    zu""".split()  # noqa: SIM905  a list of words reads best as words
)
MOST = 10**9  # of anything that is counted: a longer number is a slip, and some hundred digits are no number to NumPy
MOST_UNFOLDED = 100_000
REPEATS = {re._constants.MAX_REPEAT, re._constants.MIN_REPEAT, re._constants.POSSESSIVE_REPEAT}
VERB = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


def count_from(lowest):
    """A whole number of at least `lowest`; null switches the rule off."""

    def read(value):
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
            raise ValueError(f"takes a whole number of {lowest} or more, or null to switch the rule off")
        if value > MOST:
            raise ValueError(f"takes a whole number up to {MOST:,}, or null to switch the rule off")
        return value

    return read


def count_between(lowest, highest):
    """A whole number from `lowest` to `highest`; null switches the rule off."""

    def read(value):
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            raise ValueError(f"takes a whole number from {lowest} to {highest}, or null to switch the rule off")
        return value

    return read


percent = count_between(0, 100)


def languages(value):
    """Codes of languages; null or an empty list switches the rule off."""
    hint = "takes a list of language codes such as [en], or null to switch the rule off"
    codes = tuple(dict.fromkeys(code.strip().lower() for code in _texts(value or [], hint)))
    wrong = [code for code in codes if code not in LANGUAGES]
    if wrong:
        raise ValueError(f"{hint}; {wrong[0]!r} is no code of a language that can be told")
    return codes


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
        if _unfolded(re._parser.parse(pattern)) > MOST_UNFOLDED:
            return f"repeats more than {MOST_UNFOLDED:,} times by the numbers in braces"
        regex.compile(pattern, regex.V0)  # which searches for it, and writes counted repeats out
    except (re.error, regex.error, OverflowError, RecursionError) as error:
        return f"is not a regular expression: {error}"
    return "matches the empty text and so would fail every answer" if compiled.match("") else ""


def _unfolded(parsed):
    """How many characters and groups a parsed pattern has with its counted repeats written out."""
    size = 0
    for kind, inside in parsed:
        parts = [inside] if isinstance(inside, tuple | list) else []
        inner = sum(_unfolded(part) for part in _patterns_in(parts)) or 1
        times = inside[1] if kind in REPEATS and inside[1] < re._constants.MAXREPEAT else 1
        size += inner * max(1, times, inside[0] if kind in REPEATS else 1)
    return size


def _patterns_in(parts):
    for part in parts:
        if isinstance(part, re._parser.SubPattern):
            yield part
        elif isinstance(part, tuple | list):
            yield from _patterns_in(part)


def _texts(value, hint):
    if not isinstance(value, list | tuple):
        raise ValueError(hint)
    for text in value:
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{hint}; {text!r} is not text")
    return value
