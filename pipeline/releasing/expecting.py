"""What a release by a recipe would hold, said before it is built: exactly where that is quick, else at most."""

from collections import Counter
from dataclasses import dataclass, field

from django.db.models import Count

from pipeline import splits
from pipeline.resemblance.leaks import LostNgrams

from . import choosing

QUICK = 5_000  # candidates: reading so many texts takes about half a second


@dataclass(frozen=True)
class Expected:
    """Rows by domain and split; of many candidates only their domains are known before the release is built."""

    rows: int
    is_exact: bool
    domains: list = field(default_factory=list)  # [(domain, rows, {split: rows})], the most first
    splits: dict = field(default_factory=dict)  # {split: rows}
    left_out: list = field(default_factory=list)  # [(why in words, rows)]
    nothing: str = ""  # why there is nothing, in a sentence


def expected(project, recipe):
    """The Expected of a Recipe, by near-duplicates as far as they were looked for; writes nothing."""
    prompts = choosing.candidates(project, recipe.include, recipe)
    found = dict(prompts.order_by().values_list("domain").annotate(rows=Count("pk")))
    if sum(found.values()) > QUICK:
        return _at_most(found, recipe)
    try:
        chosen = choosing.choose(project, recipe)
    except (choosing.NothingToRelease, LostNgrams) as why:
        return Expected(0, True, nothing=str(why))
    placed = splits.place(project, chosen.groups(), chosen.tied, seed=recipe.seed, shares=recipe.shares)
    by_domain, by_split = {}, Counter()
    for row in chosen.rows:
        by_domain.setdefault(row.domain, Counter())[placed[row.group]] += 1
        by_split[placed[row.group]] += 1
    domains = [(domain, counts.total(), counts) for domain, counts in by_domain.items()]
    in_order = {split: by_split[split] for split in splits.SPLITS if by_split[split]}
    counts = chosen.counts()  # of halves too, which the page tells by themselves
    left_out = [(words, counts[why]) for why, words in choosing.LEFT_OUT.items() if counts[why]]
    return Expected(len(chosen.rows), True, sorted(domains, key=_most), in_order, left_out)


def _at_most(found, recipe):
    """By domain alone: what leaks, resembles another or scores too low is found when it is built."""
    caps = {domain: recipe.domain_caps.get(domain, recipe.cap_per_domain) for domain in found}
    rows = {domain: number if caps[domain] is None else min(number, caps[domain]) for domain, number in found.items()}
    return Expected(sum(rows.values()), False, sorted([(name, n, {}) for name, n in rows.items()], key=_most))


def _most(line):
    return -line[1], line[0]
