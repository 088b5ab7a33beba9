"""The rule on numbers that the source does not contain."""

import re

from pipeline.filters import kinds
from pipeline.filters.answer import Measurement
from pipeline.filters.registry import Setting, rule

# A number by itself: not the 2 of H2O, IL-2, x_2 or x^2. Thousands are parted by commas or thin spaces.
SPACES = "\u2009\u202f\u00a0"
NUMBER = re.compile(
    rf"([0-9](?<![\w.^].)(?<![A-Za-z)]-.)(?<![0-9],.)(?<![_^]\{{.)(?:[0-9]{{0,2}}(?:[,{SPACES}][0-9]{{3}})+(?![0-9])"
    rf"|[0-9]*)(?:\.[0-9]+)?)"
    r"(?:[eE]([+-]?[0-9]{1,3})(?!\w)"
    r"|\s?(?:×|x|\\times|\\cdot|·|\*)\s?10(?:\s?(?:\^|\*\*)\s?\{?([+−–-]?[0-9]{1,3})\}?|([⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3})"
    r"|e([+-]?[0-9]{1,3}))"
    r"|(?<=10)\s?(?:\^|\*\*)\s?\{?(?P<power>[+−–-]?[0-9]{1,3})\}?|(?<=10)(?P<raised>[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3}))?"
)
PERCENT = re.compile(r"\s?(?:\\?%|per ?cent\b)")
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻−–", "0123456789+---")
GROUPING = str.maketrans("", "", "," + SPACES)
# Numbers that count nothing: of a list, a step, a figure.
FURTHEST_IN = 24  # characters before the number of a list item
BEFORE_MARKER = " \t>*_#-("
LABELS = frozenset(
    """step steps fig figs figure figures table tables eq eqs equation equations group groups phase phases level levels
    version versions type types class classes stage stages bsl part parts aim aims question questions hypothesis
    hypotheses section sections no day week trial set sets condition conditions sample samples cohort cohorts arm arms
    kinase grade""".split()  # noqa: SIM905  a list of words reads best as words
)
WORDS = {
    word: float(number)
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve".split()  # noqa: SIM905
    )
} | {
    "twice": 2.0,
    "half": 0.5,
    "double": 2.0,
    "doubled": 2.0,
    "triple": 3.0,
    "twenty": 20.0,
    "thirty": 30.0,
    "fifty": 50.0,
    "hundred": 100.0,
    "thousand": 1000.0,
}
FREE = {0.0, 1.0, 2.0, 3.0, 100.0}


@rule(
    "max_new_numbers",
    label="Numbers not in the source",
    help="At most this many numbers of the answer are in neither its source nor the hypothesis it is to test.",
    settings=[Setting("max_new_numbers", kinds.count_from(0), "limit", by_task={"hypothesis": 8})],
    unit="numbers",
)
def max_new_numbers(answer, *, limit):
    """Without a source nothing is measured: 0. Step numbers, 0 to 3 and 100 are left out; 30 % is 0.3."""
    found = new_numbers(answer)
    ok = len(found) <= limit
    return Measurement(
        "max_new_numbers", len(found), limit, ok, "" if ok else f"Not in the source: {', '.join(found[:8])}."
    )


def new_numbers(answer):
    """The numbers of the answer that its source does not contain, as written, each once."""
    if not answer.context.strip():
        return []
    told = numbers(answer.text)
    if not told:
        return []
    known = set(numbers(f"{answer.context}\n{answer.hypothesis}"))
    found = {value: written for (value, percent), written in told.items() if not _known(value, percent, known)}
    if found:
        in_words = {WORDS[word] for word in WORDS.keys() & set(answer.context_words)}
        found = {value: written for value, written in found.items() if value not in in_words}
    return list(found.values())


def numbers(text):
    """{(value, whether it is a percentage): as written} of the numbers of `text` that count or measure something."""
    found = {}
    for match in NUMBER.finditer(text):
        if not _marks(text, match) and not _labelled(text, match.start()):
            found.setdefault((_value(match), bool(PERCENT.match(text, match.end()))), match[0])
    return found


def _labelled(text, start):
    """Whether the number belongs to the word before it: Step 4, Fig. 2, Group-8."""
    before = text[max(0, start - 14) : start].rstrip(" \t-#")
    return before[before.rfind(" ") + 1 :].strip("(.*_").lower() in LABELS


def _marks(text, match):
    """Whether the number begins a list item."""
    after = text[match.end() : match.end() + 2]
    if after[:1] not in (".", ")") or not (after[1:].isspace() or not after[1:]):
        return False
    before = text[max(0, match.start() - FURTHEST_IN) : match.start()]
    line = before.rpartition("\n")[2]
    return (line != before or len(before) < FURTHEST_IN) and not line.strip(BEFORE_MARKER)


def _value(match):
    if match.lastindex == 1:
        return float(match[1].translate(GROUPING))
    base, *exponents = match.groups()
    exponent = next((each for each in exponents if each), "0").translate(RAISED)
    power = match["power"] or match["raised"]
    value = 1.0 if power else float(base.translate(GROUPING))
    return _rounded(value * 10.0 ** int(exponent))


def _known(value, percent, known):
    """Whether the source has the number; 30 % may stand there as 0.3, 0.3 as 30 %."""
    if value in FREE or (value, True) in known or (value, False) in known:
        return True
    return (_rounded(value / 100), False) in known if percent else (_rounded(value * 100), True) in known


def _rounded(value):
    return float(f"{value:.10g}")
