"""Who is asked next: the rung by the number of answers, and whether a ladder has anybody left."""

import pytest

from pipeline.regenerating import Said, ladder

AB, AAB, ABA = ["A", "B"], ["A", "A", "B"], ["A", "B", "A"]


@pytest.mark.parametrize(
    ("names", "attempts", "asked", "last"),
    [
        ([], 1, "", True),
        ([], 4, "", True),
        (["A"], 0, "A", False),
        (["A"], 1, "A", False),
        (["A"], 2, "A", True),
        (AB, 1, "A", False),
        (AB, 2, "B", False),
        (AB, 3, "B", True),
        (AB, 9, "B", True),
        (AAB, 2, "A", False),
        (AAB, 3, "B", False),
        (AAB, 4, "B", True),
        (ABA, 3, "A", True),
    ],
)
def test_a_rung_for_each_answer(names, attempts, asked, last):
    assert (ladder.rung(names, attempts), ladder.is_last(names, attempts)) == (asked, last)


BODY = {
    "ladder": ["Usual"],
    "recipes": {
        "filter:empty": {"ladder": ["F"], "parameters": {"temperature": 0.1}},
        "gate:judge_f_low_score": {"ladder": ["G"], "parameters": {"temperature": 0.2, "top_p": 0.2}},
        "reviewer:unsafe": {"ladder": [], "parameters": {"temperature": 0.3}},
        "reviewer:too_long": {"ladder": ["R"], "parameters": {"max_tokens": 9}},
    },
}


@pytest.mark.parametrize(
    ("keys", "names", "parameters"),
    [
        ([], ["Usual"], {}),
        (["filter:refusal"], ["Usual"], {}),
        (["reviewer:unsafe"], ["Usual"], {"temperature": 0.3}),
        (["filter:empty", "gate:judge_f_low_score"], ["F"], {"temperature": 0.1, "top_p": 0.2}),
        (["filter:empty", "reviewer:unsafe"], ["F"], {"temperature": 0.3}),
        (["filter:empty", "reviewer:unsafe", "reviewer:too_long"], ["R"], {"temperature": 0.3, "max_tokens": 9}),
    ],
)
def test_the_first_fault_that_has_any_gives_ladder_and_parameters_people_first(keys, names, parameters):
    said = [Said(*key.split(":")) for key in keys]
    assert (ladder.ladder_of(BODY, said), ladder.parameters_of(BODY, said)) == (names, parameters)
