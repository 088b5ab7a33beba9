"""The rule that a method says what is done: action verbs in all their forms, and not nouns that look like them."""

import os.path
import re
from functools import lru_cache
from typing import NamedTuple

from pipeline.filters import kinds
from pipeline.filters.answer import Measurement
from pipeline.filters.inflection import IRREGULAR, past_and_ing, spellings, third_person
from pipeline.filters.registry import Setting, rule

DEFAULT_VERBS = (
    *("analyze", "assess", "calibrate", "compare", "culture", "evaluate", "incubate", "measure"),
    *("mix", "prepare", "run", "simulate", "synthesize", "test", "validate"),
)
# Words that are as often a noun or an adjective. They count only where a verb can stand.
NOUNS_TOO = frozenset(
    """analyse assay calculate change charge clean control cool cover culture cut cycle decrease design dose dry
    estimate experiment expose extract feed filter find freeze grind heat image increase label load map mark
    measure mix model monitor plan plate pool press probe process purchase range rate record repeat replicate
    report research rest run sample scale scan score screen seal seed sequence set shake spin spray stain stress
    stretch study survey test track transfer treat trial vary wash weight work""".split()  # noqa: SIM905  a list of words reads best as words
)

LEADS_TO_A_VERB = frozenset(
    """also and are be been being both can could did do does either finally had has have is may might must not or
    please shall should that then they was we were which who will would you""".split()  # noqa: SIM905  words read best as words
)
# Before a verb: the start of a line or clause, one of those words, "to", an adverb.
# Not "prior to culture", "due to test": there "to" belongs to the word before it.
VERB_MAY_FOLLOW = re.compile(
    r"(?:(?:^|[.!?;:,(—–])[\s>*#_\-•\"'“(]*(?:step\s*)?(?:\(?\d{1,2}[.):]+)?[\s>*_\-–—]*"
    r"|(?<!prior )(?<!due )(?<!owing )(?<!subjected )(?<!related )(?<!relative )(?<!similar )(?<!response )\bto\s+"
    rf"|\b(?:{'|'.join(sorted(LEADS_TO_A_VERB))})\s+"
    r"|\b[a-z]+ly\s+)\Z",
    re.MULTILINE,
)
LABEL_AFTER = re.compile(r"\s*:|\s+(?:#\s*)?\d+\s*[:.)](?!\d)")
LOOK_BACK = 40

NOUN_FOLLOWS = frozenset(
    """a all an any both cell control each few five for four from her his in independent its many more most of other
    our parallel pilot repeat repeated replicate safety several six some the their these this those three trial
    triplicate two various with""".split()  # noqa: SIM905  a list of words reads best as words
)
WORD_BEFORE = re.compile(r"([^\W_]+)[ \t]+\Z")
NOUN_BEFORE = re.compile(
    r"\s*(?:$|[.,;:!?)\]]|(?:of|in|for|are|were|was|is|to|that|which|will|must|should|can|have|has|had|and|or|at|on"
    r"|with"
    r"|from|by|as|using|under|per|include|includes|show|showed|indicate|grown|taken|we|than|before"
    r"|after|during|[a-z]+ed)\b)"
)
OBJECT_AFTER = re.compile(r"\s+(?:the|a|an|each|how|whether)\b")


class Word(NamedTuple):
    """Words of one spelling of a verb: all its `forms` (a text without any of them does not use it), and patterns."""

    verb: str
    forms: frozenset[str]
    sure: re.Pattern
    base: re.Pattern | None
    plural: re.Pattern | None


@rule(
    "require_action_verb",
    label="Action verb",
    help="The answer says what is done, with at least one of the allowed verbs in any of its forms.",
    settings=[
        Setting("require_action_verb", kinds.switch, default=False, by_task={"methodology": True}),
        Setting("allowed_action_verbs", kinds.verbs, "verbs", DEFAULT_VERBS),
    ],
    bound="at least",
    unit="verbs",
)
def require_action_verb(answer, *, verbs=DEFAULT_VERBS):
    found = action_verbs(answer, verbs)
    note = "" if found else f"None of the verbs {', '.join(verbs)} is used."
    return Measurement("require_action_verb", len(found), 1, bool(found), note)


def action_verbs(answer, verbs=DEFAULT_VERBS):
    """The base forms of the tuple `verbs` that an answer uses as verbs, sorted.

    "measured" is measure, "the long run" is nothing.
    """
    if answer.word_set.isdisjoint(_forms(verbs)):
        return []
    found = set()
    for word in words_of(verbs):
        if word.verb not in found and not word.forms.isdisjoint(answer.word_set) and uses(word, answer.lower):
            found.add(word.verb)
    return sorted(found)


@lru_cache(maxsize=64)
def _forms(verbs):
    return frozenset().union(*(word.forms for word in words_of(verbs)))


def uses(word, text):
    """Whether `text`, in lower case, uses this Word as a verb."""
    if word.sure.search(text):
        return True
    if word.base is None:
        return False
    return any(_base_is_verb(text, match) for match in word.base.finditer(text)) or any(
        _plural_is_verb(text, match) for match in word.plural.finditer(text)
    )


def _base_is_verb(text, match):
    before = text[max(0, match.start() - LOOK_BACK) : match.start()]
    return verb_may_follow(before) and not LABEL_AFTER.match(text, match.end())


def verb_may_follow(before):
    """Whether a verb can stand behind this text: at the start of a clause, behind an auxiliary, "to" or an adverb."""
    word = before.rpartition(" ")[0].rpartition(" ")[2]
    # The usual case, a plain word and one space, is told without the pattern, which costs twenty times as much.
    if word.isalpha() and word.isascii() and word not in ("to", "step") and before.endswith(f" {word} "):
        return word in LEADS_TO_A_VERB or (word.endswith("ly") and len(word) > 2)
    return bool(VERB_MAY_FOLLOW.search(before))


def _plural_is_verb(text, match):
    """Whether "measures" is what somebody does, not several of a measure: judged by the words around it."""
    if NOUN_BEFORE.match(text, match.end()):
        return False
    before = WORD_BEFORE.search(text[max(0, match.start() - LOOK_BACK) : match.start()])
    if before is None:
        return bool(OBJECT_AFTER.match(text, match.end()))
    return before[1] not in NOUN_FOLLOWS and not before[1].isdigit()


@lru_cache(maxsize=64)
def words_of(verbs):
    """A Word for each spelling of each verb."""
    return tuple(_word(verb, spelling) for verb in verbs for spelling in spellings(verb))


def _word(verb, spelling):
    base, plural = spelling, third_person(spelling)
    regular, irregular = past_and_ing(spelling), IRREGULAR.get(spelling, [])
    sure = [*regular, *irregular]
    forms = frozenset(form.rpartition("-")[2] for form in (base, plural, *sure))
    if spelling in NOUNS_TOO:
        return Word(verb, forms, _pattern(sure), _pattern([base], "-"), _pattern([plural], "-"))
    return Word(verb, forms, _pattern([base, plural, *sure]), None, None)


def _pattern(forms, no_neighbour=""):
    """Finds the forms as whole words. It begins with their letters, so that the search is quick."""
    start = os.path.commonprefix(forms)
    ends = "|".join(re.escape(form[len(start) :]) for form in sorted(forms, key=len, reverse=True))
    letter = rf"[^\W_]|{no_neighbour}" if no_neighbour else r"[^\W_]"
    return re.compile(rf"{re.escape(start)}(?<!(?:{letter}){re.escape(start)})(?:{ends})(?!{letter})")
