"""Rules against a text that runs in a loop: the same again and again, or number after number."""

from pipeline.filters import kinds
from pipeline.filters.answer import Measurement, quoted
from pipeline.filters.registry import Setting, rule

N = 5
FEWEST_WORDS = 4  # "Stir well." may stand in every step


@rule(
    "max_repeated_sentences_percent",
    label="Repeated sentences",
    help="At most this share of the answer's sentences was said before, word for word.",
    settings=[Setting("max_repeated_sentences_percent", kinds.percent, "limit", 30)],
    unit="%",
)
def max_repeated_sentences_percent(answer, *, limit):
    """Sentences of three words or less are left out of the count."""
    seen, again = set(), []
    sentences = [words for words in map(str.split, map(str.lower, answer.sentences)) if len(words) >= FEWEST_WORDS]
    for sentence in map(" ".join, sentences):
        sentence = sentence.rstrip(".!? ")
        if sentence in seen:
            again.append(sentence)
        seen.add(sentence)
    value = round(100 * len(again) / len(sentences)) if again else 0
    ok = value <= limit
    note = "" if ok else f"{value} % of the sentences repeat others: {quoted(list(dict.fromkeys(again)), most=1)}."
    return Measurement("max_repeated_sentences_percent", value, limit, ok, note)


@rule(
    "max_repeated_words_percent",
    label="Repeated wording",
    help="At most this share of the answer's words stands in runs of five words that were used before.",
    settings=[Setting("max_repeated_words_percent", kinds.percent, "limit", 40)],
    unit="%",
)
def max_repeated_words_percent(answer, *, limit):
    """The first use of a run of words is none; the words of every later one count."""
    words = answer.words
    covered, example = repeated(words)
    value = round(100 * covered / len(words)) if covered else 0
    ok = value <= limit
    note = "" if ok else f"{value} % of the words repeat what was said, such as {quoted([example])}."
    return Measurement("max_repeated_words_percent", value, limit, ok, note)


@rule(
    "max_numbers_percent",
    label="Bare numbers",
    help="At most this share of the answer's words is numbers; a model in a loop counts and dates on and on.",
    settings=[Setting("max_numbers_percent", kinds.percent, "limit", 50)],
    unit="%",
)
def max_numbers_percent(answer, *, limit):
    words = answer.words
    value = round(100 * sum(map(str.isdecimal, words)) / len(words)) if words else 0
    ok = value <= limit
    return Measurement("max_numbers_percent", value, limit, ok, "" if ok else f"{value} % of the words are numbers.")


def repeated(words, n=N):
    """(how many of `words` stand in a run of `n` that was there before, the first such run)."""
    runs = list(zip(*(words[start:] for start in range(n)), strict=False))
    if len(set(runs)) == len(runs):
        return 0, ""
    seen, covered, reached, example = set(), 0, 0, ""
    for start, run in enumerate(runs):
        if run in seen:
            covered += start + n - max(start, reached)
            reached = start + n
            example = example or " ".join(run)
        seen.add(run)
    return covered, example
