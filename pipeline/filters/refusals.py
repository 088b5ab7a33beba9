"""The rule against answers in which the teacher declines to answer."""

import re
from functools import lru_cache

from pipeline.filters import kinds
from pipeline.filters.answer import Measurement, quoted
from pipeline.filters.registry import Setting, rule

DECLINED_BY_ENDPOINT = {"content_filter", "refusal"}

# A refusal stands at the start of a sentence, a line or a list item, perhaps after a label such as "Answer:".
# So "Cells cannot divide" and "Type I cannot bind" are none.
START = r"(?:^|[.!?:;]\s|\n)[\s>*#_\"'“(\-]*(?:\d{1,2}[.)]\s*)?"
LABEL = r"(?:(?:answer|response|hypothesis|methodology|note|output|distilled response)\**\s*:\s*[*_\"“]*\s*)?"
APOLOGY = (
    r"(?:(?:i'm|i am)?\s*(?:so |very |really )?sorry|(?:my )?apologies|i apologi[sz]e|unfortunately|regrettably"
    r"|however|that said|nevertheless|i'm afraid(?: that)?|i regret(?: that)?"
    r"|(?:i(?: do)? understand|thank you|i appreciate)[^.!?\n]{0,120})"
)
LEAD_IN = rf"(?:{APOLOGY}[\s,.!;:—–-]*(?:(?:but|however|and)\b[\s,]*)?){{0,3}}"
UNABLE = (
    r"(?:cannot|can not|can't|could not|couldn't|am (?:not able|unable)(?: to)?|'m (?:not able|unable)(?: to)?"
    r"|(?:will not|won't)(?: be able to)?|must(?: respectfully)? decline"
    r"|have to decline|(?:do not|don't) feel comfortable|respectfully decline|decline|refuse)"
)
SERVE = (
    r"(?:to\s+)?(?:assist|help|comply|fulfil|fulfill|answer|provide|generate|create|write|produce|propose|suggest|offer"
    r"|give|complete|continue|discuss|engage|support|share|recommend|respond|participate|do (?:that|this|so)|process)"
)
A_MODEL = (
    r"as (?:an? )?(?:ai|artificial intelligence|(?:large )?language model|(?:helpful )?assistant)"
    r"(?: (?:language model|model|assistant|system|chatbot))?(?:,|\s+(?:i|developed|trained|created)\b)"
)
OPENINGS = (
    rf"{LEAD_IN}i\s?{UNABLE}\b",
    r"(?:i'm|i am)\s+(?:so |very |really )?sorry,?\s+(?:but|i)\b",
    r"sorry,\s+(?:but|i)\b",
    r"i apologi[sz]e,?\s+but\b",
    rf"{LEAD_IN}{A_MODEL}",
    rf"{LEAD_IN}i (?:do not|don't) have (?:access|the ability|enough|sufficient|any information|the information)\b",
    rf"{LEAD_IN}it(?: is|'s) not (?:possible|appropriate) for me to\b",
    rf"{LEAD_IN}(?:the|this) (?:provided |given |source )?(?:context|text|passage|excerpt|abstract|source|information)"
    r"(?: provided)? (?:does not|doesn't|do not) (?:contain|provide|include|offer|give)"
    r" (?:enough|sufficient|the necessary)",
    r"there (?:is|was) (?:not enough|insufficient) (?:information|context|detail)",
)
ANYWHERE = (
    rf"{LEAD_IN}i\s?{UNABLE}\s+{SERVE}\b",
    rf"{LEAD_IN}we\s(?:cannot|can not|can't|are unable|are not able|will not|won't|must decline|decline)\s+(?:to\s+)?"
    r"(?:assist|help|comply|fulfil|fulfill)\b",
    rf"{LEAD_IN}{A_MODEL}",
)
AGAINST_POLICY = (
    r"\b(?:violates?|against|breach(?:es)?) (?:my|our) (?:\w+ )?(?:guidelines|policy|policies|programming)\b"
)
AT_START = re.compile(rf"\A[\s>*#_\"'“(\-]*{LABEL}(?P<said>{'|'.join(OPENINGS)})", re.IGNORECASE)
AT_ANY_SENTENCE = re.compile(rf"{START}{LABEL}(?P<said>{'|'.join(OPENINGS)})", re.IGNORECASE)
IN_THE_MIDDLE = re.compile(rf"{START}{LABEL}(?P<said>{'|'.join(ANYWHERE)})|(?P<policy>{AGAINST_POLICY})", re.IGNORECASE)
# No refusal is without one of these; looking for them first makes the usual answer cheap.
CUES = (
    *("sorry", "apolog", "an ai", "as ai", "language model", "artificial", "for me to", "not enough", "insufficient"),
    *("n't ", "not contain", "not provide", "not include", "not offer", "not give", "guidelines", "polic", "program"),
    *("we cannot", "we can not", "we are unable", "we are not able", "we will not", "we must decline", "we decline"),
)
# Each cue has one of these words, and so has a sentence in the first person.
CUE_WORDS = frozenset(
    """i sorry apologies apology apologize apologise apologized apologised ai language artificial me enough
    insufficient t contain provide include offer give guidelines policy policies programming we""".split()  # noqa: SIM905  a list of words reads best as words
)
NEED_A_NOT = frozenset(("contain", "provide", "include", "offer", "give", "we", "enough"))
NOTS = frozenset(("not", "cannot", "unable", "decline"))
FIRST_PERSON = re.compile(r"i(?<![a-z0-9]i)[ '\n]")
SHORT = 300


