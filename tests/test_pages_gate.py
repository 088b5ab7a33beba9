"""The gate page: what a trial says, what applying does, and what happens when two people apply."""

import re

import pytest
from django.urls import reverse

from curation.models import GateResult, JudgeScore, Prompt, Resolution, Ruleset, State
from pipeline import simulating
from pipeline.gate import load_gate
from pipeline.stages import gating
from tests import factories, judged
from tests.pages import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(db):
    judges = {f"judge_{name}": factories.teacher(f"Judge {name}") for name in ("factuality", "reasoning")}
    return factories.project(**judges)


@pytest.fixture
def answers(project):
    return judged.many(project, 120, decided=0.5)


def address(project, name="quality_gate"):
    return reverse(name, args=[project.slug])


def table(response):
    """{first cell: the other cells} of all rows of a page."""
    rows = re.findall(r"<tr>(.*?)</tr>", response.content.decode(), re.DOTALL)
    cells = [[re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[dh].*?</t[dh]>", row)] for row in rows]
    return {first: rest for first, *rest in cells}


def test_without_judged_answers_it_says_what_is_missing(people, project):
    page = text(people["viewer"].get(address(project)))
    assert "The shipped limits" in page
    assert "No answer has been read by judges yet" in page
    assert "Apply" not in page


def test_the_page_counts_what_the_recount_counts(people, project, answers):
    factories.ruleset(project, "gate", {"judge_f_threshold": 70, "judge_r_threshold": 70})
    said = {"judge_f_threshold": "80", "accept_f_from": "95", "accept_r_from": "90"}
    response = people["viewer"].get(address(project, "quality_gate_try"), said)
    gate = load_gate({"judge_f_threshold": 80, "judge_r_threshold": 70, "accept_f_from": 95, "accept_r_from": 90})
    now = load_gate({"judge_f_threshold": 70, "judge_r_threshold": 70})
    trial = simulating.simulate(simulating.judged_of(project), gate, simulating.policy_of(project), now)
    rows = table(response)
    assert trial.decided == 60
    assert [rows[name][:2] for name in ("Refused", "To people", "Accept band")] == [
        [str(yes), str(no)] for no, yes in trial.table.values()
    ]
    assert rows["Of what is not refused, people accept"][0] == f"{trial.precise.percent:.0f} %"
    assert rows["Of what is not refused, people accept"][2] == str(trial.precise.n)
    assert rows["Judged so far"][:4] == [
        "120",
        *(str(getattr(trial.everything, n)) for n in ("refuse", "people", "accept")),
    ]
    assert rows["Waiting for people now"][0] == "60"
    assert rows["1,000 more like these"][0] == "1,000"
    page = text(response)
    assert f"{trial.stricter.n + trial.looser.n} answers would change band" in page
    assert f"Stricter: {trial.stricter.n}" in page
    assert "factuality, refuse below: 70 → 80" in page
    assert "html" not in response.content.decode()[:50]
    assert response["HX-Replace-Url"].endswith("?judge_f_threshold=80&accept_f_from=95&accept_r_from=90")


def test_few_decisions_are_said_to_be_too_few(people, project):
    judged.many(project, 60, decided=0.2)
    page = text(people["viewer"].get(address(project)))
    assert "Too few decisions to say: people have settled 12 of the judged answers" in page
    assert "95 %" not in page


def test_every_flip_is_listed_with_what_people_decided(people, project, answers):
    said = {"judge_f_threshold": "0", "judge_r_threshold": "0", "accept_f_from": "100", "accept_r_from": "100"}
    response = people["viewer"].get(address(project), said)
    page = response.content.decode()
    links = re.findall(r'href="([^"]*/prompts/[^"]+)"', page)
    assert len(links) == 20  # ten each way
    assert people["viewer"].get(links[0]).status_code == 200
    assert "people accepted it" in page
    assert "people refused it" in page


def test_hours_and_cost_are_unknown_until_they_are_known(people, project, answers):
    project.reviews_required = 2
    project.save()
    call = factories.call(project, cost=None)
    answers[0].call = call
    answers[0].save()
    page = text(people["viewer"].get(address(project)))
    assert "what an answer costs is unknown" in page
    call.cost = "0.0025"
    call.save()
    answers[0].prompt.events.create(project=project, kind="gated")  # whatever happens leaves one
    page = people["viewer"].get(address(project))
    assert "USD 0.002500 an answer on average" in text(page)
    work = simulating.simulate(simulating.judged_of(project), load_gate({}), simulating.policy_of(project)).everything
    assert table(page)["Judged so far"][-2:] == [f"{work.hours:.1f}", f"{work.refuse} · USD {work.cost:.4f}"]
    assert work.hours == pytest.approx(work.to_people * 2 * simulating.policy_of(project).seconds / 3600)


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"judge_f_threshold": "101"}, "Give a number from 0 to 100"),
        ({"judge_f_threshold": ""}, "Give a number from 0 to 100"),
        ({"judge_r_threshold": "nan"}, "Give a number from 0 to 100"),
        ({"max_spread": "-1"}, "greater than or equal to 0"),
        ({"accept_r_from": "much"}, "Give a number from 0 to 100"),
    ],
)
def test_a_wrong_number_is_named_and_nothing_is_counted(people, project, answers, said, wrong):
    for name in ("quality_gate", "quality_gate_try"):
        page = text(people["viewer"].get(address(project, name), said))
        assert "There are numbers once the limits are right" in page
        assert wrong in page
    factories.ruleset(project, "gate")
    answer = people["manager"].post(address(project, "quality_gate_apply"), said | {"version": "1"})
    assert answer.status_code == 422
    assert project.rulesets.count() == 1


