"""Collect against a teacher that speaks real HTTP: what is stored, what is parked, what stops the run."""

import json
import subprocess
import threading

import pytest

from curation.models import Call, Event, Prompt, Run, State, TeacherResponse
from pipeline import inline, jobs
from tests import factories, teacher_replies
from tests.running import run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick_retries")]


@pytest.fixture
def teacher(teacher_server):
    return factories.teacher(base_url=teacher_server.url, concurrency=4)


@pytest.fixture
def project(teacher):
    return factories.project(teacher=teacher, regen_teacher=teacher, paired=True)


def test_an_answer_is_stored_with_its_call_and_all_that_is_known_of_it(project, teacher_server):
    prompt = factories.prompt(project)
    ended = run(project, "collect")
    prompt.refresh_from_db()
    response = prompt.current_response
    assert (ended.state, ended.done, ended.total) == ("finished", 1, 1)
    assert prompt.state == State.TO_FILTER
    assert response.form == "json"
    assert response.fields["statement"] in response.text
    assert prompt.context in response.sent_user
    assert response.sent_user == teacher_server.requests[0]["messages"][-1]["content"]
    assert "igorous" in response.sent_system
    assert response.templates["hypothesis"]["version"] == 1
    assert response.call.state == "answered"
    assert json.loads(response.call.raw_reply)["choices"]
    assert response.completion_tokens == response.call.completion_tokens > 0
    assert Event.objects.get(prompt=prompt, kind="collected").to_state == State.TO_FILTER


def test_a_run_says_which_prompts_wait_for_their_hypotheses(project):
    for _ in range(2):
        factories.pair(project)
    ended = run(project, "collect")
    assert (ended.done, ended.total) == (2, 4)
    assert ended.notice.startswith("2 prompts wait for their hypotheses, which must pass filters and SampleGate first")


@pytest.mark.parametrize(
    ("reply", "error_class"),
    [
        (teacher_replies.bad_request(), "bad_request"),
        (teacher_replies.context_too_long(), "context_too_long"),
        (teacher_replies.filtered(), "content_filter"),
        (teacher_replies.not_http_json(), "not_a_completion"),
    ],
)
def test_a_failed_request_parks_its_prompt_and_the_run_goes_on(project, teacher_server, reply, error_class):
    prompts = [factories.prompt(project) for _ in range(3)]
    teacher_server.script(reply, when=prompts[1].context)
    ended = run(project, "collect")
    states = {p.pk: p for p in Prompt.objects.all()}
    parked = states[prompts[1].pk]
    assert (parked.state, parked.parked_from, parked.error_class) == (State.PARKED, State.TO_COLLECT, error_class)
    assert parked.error_detail
    assert [states[p.pk].state for p in (prompts[0], prompts[2])] == [State.TO_FILTER, State.TO_FILTER]
    assert (ended.state, ended.done, ended.counters["parked"]) == ("finished", 3, 1)


@pytest.mark.parametrize(
    "reply", [teacher_replies.rate_limited(), teacher_replies.server_error(), teacher_replies.dropped()]
)
def test_what_passes_is_tried_again(project, teacher_server, reply):
    prompt = factories.prompt(project)
    teacher_server.script(reply, reply)
    assert run(project, "collect").state == "finished"
    prompt.refresh_from_db()
    assert prompt.state == State.TO_FILTER
    assert prompt.current_response.call.sends == 3


def test_what_does_not_pass_parks_after_the_retries(project, teacher_server):
    prompt = factories.prompt(project)
    teacher_server.script(teacher_replies.unavailable(), always=True)
    run(project, "collect")
    prompt.refresh_from_db()
    assert (prompt.state, prompt.error_class) == (State.PARKED, "server_error")
    assert len(teacher_server.requests) == 5


def test_a_timeout_is_tried_again(project, teacher, teacher_server):
    teacher.timeout_seconds = 1
    teacher.save()
    prompt = factories.prompt(project)
    teacher_server.script(teacher_replies.slow(3))
    run(project, "collect")
    prompt.refresh_from_db()
    assert prompt.state == State.TO_FILTER


@pytest.mark.parametrize(
    ("reply", "words"),
    [(teacher_replies.out_of_quota(), "quota"), (teacher_replies.wrong_key(), "key")],
)
def test_what_a_person_must_mend_stops_the_run_and_the_prompts_wait(project, teacher_server, reply, words):
    prompts = [factories.prompt(project) for _ in range(6)]
    teacher_server.script(reply, always=True)
    ended = run(project, "collect")
    assert ended.state == "failed"
    assert words in ended.error.lower()
    assert {p.state for p in Prompt.objects.all()} == {State.TO_COLLECT}
    assert {p.run_id for p in Prompt.objects.all()} == {None}
    teacher_server.reset()
    assert run(project, "collect").done == len(prompts)


