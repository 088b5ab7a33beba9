"""Runs by batches against a stand-in that speaks /v1/files and /v1/batches: what is sent, stored, sent again."""

import json
from decimal import Decimal

import pytest

from curation.models import Batch, Call, Prompt, State, TeacherResponse
from pipeline import jobs
from pipeline.stages import batch_filling
from tests import factories, teacher_replies

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


def run(project, stage="collect", **parameters):
    """Work on a stage by batches in this process; returns the ended run."""
    made = jobs.prepare(project, stage, {"mode": "batch"} | parameters)
    jobs.carry_out(made)
    made.refresh_from_db()
    return made


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
    lines = [json.loads(line) for line in batches.files[created["input_file_id"]].splitlines()]
    assert {(line["method"], line["url"]) for line in lines} == {("POST", "/v1/chat/completions")}
    assert {line["custom_id"] for line in lines} == {f"{c.payload_hash[:56]}-0" for c in Call.objects.all()}
    assert [line["body"] for line in lines] == [call.request for call in Call.objects.order_by("pk")]
    assert batch.size == len(batches.files[created["input_file_id"]].encode())
    assert not teacher_server.requests, "nothing was asked online"
    for prompt in prompts:
        prompt.refresh_from_db()
        assert prompt.state == State.TO_FILTER
        assert prompt.current_response.fields["statement"] in prompt.current_response.text
        assert prompt.current_response.call.batch == batch
