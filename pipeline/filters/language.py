"""The rule on the language of an answer."""

import re
from functools import lru_cache

from pipeline.filters import kinds
from pipeline.filters.answer import Measurement
from pipeline.filters.registry import Setting, rule

# Words without meaning of their own that nearly every English sentence has, and few other languages.
ENGLISH = frozenset(
    """the of and to in is for with that by from as are be at on was this will were it which if then than an or not
    each these its have has under when into between we after using their there would should can may both one two
    per all more over before without within while""".split()  # noqa: SIM905  a list of words reads best as words
)
SURE_SHARE, FEWEST_WORDS = 0.16, 10
NOT_LANGUAGE = re.compile(r"\$[^$]{0,400}\$|\\[a-zA-Z]+|[\d_^{}\\$|*#`~<>=+/]+")
MOST_CHARACTERS = 2000
SURE_CONFIDENCE = 0.5


@rule(
    "languages",
    label="Language",
    help="The answer is written in one of the allowed languages.",
    settings=[Setting("languages", kinds.languages, "allowed", ("en",))],
    bound="",
    unit="",
)
def languages(answer, *, allowed):
    """A text too short, or too much of formulas, to tell a language by has none and passes."""
    code = language_of(answer)
    ok = not code or code in allowed
    note = "" if ok else f"The answer seems to be written in another language ({code})."
    return Measurement("languages", code, ", ".join(allowed), ok, note)


def language_of(answer):
    """The code of the language of the text, or "" where it cannot be told."""
    words = answer.words
    if len(words) < FEWEST_WORDS and answer.text.isascii():
        return ""
    english = sum(map(ENGLISH.__contains__, words))
    if english >= SURE_SHARE * len(words) and english > 1:
        return "en"
    code, confidence = _identifier().classify(NOT_LANGUAGE.sub(" ", answer.text[:MOST_CHARACTERS]))
    if confidence >= SURE_CONFIDENCE:
        return code
    return "en" if english > 1 and english >= 0.08 * len(words) else ""


@lru_cache(maxsize=1)
def _identifier():
    """Loaded at first need: it takes a third of a second, and most texts never need it."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(set(identifier.labels) - {"la", "zxx"})  # names of species are no Latin text
    return identifier
