"""The overview of quality: the way to its places, what filters catch, judges, agreement; plots show the tables."""

import pytest
from django.urls import reverse

from curation import plots
from pipeline import calibrating
from tests import factories
from tests.pages import text

pytestmark = pytest.mark.django_db


def page_of(people, project):
    return people["viewer"].get(f"/p/{project.slug}/quality/")


@pytest.fixture
def drawn(monkeypatch):
    """What the page has drawn: (the rows, the limits) of each plot."""
    found = []
    for name in ("bars", "histogram"):
        real = getattr(plots, name)

        def draw(rows, real=real, **words):
            found.append((rows, words.get("limits", {})))
            return real(rows, **words)

        monkeypatch.setattr(plots, name, draw)
    return found


def test_an_empty_project_says_what_is_missing(people, project):
    page = text(page_of(people, project))
    assert "The shipped rules: no answer measured yet." in page
    assert "No judges: what passes the filters goes to people." in page
    assert "No answer has a score and a decision yet." in page
    assert "No answer has both a judge’s score and a person’s decision yet." in page
    assert "No answer has been measured" in page
    assert "No score yet" in page
    assert "nothing to compare" in page
    assert "<svg" not in page_of(people, project).content.decode()


def test_cards_say_how_it_stands_and_lead_on(people, project):
    project.judge_factuality = factories.teacher()
    project.save()
    rules, gate_rules = factories.ruleset(project), factories.ruleset(project, "gate")
    reviewer = factories.member(project, "reviewer")
    for number in range(4):
        prompt = factories.prompt(project, "accepted" if number else "to_review")
        response = prompt.current_response
        factories.filter_result(response, failed=["refusal"] if number == 0 else [], ruleset=rules)
        factories.gate_result(response, reasons=["judge_f_low_score"] if number < 2 else [], ruleset=gate_rules)
        factories.judge_score(response, score=90)
        factories.resolution(response, "reject" if number == 3 else "accept")
        factories.annotation(response, reviewer, "reject" if number == 3 else "accept")
        factories.fingerprint(prompt, response, cluster=7 if number < 3 else None)
    factories.prompt(project)
    cards = {card.title: f"{card.number} {card.sentence}" for card in page_of(people, project).context["cards"]}
    assert cards == {
        "Filters": "75 % of 4 answers pass. Version 1.",
        "Gate": "50 % of 4 answers pass. Thresholds 80 and 80.",
        "Judges against people": "75 % of 4 verdicts as people decided.",
        "Rubrics": "2 shipped, in use with the first judge.",
        "Near-duplicates": "1 cluster, with 3 answers that resemble another.",
        "Regeneration": " No second chance was measured yet.",
        "Data": "5 prompts, 3 of them accepted.",
    }
    page = page_of(people, project).content.decode()
    for name in ("quality_filters", "quality_data"):
        assert page.count(f'href="{reverse(name, args=[project.slug])}"') == 2  # a card and the navigation
    assert page.count('aria-current="page"') == 2  # in the top bar and in the navigation below it


def test_failures_count_every_rule_of_every_answer_under_the_current_rules(people, project, drawn):
    rules = factories.ruleset(project)
    for failed in (["ban_citations"], ["ban_citations", "min_char_length"], []):
        factories.filter_result(factories.prompt(project, "to_review").current_response, failed=failed, ruleset=rules)
    old = factories.ruleset(factories.project())
    factories.filter_result(factories.prompt(project, "to_review").current_response, failed=["refusal"], ruleset=old)
    found = page_of(people, project).context["failures"]
    assert (found["n"], found["failed"]) == (3, 2)
    address = f"/p/{project.slug}/prompts/?failed="
    assert found["rows"] == [
        ("No citations", 2, f"{address}ban_citations"),
        ("Shortest answer, in characters", 1, f"{address}min_char_length"),
    ]
    page = page_of(people, project).content.decode()
    assert f'href="{address}ban_citations"' in page
    assert drawn[-1] == ([("No citations", 2), ("Shortest answer, in characters", 1)], {})


