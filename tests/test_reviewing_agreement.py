"""Agreement of reviewers: known figures, and words where a figure would mislead."""

import pytest

from curation.agreement import agreement_report, cohen_kappa
from curation.models import State
from tests import factories

ACTIONS = {"a": "accept", "g": "regenerate", "r": "reject"}


@pytest.mark.parametrize(
    ("one", "other", "kappa"),
    [
        ("aarr", "aarr", 1.0),
        ("aarr", "rraa", -1.0),
        ("arar", "aarr", 0.0),
        # Cohen's own kind of table: 20 both yes, 5 and 10 apart, 15 both no.
        ("a" * 25 + "r" * 25, "a" * 20 + "r" * 5 + "a" * 10 + "r" * 15, 0.4),
        ("aaaa", "aaar", 0.0),
        ("aaaa", "aaaa", None),
        ("", "", None),
    ],
)
def test_kappa(one, other, kappa):
    assert cohen_kappa(one, other) == (kappa if kappa is None else pytest.approx(kappa))


def test_kappa_compares_answers_to_the_same_questions():
    with pytest.raises(ValueError, match="2 answers against 1"):
        cohen_kappa("ab", "a")


def decide(project, **answers):
    """`decide(project, ada="aar", bob="a-r")`: one letter a response, a hyphen for none."""
    people = {name: factories.member(project, "reviewer", name=name) for name in answers}
    for place in range(len(next(iter(answers.values())))):
        response = factories.prompt(project, State.TO_REVIEW).current_response
        for name, word in answers.items():
            if word[place] != "-":
                factories.annotation(response, people[name], ACTIONS[word[place]])


@pytest.mark.django_db
def test_report_of_three():
    project = factories.project()
    decide(project, ada="aarra", bob="aar--", cleo="---ra")

    report = agreement_report(project)

    assert (report.decisions, report.responses, report.responses_of_several, report.compared) == (10, 5, 5, 5)
    assert report.percent == 100
    assert [(pair.one, pair.other, pair.n, pair.equal, pair.kappa_text) for pair in report.pairs] == [
        ("ada", "bob", 3, 3, "too few to say"),
        ("ada", "cleo", 2, 2, "too few to say"),
    ]
    assert [pair.kappa for pair in report.pairs] == [1, 1]
    ada = report.reviewers[0]
    assert (ada.name, ada.decisions, ada.accept, ada.regenerate, ada.reject) == ("ada", 5, 3, 0, 2)
    assert (ada.compared, ada.agreed_percent, ada.median_seconds) == (5, 100, None)


@pytest.mark.django_db
def test_complete_agreement_on_one_answer_is_no_kappa_of_one():
    project = factories.project()
    decide(project, ada="aaa", bob="aaa")

    (pair,) = agreement_report(project).pairs

    assert (pair.percent, pair.kappa, pair.kappa_text) == (100, None, "undefined, all answers equal")


@pytest.mark.django_db
def test_one_reviewer_alone_has_counts_and_no_agreement():
    project = factories.project()
    decide(project, ada="agr")
    decide(factories.project(), bob="aaa")

    report = agreement_report(project)

    assert (report.pairs, report.percent, report.responses_of_several) == ((), None, 0)
    assert [(row.name, row.decisions, row.agreed_percent) for row in report.reviewers] == [("ada", 3, None)]


@pytest.mark.django_db
def test_no_decisions_at_all():
    report = agreement_report(factories.project())

    assert (report.decisions, report.responses, report.percent, report.pairs, report.reviewers) == (0, 0, None, (), ())


@pytest.mark.django_db
def test_what_was_taken_back_does_not_count_and_what_came_late_does():
    project = factories.project()
    ada, bob = (factories.member(project, "reviewer", name=name) for name in ("ada", "bob"))
    response = factories.prompt(project, State.TO_REVIEW).current_response
    factories.annotation(response, ada, "reject", current=False)
    factories.annotation(response, ada, "accept", version=2, seconds=30, edited_text="x")
    factories.annotation(response, bob, "reject", surplus=True)

    report = agreement_report(project)

    assert (report.decisions, report.percent) == (2, 0)
    assert [(row.edited, row.surplus, row.median_seconds) for row in report.reviewers] == [(1, 0, 30), (0, 1, None)]
