"""MinHash signatures of texts: how much two texts share, from 512 bytes of each, or twice as many."""

import numpy as np

from .ngrams import hashes, words

NUMBERS = 128  # of a signature; the estimate is off by at most 0.035, one standard deviation
# Name of the making of signatures: change it with anything below, and every text gets a new one.
METHOD = "minhash 128, words 5/3/2, borders, v2"
# A single changed word costs `width` shingles, so a short text is cut into shorter ones: the share of words that may
# differ under a threshold stays about the same. Texts of fewer words than a width are one shingle.
WIDTHS = ((60, 5), (20, 3), (0, 2))  # from so many words: words of a shingle
# What is up to so many times as long as the shortest of its width is cut into the shorter ones too: a near-duplicate
# of 59 words has no others. Texts further apart in length do not share the usual 80 %.
BORDER = 1.25
HALF = np.uint64(32)


def widths_of(number):
    """The widths that a text of `number` words is compared in: its own, and the one below where it is near that."""
    known = [(least, width) for least, width in WIDTHS if number >= least]
    return tuple(width for _, width in known[: 2 if number < known[0][0] * BORDER else 1])


def shingles(text):
    """{words of a shingle: 32-bit hashes of all of these} in the widths that a text is compared in; {} without a word.

    Those of different widths are never the same.
    """
    found = words(text)
    widths = {min(width, len(found)) for width in widths_of(len(found))}
    return {width: (hashes(found, width) >> HALF).astype(np.uint32) for width in sorted(widths, reverse=True) if width}


def signatures(texts):
    """The signatures of each text, one for each width, as the bytes that are stored; None for a text without a word."""
    from datasketch import MinHash  # brings scipy with it, which pages and other jobs can do without

    start = MinHash(num_perm=NUMBERS, scheme="affine32", hashfunc=_as_it_is)
    for text in texts:
        stored = b""
        for found in shingles(text).values():
            made = start.copy()
            made.update_batch(found)
            stored += made.hashvalues.astype("<u4").tobytes()
        yield stored or None


def _as_it_is(number):
    return number


def matrix(stored):
    """Signatures as stored (a list of bytes) as rows of numbers, one or two for each text: see `rows_of`."""
    return np.frombuffer(b"".join(stored), "<u4").reshape(-1, NUMBERS)


def rows_of(stored):
    """How many rows of `matrix` are each text's."""
    return [len(signatures) // (4 * NUMBERS) for signatures in stored]


def similarity(one, other):
    """What two signatures say of the share of shingles that their texts have in common: 0 to 1, row by row."""
    return (one == other).mean(axis=-1)


def share_at_least(one, other, percent):
    """Whether two texts' shingles have at least `percent` of all of theirs in common, in a width that both have."""
    return any(_share_at_least(one[width], other[width], percent) for width in one.keys() & other.keys())


def _share_at_least(one, other, percent):
    one, other = np.unique(one), np.unique(other)
    common = len(np.intersect1d(one, other, assume_unique=True))
    return common * 100 >= percent * (len(one) + len(other) - common)
