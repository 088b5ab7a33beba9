"""Runs by batches against a stand-in that speaks /v1/files and /v1/batches: what is sent, stored, sent again."""

import json
from decimal import Decimal

import pytest

from curation.models import Batch, Call, GateResult, JudgeScore, Prompt, State
from pipeline import jobs
from pipeline.stages import batch_filling
from pipeline.teachers.batches import BatchTrouble
from tests import factories, teacher_replies
from tests.batched import answered_once, run, states

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quick(settings):
    settings.BATCH_POLL_SECONDS = 0.02


@pytest.fixture
def batches(teacher_server):
    return teacher_server.batches


@pytest.fixture
def teacher(teacher_server):
    return factories.teacher(base_url=teacher_server.url, parameters={"max_tokens": 400}, input_price=1, output_price=2)


@pytest.fixture
def project(teacher):
    return factories.project(teacher=teacher, regen_teacher=teacher, paired=False)


def test_a_batch_is_handed_over_looked_at_and_saved(project, batches, teacher_server):
    prompts = [factories.prompt(project) for _ in range(5)]
    batches.finish_by_itself()
    ended = run(project)
    assert (ended.state, ended.error, ended.done) == ("finished", "", 5)
    batch = Batch.objects.get()
    assert (batch.state, batch.requests, batch.remote_state) == ("collected", 5, "completed")
    (created,) = batches.created
    assert created["metadata"] == {"nexa_batch": str(batch.key)}
    assert created["id"] == batch.remote_id
    sent = batches.files[created["input_file_id"]]
    lines = [json.loads(line) for line in sent.splitlines()]
    assert {(line["method"], line["url"]) for line in lines} == {("POST", "/v1/chat/completions")}
    assert {line["custom_id"] for line in lines} == {f"{c.payload_hash[:56]}-0" for c in Call.objects.all()}
    assert [line["body"] for line in lines] == [call.request for call in Call.objects.order_by("pk")]
    assert batch.size == len(sent.encode())
    assert not teacher_server.requests, "nothing was asked online"
    for prompt in prompts:
        prompt.refresh_from_db()
        assert prompt.state == State.TO_FILTER
        assert prompt.current_response.fields["statement"] in prompt.current_response.text
        assert prompt.current_response.call.batch == batch


def test_a_batch_costs_half(project, batches):
    factories.prompt(project)
    batches.finish_by_itself()
    ended = run(project)
    call = Call.objects.get()
    full = Decimal(call.prompt_tokens + 2 * call.completion_tokens) / 1_000_000
    assert ended.cost == call.cost == full / 2


def test_a_second_run_of_the_same_asks_nothing(project, batches):
    factories.prompt(project, context="One passage for two projects, with 3 mg of zinc.")
    batches.finish_by_itself()
    run(project)
    other = factories.project(teacher=project.teacher, paired=False)
    factories.prompt(other, context="One passage for two projects, with 3 mg of zinc.")
    ended = run(other)
    assert (ended.state, ended.counters["reused"], len(batches.created)) == ("finished", 1, 1)
    assert ended.saved_usd > 0


def test_two_prompts_that_ask_the_same_share_a_request(project, batches):
    for kind in ("hypothesis", "note"):
        factories.prompt(project, task_type=kind, user_prompt="Name one cause.", context="", system_prompt="Be brief.")
    factories.ruleset(project)
    batches.finish_by_itself()
    run(project)
    assert states(project) == [State.TO_FILTER] * 2
    assert Call.objects.count() == len(batches.asked) <= 2


@pytest.mark.parametrize("silent", [False, True])
def test_of_an_expired_batch_the_finished_part_counts_and_the_rest_is_sent_again(project, batches, silent):
    for _ in range(6):
        factories.prompt(project)
    batches.finish_by_itself({"state": "expired", "share": 0.5, "silent": silent}, {})
    ended = run(project)
    assert (ended.state, ended.done) == ("finished", 6)
    answered_once(project, batches, 6)
    assert list(Batch.objects.order_by("pk").values_list("requests", "remote_state")) == [
        (6, "expired"),
        (3, "completed"),
    ]
    assert not Call.objects.filter(maybe_paid_twice=True).exists()
    assert (ended.held_usd, ended.held_tokens) == (0, 0)


