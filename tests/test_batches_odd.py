"""Batches in odd company: endpoints that fail in the middle, doubles, candidates, longer tries, odd lines."""

import io
import json

import pytest
from django.core.management import call_command

from curation.models import Batch, Call, Prompt, State, Teacher, TeacherResponse
from pipeline import jobs
from pipeline.stages import batch_reading
from pipeline.stages.packing import Unpacker, pack
from pipeline.teachers.batches import BatchDesk
from tests import factories, teacher_replies
from tests.batched import answered_once, run, states
from tests.threads import together

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
    return factories.project(teacher=teacher, paired=False)


def handed_over(project):
    """A run that has handed its first batch over."""
    made = jobs.prepare(project, "collect", {"mode": "batch"})
    assert jobs.look_at_batches(made) == "waiting"
    return made


# -- an endpoint that fails in the middle -------------------------------------------------------------------------


def test_a_key_that_is_refused_meanwhile_loses_nothing_and_mended_the_run_goes_on(project, batches, teacher_server):
    factories.prompt(project)
    made = handed_over(project)
    teacher_server.demand_key("another")
    assert jobs.look_at_batches(made) == "waiting"
    made.refresh_from_db()
    assert made.is_live
    assert "Incorrect API key" in made.last_error
    teacher_server.key = None
    batches.finish_by_itself()
    jobs.carry_out(made)
    answered_once(project, batches, 1)


def test_a_batch_that_cannot_be_cancelled_does_not_keep_the_run_for_ever(project, batches, teacher_server):
    factories.prompt(project)
    made = handed_over(project)
    teacher_server.demand_key("another")
    jobs.cancel(made)
    assert jobs.look_at_batches(made) == "ended"
    made.refresh_from_db()
    assert made.state == "cancelled"
    assert "may still be paid for" in made.error
    assert states(project) == [State.TO_COLLECT]


def test_what_is_asked_again_after_a_batch_was_given_up_says_that_it_may_be_paid_twice(project, batches, monkeypatch):
    factories.prompt(project)
    made = handed_over(project)
    monkeypatch.setattr("pipeline.stages.batching._Look.take", _disk_full)
    assert jobs.look_at_batches(made) == "waiting", "its answers are paid for"
    made.refresh_from_db()
    assert made.last_error == "OSError: disk full"
    jobs.cancel(made)
    with pytest.raises(OSError, match="disk full"):
        jobs.look_at_batches(made)
    monkeypatch.undo()
    made.refresh_from_db()
    assert made.state == "failed"
    batches.finish_by_itself()
    ended = run(project)
    assert (ended.state, ended.counters["maybe_paid_twice"]) == ("finished", 1)


def _disk_full(look):
    raise OSError("disk full")


def test_of_two_batches_under_one_key_the_older_is_kept_and_the_other_cancelled(project, batches):
    """As after a create that was heard of twice: by a proxy that tries again, say."""
    factories.prompt(project)
    made = handed_over(project)
    (first,) = batches.created
    batches.batches["twin"] = first | {"id": "twin", "created_at": first["created_at"] + 5}
    Batch.objects.update(state="uploaded", remote_id="", looked_at=None)
    assert jobs.look_at_batches(made) == "waiting"
    assert Batch.objects.get().remote_id == first["id"]
    assert batches.batches["twin"]["status"] == "cancelling"
    made.refresh_from_db()
    assert "twice: twin is cancelled" in made.last_error


def test_a_look_while_another_creates_the_batch_creates_none(project, batches, monkeypatch):
    factories.prompt(project)
    made = jobs.prepare(project, "collect", {"mode": "batch"})
    create = BatchDesk.create

    def create_after_another_look(*args, **options):
        monkeypatch.setattr(BatchDesk, "create", create)
        together(lambda: jobs.look_at_batches(made))
        assert not batches.created
        return create(*args, **options)

    monkeypatch.setattr(BatchDesk, "create", create_after_another_look)
    assert jobs.look_at_batches(made) == "waiting"
    assert len(batches.created) == 1


# -- several answers, longer answers ------------------------------------------------------------------------------


