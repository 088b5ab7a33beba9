"""Rules on what a hypothesis claims: a named variable, a measurable outcome, a claim that is open and can be tested."""

import re

from pipeline.filters import kinds
from pipeline.filters.answer import Measurement, quoted
from pipeline.filters.lexicon import CHANGES, MEASURED, QUANTITIES, content_words
from pipeline.filters.reading import words
from pipeline.filters.registry import Setting, rule

CLAIM_WORDS = frozenset(
    """if will would should shall predict predicts predicted prediction predictions expect expects expected anticipate
    anticipates anticipated hypothesis hypotheses hypothesize hypothesise hypothesizes hypothesises hypothesized
    hypothesised""".split()  # noqa: SIM905  a list of words reads best as words
)
# "Raising X lowers Y", "Higher X leads to Y": claims in the present tense.
COMPARING = re.compile(
    r"\W*(?:increas|decreas|rais|lower|reduc|add|remov|replac|heat|cool|dop|knock|inhibit|deplet|vary"
    r"|anneal)\w*ing\b|\W*(?:an? )?(?:higher"
    r"|lower|greater|larger|smaller|more|less|fewer|longer|shorter|increased|reduced|stronger|weaker)\b"
)
CHANGE_TOLD = re.compile(
    r"\b(?:leads? to|results? in|causes?|increases?|decreases?|reduces?|raises?|lowers?|improves?|enhances?"
    r"|suppresse?s?|inhibits?"
    r"|accelerates?|slows?|alters?|changes?)\b"
)

KNOWN = re.compile(
    r"\b(?:(?:is|are|was|has been|have been|been)\s+(?:(?:already|now|long|widely|generally|commonly"
    r"|well)[\s-]+){0,2}(?:known|established"
    r"|accepted|documented|recogni[sz]ed)\b(?!\s+(?:if|whether|how|why|as|by the name|amounts?|concentrations?"
    r"|quantit))"
    r"|(?:has|have)\s+(?:(?:already|previously|long|recently|also)\s+){0,2}been\s+(?:shown|demonstrated|reported"
    r"|proven|proved"
    r"|confirmed|documented)"
    r"|(?:studies|research|evidence|experiments|findings|literature|results|data|work|researchers"
    r"|scientists)\s+(?:(?:have|has|already|previously|clearly)\s+){0,2}"
    r"(?:indicates?|indicated|shows?|shown|showed|demonstrates?|demonstrated|suggests?|suggested|confirms?"
    r"|confirmed|found)\b"
    r"|it\s+is\s+(?:a\s+)?(?:well[\s-]known|common\s+knowledge|an?\s+established\s+fact|established\s+fact|no\s+secret)"
    r"|as\s+(?:is\s+)?(?:well\s+)?known\b)"
)
# One word of each of a pair is in every such phrase; looking for them makes the usual answer cheap.
KNOWN_PAIRS = tuple(
    (frozenset(one.split()), frozenset(other.split()))
    for one, other in (
        ("known established accepted documented recognized recognised", "is are was been as"),
        ("shown demonstrated reported proven proved confirmed", "been"),
        (
            "studies research evidence experiments findings literature results data work researchers scientists",
            "indicate indicates indicated show shows shown showed demonstrate demonstrates demonstrated suggest "
            "suggests suggested confirm confirms confirmed found",
        ),
        ("knowledge secret fact", "common no established"),
    )
)
NOT_KNOWN = re.compile(r"\b(?:not|never|un|yet to be|remains? to be|little|if|whether|no)\b[^.,;]{0,24}$")
FURTHER_CONDITION = re.compile(r"\bif\b[^,;.]*", re.IGNORECASE)
OPEN = re.compile(r"\b(?:will|would|should|shall|hypothesi[sz]e|predict|expect)\b")


@rule(
    "require_variable",
    label="Named variable",
    help="The hypothesis names what is varied, such as a temperature or a catalyst; “the conditions” is no name.",
    settings=[Setting("require_variable", kinds.switch, default=False, by_task={"hypothesis": True})],
    bound="at least",
    unit="words",
)
def require_variable(answer):
    found = variable_words(answer)
    note = "" if found else "The answer does not name what is varied."
    return Measurement("require_variable", len(found), 1, bool(found), note)


