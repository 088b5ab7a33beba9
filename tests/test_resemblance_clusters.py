"""Near-duplicates of texts: what counts as one, and that clusters do not depend on the order in which texts came."""

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.resemblance import clusters, minhash
from pipeline.resemblance.ngrams import hashes, words

WORDS = [f"w{n}" for n in range(4000)]


def text_of(number, seed=0):
    return " ".join(random.Random(seed).choices(WORDS, k=number))


def changed(text, times, seed=0):
    """`text` with so many of its words replaced, each at a place of its own."""
    parts = text.split()
    for place in random.Random(seed).sample(range(len(parts)), times):
        parts[place] = f"new{seed}x{place}"
    return " ".join(parts)


def signed(texts):
    return minhash.matrix(list(minhash.signatures(texts)))


def connected(texts, percent=80, new=None):
    """The clusters of `texts` as sets of places, as `links` and `merged` find them."""
    numbers = signed(texts)
    pairs = clusters.links(numbers, np.ones(len(texts), bool) if new is None else np.array(new), percent)
    return gathered([(int(a) + 1, int(b) + 1) for a, b in pairs])


def gathered(pairs, cluster_of=None):
    cluster_of = cluster_of or {}
    cluster_of = {pk: cluster_of.get(pk) for pair in pairs for pk in pair} | cluster_of
    members, moved = clusters.merged(pairs, cluster_of)
    found = {}
    for pk, was in cluster_of.items():
        now = members.get(pk, moved.get(was, was))
        found.setdefault(now, set()).add(pk)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  Iron LOWERED\nthe\toverpotential. ", ["iron", "lowered", "the", "overpotential"]),
        ("10 g/m² at 0.5 V", ["10", "g", "m²", "at", "0", "5", "v"]),
        ("cafe\u0301", ["café"]),
        ("ẞ and ß", ["ss", "and", "ss"]),
        ("鉄は酸化", ["鉄", "は", "酸", "化"]),
        ("— … !", []),
        ("", []),
    ],
)
def test_words_as_they_are_compared(text, expected):
    assert words(text) == expected


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (text_of(150), text_of(150).upper().replace(" ", "\n"), True),
        (text_of(150), changed(text_of(150), 1), True),
        (text_of(150), changed(text_of(150), 2), True),
        (text_of(150), changed(text_of(150), 12), False),
        (text_of(150), text_of(150, seed=1), False),
        (text_of(55), changed(text_of(55), 1), True),
        (text_of(40), changed(text_of(40), 5), False),
        ("copper lowers the rate more than nickel", "nickel lowers the rate more than copper", False),
        ("copper", "Copper.", True),
        ("copper lowers it", "copper lowers it", True),
        ("10 mM of iron", "20 mM of iron", False),
    ],
)
def test_what_counts_as_a_near_duplicate(one, other, same):
    assert bool(connected([one, other])) is same


def test_a_text_without_a_word_has_no_signature():
    assert list(minhash.signatures(["", "…", "iron"]))[:2] == [None, None]


def test_signatures_are_the_same_everywhere():
    (signature,) = minhash.signatures(["If iron is added, then the overpotential of cobalt oxide decreases."])
    assert len(signature) == 4 * minhash.NUMBERS
    assert minhash.matrix([signature])[0, :4].tolist() == FIRST_NUMBERS


FIRST_NUMBERS = [76934225, 599958234, 217231392, 691911364]


@pytest.mark.parametrize(
    ("number", "widths"),
    [(1, (2,)), (19, (2,)), (20, (3, 2)), (24, (3, 2)), (25, (3,)), (59, (3,)), (60, (5, 3)), (75, (5,)), (9999, (5,))],
)
def test_short_texts_have_shorter_shingles_and_those_near_a_border_both(number, widths):
    assert minhash.widths_of(number) == widths
    assert [*minhash.shingles(text_of(number))] == [min(width, number) for width in widths]


