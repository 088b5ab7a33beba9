"""Many answers measured together: what is plain for most of them is found out for all at once, by words and by RE2.

A screen gives each answer a key. Answers with the same key get the same measurement by their rule, so that it measures
one of them; an answer without a key (None) is measured by itself. What a rule says is said by the rule alone.
"""

import re
from functools import cached_property, lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.filters import citations, refusals
from pipeline.filters.verbs import uses, words_of

# ASCII letters and digits in lower case, all else as space; in GLUED, what is no ASCII is kept as if it were letters.
_LETTERS = {code: ord(chr(code).lower()) if chr(code).isalnum() else 32 for code in range(128)}
APART = bytes(_LETTERS.get(code, 32) for code in range(256))
GLUED = bytes(_LETTERS.get(code, code) for code in range(256))
TURN_ASCII = ("\N{KELVIN SIGN}", "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}")  # in lower case
# No citation is without one of these. \pN is what Python's \d takes.
CITES = "(?i)" + "|".join(
    [
        *(re.escape(cue) for cue in citations.IDENTIFIER_CUES if cue != "10."),
        r"10\.\pN{4}",
        *(re.escape(cue) for cue in citations.REFERENCE_CUES),
        r"\[",
        "et al",
        citations.YEAR_BEHIND_BRACKET.pattern.replace(r"\d", r"\pN"),
    ]
)
# Nor a refusal without one of these.
REFUSES = "|".join(
    [
        "(?i:" + "|".join(re.escape(cue).replace("'", "['’]") for cue in refusals.CUES) + ")",
        r"(?:^|[^a-zA-Z0-9])[iI][ '’\n]",
    ]
)


class Batch:
    """Answers to one task type, and the words of interest that each of them uses."""

    def __init__(self, answers, active):
        self.answers = answers
        self.verbs = _spelled(next((limits["verbs"] for rule, limits in active if "verbs" in limits), ()))

    @cached_property
    def texts(self):
        """As Arrow keeps them; None where one holds half a character, which no database does."""
        try:
            return pa.array([answer.text for answer in self.answers], pa.string())
        except UnicodeEncodeError:
            return None

    def clean_of(self, pattern):
        """For each answer: "clean" where the pattern is nowhere in it, else None."""
        if self.texts is None:
            return [None] * len(self.answers)
        return [None if found else "clean" for found in pc.match_substring_regex(self.texts, pattern).to_pylist()]

    @cached_property
    def lengths(self):
        return [len(answer.text.strip()) for answer in self.answers]

    @cached_property
    def words(self):
        """For each answer its forms of the verbs, as bytes, or None where that takes a closer look."""
        return [_words_of(answer.text, self.verbs.forms) for answer in self.answers]


def check_all(answers, rules):
    """What `check` gives for each of `answers`, as tuples of measurements."""
    by_task, found = {}, [()] * len(answers)
    for place, answer in enumerate(answers):
        by_task.setdefault(answer.task_type, []).append(place)
    for task_type, places in by_task.items():
        active = rules.active(task_type)
        batch = Batch([answers[place] for place in places], active)
        columns = [_column(rule, limits, batch) for rule, limits in active]
        for place, measurements in zip(places, zip(*columns, strict=True), strict=False):
            found[place] = measurements
    return found


def _column(rule, limits, batch):
    """The rule's measurement of each answer of the batch."""
    if rule.id not in SCREENS:
        return [rule.measure(answer, **limits) for answer in batch.answers]
    known, column = {}, []
    for key, answer in zip(SCREENS[rule.id](batch, **limits), batch.answers, strict=True):
        if key is None:
            column.append(rule.measure(answer, **limits))
        elif key in known:
            column.append(known[key])
        else:
            column.append(known.setdefault(key, rule.measure(answer, **limits)))
    return column


# -- screens: the keys of a batch's answers ---------------------------------------------------------------------------


def _by_length(batch, **_):
    return batch.lengths


def _by_tokens(batch, **_):
    pairs = zip(batch.answers, batch.lengths, strict=True)
    return [("estimated", length) if answer.tokens is None else answer.tokens for answer, length in pairs]


def _by_end(batch, **_):
    return [answer.finish_reason for answer in batch.answers]


def _by_citations(batch, **_):
    return batch.clean_of(CITES)


def _by_refusals(batch, phrases=(), **_):
    if phrases:
        return [None] * len(batch.answers)
    return [
        None if key and refusals.declined(answer) else key
        for key, answer in zip(batch.clean_of(REFUSES), batch.answers, strict=True)
    ]


def _by_verbs(batch, verbs):
    """How many verbs are used: those of the sure forms, and of the others that stand where a verb can stand."""
    spelled, keys = _spelled(verbs), []
    for answer, words in zip(batch.answers, batch.words, strict=True):
        if words is None:
            keys.append(None)
            continue
        used = {spelled.sure[word] for word in words if word in spelled.sure}
        open_ones = {place for word in words for place in spelled.unsure.get(word, ())}
        for place in open_ones:
            word = spelled.words[place]
            if word.verb not in used and uses(word, answer.lower):
                used.add(word.verb)
        keys.append(len(used))
    return keys


SCREENS = {
    "empty": _by_length,
    "min_char_length": _by_length,
    "max_char_length": _by_length,
    "min_token_length": _by_tokens,
    "max_token_length": _by_tokens,
    "truncated": _by_end,
    "require_action_verb": _by_verbs,
    "ban_citations": _by_citations,
    "refusal": _by_refusals,
}


# -- words ------------------------------------------------------------------------------------------------------------


class _Spelled:
    """The forms of some verbs as bytes: those that are sure to be verbs, and those that may be nouns."""

    def __init__(self, wanted):
        self.words, self.sure, self.unsure = words_of(wanted), {}, {}
        for place, word in enumerate(self.words):
            for form in word.forms:
                if word.sure.fullmatch(form):
                    self.sure[form.encode()] = word.verb
                else:
                    self.unsure.setdefault(form.encode(), []).append(place)
        self.forms = frozenset(self.sure) | frozenset(self.unsure)


_spelled = lru_cache(maxsize=64)(_Spelled)


def _words_of(text, interesting):
    data = text.encode("utf-8", "surrogatepass")
    apart = data.translate(APART)
    words = interesting.intersection(apart.split())
    if text.isascii():
        return words
    if any(letter in text for letter in TURN_ASCII):
        return None
    spaced = b" %b " % apart
    return words if all(_stands_in_ascii(word, spaced, data) for word in words) else None


def _stands_in_ascii(word, spaced, data):
    """Whether the word's first place has ASCII on both sides: what “measure” or naïvemix is takes a closer look."""
    place = spaced.find(b" %b " % word)
    return data[max(0, place - 1) : place].isascii() and data[place + len(word) : place + len(word) + 1].isascii()