@rule(
    "require_outcome",
    label="Measurable outcome",
    help="The hypothesis names what is measured, such as a yield, a rate or the expression of a gene.",
    settings=[Setting("require_outcome", kinds.switch, default=False, by_task={"hypothesis": True})],
    bound="at least",
    unit="words",
)
def require_outcome(answer):
    found = outcome_words(answer)
    note = "" if found else "The answer does not name an outcome that can be measured."
    return Measurement("require_outcome", len(found), 1, bool(found), note)


@rule(
    "require_claim",
    label="Testable claim",
    help="The answer claims something that may turn out wrong: if …, then …; will, should, would, is predicted to.",
    settings=[Setting("require_claim", kinds.switch, default=False, by_task={"hypothesis": True})],
    bound="at least",
    unit="words",
)
def require_claim(answer):
    found = claims(answer)
    note = "" if found else "Nothing is claimed that a test could prove wrong."
    return Measurement("require_claim", len(found), 1, bool(found), note)


@rule(
    "ban_known_facts",
    label="Known facts",
    help="The hypothesis does not tell what is known already: “it is well established that …”, “studies show …”.",
    settings=[Setting("ban_known_facts", kinds.switch, default=False, by_task={"hypothesis": True})],
)
def ban_known_facts(answer):
    found = known_facts(answer)
    note = f"Told as known already: {quoted(found)}." if found else ""
    return Measurement("ban_known_facts", len(found), 0, not found, note)


def variable_words(answer):
    """The words that name what is varied: of the field `variable`, and of the condition of the sentence.

    Where a text cannot be taken apart, only words of the list of quantities count.
    """
    condition, consequence = answer.clauses
    whole = condition is consequence
    told = [word for word in answer.words if word in QUANTITIES] if whole else content_words(condition)
    return list(dict.fromkeys([*_field_words(answer, "variable"), *told]))


def outcome_words(answer):
    """The words that name what is measured: of the field `outcome`, and of what is said to follow.

    A word counts that names a quantity, or anything named whose change is told ("the cracks will double").
    """
    condition, consequence = answer.clauses
    if condition is not consequence and FURTHER_CONDITION.search(consequence):
        consequence = FURTHER_CONDITION.sub(" ", consequence)
    told = answer.words if condition is consequence else words(consequence.lower())
    measured = [word for word in told if word in MEASURED]
    if not measured and not CHANGES.isdisjoint(told):
        measured = content_words(consequence)
    named = _field_words(answer, "outcome")
    if set(named) <= set(_field_words(answer, "variable")):  # the same again is no outcome
        named = []
    return list(dict.fromkeys([*named, *measured]))


def claims(answer):
    """The words that make the text a claim."""
    found = sorted(answer.word_set & CLAIM_WORDS)
    opening = None if found else COMPARING.match(answer.lower)
    told = opening and CHANGE_TOLD.search(answer.lower, opening.end())
    return [told[0]] if told else found


def known_facts(answer):
    """Phrases that tell something as known. Where the sentence goes on to an open claim, they give its reason only."""
    words = answer.word_set
    if all(words.isdisjoint(one) or words.isdisjoint(other) for one, other in KNOWN_PAIRS):
        return []
    return [found for sentence in answer.sentences if (found := _known_fact(sentence.lower()))]


def _known_fact(sentence):
    for match in KNOWN.finditer(sentence):
        before = sentence[: match.start()]
        if NOT_KNOWN.search(before):
            continue
        if OPEN.search(sentence) and not (
            len(before.split()) <= 2 and " that " in sentence[match.end() : match.end() + 8]
        ):
            continue
        return match[0]
    return ""


def _field_words(answer, name):
    value = answer.parsed.get(name) if isinstance(answer.parsed, dict) else None
    return content_words(value[:1000]) if isinstance(value, str) else []
