"""What a confused or hostile endpoint sends where an answer is expected: nothing leaks, nothing goes on for ever."""

import gzip
import io

import pytest

from curation.models import Call, Run
from pipeline import teachers
from pipeline.teachers import errors
from pipeline.teachers.batches import BatchDesk
from tests import factories, teacher_replies
from tests.running import run

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "sk-secret-of-the-test"


@pytest.fixture
def project(teacher_server, monkeypatch):
    monkeypatch.setenv("STANDIN_API_KEY", KEY)
    teacher = factories.teacher(base_url=teacher_server.url, api_key_env="STANDIN_API_KEY")
    made = factories.project(teacher=teacher, paired=False)
    factories.prompt(made)
    return made


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_and_says_where_it_leads(project, teacher_server, status):
    elsewhere = teacher_server.url.replace("/v1", "/health")
    teacher_server.script(teacher_replies.Reply(status=status, body=b"", headers={"Location": elsewhere}))
    ended = run(project, "collect")
    assert (ended.state, len(teacher_server.requests)) == (Run.State.FAILED, 1)
    assert f"It redirects to {elsewhere}" in ended.error


@pytest.mark.parametrize("before", range(480, 500, 4))
def test_no_part_of_a_key_is_stored_where_a_message_is_cut(project, teacher_server, before):
    teacher_server.script(teacher_replies.failing(400, "x" * before + KEY, kind="invalid_request_error"))
    run(project, "collect")
    call = Call.objects.get()
    assert "sk-" not in call.error_detail + call.raw_reply


def test_a_message_holds_what_every_database_takes():
    assert errors.words('{"error": {"message": "a\\u0000b\\ud800"}}') == "a\\x00b\\ud800"


def test_an_impossible_date_asks_for_no_wait():
    assert errors.retry_after({"retry-after": "Mon, 20 Nov 1995 19:12:08 +9999999999999999"}) is None


def test_a_list_of_batches_that_never_ends_is_looked_through_once(project, teacher_server):
    endpoint = teachers.Endpoint.of(project.teacher)
    with BatchDesk() as desk:
        file_id = desk.upload(endpoint, "requests.jsonl", io.BytesIO(b"{}"))
        made = desk.create(endpoint, "our-key", file_id, seconds=5)
        teacher_server.batches.endless = True
        assert [found.id for found in desk.find(endpoint, "our-key")] == [made.id]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzipped"])
def test_a_reply_without_end_is_read_up_to_a_limit(project, teacher_server, settings, packed):
    settings.MAX_REPLY_BYTES = 1_000_000
    body, headers = b'{"choices": "' + b"no end " * 3_000_000, {}
    if packed:  # some kilobytes that unpack to twenty megabytes
        body, headers = gzip.compress(body), {"Content-Encoding": "gzip"}
    teacher_server.script(teacher_replies.Reply(body=body, headers=headers))
    ended = run(project, "collect")
    call, prompt = Call.objects.get(), project.prompts.get()
    assert (ended.state, prompt.state, len(teacher_server.requests)) == (Run.State.FINISHED, "parked", 1)
    assert (call.error_class, prompt.error_class) == ("reply_too_large", "reply_too_large")
    assert "larger than 1,000,000 bytes" in prompt.error_detail
    assert 0 < len(call.raw_reply) <= 10_000


def test_what_a_reply_without_end_may_have_cost_stays_held(project, teacher_server, settings):
    settings.MAX_REPLY_BYTES = 10_000
    type(project.teacher).objects.update(parameters={"max_tokens": 300})
    project.refresh_from_db()
    teacher_server.script(teacher_replies.Reply(body=b"x" * 100_000))
    ended = run(project, "collect", cap_tokens=100_000)
    assert ended.held_tokens > 0
