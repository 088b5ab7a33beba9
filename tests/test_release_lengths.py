"""Tokens of each row: the teacher's own count where it counted just this, else an estimate by its ratio."""

import pytest

from pipeline.formats import Record
from pipeline.releasing.lengths import Lengths
from tests.released import known as known_of


def record(text="a" * 30, user="b" * 10, **fields):
    return Record(id="", prompt_key="", user=user, system="c" * 40, text=text, **fields)


def known(**fields):
    made = known_of(record())
    for name, value in ({"prompt_tokens": 4, "completion_tokens": 6} | fields).items():
        setattr(made, name, value)
    return made


def figures(*rows, targets=None, **options):
    lengths = Lengths(targets, **options)
    for one, other in rows:
        lengths.add([one], [other])
    return lengths.figures()


def test_the_teachers_count_is_taken_and_gives_the_ratio_for_others():
    found = figures((record(), known()), (record("a" * 70), known(prompt_tokens=None)))
    assert (found["rows"], found["counted"], found["estimated"]) == (2, 1, 1)
    assert found["characters_a_token"] == 4.0  # 40 characters were 10 tokens
    assert (found["shortest"], found["longest"], found["total"]) == (10, 20, 30)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (record(edited=True), known()),
        (record(), known(says_text_alone=False)),
        (record(), known(sent_alone=False)),
        (record(), known(prompt_tokens=None)),
        (record(), known(completion_tokens=None)),
        (record(), known(completion_tokens=0)),
    ],
    ids=["edited", "JSON or thinking", "a system message", "no prompt count", "no count", "zero, as of a dry run"],
)
def test_a_count_of_something_else_is_no_count(one, other):
    found = figures((one, other))
    assert (found["counted"], found["estimated"], found["characters_a_token"]) == (0, 1, 4.0)


def test_with_system_messages_they_are_counted():
    assert figures((record(), known(sent_alone=False)), system=True)["counted"] == 1
    assert figures((record(), known(prompt_tokens=None)), system=True)["longest"] == 20


def test_rows_over_each_limit_are_counted():
    rows = [(record("a" * 4 * number, user=""), known(prompt_tokens=None)) for number in (1024, 1025, 4096, 4097, 9000)]
    over = {each["name"]: each["rows"] for each in figures(*rows, targets={"openai": 8192})["over"]}
    assert over == {"1,024 tokens": 4, "4,096 tokens": 2, "openai": 1}


def test_bins_hold_every_row():
    rows = [(record("a" * 40 * number), known(prompt_tokens=None)) for number in range(1, 60)]
    found = figures(*rows)
    bins = found["histogram"]
    assert sum(each["rows"] for each in bins) == 59
    assert 15 <= len(bins) <= 31
    assert all(one["to"] == two["from"] for one, two in zip(bins, bins[1:], strict=False))
    assert bins[0]["from"] <= found["shortest"] <= found["median"] <= found["longest"] < bins[-1]["to"]


def test_nothing_is_no_error():
    found = figures()
    assert (found["rows"], found["median"], found["histogram"]) == (0, 0, [])


def test_an_endless_row_is_one_bin_too():
    assert len(figures((record("a" * 4_000_000), known(prompt_tokens=None)))["histogram"]) == 1


def test_targets_stand_in_the_order_of_their_limits_however_a_database_kept_them():
    names = [figures(targets=dict(given))["over"] for given in ([("zeta", 9), ("b", 9)], [("b", 9), ("zeta", 9)])]
    assert names[0] == names[1]
    assert [each["name"] for each in names[0]] == ["1,024 tokens", "4,096 tokens", "b", "zeta"]