def test_applying_makes_a_version_moves_nothing_and_offers_the_run(people, project, answers):
    ruleset = factories.ruleset(project, "gate", load_gate({}))
    for response in answers:
        factories.gate_result(response, ruleset=ruleset)
    before = list(Prompt.objects.order_by("pk").values_list("pk", "state"))
    said = {
        "version": "1",
        "judge_f_threshold": "72.5",
        "accept_f_from": "72",
        "judge_r_threshold": "60",
        "accept_r_from": "90",
    }
    answer = people["manager"].post(address(project, "quality_gate_apply"), said, follow=True)
    project.refresh_from_db()
    newest = project.gate_ruleset
    assert newest.version == 2
    assert newest.origin == "gate page"
    assert newest.created_by is not None
    # The rest stays as it was in force; a band that begins at or below its threshold begins there.
    expected = {"judge_f_threshold": 72.5, "judge_r_threshold": 60, "accept_r_from": 90}
    assert newest.body == load_gate({}) | expected
    page = text(answer)
    assert "Version 2 is in force. Nothing has moved yet: 60 answers nobody has decided would be gated again." in page
    assert f"/p/{project.slug}/runs/start/?stage=judge" in answer.content.decode()
    assert list(Prompt.objects.order_by("pk").values_list("pk", "state")) == before
    assert GateResult.objects.exclude(ruleset=ruleset).count() == 0
    again = people["manager"].post(address(project, "quality_gate_apply"), said | {"version": "2"}, follow=True)
    assert "Unchanged: version 2" in text(again)


def test_who_comes_second_is_shown_both_sides_and_nothing_is_lost(people, project, answers):
    factories.ruleset(project, "gate", load_gate({}))
    factories.ruleset(project, "gate", load_gate({"judge_r_threshold": 55}))
    said = {"version": "1", "judge_f_threshold": "66", "accept_f_from": "66"}
    answer = people["manager"].post(address(project, "quality_gate_apply"), said)
    assert answer.status_code == 409
    page = text(answer)
    assert "You worked on version 1; version 2 holds now" in page
    assert "reasoning, refuse below: 80 → 55" in page
    assert "factuality, refuse below: 80 → 66" in page
    assert 'value="66"' in answer.content.decode()
    assert Ruleset.objects.filter(kind="gate").count() == 2
    people["manager"].post(address(project, "quality_gate_apply"), said | {"version": "2"})
    project.refresh_from_db()
    assert (project.gate_ruleset.body["judge_f_threshold"], project.gate_ruleset.body["judge_r_threshold"]) == (66, 55)