def test_refusal_and_truncation_are_answers_for_the_filters_to_decide(project, teacher_server):
    refused, cut = factories.prompt(project), factories.prompt(project)
    teacher_server.script(teacher_replies.refusal(), when=refused.context)
    teacher_server.script(teacher_replies.truncated(), when=cut.context)
    run(project, "collect")
    run(project, "filter")
    failed = {p.pk: p.current_response.filter_results.get().failed for p in Prompt.objects.all()}
    assert any("refus" in rule for rule in failed[refused.pk])
    assert any("truncat" in rule for rule in failed[cut.pk])


def test_broken_json_keeps_the_raw_answer_and_says_why(project, teacher_server):
    prompt = factories.prompt(project)
    teacher_server.script(teacher_replies.broken_json())
    run(project, "collect")
    response = TeacherResponse.objects.get(prompt=prompt)
    assert response.parse_error
    assert response.call.raw_reply


def test_the_same_payload_is_bought_once_in_all_projects(project, teacher, teacher_server):
    other = factories.project(teacher=teacher)
    text = "The same passage stands in two projects, with 3 mg of zinc."
    for each in (project, other):
        factories.prompt(each, context=text)
        run(each, "collect")
    assert len(teacher_server.requests) == 1
    assert Call.objects.count() == 1
    assert TeacherResponse.objects.count() == 2
    assert Run.objects.get(project=other).counters["reused"] == 1


def test_the_same_payload_twice_in_one_run_is_one_call(project, teacher_server):
    # The domain is part of a prompt's identity, but not of what is sent.
    for domain in ("chemistry", "physics", "biology"):
        factories.prompt(project, context="One passage about 5 nm films in three domains.", domain=domain)
    run(project, "collect")
    assert len(teacher_server.requests) == 1
    assert {p.state for p in Prompt.objects.all()} == {State.TO_FILTER}


def test_a_methodology_is_asked_with_the_hypothesis_that_passed(project, teacher_server):
    pair = factories.pair(project)
    ended = run(project, "pipeline")
    pair.hypothesis.refresh_from_db()
    pair.methodology.refresh_from_db()
    hypothesis, methodology = pair.hypothesis.current_response, pair.methodology.current_response
    assert (ended.state, ended.done) == ("finished", 2)
    assert methodology.hypothesis == hypothesis
    assert hypothesis.text in methodology.sent_user
    assert {pair.hypothesis.state, pair.methodology.state} == {State.TO_REVIEW}


def test_a_methodology_waits_while_its_hypothesis_is_sent_back(project, teacher_server):
    pair = factories.pair(project)
    teacher_server.script(teacher_replies.refusal(), when="kind:hypothesis")
    ended = run(project, "pipeline")
    pair.methodology.refresh_from_db()
    pair.hypothesis.refresh_from_db()
    assert (pair.hypothesis.state, pair.methodology.state) == (State.TO_REGENERATE, State.TO_COLLECT)
    assert (ended.state, ended.done, ended.total) == ("finished", 1, 2)


def test_an_endpoint_without_schemas_is_asked_more_plainly_and_remembered(project, teacher, teacher_server):
    factories.prompt(project)
    teacher_server.script(
        teacher_replies.bad_request("response_format json_schema is not supported"),
        teacher_replies.bad_request("response_format is not supported"),
    )
    assert run(project, "collect").state == "finished"
    teacher.refresh_from_db()
    assert teacher.structure == "text"
    assert Prompt.objects.get().state == State.TO_FILTER
    factories.prompt(project)
    run(project, "collect")
    assert "response_format" not in teacher_server.requests[-1]


def test_a_reasoning_model_is_sent_no_parameters_that_it_refuses(project, teacher, teacher_server):
    teacher.model = "o3-mini"
    teacher.parameters = {"temperature": 0.2, "top_p": 0.95, "max_tokens": 900}
    teacher.save()
    factories.prompt(project)
    assert run(project, "collect").done == 1
    body = teacher_server.requests[-1]
    assert body["max_completion_tokens"] == 900
    assert not {"temperature", "top_p", "max_tokens"} & body.keys()
    assert body["messages"][0]["role"] == "developer"


