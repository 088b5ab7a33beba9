"""The words of a text and hashes of its n-grams: what near-duplicates and leaks are found by."""

import re
import unicodedata
from functools import lru_cache
from hashlib import blake2b

import numpy as np

# Scripts that are written without spaces: every character counts as a word.
UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
WORD = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+")
FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, so that nothing is lost by multiplying
MIX = np.uint64(0xFF51AFD7ED558CCD)
SHIFT = np.uint64(32)


def words(text):
    """The words of a text as they are compared: NFC, case folded, digits kept, white space and punctuation dropped."""
    return WORD.findall(unicodedata.normalize("NFC", text).casefold())


@lru_cache(maxsize=1 << 18)
def _hash_of_word(word):
    return int.from_bytes(blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def hashes(found, n):
    """One 64-bit hash for every `n` words in a row; empty where there are fewer. The same on every machine."""
    places = len(found) - n + 1
    if places < 1:
        return np.zeros(0, np.uint64)
    by_word = np.fromiter(map(_hash_of_word, found), np.uint64, len(found))
    total = np.full(places, n, np.uint64)
    for shift in range(n):
        total = total * FACTOR + by_word[shift : shift + places]
    # Sums of multiples are regular in their low bits; mixing makes any bits of them fit for use.
    total = (total ^ (total >> SHIFT)) * MIX
    return total ^ (total >> SHIFT)
