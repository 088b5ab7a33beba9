"""Every reading of every judge is on the card: none is overwritten, means and spreads are right, labels are words."""

import re

import pytest

from curation import labels
from curation.models import Rubric, State
from curation.reviewing.verdicts import judgements_of
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def prompt(project):
    return factories.prompt(project, State.TO_REVIEW)


def said(client, path):
    words = " ".join(re.sub(r"<[^>]+>", " ", client.get(path).content.decode()).split())
    return re.sub(r" (?=[:,)])|(?<=\() ", "", words)


def of(response, gate=None, named=None):
    return judgements_of(response.judge_scores.select_related("judge"), gate, named or {})


def test_judges_and_repeats_stand_beside_each_other(prompt):
    ada, bob = factories.teacher("judge a"), factories.teacher("judge b")
    response = prompt.current_response
    for judge, repeat, score in ((bob, 0, 60), (ada, 1, 100), (ada, 0, 90), (bob, 1, None)):
        factories.judge_score(response, score=score, judge=judge, repeat=repeat)
    factories.judge_score(response, "reasoning", 70, judge=bob)
    factuality, reasoning = of(response)

    assert [(row.judge.name, row.repeat) for row in factuality.readings] == [
        *(("judge a", 0), ("judge a", 1)),
        *(("judge b", 0), ("judge b", 1)),
    ]
    assert factuality.score == 77.5  # the mean of 95 and 60, not of 90, 100 and 60
    assert (factuality.low, factuality.high, factuality.unreadable, factuality.judges) == (60, 100, 1, 2)
    assert (reasoning.rubric, reasoning.score, reasoning.varies) == ("reasoning", 70, False)


def test_the_gate_says_the_score_where_it_has_one(prompt):
    response = prompt.current_response
    factories.judge_score(response, score=90)
    measured = {"rule": "judge_f_score", "value": 85.5, "limit": 80, "ok": True, "spread": 9, "n": 2}
    (judged,) = of(response, factories.gate_result(response, measurements=[measured]))
    assert (judged.score, judged.measured["limit"]) == (85.5, 80)


def test_a_judge_that_read_again_by_a_newer_rubric_has_one_word(prompt):
    judge = factories.teacher()
    factories.judge_score(prompt.current_response, score=40, judge=judge, rubric_version="1" * 64)
    factories.judge_score(prompt.current_response, score=80, judge=judge, rubric_version="2" * 64)
    (judged,) = of(prompt.current_response)
    assert (judged.score, [row.score for row in judged.readings]) == (80, [80])
    assert [row.score for row in judged.earlier] == [40]


def test_nothing_readable_has_no_score(prompt):
    factories.judge_score(prompt.current_response, score=None)
    (judged,) = of(prompt.current_response)
    assert (judged.score, judged.unreadable) == (None, 1)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([80], (80, 80, 80, False)),
        ([80, 60], (70, 60, 80, True)),
        (["good"], ("good", None, None, False)),
        (["good", "poor", "good"], ("good, poor", None, None, False)),
        ([80, "good"], ("80, good", None, None, False)),
    ],
)
def test_dimensions_over_readings(prompt, values, shown):
    for repeat, value in enumerate(values):
        factories.judge_score(prompt.current_response, repeat=repeat, dimensions={"method_rigour": value})
    (judged,) = of(prompt.current_response, named={"factuality": {"method_rigour": "Rigour of the method"}})
    (dimension,) = judged.dimensions
    assert dimension.label == "Rigour of the method"
    assert (dimension.value, dimension.low, dimension.high, dimension.varies) == shown


def test_dimensions_are_called_as_the_newest_rubric_says(project):
    def record(*dimensions):
        body = {"dimensions": [{"name": name, "label": label} for name, label in dimensions]}
        Rubric.record(project, "factuality", body)

    record(("plausibility", "Plausible"), ("grounding", "Grounded"))
    record(("plausibility", "Plausibility"))
    assert labels.dimensions(project) == {"factuality": {"plausibility": "Plausibility", "grounding": "Grounded"}}


@pytest.mark.parametrize("body", [{}, {"dimensions": None}, {"dimensions": ["a"]}, {"dimensions": [{"name": "a"}]}, []])
def test_a_rubric_without_labels_breaks_nothing(project, body):
    Rubric.record(project, "factuality", body)
    assert labels.dimensions(project) == {"factuality": {}}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ban_citations", "No citations"),
        ("judge_f_score", "factuality"),
        ("a_rule_of_old", "a rule of old"),
    ],
)
def test_a_rule_is_called_by_its_label_or_else_by_its_words(code, words):
    assert labels.rule(code) == words


def test_the_card_shows_mean_spread_and_each_reading(people, project, prompt):
    Rubric.record(project, "factuality", {"dimensions": [{"name": "grounding", "label": "Grounding in the source"}]})
    judge = factories.teacher("second judge")
    response = prompt.current_response
    factories.judge_score(response, score=90, dimensions={"grounding": 80}, rationale="It fits.")
    factories.judge_score(response, score=70, judge=judge, dimensions={"grounding": 60}, rationale="Hardly.")
    for path in (f"/p/{project.slug}/review/", f"/p/{project.slug}/prompts/{prompt.key}/"):
        page = said(people["manager"], path)
        for words in (
            *("Grounding in the source 70 (60–80)", "second judge", "“It fits.”", "“Hardly.”"),
            "mean of 2 readings: 70 to 90",
        ):
            assert words in page, (path, words)
    assert "factuality 80 (70–90 in 2)" in said(people["manager"], f"/p/{project.slug}/review/")


@pytest.fixture
def judged_pair(project):
    pair = factories.pair(project, State.TO_REVIEW)
    factories.gate_result(pair.hypothesis.current_response, score=90)
    factories.gate_result(pair.methodology.current_response, score=80, pair_score=85)
    return pair


def test_a_pair_is_shown_with_its_score(people, project, judged_pair):
    assert "Score of the pair 85 (hypothesis 90, methodology 80)" in said(
        people["reviewer"], f"/p/{project.slug}/review/"
    )


def test_a_score_with_another_hypothesis_is_not_the_pairs(people, project, judged_pair):
    newer = factories.response(judged_pair.hypothesis)
    factories.gate_result(newer, score=70)
    page = said(people["reviewer"], f"/p/{project.slug}/review/")
    assert "asked with an earlier hypothesis" in page
    assert "Score of the pair" not in page


def test_a_blind_reviewer_sees_no_pair_score(people, project, judged_pair):
    project.blind_percent = 100
    project.save()
    assert "Score of the pair" not in said(people["reviewer"], f"/p/{project.slug}/review/")