@rule(
    "refusal",
    label="Refusal",
    help="The teacher answers; it does not decline, apologise or speak of itself as a language model.",
    settings=[
        Setting("ban_refusals", kinds.switch, default=True),
        Setting("refusal_strings", kinds.phrases, "phrases", ()),
    ],
)
def refusal(answer, *, phrases=()):
    """The project's own `phrases` count where a refusal can stand: at the start of a sentence, line or list item."""
    said = declined(answer)
    if not said and (phrases or _has_cues(answer.word_set)):
        said = refusal_in(answer.text, phrases)
    return Measurement("refusal", 1 if said else 0, 0, not said, said and f"The teacher declines: {said}.")


def declined(answer):
    """How the endpoint says that the teacher declined, or ""."""
    if answer.refusal.strip():
        return quoted([answer.refusal])
    if answer.finish_reason in DECLINED_BY_ENDPOINT:
        return f"the endpoint ended the answer with finish reason {answer.finish_reason}"
    return ""


def refusal_in(text, phrases=()):
    """The words with which `text` declines, in quotes, or "".

    At its beginning any refusal counts. Later on a short text counts as a refusal as a whole, a long one only by
    unmistakable words ("I cannot assist", "as an AI language model"), since its sentences are about something else.
    """
    text = text.replace("’", "'").strip()
    found = _own(tuple(phrases)).search(text) if phrases else None
    if not found and _may_refuse(text.lower()):
        found = AT_START.search(text) or (AT_ANY_SENTENCE.search(text) if len(text) <= SHORT else None)
        found = found or IN_THE_MIDDLE.search(text)
    if not found:
        return ""
    groups = found.groupdict()
    return quoted([groups.get("said") or groups.get("policy")])


def _has_cues(words):
    found = words & CUE_WORDS
    return bool(found) and (not found <= NEED_A_NOT or not words.isdisjoint(NOTS))


def _may_refuse(text):
    return any(cue in text for cue in CUES) or bool(FIRST_PERSON.search(text))


@lru_cache(maxsize=64)
def _own(phrases):
    words = "|".join(r"\s+".join(map(re.escape, phrase.replace("’", "'").split())) for phrase in phrases)
    return re.compile(rf"{START}{LABEL}{LEAD_IN}(?P<said>{words})(?!\w)", re.IGNORECASE)
