"""The rule against narrative filler: words that carry a reader along and say nothing."""

import re
from collections import defaultdict
from functools import lru_cache

from pipeline.filters import kinds
from pipeline.filters.answer import Measurement, quoted
from pipeline.filters.reading import words
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
# By their longest word: a text without it has none of its phrases.
BY_WORD = defaultdict(list)
for _phrase in PHRASES:
    BY_WORD[max(words(_phrase), key=len)].append(_phrase)


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
    near = sorted(answer.word_set & BY_WORD.keys())
    told = tuple(phrase for word in near for phrase in BY_WORD[word] if phrase in text)
    return _any_of(told).findall(text) if told else []


@lru_cache(maxsize=256)
def _any_of(phrases):
    longest_first = sorted(map(re.escape, phrases), key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(longest_first)})(?!\w)")