def test_an_answer_that_was_replaced_counts_no_more(people, project):
    rules, prompt = factories.ruleset(project), factories.prompt(project, "to_review")
    factories.filter_result(prompt.current_response, ruleset=rules, failed=["refusal"])
    factories.filter_result(factories.response(prompt), ruleset=rules)
    assert "100 % of 1 answers pass." in text(page_of(people, project))


def test_a_gate_that_only_shows_its_scores_has_no_share_that_passes(people, project):
    project.judge_factuality = factories.teacher()
    project.save()
    rules = factories.ruleset(project, "gate", {"decides": False})
    factories.gate_result(factories.prompt(project, "to_review").current_response, ruleset=rules)
    assert "1 answers gated: scores are shown and decide nothing." in text(page_of(people, project))


def test_scores_fall_into_bins_of_ten_and_the_threshold_is_drawn(people, project, drawn):
    for score in (0, 9.5, 79.9, 80, 100, None):
        response = factories.prompt(project, "to_review").current_response
        factories.judge_score(response, score=score)
    factories.ruleset(project, "gate", {"judge_f_threshold": 75})
    found = page_of(people, project).context["histograms"][0]
    assert [number for *_, number in found["bins"]] == [2, 0, 0, 0, 0, 0, 0, 1, 1, 1]
    assert drawn[1] == (found["bins"], {"threshold": 75})
    assert found["unreadable"] == 1
    page = page_of(people, project).content.decode()
    assert "threshold 75" in page
    assert "(n = 5 scores)" in page
    assert "style=" not in page


def test_judges_against_people_counts_as_its_own_page_does(people, project):
    """One count on both pages: what stands, else most decisions; repeats by their mean; replaced answers too."""
    judge = project.judge_factuality = factories.teacher("The judge")
    project.save()
    ada, ben = (factories.member(project, "reviewer", name=name) for name in ("ada", "ben"))
    cases = [((90,), ("accept",)), ((85, 81), ("reject",)), ((20, 90), ("regenerate",)), ((70,), ("accept", "accept"))]
    for scores, actions in [*cases, ((90,), ("accept", "reject")), ((90,), ())]:
        response = factories.prompt(project, "to_review").current_response
        for repeat, score in enumerate(scores):
            factories.judge_score(response, score=score, judge=judge, repeat=repeat)
        for person, action in zip((ada, ben), actions, strict=False):
            factories.annotation(response, person, action)
    factories.resolution(response, "accept", by="policy")  # no person's word
    replaced = factories.prompt(project, "to_review")
    factories.judge_score(replaced.current_response, score=90, judge=judge)
    factories.annotation(replaced.current_response, ada, "reject")
    factories.resolution(replaced.current_response, "accept", by="adjudicator")
    factories.response(replaced)
    page = page_of(people, project)
    ((name, rubric, found),) = page.context["against_people"]
    assert (name, rubric) == ("The judge", "factuality")
    cells = (found.passed_accepted, found.passed_refused, found.held_accepted, found.held_refused)
    assert (cells, found.n, round(found.percent)) == ((2, 1, 1, 1), 5, 60)
    assert found == calibrating.calibration_of(project).judges[0].whole.confusion
    assert "Factuality The judge 2 1 1 1 60 % 5" in text(page)
    assert "60 % of 5 verdicts as people decided." in text(page)


def test_agreement_of_reviewers_is_shown(people, project):
    ada, ben = factories.user("ada"), factories.user("ben")
    for actions in (("accept", "accept"), ("accept", "reject")):
        response = factories.prompt(project, "to_review").current_response
        for person, action in zip((ada, ben), actions, strict=True):
            factories.annotation(response, person, action)
    page = text(page_of(people, project))
    assert "ada and ben 2 50 % too few to say" in page
