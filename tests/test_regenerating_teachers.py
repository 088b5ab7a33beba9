"""Whom a second chance asks: ladders, parameters, several teachers in one run, and what that costs."""

import pytest

from curation.models import State, Teacher
from pipeline import jobs, quotes
from pipeline.regenerating import record_recipes, shipped
from tests import factories, teacher_replies
from tests.second_chances import CITED, failed, fresh, ladder, project_at, recipes, run, sent_back, told

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick_retries")]


@pytest.fixture
def project(teacher_server):
    return project_at(teacher_server)


def test_each_reason_has_its_own_teacher_in_one_run(project, teacher_server):
    ladder(project, ban_citations=["Best"])
    first, second, both = (
        failed(project, "ban_citations"),
        failed(project, "refusal"),
        failed(project, "refusal", "ban_citations"),
    )
    said = quotes.quote(project, "regenerate")
    assert {line.teacher.name: line.calls.mid for line in said.lines} == {"Best": 2, "Strong": 1}
    ended = run(project)
    assert [fresh(p).current_response.teacher.name for p in (first, second, both)] == ["Best", "Strong", "Best"]
    assert ended.done == 3


def test_a_ladder_is_climbed_answer_by_answer_and_its_last_rung_stays(project, teacher_server):
    recipes(project, ladder=["Strong", "Best"], stop_after_same_reason=None)
    prompt = failed(project, "ban_citations")
    teacher_server.script(teacher_replies.answer(CITED), always=True)
    names = []
    for _ in range(4):
        run(project)
        names.append(fresh(prompt).current_response.teacher.name)
        run(project, "filter")
    assert names == ["Strong", "Best", "Best", "Best"]
    run(project)
    assert fresh(prompt).state == State.REJECTED


def test_people_go_before_machines_where_recipes_disagree(project):
    body = shipped()
    body["recipes"]["filter:ban_citations"] |= {"ladder": ["Strong"], "parameters": {"temperature": 0.1, "top_p": 0.5}}
    body["recipes"]["reviewer:too_long"] |= {"ladder": ["Best"], "parameters": {"temperature": 0.9, "max_tokens": 90}}
    record_recipes(project, body)
    prompt = failed(project, "ban_citations")
    sent_back(prompt, factories.user("ada"), "too_long")
    run(project)
    call = fresh(prompt).current_response.call
    assert call.teacher.name == "Best"
    assert {name: call.request[name] for name in ("temperature", "top_p", "max_tokens")} == {
        "temperature": 0.9,
        "top_p": 0.5,
        "max_tokens": 90,
    }


def test_a_teacher_that_the_run_names_goes_before_all_ladders(project):
    ladder(project, ban_citations=["Best"])
    prompt = failed(project, "ban_citations")
    run(project, teacher=project.teacher_id)
    assert fresh(prompt).current_response.teacher.name == "Weak"


def test_the_profile_of_the_model_drops_what_it_does_not_take(project):
    strong = project.regen_teacher
    strong.profile, strong.parameters = (
        {"sampling": False, "token_parameter": "max_completion_tokens"},
        {"max_completion_tokens": 300},
    )
    strong.save()
    body = shipped()
    body["recipes"]["filter:ban_citations"] |= {"parameters": {"temperature": 0.1, "max_tokens": 77}}
    record_recipes(project, body)
    prompt = failed(project, "ban_citations")
    run(project)
    request = fresh(prompt).current_response.call.request
    assert request["max_completion_tokens"] == 77
    assert {"temperature", "max_tokens"}.isdisjoint(request)


def test_the_quote_counts_with_the_recipes_parameters(project):
    failed(project, "ban_citations")
    usual = quotes.quote(project, "regenerate").output_tokens.high
    body = shipped()
    body["recipes"]["filter:ban_citations"] |= {"parameters": {"max_tokens": 20}}
    record_recipes(project, body)
    assert quotes.quote(project, "regenerate").output_tokens.high == 20 < usual


def test_a_cap_holds_over_several_teachers(project):
    ladder(project, ban_citations=["Best"])
    for rule in ("ban_citations", "refusal") * 3:
        failed(project, rule)
    made = jobs.prepare(project, "regenerate", {"cap_tokens": 4000})
    jobs.carry_out(made)
    made.refresh_from_db()
    assert made.input_tokens + made.output_tokens <= 4000
    assert 0 < made.done < 6
    assert "The cap of" in made.notice


def test_a_teacher_that_is_gone_stops_the_run_by_name(project):
    ladder(project, ban_citations=["Best"])
    Teacher.objects.filter(name="Best").update(name="Renamed")
    prompt = failed(project, "ban_citations")
    assert "The recipes name teachers that do not exist: Best." in quotes.quote(project, "regenerate").sentence
    made = jobs.prepare(project, "regenerate", {})
    jobs.carry_out(made)
    made.refresh_from_db()
    assert made.state == "failed"
    assert "The recipes name teachers that do not exist: Best." in made.error
    assert fresh(prompt).state == State.TO_REGENERATE


def test_several_teachers_in_batches(project, teacher_server, settings):
    settings.BATCH_POLL_SECONDS = 0.02
    teacher_server.batches.finish_by_itself()
    ladder(project, ban_citations=["Best"])
    prompts = [failed(project, rule) for rule in ("ban_citations", "refusal")]
    run(project, mode="batch")
    assert [fresh(p).current_response.teacher.name for p in prompts] == ["Best", "Strong"]
    assert [set(told(p)) for p in prompts] == [{"filter:ban_citations"}, {"filter:refusal"}]