@pytest.mark.parametrize("percent", [1, 30, 50, 70, 80, 90, 95, 99, 100])
def test_bands_find_what_shares_just_enough(percent):
    number, rows = clusters.bands(percent)
    assert number * rows <= minhash.NUMBERS
    share = percent / 100
    assert 1 - (1 - share**rows) ** number >= clusters.FOUND or rows == 1


def families(number=40, size=4, seed=3):
    """Texts of which `size` in a row are near-duplicates of each other."""
    return [changed(text_of(250, seed + n), 1, seed=k) for n in range(number) for k in range(size)]


def test_planted_families_are_found_and_nothing_else():
    found = connected(families())
    assert sorted(map(sorted, found.values())) == [list(range(n, n + 4)) for n in range(1, 161, 4)]


def test_a_large_bucket_is_connected_as_all_its_pairs_would_be(monkeypatch):
    texts = families(3, 60)
    expected = connected(texts)
    monkeypatch.setattr(clusters, "FEW", 1000)
    assert connected(texts) == expected
    assert sorted(map(len, expected.values())) == [60, 60, 60]


@pytest.mark.parametrize("percent", [60, 80, 95])
def test_no_pair_under_the_threshold_is_linked(percent):
    numbers = signed(families(10, 3) + [changed(text_of(250, 3), n) for n in range(3, 12)])
    for one, other in clusters.links(numbers, np.ones(len(numbers), bool), percent):
        assert minhash.similarity(numbers[one], numbers[other]) * 100 >= percent


@given(st.permutations(range(24)), st.integers(1, 23))
@settings(max_examples=25, deadline=None)
def test_clusters_are_the_same_whatever_came_first(order, first):
    """All at once, or some first and the rest later: the same texts end up together."""
    texts = families(6, 3) + [text_of(90, 100 + n) for n in range(6)]
    at_once = {frozenset(each) for each in connected(texts).values()}
    mixed = [texts[place] for place in order]
    numbers = signed(mixed)
    pairs = []
    for known in (np.arange(24) < first, np.arange(24) >= first):
        upto = first if known[0] and not known[-1] else 24
        some = clusters.links(numbers[:upto], known[:upto], 80)
        pairs += [(int(a) + 1, int(b) + 1) for a, b in some]
    later = {frozenset(order[pk - 1] + 1 for pk in each) for each in gathered(pairs).values()}
    assert later == at_once


@pytest.mark.parametrize(
    ("pairs", "cluster_of", "members", "moved"),
    [
        ([], {}, {}, {}),
        ([(1, 2)], {1: None, 2: None}, {1: 1, 2: 1}, {}),
        ([(2, 3), (1, 3)], {1: None, 2: None, 3: None}, {1: 1, 2: 1, 3: 1}, {}),
        ([(5, 9)], {5: 2, 9: None}, {9: 2}, {}),
        ([(5, 9)], {5: 7, 9: 3}, {}, {7: 3}),
        ([(5, 9), (9, 11)], {5: 7, 9: None, 11: 3}, {9: 3}, {7: 3}),
        ([(4, 9)], {4: None, 9: 9}, {4: 4}, {9: 4}),
        ([(5, 6)], {5: 2, 6: 2}, {}, {}),
    ],
)
def test_clusters_grow_and_keep_the_first_members_id(pairs, cluster_of, members, moved):
    assert clusters.merged(pairs, cluster_of) == (members, moved)


@given(st.text(max_size=300), st.integers(1, 15))
@settings(max_examples=200, deadline=None)
def test_as_many_hashes_as_ngrams(text, n):
    found = words(text)
    made = hashes(found, n)
    assert len(made) == max(0, len(found) - n + 1)
    grams = [tuple(found[k : k + n]) for k in range(len(made))]
    for one, other in itertools.combinations(range(len(made)), 2):
        assert (made[one] == made[other]) == (grams[one] == grams[other])


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text_has_a_signature_or_no_word(text):
    (signature,) = minhash.signatures([text])
    assert (signature is None) == (words(text) == [])
    if signature:
        assert minhash.matrix([signature]).shape == (len(minhash.shingles(text)), minhash.NUMBERS)
        assert minhash.rows_of([signature]) == [len(minhash.shingles(text))]