def test_a_batch_that_expires_with_nothing_answered_stops_the_run(project, batches):
    factories.prompt(project)
    batches.finish_by_itself({"state": "expired", "share": 0})
    ended = run(project)
    assert ended.state == "failed"
    assert "none of its 1 requests answered" in ended.error
    assert states(project) == [State.TO_COLLECT]
    assert Call.objects.get().state == "reserved"


def test_the_error_file_is_read_even_when_nothing_failed(project, batches):
    for _ in range(6):
        factories.prompt(project)
    batches.finish_by_itself({"strange": True})
    ended = run(project)
    assert ended.state == "finished"
    answered_once(project, batches, 6)
    assert Batch.objects.get().remote_counts["failed"] == 0


def test_failed_requests_park_their_prompts_with_the_reason(project, batches, teacher_server):
    prompts = [factories.prompt(project) for _ in range(3)]
    teacher_server.script(teacher_replies.context_too_long(), when=prompts[1].context)
    batches.finish_by_itself()
    ended = run(project)
    prompts[1].refresh_from_db()
    assert (prompts[1].state, prompts[1].error_class) == (State.PARKED, "context_too_long")
    assert (ended.state, ended.counters["parked"], ended.errors["context_too_long"]["n"]) == ("finished", 1, 1)


def test_what_passes_is_sent_with_the_next_batch_and_parked_after_the_third(project, batches, teacher_server):
    prompts = [factories.prompt(project) for _ in range(3)]
    teacher_server.script(teacher_replies.server_error(), when=prompts[0].context)
    teacher_server.script(teacher_replies.unavailable(), when=prompts[1].context, always=True)
    batches.finish_by_itself()
    ended = run(project)
    for prompt in prompts:
        prompt.refresh_from_db()
    assert [prompt.state for prompt in prompts] == [State.TO_FILTER, State.PARKED, State.TO_FILTER]
    assert prompts[1].error_class == "server_error"
    assert list(Batch.objects.order_by("pk").values_list("requests", flat=True)) == [3, 2, 1]
    assert ended.state == "finished"


def test_a_batch_that_is_refused_as_a_whole_stops_the_run_with_the_endpoints_words(project, batches):
    for _ in range(2):
        factories.prompt(project)
    batches.finish_by_itself({"refuse": {"message": "The model does not do batches", "line": 2}})
    ended = run(project)
    assert ended.state == "failed"
    assert "line 2: The model does not do batches" in ended.error
    assert states(project) == [State.TO_COLLECT] * 2
    assert set(Call.objects.values_list("state", flat=True)) == {"reserved"}
    assert len(batches.created) == 1


@pytest.mark.parametrize(
    ("reply", "words"), [(teacher_replies.out_of_quota(), "quota"), (teacher_replies.wrong_key(), "API key")]
)
def test_what_a_person_must_mend_stops_the_run_after_storing_the_rest(project, batches, teacher_server, reply, words):
    prompts = [factories.prompt(project) for _ in range(3)]
    teacher_server.script(reply, when=prompts[2].context, always=True)
    batches.finish_by_itself()
    ended = run(project)
    assert (ended.state, words in ended.error) == ("failed", True)
    assert states(project) == sorted([State.TO_FILTER, State.TO_FILTER, State.TO_COLLECT])
    assert len(batches.created) == 1


@pytest.mark.parametrize("limit", ["MOST_REQUESTS", "MOST_BYTES"])
def test_what_does_not_fit_one_file_goes_into_another(project, batches, monkeypatch, limit):
    for _ in range(7):
        factories.prompt(project)
    monkeypatch.setattr(batch_filling, limit, 3 if limit == "MOST_REQUESTS" else 12_000)
    monkeypatch.setattr("pipeline.stages.batching.BUNCH", 4)
    batches.finish_by_itself()
    ended = run(project)
    assert ended.state == "finished"
    answered_once(project, batches, 7)
    files = [batches.files[batch["input_file_id"]] for batch in batches.created]
    assert len(files) > 1
    if limit == "MOST_REQUESTS":
        assert [len(file.splitlines()) for file in files] == [3, 3, 1]
    else:
        assert max(len(file.encode()) for file in files) <= 12_000
    assert [batch.size for batch in Batch.objects.order_by("pk")] == [len(file.encode()) for file in files]


