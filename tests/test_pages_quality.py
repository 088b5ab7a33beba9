"""The quality page: rules in force, what they catch, judges, agreement; and the charts' numbers."""

import re

import pytest

from curation import charts
from pipeline import gate
from pipeline.views import quality
from tests import factories

pytestmark = pytest.mark.django_db


def text(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def page_of(people, project):
    return people["viewer"].get(f"/p/{project.slug}/quality/")


def quality_limits(project):
    return gate.load_gate(project.gate_ruleset.body if project.gate_ruleset else {})


def test_an_empty_project_shows_the_shipped_rules_and_says_what_is_missing(people, project):
    page = text(page_of(people, project))
    assert "The shipped rules" in page
    assert "Shortest answer, in characters" in page
    assert "No answer has been measured" in page
    assert "No score yet" in page
    assert "nothing to compare" in page


def test_the_rules_in_force_are_those_of_the_project(people, project):
    factories.ruleset(project, body={"min_char_length": 77, "task_types": {"methodology": {"min_char_length": 99}}})
    rows = {row["rule"].id: row["limits"] for row in quality.rules_in_force(project)["rows"]}
    assert rows["min_char_length"] == [77, 77, 99]
    assert rows["max_char_length"][0] == "off"
    page = text(page_of(people, project))
    assert "Version 1" in page


def test_failures_count_every_rule_of_every_answer_under_the_current_rules(people, project):
    rules = factories.ruleset(project)
    for failed in (["ban_citations"], ["ban_citations", "min_char_length"], []):
        factories.filter_result(factories.prompt(project, "to_review").current_response, failed=failed, ruleset=rules)
    old = factories.ruleset(factories.project())
    factories.filter_result(factories.prompt(project, "to_review").current_response, failed=["refusal"], ruleset=old)
    found = quality.failures(project)
    assert (found["n"], found["failed"]) == (3, 2)
    assert [(item["label"], item["number"]) for item in found["chart"]["items"]] == [
        ("No citations", 2),
        ("Shortest answer, in characters", 1),
    ]
    page = page_of(people, project).content.decode()
    assert f"/p/{project.slug}/prompts/?failed=ban_citations" in page


def test_scores_fall_into_bins_of_ten_and_the_threshold_is_drawn(people, project):
    for score in (0, 9.5, 79.9, 80, 100, None):
        response = factories.prompt(project, "to_review").current_response
        factories.judge_score(response, score=score)
    factories.ruleset(project, "gate", {"judge_f_threshold": 75})
    found = quality.histograms(project, quality_limits(project))[0]
    counts = [item["number"] for item in found["chart"]["items"]]
    assert counts == [2, 0, 0, 0, 0, 0, 0, 1, 1, 1]
    assert found["unreadable"] == 1
    page = page_of(people, project).content.decode()
    assert "threshold 75" in page
    assert "(n = 5 scores)" in page
    assert "style=" not in page


def test_judges_against_people_counts_only_what_people_settled(project):
    cases = [(90, "accept", "consensus"), (85, "reject", "adjudicator"), (20, "regenerate", "consensus")]
    for score, action, by in [*cases, (90, "accept", "policy")]:
        response = factories.prompt(project, "to_review").current_response
        factories.judge_score(response, score=score)
        factories.judge_score(response, rubric="reasoning", score=10)
        factories.resolution(response, action, by=by)
    found = quality.against_people(project, quality_limits(project))[0]
    assert [found[cell] for cell in ("pass_accept", "pass_refuse", "hold_accept", "hold_refuse")] == [1, 1, 0, 1]
    assert (found["n"], round(found["percent"])) == (3, 67)
    reasoning = quality.against_people(project, quality_limits(project))[1]
    assert [reasoning[cell] for cell in ("pass_accept", "pass_refuse", "hold_accept", "hold_refuse")] == [0, 0, 1, 2]


def test_agreement_of_reviewers_is_shown(people, project):
    ada, ben = factories.user("ada"), factories.user("ben")
    for actions in (("accept", "accept"), ("accept", "reject")):
        response = factories.prompt(project, "to_review").current_response
        for person, action in zip((ada, ben), actions, strict=True):
            factories.annotation(response, person, action)
    page = text(page_of(people, project))
    assert "ada and ben 2 50 % 0.00" in page


@pytest.mark.parametrize("numbers", [[], [0], [5], [1, 1000000]])
def test_bars_stay_in_their_room(numbers):
    chart = charts.bars([("rule", number, "#") for number in numbers])
    for item in chart["items"]:
        assert 0 <= item["length"] <= chart["width"] - charts.LABEL - charts.VALUE


@pytest.mark.parametrize(("limit", "x"), [(0, 40.0), (100, 630.0), (80, 512.0)])
def test_the_threshold_stands_at_its_place_on_the_axis(limit, x):
    assert charts.histogram({3: 2}, limit)["limit"]["x"] == x
