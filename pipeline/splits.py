"""Which split a group of prompts belongs to: a keyed hash, toward the shares, frozen at first use."""

import hashlib
import hmac
from collections import Counter

from django.db import transaction
from django.db.models import Max

from curation.models import Project, SplitAssignment
from curation.models.prompt import AT_ONCE
from curation.models.writing import insert_values

SPLITS = ("train", "validation", "test")


def order_of(group, seed):
    """The place of a group in the keyed order: the same for every database and every run."""
    return hmac.new(seed.encode(), group.encode(), hashlib.sha256).hexdigest()


def assign(groups, frozen, seed, shares, sizes=None):
    """{group: split} for the groups of {group: stratum} that `frozen` ({group: (split, stratum)}) does not hold.

    New groups come in the keyed order; each goes where its stratum and the whole fall furthest behind their shares,
    so that small strata do not all fill the largest split alone. What is frozen counts and never moves. A name that
    stands for several groups counts as many as {name: groups} of `sizes` says.
    """
    have = Counter()
    for split, stratum in frozen.values():
        have[split] += 1
        have[split, stratum] += 1
    assigned = {}
    for group in sorted(groups.keys() - frozen.keys(), key=lambda name: order_of(name, seed)):
        stratum = groups[group]
        size = (sizes or {}).get(group, 1)
        split = max(_open_splits(shares), key=lambda name: _behind(have, name, stratum, shares, size))
        assigned[group] = split
        have[split] += size
        have[split, stratum] += size
    return assigned


def _open_splits(shares):
    return [name for name in SPLITS if shares.get(name, 0) > 0]


def _behind(have, split, stratum, shares, size):
    """How many groups `split` lacks, in its stratum and in all, once the next `size` are counted."""
    share = shares[split]
    whole = share * (size + sum(have[name] for name in SPLITS)) - have[split]
    within = share * (size + sum(have[name, stratum] for name in SPLITS)) - have[split, stratum]
    return round(whole + within, 9)


def assign_tied(groups, frozen, tied, seed, shares):
    """`assign` where {group: name} of `tied` says which groups belong together: one split for all of a name.

    A frozen group decides for those that are tied to it; where several were frozen apart, the least name of them does.
    """
    decided = {}
    for group in sorted(tied.keys() & frozen.keys(), reverse=True):
        decided[tied[group]] = frozen[group][0]
    new, open_ones, together = groups.keys() - frozen.keys(), {}, {}
    for group in new:
        if group not in tied:
            open_ones[group] = groups[group]
        elif tied[group] not in decided:
            together.setdefault(tied[group], []).append(group)
    open_ones |= {name: "+".join(sorted({groups[group] for group in those})) for name, those in together.items()}
    decided |= assign(open_ones, frozen, seed, shares, {name: len(those) for name, those in together.items()})
    return {group: decided[tied.get(group, group)] for group in new}


def place(project, groups, tied=None, *, seed=None, shares=None):
    """{group: split} of all of {group: stratum}: as frozen, and the new ones as they would be; writes nothing."""
    return _place(project, groups, _frozen(project), tied, seed, shares)


def _place(project, groups, frozen, tied, seed, shares):
    new = assign_tied(groups, frozen, tied or {}, seed or project.split_seed, shares or project.split_shares)
    return {group: new.get(group) or frozen[group][0] for group in groups}


def _frozen(project):
    """{group: (split, stratum)} of all that ever were; equal pairs are one in memory, as groups may be many."""
    rows = SplitAssignment.objects.filter(project=project).values_list("group_key", "split", "stratum").order_by()
    found, pairs = {}, {}
    for group, *pair in rows.iterator(AT_ONCE):
        found[group] = pairs.setdefault(tuple(pair), tuple(pair))
    return found


class FrozenMeanwhile(Exception):
    """Another release froze groups that are tied to others here; which rows go together is chosen anew."""


def newest(project):
    """What `freeze` takes as `since`: the last assignment that there is."""
    return SplitAssignment.objects.filter(project=project).aggregate(last=Max("pk"))["last"] or 0


@transaction.atomic
def freeze(project, groups, tied=None, *, seed=None, shares=None, since=None):
    """Assign the new ones of {group: stratum} and store them; returns {group: split} for all of them.

    Groups with the same name in `tied` ({group: name}) go into one split: raises FrozenMeanwhile where one of them was
    frozen after `since`, and nobody asked whether that tears them apart. Seed and shares are the project's unless they
    are given.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)  # two releases freeze one after the other
    if since is not None and tied:
        later = SplitAssignment.objects.filter(project=project, pk__gt=since).values_list("group_key", flat=True)
        if any(group in tied for group in later.iterator(AT_ONCE)):
            raise FrozenMeanwhile("another release froze the splits of some")
    frozen = _frozen(project)
    placed, new = _place(project, groups, frozen, tied, seed, shares), sorted(groups.keys() - frozen.keys())
    for start in range(0, len(new), AT_ONCE):
        rows = [(group, placed[group], groups[group][:200]) for group in new[start : start + AT_ONCE]]
        insert_values(SplitAssignment, ("group_key", "split", "stratum"), rows, project_id=project.pk)
    return placed
