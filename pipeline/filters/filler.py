"""The rule against narrative filler: words that carry a reader along and say nothing."""

import re

from pipeline.filters import kinds
from pipeline.filters.answer import Measurement, quoted
from pipeline.filters.registry import Setting, rule

PHRASES = (
    *(
        "in conclusion",
        "to conclude",
        "in summary",
        "to summarize",
        "to summarise",
        "in short,",
        "in essence,",
        "overall,",
    ),
    *(
        "as a result",
        "as mentioned above",
        "as mentioned before",
        "as stated above",
        "as noted above",
        "needless to say",
    ),
    *("this highlights", "this underscores", "this emphasizes", "this demonstrates the importance", "it highlights"),
    *("highlights the importance", "underscores the importance", "plays a crucial role", "plays a vital role"),
    *(
        "plays an important role",
        "it is important to note",
        "it is worth noting",
        "it should be noted",
        "it is worth mentioning",
    ),
    *(
        "furthermore",
        "moreover",
        "additionally,",
        "in addition,",
        "therefore",
        "thus",
        "hence",
        "consequently",
        "accordingly",
    ),
    *(
        "in this context",
        "in this regard",
        "in other words",
        "that being said",
        "at the end of the day",
        "in today's world",
    ),
    *(
        "in recent years",
        "last but not least",
        "first and foremost",
        "it goes without saying",
        "pave the way",
        "paves the way",
    ),
    *("shed light on", "sheds light on", "gain insight into", "gain insights into", "provide valuable insights"),
    *("provides valuable insights", "valuable insights", "opens new avenues", "open new avenues", "a wide range of"),
    *("further research is needed", "more research is needed", "future studies", "future research"),
)
FILLER = re.compile(
    rf"\b(?:{'|'.join(sorted((re.escape(phrase) for phrase in PHRASES), key=len, reverse=True))})(?!\w)"
)


@rule(
    "max_filler_percent",
    label="Narrative filler",
    help="At most this share of the answer's words is filler such as “in conclusion”, “moreover” or “this highlights”.",
    settings=[Setting("max_filler_percent", kinds.percent, "limit", 15)],
    unit="%",
)
def max_filler_percent(answer, *, limit):
    found = filler(answer)
    value = round(100 * sum(phrase.count(" ") + 1 for phrase in found) / len(answer.words)) if found else 0
    ok = value <= limit
    note = "" if ok else f"{value} % of the words are filler: {quoted(list(dict.fromkeys(found)))}."
    return Measurement("max_filler_percent", value, limit, ok, note)


def filler(answer):
    """The phrases of filler in the answer, in order."""
    text = answer.lower
    return FILLER.findall(text) if any(map(text.__contains__, PHRASES)) else []
