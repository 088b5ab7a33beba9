"""One edit made again in other texts: what it removed, where that fits, and what the text becomes."""

import pytest

from curation.changing.edits import applied, hunks, telling

BEFORE = "Numerous studies have shown that iron lowers the barrier. It will significantly decrease the set voltage."


@pytest.mark.parametrize(
    ("after", "phrases"),
    [
        (BEFORE, []),
        (BEFORE.replace("barrier.", "barrier. "), []),
        (BEFORE.replace("iron", "cobalt"), []),
        (BEFORE.replace("significantly ", ""), ["significantly"]),
        (BEFORE.replace("will significantly decrease", "decreases"), ["will significantly decrease"]),
        (BEFORE.replace("Numerous studies have shown that iron", "Iron"), ["Numerous studies have shown that"]),
        (BEFORE.replace("studies have", "papers have").replace("set voltage", "voltage"), []),
        ("Something else altogether stands here.", None),
    ],
)
def test_what_an_edit_removed(after, phrases):
    found = telling(hunks(BEFORE, after))
    assert found == phrases if phrases is not None else found


@pytest.mark.parametrize(
    ("before", "after", "other", "becomes"),
    [
        # taken out in the middle, at the beginning, at the end, before a line's end
        ("It will significantly rise.", "It will rise.", "They will significantly fall.", "They will fall."),
        ("As is well known, x rises.", "X rises.", "As is well known, y falls.", "Y falls."),
        ("It rises as is well known", "It rises", "It falls as is well known", "It falls"),
        ("1. Stir it very carefully\n2. Go", "1. Stir it\n2. Go", "1. Mix it very carefully\n2. End",
         "1. Mix it\n2. End"),
        # replaced, with other white space, several times
        ("in a high amount of cases", "in many cases", "in a high\namount of times", "in many times"),
        ("of the order of 5", "about 5", "of the order of 7 and of the order of 9", "about 7 and about 9"),
        # only whole words, and the same case
        ("the quick brown fox", "the fox", "the quick brownish fox", None),
        ("Quick brown fox", "Fox", "a quick brown fox", None),
        # too little to tell
        ("raise the iron", "raise the cobalt", "lower the iron", None),
        ("a b c", "a c", "x b y", None),
        # a letter after it becomes small again
        ("We expect That iron helps", "we expect iron helps", "We see That iron helps", None),
        # what would leave nothing
        ("Nothing of use here", "Something", "Nothing of use here", "Something"),
        ("Nothing of use", "", "Nothing of use", None),
    ],
)  # fmt: skip
def test_where_else_it_fits(before, after, other, becomes):
    assert applied(hunks(before, after), other) == becomes


@pytest.mark.parametrize(
    ("before", "after", "other", "becomes"),
    [
        ("If the iron rises, the barrier falls.", "If the cobalt rises, the barrier falls.",
         "If the iron rises, the barrier falls by 3 eV.", "If the cobalt rises, the barrier falls by 3 eV."),
        ("Heat it to 25 °C and wait.", "Heat it to 35 °C and wait.", "Then heat it to 25 °C and wait.",
         "Then heat it to 35 °C and wait."),
        ("stir the flask well", "stir the glass flask well", "now stir the flask well",
         "now stir the glass flask well"),
        ("stir the flask", "stir the flask twice", "now stir the flask", None),  # nothing says where an addition ends
        ("a red b red c", "a blue b red c", "x red y red z", None),  # it might be either
        ("the iron rises", "the cobalt rises", "iron", None),
    ],
)  # fmt: skip
def test_in_a_near_duplicate_the_words_around_say_where(before, after, other, becomes):
    assert applied(hunks(before, after), other, near=True) == becomes
    assert applied(hunks(before, after), other) is None