def test_a_decision_counts_at_once_and_only_what_people_settled(people, project, answers):
    def decided():
        return simulating.simulate(simulating.judged_of(project), load_gate({}), simulating.policy_of(project)).decided

    assert decided() == 60
    waiting = Prompt.objects.filter(state=State.TO_REVIEW).first().current_response
    held = factories.resolution(waiting, by="policy")
    assert decided() == 60
    held.by = "adjudicator"
    held.save()
    factories.run(project)
    factories.annotation(waiting, factories.user())
    assert decided() == 61
    Resolution.objects.filter(response=answers[0]).update(current=False)


def test_readings_of_the_rubric_in_force_count_alone_and_else_all(project, answers):
    first = simulating.judged_of(project)
    assert not first.all_versions
    factories.judge_score(answers[0], "factuality", 1, rubric_version="x" * 64, judge=project.judge_factuality)
    assert simulating.judged_of(project).scores["factuality"][0] == first.scores["factuality"][0]
    factories.template(project, "judge_factuality", "Judge otherwise: {{response}}")
    old = simulating.judged_of(project)
    assert old.all_versions
    assert len(old) == len(answers)


def test_scores_that_came_with_a_file_count_without_judges(people):
    project = factories.project()
    for score in (70, 90):
        response = factories.prompt(project, State.TO_REVIEW).current_response
        for rubric in ("factuality", "reasoning"):
            factories.judge_score(response, rubric, score, rubric_version=JudgeScore.IMPORTED)
    found = simulating.judged_of(project)
    assert (len(found), found.all_versions, found.waiting.sum()) == (2, False, 2)


def test_what_is_to_be_decided_blind_is_not_listed(project, answers):
    project.blind_percent = 100
    project.save()
    people = factories.clients(project)
    said = {"judge_f_threshold": "0", "judge_r_threshold": "0", "accept_f_from": "100", "accept_r_from": "100"}
    Resolution.objects.all().delete()
    Prompt.objects.update(state=State.TO_REVIEW)
    for role, listed in (("viewer", 20), ("reviewer", 0), ("manager", 0)):
        page = people[role].get(address(project, "quality_gate_try"), said).content.decode()
        assert len(re.findall(r'href="[^"]*/prompts/[^"]+"', page)) == listed


def test_the_plots_have_a_table_with_the_same_numbers(people, project, answers):
    response = people["viewer"].get(address(project, "quality_gate_plots"), {"judge_f_threshold": "77"})
    page = response.content.decode()
    assert page.count("<svg") == 2
    assert "refuse below 77" in text(response)
    rows = [rest for first, rest in table(response).items() if " to " in first]
    assert rows


def test_looking_writes_nothing(people, project, answers, django_assert_max_num_queries):
    tables = (Ruleset, GateResult, Prompt)
    before = [model.objects.count() for model in tables]
    people["viewer"].get(address(project))
    with django_assert_max_num_queries(25) as queries:
        people["viewer"].get(address(project, "quality_gate_try"), {"judge_f_threshold": "60"})
    assert [model.objects.count() for model in tables] == before
    written = [q["sql"] for q in queries.captured_queries if q["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert written == []


def test_scores_that_are_only_shown_are_made_to_decide(people, project, answers):
    factories.ruleset(project, "gate", {"judge_f_threshold": 70, "judge_r_threshold": 70, "decides": False})
    page = text(people["manager"].get(address(project)))
    assert "The gate in force decides nothing: moving a limit changes nothing while scores are only shown" in page
    tried = people["manager"].get(address(project, "quality_gate_try"), {"decides": "yes"})
    assert "scores: are only shown → decide" in text(tried)
    assert int(table(tried)["Judged so far"][1]) > 0
    people["manager"].post(address(project, "quality_gate_apply"), {"version": "1", "decides": "yes"})
    project.refresh_from_db()
    assert (project.gate_ruleset.version, project.gate_ruleset.body["decides"]) == (2, True)


def test_a_version_that_only_asks_again_may_come_between(people, project, answers):
    factories.ruleset(project, "gate", {"judge_f_threshold": 70})
    gating.judge_anew(project)
    said = {"version": "1", "judge_f_threshold": "80"}
    response = people["manager"].post(address(project, "quality_gate_apply"), said)
    assert response.status_code == 409
    assert "what judges are asked" in text(response)
