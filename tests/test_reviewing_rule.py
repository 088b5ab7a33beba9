"""Consensus as a table: which decisions decide what."""

import pytest

from curation.reviewing import Decision, consensus, same_text

ACTIONS = {"a": "accept", "g": "regenerate", "r": "reject"}


def decisions(word):
    """`"aA g"`: one letter a decision; an upper case A accepts with an edited text."""
    return [
        Decision(ACTIONS[letter.lower()], "edited" if letter.isupper() else "as it came")
        for letter in word.replace(" ", "")
    ]


# decisions so far, required, mode -> action agreed ("": none), still missing
CASES = [
    ("", 1, "majority", "", 1),
    ("a", 1, "majority", "accept", 0),
    ("A", 1, "majority", "accept", 0),
    ("g", 1, "unanimity", "regenerate", 0),
    ("r", 2, "majority", "", 1),
    ("rr", 2, "majority", "reject", 0),
    ("ar", 2, "majority", "", 0),  # half is not more than half
    ("aA", 2, "majority", "", 0),  # both accept, but not the same text
    ("AA", 2, "majority", "accept", 0),
    ("aa", 3, "majority", "", 1),  # only once all are in
    ("aar", 3, "majority", "accept", 0),
    ("aAr", 3, "majority", "", 0),  # the accepts differ
    ("AAr", 3, "majority", "accept", 0),
    ("Agg", 3, "majority", "regenerate", 0),  # an outvoted edit does not matter
    ("agr", 3, "majority", "", 0),
    ("aaarr", 5, "majority", "accept", 0),
    ("aagrr", 5, "majority", "", 0),  # the most named one needs more than half
    ("aaar", 4, "majority", "accept", 0),
    ("aarr", 4, "majority", "", 0),
    ("aaa", 3, "unanimity", "accept", 0),
    ("aar", 3, "unanimity", "", 0),
    ("aaA", 3, "unanimity", "", 0),
    ("ggg", 3, "unanimity", "regenerate", 0),
]


@pytest.mark.parametrize(("given", "required", "mode", "action", "missing"), CASES)
def test_outcome(given, required, mode, action, missing):
    outcome = consensus(decisions(given), required, mode)

    assert (outcome.action or "", outcome.missing) == (action, missing)
    assert outcome.agreed is bool(action)
    assert outcome.disagreed is (not action and not missing)


@pytest.mark.parametrize("surplus", ["r", "A", "rrrr"])
def test_later_decisions_have_no_effect(surplus):
    outcome = consensus(decisions("aa" + surplus), 2)

    assert outcome.action == "accept"
    assert [decision.action for decision in outcome.deciding] == ["accept", "accept"]
    assert len(outcome.surplus) == len(surplus)


def test_the_text_of_an_accept_is_what_the_accepting_ones_wrote():
    assert consensus(decisions("AAr"), 3).text == "edited"
    assert consensus(decisions("a"), 1).text == "as it came"
    assert consensus(decisions("rr"), 2).text == ""


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a b", "a b ", True),
        ("a\nb", "a  \r\nb\n\n", True),
        ("e\u0301", "\u00e9", True),
        ("a b", "a  b", False),
        ("a\nb", "a b", False),
        ("a", "A", False),
        (" a", "a", False),
    ],
)
def test_which_texts_are_the_same(one, other, same):
    assert (same_text(one) == same_text(other)) is same
    outcome = consensus([Decision("accept", one), Decision("accept", other)], 2)
    assert outcome.agreed is same


def test_the_oldest_text_stands_where_only_white_space_differs():
    assert consensus([Decision("accept", "a "), Decision("accept", "a")], 2).text == "a "


@pytest.mark.parametrize(("required", "mode"), [(0, "majority"), (-1, "majority"), (1, "most"), (1, "")])
def test_a_rule_that_cannot_decide_is_refused(required, mode):
    with pytest.raises(ValueError, match="is required|no way to agree"):
        consensus(decisions("a"), required, mode)
