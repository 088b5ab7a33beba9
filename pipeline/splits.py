"""Which split a group of prompts belongs to: a keyed hash, toward the shares, frozen at first use."""

import hashlib
import hmac
from collections import Counter

from curation.models import SplitAssignment

SPLITS = ("train", "validation", "test")


def order_of(group, seed):
    """The place of a group in the keyed order: the same for every database and every run."""
    return hmac.new(seed.encode(), group.encode(), hashlib.sha256).hexdigest()


def assign(groups, frozen, seed, shares):
    """{group: split} for the groups of {group: stratum} that `frozen` ({group: (split, stratum)}) does not hold.

    New groups come in the keyed order; each goes where its stratum and the whole fall furthest behind their shares,
    so that small strata do not all fill the largest split alone. What is frozen counts and never moves.
    """
    have = Counter()
    for split, stratum in frozen.values():
        have[split] += 1
        have[split, stratum] += 1
    assigned = {}
    for group in sorted(groups.keys() - frozen.keys(), key=lambda name: order_of(name, seed)):
        stratum = groups[group]
        split = max(_open_splits(shares), key=lambda name: _behind(have, name, stratum, shares))
        assigned[group] = split
        have[split] += 1
        have[split, stratum] += 1
    return assigned


def _open_splits(shares):
    return [name for name in SPLITS if shares.get(name, 0) > 0]


def _behind(have, split, stratum, shares):
    """How many groups `split` lacks, in its stratum and in all, once the next one is counted."""
    share = shares[split]
    whole = share * (1 + sum(have[name] for name in SPLITS)) - have[split]
    within = share * (1 + sum(have[name, stratum] for name in SPLITS)) - have[split, stratum]
    return round(whole + within, 9)


def freeze(project, groups):
    """Assign the new ones of {group: stratum} and store them; returns {group: split} for all of them."""
    rows = SplitAssignment.objects.filter(project=project)
    frozen = {row.group_key: (row.split, row.stratum) for row in rows}
    new = assign(groups, frozen, project.split_seed, project.split_shares)
    SplitAssignment.objects.bulk_create(
        [
            SplitAssignment(project=project, group_key=group, split=split, stratum=groups[group][:200])
            for group, split in sorted(new.items())
        ],
        ignore_conflicts=True,
        batch_size=1000,
    )
    # Read back: where two releases froze at once, the first one's word holds.
    return {row.group_key: row.split for row in rows.iterator() if row.group_key in groups}