def test_candidates_of_several_teachers_go_into_a_batch_each_and_are_stored_in_their_order(
    project, teacher, batches, teacher_server
):
    second = factories.teacher(base_url=teacher.base_url, model="stand-in-strong")
    project.samples = 2
    project.save()
    project.more_teachers.add(second)
    prompts = [factories.prompt(project) for _ in range(2)]
    batches.finish_by_itself()
    ended = run(project)
    assert (ended.state, ended.done) == ("finished", 2)
    for prompt in prompts:
        rows = TeacherResponse.objects.filter(prompt=prompt).order_by("candidate")
        assert [(row.teacher_id, row.call.sample_index) for row in rows] == [
            (teacher.pk, 0),
            (teacher.pk, 1),
            (second.pk, 0),
            (second.pk, 1),
        ]
    assert [batch.requests for batch in Batch.objects.order_by("pk")] == [4, 4]


def test_a_prompt_waits_until_all_its_batches_ended(project, teacher, batches):
    second = factories.teacher(base_url=teacher.base_url, model="stand-in-strong")
    project.more_teachers.add(second)
    factories.prompt(project)
    made = handed_over(project)
    batches.finish()
    assert jobs.look_at_batches(made) == "waiting"
    assert states(project) == [State.TO_COLLECT]
    batches.finish()
    jobs.carry_out(made)
    assert states(project) == [State.TO_FILTER]
    assert TeacherResponse.objects.count() == 2


def test_an_answer_that_was_cut_off_gets_a_longer_try_with_the_next_batch(project, batches, teacher_server):
    factories.prompt(project)
    teacher_server.script(teacher_replies.truncated())
    batches.finish_by_itself()
    ended = run(project)
    assert ended.state == "finished"
    assert [batch.requests for batch in Batch.objects.order_by("pk")] == [1, 1]
    assert sorted(call.request["max_tokens"] for call in Call.objects.all()) == [400, 800]
    assert [row.finish_reason for row in TeacherResponse.objects.order_by("candidate")] == ["length", "stop"]


def test_fresh_answers_are_bought_again_and_the_rest_of_an_expired_batch_only_once(project, batches):
    for number in range(4):
        factories.prompt(project, context=f"Passage {number}: one gram of salt was lost.")
    batches.finish_by_itself()
    run(project)
    other = factories.project(teacher=project.teacher, paired=False)
    for number in range(4):
        factories.prompt(other, context=f"Passage {number}: one gram of salt was lost.")
    batches.finish_by_itself({"state": "expired", "share": 0.5}, {})
    ended = run(other, fresh=True)
    assert (ended.state, ended.done) == ("finished", 4)
    assert len(batches.asked) == len(set(batches.asked)) == 8
    assert sorted(Call.objects.values_list("sample_index", flat=True)) == [0] * 4 + [1] * 4


# -- lines and notes ----------------------------------------------------------------------------------------------

