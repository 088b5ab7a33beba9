"""When there is no further chance: the same reason again, attempts used up."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from curation.models import Event, Prompt, Run, State
from pipeline import quotes
from pipeline.stages import regenerate
from tests import factories, teacher_replies
from tests.second_chances import CITED, failed, fresh, project_at, recipes, run, sent_back

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick_retries")]


@pytest.fixture
def project(teacher_server):
    return project_at(teacher_server)


@pytest.mark.parametrize("then", [State.REJECTED, State.TO_REVIEW])
def test_the_same_reason_twice_in_a_row_ends_it(project, teacher_server, then):
    project.on_exhausted = then
    project.save()
    prompt = failed(project, "ban_citations")
    teacher_server.script(teacher_replies.answer(CITED), always=True)
    run(project)
    run(project, "filter")
    assert fresh(prompt).state == State.TO_REGENERATE
    assert quotes.quote(project, "regenerate").calls.mid == 0
    run(project)
    event = Event.objects.get(prompt=prompt, kind="same_reason_again")
    assert (fresh(prompt).state, event.to_state) == (then, then)
    assert event.detail == {"attempts": 2, "reasons": ["filter:ban_citations"]}
    assert len(teacher_server.requests) == 1


def test_another_reason_does_not(project, teacher_server):
    prompt = failed(project, "ban_citations")
    teacher_server.script(teacher_replies.answer("Too short."))
    run(project)
    run(project, "filter")
    assert fresh(prompt).state == State.TO_REGENERATE
    run(project)
    assert (fresh(prompt).state, fresh(prompt).attempts) == (State.TO_FILTER, 3)


def test_three_in_a_row_where_the_recipes_say_three(project, teacher_server):
    recipes(project, stop_after_same_reason=3)
    prompt = failed(project, "ban_citations")
    teacher_server.script(teacher_replies.answer(CITED), always=True)
    for _ in range(3):
        run(project)
        run(project, "filter") if fresh(prompt).state == State.TO_FILTER else None
    assert (fresh(prompt).state, fresh(prompt).attempts) == (State.REJECTED, 3)


def test_a_ladder_is_climbed_to_its_end_before(project, teacher_server):
    recipes(project, ladder=["Strong", "Best"])
    prompt = failed(project, "ban_citations")
    teacher_server.script(teacher_replies.answer(CITED), always=True)
    for _ in range(3):
        run(project)
        run(project, "filter") if fresh(prompt).state == State.TO_FILTER else None
    assert (fresh(prompt).state, fresh(prompt).attempts) == (State.REJECTED, 3)


def again(prompt, code="ban_citations", source="filter", words=""):
    """A second attempt that was asked to mend this."""
    made = factories.response(prompt, CITED, parent=prompt.current_response)
    factories.complaint(made, code, source=source, words=words)
    return made


@pytest.mark.parametrize(
    ("source", "code", "before", "now", "stops"),
    [
        ("reviewer", "no_control", "Where?", "Still nowhere.", True),
        ("reviewer", "other", "Where?", "Who?", False),
        ("reviewer", "other", "Where is it?", "where  is it?", True),
        ("reviewer", "other", "", "", False),  # no reason was named, so none came back
        ("filter", "ban_citations", "", "", False),  # people sent it back, for another reason
    ],
)
def test_where_people_sent_it_back_their_reasons_count(project, source, code, before, now, stops):
    prompt = factories.prompt(project, State.TO_REGENERATE, answer=CITED)
    attempt = again(prompt, code, source, before)
    factories.filter_result(attempt, failed=["ban_citations"])
    prompt = fresh(prompt)
    sent_back(prompt, factories.user("ada"), code if source == "reviewer" else "too_vague", comment=now)
    run(project)
    assert fresh(prompt).state == (State.REJECTED if stops else State.TO_FILTER)


@pytest.mark.parametrize(
    ("reason", "stops"),
    [
        ("judge_f_low_score", True),
        ("judge_unreadable", False),
        ("judges_disagree", False),
        ("missing_dual_judge", False),
    ],
)
def test_what_only_judges_did_is_no_reason_that_comes_back(project, reason, stops):
    prompt = factories.prompt(project, State.TO_REGENERATE, answer=CITED)
    attempt = again(prompt, reason, "gate")
    factories.gate_result(attempt, reasons=[reason])
    run(project)
    assert fresh(prompt).state == (State.REJECTED if stops else State.TO_FILTER)


def test_the_attempts_of_the_project_end_it_before(project, teacher_server):
    project.attempt_limit = 1
    project.save()
    prompt = failed(project, "ban_citations")
    run(project)
    assert fresh(prompt).state == State.REJECTED
    assert Event.objects.get(prompt=prompt, to_state="rejected").kind == "attempts_used_up"


def test_many_prompts_take_a_fixed_number_of_queries(project):
    def queries(number):
        made = [failed(project, "ban_citations").pk for _ in range(number)]
        rows = list(Prompt.objects.filter(pk__in=made).select_related(*regenerate.LOOKS_AT))
        for prompt in rows:
            prompt.project = project
        with CaptureQueriesContext(connection) as counted:
            assert len(regenerate.asks_of(Run(project=project, stage="regenerate"), rows)) == number
        return len(counted)

    queries(1)  # recipes and templates become the project's
    assert queries(2) == queries(20)