def test_no_key_stops_before_anything_is_sent(project, teacher, teacher_server, monkeypatch):
    monkeypatch.delenv("NOBODY_API_KEY", raising=False)
    teacher.api_key_env = "NOBODY_API_KEY"
    teacher.save()
    factories.prompt(project)
    ended = run(project, "collect")
    assert ended.state == "failed"
    assert "NOBODY_API_KEY is not set" in ended.error
    assert teacher_server.requests == []


def test_the_key_is_sent_and_stored_nowhere(project, teacher, teacher_server, monkeypatch, caplog):
    monkeypatch.setenv("STANDIN_API_KEY", "sk-secret-of-the-test")
    teacher.api_key_env = "STANDIN_API_KEY"
    teacher.save()
    teacher_server.demand_key("sk-secret-of-the-test")
    factories.prompt(project)
    with caplog.at_level("DEBUG"):
        assert run(project, "collect").done == 1
    stored = json.dumps(list(Call.objects.values()), default=str) + json.dumps(list(Run.objects.values()), default=str)
    assert "sk-secret" not in stored + caplog.text


def test_a_limit_takes_that_many_and_zero_is_refused(project):
    for _ in range(5):
        factories.prompt(project)
    assert run(project, "collect", limit=2).done == 2
    with pytest.raises(jobs.CannotStart, match="1 or more"):
        jobs.prepare(project, "collect", {"limit": 0})


def test_null_never_becomes_text(project, teacher_server):
    factories.prompt(project, user_prompt="What limits the rate?", context="")
    run(project, "collect")
    sent = teacher_server.requests[0]["messages"][-1]["content"]
    assert sent == "What limits the rate?"


def test_a_row_that_cannot_be_composed_is_parked_by_name(project, teacher_server):
    odd = factories.prompt(project, task_type="explanation")
    run(project, "collect")
    odd.refresh_from_db()
    assert odd.state == State.PARKED
    assert "explanation" in odd.error_detail
    assert teacher_server.requests == []


@pytest.mark.parametrize("concurrency", [1, 3, 40])
def test_a_run_goes_on_until_nothing_waits(project, teacher, concurrency):
    teacher.concurrency = concurrency
    teacher.save()
    for _ in range(30):
        factories.prompt(project)
    ended = run(project, "collect")
    assert (ended.done, ended.total) == (30, 30)
    assert not Prompt.objects.exclude(state=State.TO_FILTER).exists()


def test_a_run_of_a_killed_command_lets_its_prompts_go(project, teacher_server):
    for _ in range(3):
        factories.prompt(project)
    gone = subprocess.Popen(["true"])
    gone.wait()
    dead = jobs.prepare(project, "collect", {"command": inline.this_process() | {"pid": gone.pid}})
    dead.begin()
    assert run(project, "collect").done == 3
    dead.refresh_from_db()
    assert dead.state == "failed"
    assert "start it again" in dead.error


def test_a_run_of_a_living_command_keeps_its_prompts(project, teacher_server):
    factories.prompt(project)
    jobs.prepare(project, "collect", {"command": inline.this_process()}).begin()
    with pytest.raises(jobs.CannotStart):
        jobs.prepare(project, "collect")


def test_a_cancel_does_not_wait_for_retries(project, teacher_server):
    prompts = [factories.prompt(project) for _ in range(3)]
    teacher_server.script(teacher_replies.rate_limited(retry_after=300), always=True)
    made = jobs.prepare(project, "collect")
    canceller = threading.Thread(target=lambda: (teacher_server.wait_for(3), Run.objects.get(pk=made.pk).cancel()))
    canceller.start()
    jobs.carry_out(made)
    canceller.join()
    made.refresh_from_db()
    assert made.state == "cancelled"
    assert set(Prompt.objects.values_list("state", "lease_until")) == {(State.TO_COLLECT, None)}
    assert len(prompts) == len(teacher_server.requests)


@pytest.mark.parametrize("how", ["cancelled", "out of time"])
def test_a_run_ends_only_when_nobody_has_anything_of_it_in_hand(project, teacher_server, how):
    held = factories.prompt(project)
    factories.prompt(project)
    made = jobs.prepare(project, "collect", {"seconds": 0.001} if how == "out of time" else {})
    Prompt.objects.filter(pk=held.pk).lease(1, seconds=2)  # another worker's
    until = Prompt.objects.get(pk=held.pk).lease_until
    made.begin()
    if how == "cancelled":
        made.cancel()
    jobs.carry_out(made)
    made.refresh_from_db()
    assert made.state == ("cancelled" if how == "cancelled" else "finished")
    assert made.ended_at >= until
