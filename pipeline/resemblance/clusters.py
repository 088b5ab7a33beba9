"""From signatures to clusters of near-duplicates: bands that agree, pairs that hold, and what is connected by them.

The stored signatures are the index. Hashing the bands of 200,000 takes half a second, so no other index is kept.
"""

import numpy as np

from .minhash import NUMBERS, similarity
from .ngrams import FACTOR, SHIFT

FOUND = 0.98  # of the pairs that share just as much as asked for, at least so many agree in a band
FEW = 24  # members of a bucket of which all pairs are compared at once
AT_ONCE = 1 << 16  # pairs
OPEN = 10  # per cent around the threshold in which an estimate leaves it open: three standard deviations


def bands(percent):
    """(bands, numbers in each): the longest bands that still find FOUND of the pairs at the threshold."""
    share = percent / 100
    for rows in range(NUMBERS, 0, -1):
        number = NUMBERS // rows
        if 1 - (1 - share**rows) ** number >= FOUND:
            return number, rows
    return NUMBERS, 1


def links(numbers, new, percent, check=None):
    """Pairs (i, j) of rows that share at least `percent`, one of each pair new or joined to one.

    `numbers` are the signatures as rows, `new` says which of them were not compared yet. `check(pairs)` says which hold
    where the signatures leave it open; without it, and where more than FEW agree at once, their estimate decides. What
    the pairs connect does not depend on the order of the rows.
    """
    found = [np.zeros((0, 2), np.int64)]
    for few, many in _buckets(numbers, new, *bands(percent)):
        found.append(_holding(numbers, few, percent, check))
        for bucket in many:
            found.append(_connected(numbers, bucket, percent))
    pairs = np.concatenate(found)
    return np.unique(np.sort(pairs, axis=1), axis=0)


def _buckets(numbers, new, number, rows):
    """For each band (pairs of small buckets, larger buckets): rows that agree in it, a new one among them."""
    seen = np.zeros(0, np.int64)
    for band in range(number):
        by_band = _hash(numbers[:, band * rows : (band + 1) * rows])
        touched = np.flatnonzero(np.isin(by_band, by_band[new])) if not new.all() else np.arange(len(by_band))
        order = touched[np.argsort(by_band[touched], kind="stable")]
        starts = np.flatnonzero(np.diff(by_band[order], prepend=by_band[order[:1]] ^ FACTOR)) if len(order) else order
        sizes = np.diff(starts, append=len(order))
        pairs = _pairs(order, starts, sizes)
        # What agrees in one band mostly agrees in others too: compared once.
        coded = np.setdiff1d(pairs[:, 0] * len(numbers) + pairs[:, 1], seen)
        seen = np.union1d(seen, coded)
        large = np.flatnonzero(sizes > FEW)
        few = np.stack([coded // len(numbers), coded % len(numbers)], axis=1)
        yield few, [order[starts[n] : starts[n] + sizes[n]] for n in large]


def _hash(columns):
    total = np.zeros(len(columns), np.uint64)
    for column in columns.T:
        total = (total ^ column) * FACTOR
        total ^= total >> SHIFT
    return total


def _pairs(order, starts, sizes):
    """All pairs within the small buckets, the lower row first."""
    found = [np.zeros((0, 2), np.int64)]
    for apart in range(1, FEW):
        wanted = (sizes > apart) & (sizes <= FEW)
        if not wanted.any():
            break
        left = np.concatenate([np.arange(a, a + n - apart) for a, n in zip(starts[wanted], sizes[wanted], strict=True)])
        found.append(np.stack([order[left], order[left + apart]], axis=1))
    return np.sort(np.concatenate(found), axis=1)


def _holding(numbers, pairs, percent, check):
    """Those of the pairs that share at least `percent`."""
    kept = [np.zeros((0, 2), np.int64)]
    for start in range(0, len(pairs), AT_ONCE):
        some = pairs[start : start + AT_ONCE]
        estimate = similarity(numbers[some[:, 0]], numbers[some[:, 1]]) * 100
        holds, left_open = estimate >= percent, abs(estimate - percent) < OPEN
        if check and left_open.any():
            holds[left_open] = check(some[left_open])
        kept.append(some[holds])
    return np.concatenate(kept)


def _connected(numbers, bucket, percent):
    """Pairs that connect a large bucket as all its pairs would: what is reached is not compared again."""
    found, rest = [np.zeros((0, 2), np.int64)], bucket
    while len(rest):
        reached, rest = [rest[0]], rest[1:]
        while reached and len(rest):
            row = reached.pop()
            near = similarity(numbers[row], numbers[rest]) * 100 >= percent
            found.append(np.stack([np.full(near.sum(), row), rest[near]], axis=1))
            reached.extend(rest[near])
            rest = rest[~near]
    return np.concatenate(found)


def merged(pairs, cluster_of):
    """{id: cluster} of those that had none, and {cluster: the one it becomes part of}, by these pairs of ids.

    `cluster_of` is {id: cluster or None} of every id in `pairs`. A cluster has the id of its first member.
    """
    parent = {}

    def root(item):
        path = []
        while parent.setdefault(item, item) != item:
            path.append(item)
            item = parent[item]
        for each in path:
            parent[each] = item
        return item

    for one, other in pairs:
        first, second = sorted((root(cluster_of[one] or one), root(cluster_of[other] or other)))
        parent[second] = first
    members = {each: root(each) for each, cluster in cluster_of.items() if cluster is None}
    moved = {former: root(former) for former in cluster_of.values() if former and root(former) != former}
    return members, moved
