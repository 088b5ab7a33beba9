"""MinHash signatures of texts: how much two texts share, from 512 bytes of each."""

import numpy as np

from .ngrams import hashes, words

NUMBERS = 128  # of a signature; the estimate is off by at most 0.035, one standard deviation
# Name of the making of signatures: change it with anything below, and every text gets a new one.
METHOD = "minhash 128, words 5/3/2, v1"
# A single changed word costs `width` shingles, so a short text is cut into shorter ones: the share of words that may
# differ under a threshold stays about the same. Texts of fewer words than a width are one shingle.
WIDTHS = ((60, 5), (20, 3), (0, 2))  # from so many words: words of a shingle
HALF = np.uint64(32)


def width_of(number):
    """How many words a shingle has in a text of `number` words."""
    return next(width for least, width in WIDTHS if number >= least)


def shingles(text):
    """32-bit hashes of a text's shingles; those of texts of different widths are never the same text's."""
    found = words(text)
    width = min(width_of(len(found)), len(found))
    return (hashes(found, width) >> HALF).astype(np.uint32) if width else np.zeros(0, np.uint32)


def signatures(texts):
    """The signature of each text, as the bytes that are stored; None for a text without a word."""
    from datasketch import MinHash  # brings scipy with it, which pages and other jobs can do without

    start = MinHash(num_perm=NUMBERS, scheme="affine32", hashfunc=_as_it_is)
    for text in texts:
        found = shingles(text)
        if not len(found):
            yield None
            continue
        made = start.copy()
        made.update_batch(found)
        yield made.hashvalues.astype("<u4").tobytes()


def _as_it_is(number):
    return number


def matrix(stored):
    """Signatures as stored (a list of bytes) as rows of numbers."""
    return np.frombuffer(b"".join(stored), "<u4").reshape(-1, NUMBERS)


def similarity(one, other):
    """What two signatures say of the share of shingles that their texts have in common: 0 to 1, row by row."""
    return (one == other).mean(axis=-1)


def share_at_least(one, other, percent):
    """Whether two texts' shingles (distinct ones, as arrays) have at least `percent` of all of theirs in common."""
    common = len(np.intersect1d(one, other, assume_unique=True))
    return common * 100 >= percent * (len(one) + len(other) - common)