ANSWER = {"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}


@pytest.mark.parametrize(
    ("line", "error_class", "status"),
    [
        ({"response": {"status_code": 200, "body": ANSWER}}, "", 200),
        ({"response": {"status_code": 0, "body": ANSWER}}, "", 200),
        ({"response": {"status_code": None, "body": ANSWER}, "error": {"code": "odd"}}, "", 200),
        ({"response": {"status_code": 200, "body": json.dumps(ANSWER)}}, "", 200),
        ({"response": {"status_code": 0, "body": ""}}, "server_error", None),
        ({"response": None, "error": {"code": "server_error", "message": "Oh."}}, "server_error", None),
        ({"response": None, "error": None}, "server_error", None),
        ({}, "server_error", None),
        ({"response": "text", "error": "text"}, "server_error", None),
        ({"response": {"status_code": 429, "body": {"error": {"message": "slow"}}}}, "rate_limited", 429),
        ({"response": {"status_code": 200, "body": {"error": {"code": 502, "message": "away"}}}}, "server_error", 502),
        ({"response": {"status_code": 500, "body": "no JSON"}}, "server_error", 500),
        ({"response": {"status_code": 10**8, "body": {"error": {"message": "odd"}}}}, "server_error", None),
        ({"response": {"status_code": True, "body": {"choices": []}}}, "server_error", None),
        ({"response": {"status_code": 200, "body": '{"a": "\ud800"}'}}, "", 200),
        ({"response": {"status_code": 400, "body": {"error": {"code": "context_length_exceeded", "message": "long"}}}}, "context_too_long", 400),  # noqa: E501
    ],
)  # fmt: skip
def test_a_line_of_whatever_kind_is_a_reply(line, error_class, status):
    reply = batch_reading.reply_of(line)
    assert (reply.error_class, reply.status) == (error_class, status)
    assert bool(reply.error) == bool(error_class)
    reply.body.encode()


@pytest.mark.parametrize("code", ["batch_expired", "batch_cancelled"])
def test_a_line_that_was_never_begun_is_none(code):
    assert batch_reading.reply_of({"response": None, "error": {"code": code, "message": "Not done."}}) is None


def test_lone_surrogates_and_nul_of_an_answer_survive_as_escapes():
    body = json.loads('{"choices": [{"message": {"content": "a\\ud800b\\u0000c"}}]}')
    reply = batch_reading.reply_of({"response": {"status_code": 200, "body": body}})
    assert json.loads(reply.body) == body
    reply.body.encode()


def test_lines_that_are_no_json_are_told_and_their_requests_sent_again(project, batches):
    for _ in range(2):
        factories.prompt(project)
    made = handed_over(project)
    batches.finish()
    (created,) = batches.created
    whole = batches.files[created["output_file_id"]].splitlines()
    batches.files[created["output_file_id"]] = f"{whole[0]}\n{whole[1][:50]}\n[1]\n"
    batches.finish_by_itself()
    jobs.carry_out(made)
    made.refresh_from_db()
    assert made.state == "finished"
    assert "2 lines of its files are no JSON" in made.last_error
    assert states(project) == [State.TO_FILTER] * 2


def test_what_a_stage_notes_comes_back_as_it_was(project, teacher):
    prompt = factories.prompt(project)
    notes = {
        "earlier": {("hash", 1), ("other", 2)},
        "teachers": {"factuality": teacher},
        "by number": {1: "one", (2, 3): [prompt]},
        "$": "not ours",
        "kind": Teacher.Kind.ENDPOINT,
        "none": None,
        "numbers": [1, 2.5, True],
    }
    kept = json.loads(json.dumps(pack(notes)))
    assert Unpacker().unpack(kept) == notes


def test_what_cannot_be_kept_is_refused_at_once():
    with pytest.raises(TypeError, match="object"):
        pack({"something": object()})


def test_a_prompt_that_a_person_moved_meanwhile_stays_where_it_is(project, batches):
    prompt = factories.prompt(project)
    made = handed_over(project)
    Prompt.objects.filter(pk=prompt.pk).move(State.REJECTED, "rejected_by_hand", source=State.TO_COLLECT)
    batches.finish_by_itself()
    jobs.carry_out(made)
    made.refresh_from_db()
    assert (made.state, states(project)) == ("finished", [State.REJECTED])
    assert Call.objects.get().state == "answered", "what was paid for is kept"


def test_a_paired_project_is_collected_by_batches_with_its_judges(project, teacher, batches, teacher_server):
    project.judge_factuality = project.judge_reasoning = teacher
    project.paired = True
    project.save()
    pairs = [factories.pair(project) for _ in range(2)]
    batches.finish_by_itself()
    call_command("collect_teacher", "--project", project.slug, "--inline", "--mode", "batch", stderr=io.StringIO())
    for pair in pairs:
        pair.hypothesis.refresh_from_db()
        pair.methodology.refresh_from_db()
        assert pair.hypothesis.state == State.TO_REVIEW
        assert pair.methodology.state == State.TO_FILTER
    assert not teacher_server.requests, "nothing was asked online"
    assert list(project.runs.order_by("pk").values_list("stage", flat=True)) == [
        "collect",
        "filter",
        "judge",
        "collect",
    ]
