"""The rule against answers that only copy their source."""

from pipeline.filters import kinds
from pipeline.filters.answer import Measurement, quoted
from pipeline.filters.registry import Setting, rule

N = 8
# A run of eight words holds, whole, one of the runs of five that begin at every fourth word.
PROBE, STRIDE = 5, 4


@rule(
    "max_copied_percent",
    label="Copied from the source",
    help="At most this share of the answer's words is copied from the source in runs of eight words or more.",
    settings=[Setting("max_copied_percent", kinds.percent, "limit", 60)],
    unit="%",
)
def max_copied_percent(answer, *, limit):
    """The source is the context alone: a method may well repeat the hypothesis that it tests."""
    covered, longest = copied(answer.words, answer.context_words)
    value = round(100 * covered / len(answer.words)) if covered else 0
    ok = value <= limit
    note = "" if ok else f"{value} % of the words are copied from the source, such as {quoted([longest])}."
    return Measurement("max_copied_percent", value, limit, ok, note)


def runs(words, n):
    """Every run of `n` words, one from each word on."""
    return zip(*(words[start:] for start in range(n)), strict=False)


def copied(words, source, n=N):
    """(how many of `words` stand in runs of at least `n` that the source has too, the longest such run)."""
    if len(words) < n or len(source) < n:
        return 0, ""
    probes = zip(*(source[start::STRIDE] for start in range(PROBE)), strict=False)
    if set(probes).isdisjoint(runs(words, PROBE)):
        return 0, ""
    known = set(runs(source, n))
    covered, begun, reached, longest = 0, 0, -1, (0, 0)
    for start, run in enumerate(runs(words, n)):
        if run not in known:
            continue
        begun = start if start > reached else begun
        covered += start + n - max(start, reached)
        reached = start + n
        longest = max(longest, (reached - begun, begun))
    return covered, " ".join(words[longest[1] : longest[1] + longest[0]])