def test_the_cap_holds_over_batches(project, batches):
    for _ in range(12):
        factories.prompt(project)
    batches.finish_by_itself()
    cap = Decimal("0.004")  # two and a half times the most that a call may cost at the batch price
    ended = run(project, cap_usd=str(cap))
    assert ended.state == "finished"
    assert max(row["requests"] for row in ended.batches.values("requests")) == 2
    assert len(batches.created) > 2, "what an answer did not take pays for the next ones"
    assert 0 < ended.cost <= cap
    assert "is reached" in ended.notice
    waiting = project.prompts.filter(state=State.TO_COLLECT).count()
    assert 0 < waiting < 10
    assert f"{waiting:,} prompts keep waiting" in ended.notice
    assert (ended.held_usd, ended.held_tokens) == (0, 0)


def test_an_endpoint_without_batches_says_so_before_anything_is_reserved(project, batches):
    factories.prompt(project)
    batches.absent = True
    ended = run(project)
    assert ended.state == "failed"
    assert ended.error == f"{project.teacher.name} has no batch mode: start the run online."
    assert not Call.objects.exists()
    assert states(project) == [State.TO_COLLECT]


def test_no_key_of_an_endpoint_is_told_or_stored(project, teacher, batches, teacher_server, monkeypatch):
    monkeypatch.setenv("NEXA_TEST_API_KEY", "sk-wrong-and-secret")
    teacher.api_key_env = "NEXA_TEST_API_KEY"
    teacher.save()
    teacher_server.demand_key("sk-right")
    factories.prompt(project)
    ended = run(project)
    assert ended.state == "failed"
    assert "Incorrect API key" in ended.error
    assert "sk-wrong" not in ended.error + ended.last_error
    monkeypatch.delenv("NEXA_TEST_API_KEY")
    assert "NEXA_TEST_API_KEY is not set" in run(project).error


def test_structure_that_is_refused_is_asked_for_in_another_way_by_the_next_batch(project, batches, teacher_server):
    for _ in range(3):
        factories.prompt(project)
    refused = teacher_replies.bad_request("Invalid parameter: 'response_format' of type 'json_schema' is not supported")
    teacher_server.script(refused, when=lambda body: "json_schema" in json.dumps(body), always=True)
    batches.finish_by_itself()
    ended = run(project)
    assert (ended.state, ended.error) == ("finished", "")
    assert states(project) == [State.TO_FILTER] * 3
    assert [batch["request_counts"]["completed"] for batch in batches.created] == [0, 3]


def test_judges_are_asked_by_batches_and_once_more_where_they_cannot_be_read(project, teacher, batches, teacher_server):
    strict = factories.teacher(base_url=teacher.base_url, model="stand-in-strong")
    project.judge_factuality, project.judge_reasoning = teacher, strict
    project.save()
    prompts = [factories.prompt(project, State.TO_JUDGE) for _ in range(2)]
    unreadable = teacher_replies.answer("I would rather not say.")
    teacher_server.script(unreadable, when=lambda body: body["model"] == "stand-in" and prompts[0].context in str(body))
    batches.finish_by_itself()
    ended = run(project, "judge")
    assert (ended.state, ended.done) == ("finished", 2)
    assert JudgeScore.objects.filter(error="").count() == 4
    assert GateResult.objects.count() == 2
    assert [batch.requests for batch in Batch.objects.order_by("pk")] == [2, 2, 1]
    assert Call.objects.filter(sample_index=1).count() == 1


def test_regeneration_goes_by_batches(project, batches):
    prompt = factories.prompt(project, State.TO_REGENERATE)
    batches.finish_by_itself()
    ended = run(project, "regenerate")
    prompt.refresh_from_db()
    assert (ended.state, prompt.state, prompt.current_response.attempt) == ("finished", State.TO_FILTER, 2)
    assert prompt.current_response.parent.attempt == 1


def test_a_template_that_changes_meanwhile_changes_nothing_of_what_was_asked(project, batches):
    prompt = factories.prompt(project)
    made = jobs.prepare(project, "collect", {"mode": "batch"})
    assert jobs.look_at_batches(made) == "waiting"
    factories.template(project, body="Another text: {{context}}")
    batches.finish()
    jobs.carry_out(made)
    prompt.refresh_from_db()
    assert prompt.current_response.templates["hypothesis"]["version"] == 1
    assert not prompt.current_response.sent_user.startswith("Another text")
    assert len(batches.created) == 1


