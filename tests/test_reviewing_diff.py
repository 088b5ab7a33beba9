"""Two texts compared word by word, and what makes the comparison fit to be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.reviewing.diff import MAX_WORDS, compare, word_diff

texts = st.lists(st.sampled_from(["the", "of", "iron", "film", "falls", "by", "30", "mV.", "\n", "1."]), max_size=30)


def sides(changes):
    before = "".join(change.text for change in changes if change.kind != "added")
    after = "".join(change.text for change in changes if change.kind != "removed")
    return before, after


@given(texts, texts)
def test_both_texts_stay_complete(old, new):
    before, after = " ".join(old), " ".join(new)
    found = compare(before, after)
    assert sides(found.changes) == (before, after) == sides(word_diff(before, after))
    assert (found.added == found.removed == 0) or before.split() != after.split()
    kinds = [change.kind for change in found.changes]
    assert all(one != other for one, other in zip(kinds, kinds[1:], strict=False))


def written(changes):
    """The changes in one line: [what was removed] {what was added}."""
    marks = {"same": "{}", "removed": "[{}]", "added": "{{{}}}"}
    return "".join(marks[change.kind].format(change.text) for change in changes)


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ("", "", ""),
        ("a b", "a b", "a b"),
        ("a", "a b", "a{ b}"),
        ("a  b", "a b", "a[  ]{ }b"),
        ("the iron film", "the cobalt film", "the [iron ]{cobalt }film"),
        # what stays of “in the” between two changes says nothing by itself
        ("iron in the film", "cobalt in the oxide", "[iron in the film]{cobalt in the oxide}"),
        # a word that says something is kept apart
        ("more iron now", "less iron then", "[more ]{less }iron [now]{then}"),
        ("1. Wash.\n2. Dry.", "1. Wash.\n2. Heat.", "1. Wash.\n2. [Dry.]{Heat.}"),
        ("1. Wash.", "1. Wash.\n2. Dry.", "1. Wash.{\n2. Dry.}"),
    ],
)
def test_changes(before, after, changes):
    assert written(compare(before, after).changes) == changes


def test_words_that_came_and_went_are_counted():
    found = compare("iron in the film", "cobalt in the oxide layer")
    assert (found.added, found.removed, found.whole) == (3, 2, False)


def test_what_is_too_long_is_shown_whole():
    found = compare("a " * MAX_WORDS, "b")
    assert found.whole
    assert [change.kind for change in found.changes] == ["removed", "added"]
