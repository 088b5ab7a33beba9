"""Parsing again: a better parser reads stored replies, without a call and without touching what people decided."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from curation.models import Event, Prompt, Resolution, ReviewClaim, Run, State, TeacherResponse
from pipeline import answers, jobs, ledger
from pipeline.stages import reparse
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def answered(project, content, state="to_review", task_type="hypothesis", **fields):
    """A prompt whose answer was stored as a plain, unreadable text, with the reply as it came."""
    body = {"choices": [{"message": {"role": "assistant", "content": content}, "finish_reason": "stop"}]}
    call = factories.call(project, raw_reply=json.dumps(body))
    prompt = factories.prompt(project, task_type=task_type)
    versions = {"parser": answers.PARSER_VERSION, "renderer": answers.RENDERER_VERSION}
    response = {"text": content, "form": "json", "parse_error": "it could not be read", "call": call, **versions}
    response |= fields
    factories.response(prompt, **response)
    Prompt.objects.filter(pk=prompt.pk).update(state=state)
    prompt.refresh_from_db()
    return prompt


STATEMENT = "If iron rises to 20 µM, then the overpotential will decrease by 30 mV."
FIELDS = {
    "statement": STATEMENT,
    "variable": "iron",
    "outcome": "overpotential",
    "direction": "decrease",
    "support": [],
}
READABLE = json.dumps(FIELDS)


def run(project, **parameters):
    made = jobs.prepare(project, "reparse", parameters)
    jobs.carry_out(made)
    made.refresh_from_db()
    return made


def test_what_has_become_readable_gets_a_new_attempt_and_goes_to_the_filters(project, teacher_server):
    prompt = answered(project, READABLE)
    old = prompt.current_response
    ended = run(project)
    prompt.refresh_from_db()
    new = prompt.current_response
    assert (ended.state, ended.total, ended.done, ended.counters["now_readable"]) == ("finished", 1, 1, 1)
    assert (prompt.state, prompt.attempts) == (State.TO_FILTER, 1)
    assert (new.attempt, new.parent, new.call, new.run) == (2, old, old.call, ended)
    assert (new.text, new.fields, new.parse_error) == (STATEMENT, FIELDS, "")
    assert (new.sent_user, new.teacher, new.model_id) == (old.sent_user, old.teacher, old.model_id)
    old.refresh_from_db()
    assert old.text == READABLE
    assert Event.objects.get(prompt=prompt, kind="reparsed").from_state == State.TO_REVIEW
    assert not teacher_server.requests


def test_a_second_time_there_is_nothing_to_do(project):
    answered(project, READABLE)
    run(project)
    with pytest.raises(jobs.CannotStart, match="Nothing to parse again"):
        run(project)
    assert run(project, all=True).counters == {"unchanged": 1}
    assert TeacherResponse.objects.count() == 2


def test_unchanged_answers_stay_and_are_marked_as_read(project, monkeypatch):
    prompt = answered(project, READABLE, text=STATEMENT, fields=FIELDS, parse_error="")
    with pytest.raises(jobs.CannotStart):
        run(project)
    monkeypatch.setattr(answers, "PARSER_VERSION", answers.PARSER_VERSION + 1)
    ended = run(project)
    prompt.refresh_from_db()
    assert ended.counters == {"unchanged": 1}
    assert (prompt.state, prompt.current_response.attempt) == (State.TO_REVIEW, 1)
    assert prompt.current_response.parser == answers.PARSER_VERSION
    assert not reparse.chosen(project).exists()


def test_a_readable_answer_never_gives_way_to_an_unreadable_one(project, monkeypatch):
    prompt = answered(project, READABLE, text=STATEMENT, fields=FIELDS, parse_error="")
    real = answers.parse_answer

    def worse(text, task_type):
        return replace(real(text, task_type), text=text, fields=None, error="worse")

    monkeypatch.setattr(answers, "parse_answer", worse)
    ended = run(project, all=True)
    prompt.refresh_from_db()
    assert ended.counters == {"now_unreadable": 1}
    assert prompt.current_response.text == STATEMENT


@pytest.mark.parametrize("state", ["accepted", "to_review", "to_regenerate", "rejected", "to_resolve"])
def test_what_people_decided_is_only_counted(project, state, capsys):
    prompt = answered(project, READABLE, state)
    factories.annotation(prompt.current_response, factories.member(project, "reviewer"), "accept")
    ended = run(project)
    prompt.refresh_from_db()
    assert ended.counters == {"would_change": 1}
    assert (prompt.state, prompt.current_response.attempt) == (state, 1)
    assert "1 answers that people decided" in ended.notice
    call_command("reparse_answers", "--project", project.slug, "--dry-run")
    assert f"decided, would be read otherwise: {prompt.key}" in capsys.readouterr().out


@pytest.mark.parametrize("state", ["to_filter", "to_judge", "to_review"])
def test_undecided_ones_move_from_wherever_they_wait(project, state):
    prompt = answered(project, READABLE, state)
    assert run(project).counters["now_readable"] == 1
    prompt.refresh_from_db()
    assert (prompt.state, prompt.current_response.attempt) == (State.TO_FILTER, 2)
    assert Event.objects.filter(prompt=prompt, kind="reparsed").count() == 1


def test_what_a_machine_sent_back_moves_what_an_order_sent_back_does_not(project):
    by_filter, by_order, fell = (answered(project, READABLE, "to_filter") for _ in range(3))
    by_filter.go(State.TO_REGENERATE, "filtered")
    by_order.go(State.TO_REGENERATE, "regeneration_ordered")
    fell.go(State.REJECTED, "hypothesis_rejected")
    ended = run(project)
    assert ended.counters == {"now_readable": 1, "left_sent_away": 2}
    by_filter.refresh_from_db()
    assert by_filter.state == State.TO_FILTER


def test_what_the_policy_accepted_is_open_again(project):
    prompt = answered(project, READABLE, "accepted")
    factories.resolution(prompt.current_response, by=Resolution.By.POLICY)
    run(project)
    prompt.refresh_from_db()
    assert prompt.state == State.TO_FILTER
    assert not Resolution.objects.filter(current=True).exists()


def test_what_is_in_hand_is_left_and_counted(project):
    held, claimed, parked = (answered(project, READABLE) for _ in range(3))
    Prompt.objects.filter(pk=held.pk).update(run=factories.run(project, "judge", state="running"))
    ReviewClaim.objects.create(prompt=claimed, reviewer=factories.user(), until=timezone.now() + timedelta(minutes=5))
    Prompt.objects.filter(pk=parked.pk).update(state="parked", parked_from="to_judge")
    waiting = answered(project, READABLE, "to_collect")
    ended = run(project)
    assert ended.counters == {"left_in_another_run": 1, "left_with_a_reviewer": 1, "left_parked": 1}
    assert set(TeacherResponse.objects.values_list("attempt", flat=True)) == {1}
    assert waiting.responses.count() == 1


def test_all_candidates_of_the_attempt_are_read_again(project):
    prompt = answered(project, READABLE, "to_filter", candidate=1)
    first = prompt.current_response
    call = factories.call(project, raw_reply=first.call.raw_reply.replace("20", "40"))
    factories.response(prompt, STATEMENT, attempt=1, candidate=0, current=False, call=call, parse_error="")
    run(project)
    prompt.refresh_from_db()
    new = list(prompt.responses.filter(attempt=2).order_by("candidate"))
    assert [(r.candidate, r.call) for r in new] == [(0, call), (1, first.call)]
    assert prompt.current_response == new[1]


def test_a_hypothesis_that_reads_otherwise_calls_its_method_back():
    project = factories.project(paired=True)
    hypothesis = answered(project, READABLE)
    method = factories.prompt(project, "to_review", task_type="methodology")
    project.pairs.create(hypothesis=hypothesis, methodology=method)
    run(project)
    method.refresh_from_db()
    assert method.state == State.TO_REGENERATE
    person = factories.member(project, "reviewer")
    other = answered(project, READABLE)
    decided = factories.accepted(project, task_type="methodology")
    factories.annotation(decided.current_response, person)
    project.pairs.create(hypothesis=other, methodology=decided)
    assert run(project).counters == {"would_change": 1}


def test_a_killed_worker_is_followed_without_a_second_reading(project, monkeypatch):
    for _ in range(5):
        answered(project, READABLE)
    monkeypatch.setattr(reparse, "BATCH", 2)
    store, made = reparse._store, jobs.prepare(project, "reparse")
    calls = []

    def killed(run, found):
        calls.append(found)
        store(run, found)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(reparse, "_store", killed)
    with pytest.raises(KeyboardInterrupt):
        jobs.carry_out(made)
    jobs.carry_out(Run.objects.get(pk=made.pk))
    made.refresh_from_db()
    assert (made.state, made.total, made.done, made.counters) == ("finished", 5, 5, {"now_readable": 5})
    assert TeacherResponse.objects.filter(attempt=2).count() == 5


def test_it_can_be_stopped_and_cancelled(project):
    answered(project, READABLE)
    made = jobs.prepare(project, "reparse")
    assert jobs.carry_out(made, lambda: True) == "stopped"
    made.cancel()
    assert jobs.carry_out(made) == "ended"
    made.refresh_from_db()
    assert made.state == "cancelled"
    assert TeacherResponse.objects.count() == 1


def test_the_command(project, capsys):
    answered(project, READABLE)
    call_command("reparse_answers", "--project", project.slug, "--dry-run")
    assert "1 now readable" in capsys.readouterr().out
    assert TeacherResponse.objects.count() == 1
    call_command("reparse_answers", "--project", project.slug, "--inline")
    assert "1 now readable" in capsys.readouterr().err
    call_command("reparse_answers", "--project", project.slug, "--inline")
    assert "Nothing to parse again" in capsys.readouterr().err
    with pytest.raises(CommandError, match="no project"):
        call_command("reparse_answers", "--project", "other")


def test_a_reply_that_was_taken_for_none_is_an_answer_without_a_call(teacher_server, monkeypatch):
    project = factories.project(teacher=factories.teacher(base_url=teacher_server.url, input_price=1, output_price=1))
    prompt = factories.prompt(project)
    monkeypatch.setattr(ledger, "why_not_a_completion", lambda body: "nobody knows this form yet")
    jobs.carry_out(jobs.prepare(project, "collect", {}))
    prompt.refresh_from_db()
    assert (prompt.state, prompt.error_class) == (State.PARKED, "not_a_completion")
    monkeypatch.undo()
    assert len(reparse.readable_now(project)) == 1
    ended = run(project)
    prompt.refresh_from_db()
    assert ended.counters["replies_readable"] == 1
    assert "1 replies" in ended.notice
    assert (prompt.state, prompt.error_class) == (State.TO_COLLECT, "")
    assert prompt.failed_call is None or prompt.failed_call.state == "answered"
    jobs.carry_out(jobs.prepare(project, "collect", {}))
    prompt.refresh_from_db()
    assert prompt.state == State.TO_FILTER
    assert len(teacher_server.requests) == 1
    assert not reparse.readable_now(project)


def test_a_reply_that_can_be_read_moves_the_prompts_of_this_project_alone(teacher_server, monkeypatch):
    teacher = factories.teacher(base_url=teacher_server.url)
    own, other = (factories.project(name, teacher=teacher) for name in ("Own", "Other"))
    prompts = [factories.prompt(each, context="The same passage, with 3 mg of zinc.") for each in (own, other)]
    monkeypatch.setattr(ledger, "why_not_a_completion", lambda body: "nobody knows this form yet")
    for each in (own, other):
        jobs.carry_out(jobs.prepare(each, "collect", {}))
    monkeypatch.undo()
    run(own)
    states = [Prompt.objects.get(pk=prompt.pk).state for prompt in prompts]
    assert states == [State.TO_COLLECT, State.PARKED]