def test_prompts_of_a_batch_are_held_for_a_day_and_again_at_every_look(project, batches):
    prompt = factories.prompt(project)
    made = jobs.prepare(project, "collect", {"mode": "batch"})
    assert jobs.look_at_batches(made) == "waiting"
    first = Prompt.objects.get(pk=prompt.pk).lease_until
    assert (first - made.created_at).total_seconds() > 25 * 3600
    assert Call.objects.get().lease_until > made.created_at
    assert jobs.look_at_batches(made) == "waiting"
    assert Prompt.objects.get(pk=prompt.pk).lease_until > first


def test_other_runs_leave_what_is_in_a_batch_alone(project, batches, teacher_server):
    factories.prompt(project, context="One passage for two projects, with 3 mg of zinc.")
    made = jobs.prepare(project, "collect", {"mode": "batch"})
    assert jobs.look_at_batches(made) == "waiting"
    with pytest.raises(jobs.CannotStart):
        jobs.prepare(project, "collect")
    other = factories.project(teacher=project.teacher, paired=False)
    factories.prompt(other, context="One passage for two projects, with 3 mg of zinc.")
    second = jobs.prepare(other, "collect", {"mode": "batch"})
    assert jobs.look_at_batches(second) == "waiting"
    assert Batch.objects.count() == 1
    batches.finish()
    jobs.carry_out(made)
    jobs.carry_out(second)
    second.refresh_from_db()
    assert (second.state, second.error, second.counters.get("reused"), len(batches.asked)) == ("finished", "", 1, 1)


# -- cancel -------------------------------------------------------------------------------------------------------


def test_a_cancelled_run_cancels_its_batch_and_keeps_what_was_finished(project, batches):
    for _ in range(4):
        factories.prompt(project)
    made = jobs.prepare(project, "collect", {"mode": "batch"})
    assert jobs.look_at_batches(made) == "waiting"
    batches.created[0]["share"] = 0.5
    jobs.cancel(made)
    assert jobs.look_at_batches(made) == "waiting"
    assert batches.created[0]["status"] == "cancelling"
    jobs.carry_out(made)
    made.refresh_from_db()
    assert (made.state, made.done) == ("cancelled", 2)
    assert states(project) == sorted([State.TO_FILTER] * 2 + [State.TO_COLLECT] * 2)
    assert not project.prompts.exclude(run=None).exists()
    batches.finish_by_itself()
    assert run(project).done == 2
    answered_once(project, batches, 4)


def test_a_run_that_is_cancelled_before_its_file_is_uploaded_sends_nothing(project, batches, monkeypatch):
    factories.prompt(project)
    made = jobs.prepare(project, "collect", {"mode": "batch"})
    monkeypatch.setattr("pipeline.teachers.batches.BatchDesk.upload", _no_connection)
    assert jobs.look_at_batches(made) == "waiting"
    made.refresh_from_db()
    assert "broke" in made.last_error
    jobs.cancel(made)
    assert jobs.look_at_batches(made) == "ended"
    made.refresh_from_db()
    assert (made.state, batches.created, states(project)) == ("cancelled", [], [State.TO_COLLECT])


def _no_connection(*_):
    raise BatchTrouble("connection", "The connection broke")


def test_a_batch_cancelled_by_somebody_else_stops_the_run(project, batches):
    for _ in range(2):
        factories.prompt(project)
    batches.finish_by_itself({"state": "cancelled", "share": 0.5})
    ended = run(project)
    assert ended.state == "failed"
    assert "cancelled" in ended.error
    assert states(project) == sorted([State.TO_FILTER, State.TO_COLLECT])


def test_a_batch_that_the_endpoint_forgot_stops_the_run(project, batches):
    factories.prompt(project)
    made = jobs.prepare(project, "collect", {"mode": "batch"})
    assert jobs.look_at_batches(made) == "waiting"
    batches.batches.clear()
    assert jobs.look_at_batches(made) == "ended"
    made.refresh_from_db()
    assert "knows no batch" in made.error
    assert states(project) == [State.TO_COLLECT]
