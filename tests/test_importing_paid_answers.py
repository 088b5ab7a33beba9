"""Files with answers, such as the earlier scripts' teacher_outputs, come in as paid already, and nothing is lost."""

import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from curation.importing import import_file, sniff
from curation.importing import load as loading
from curation.importing.outputs import why_no_answer
from curation.models import Event, Prompt, Run, State, Teacher, TeacherResponse
from pipeline import jobs
from pipeline.stages.importing import answer_reader
from tests import factories
from tests.import_files import content, jsonl_text, write
from tests.running import run

pytestmark = pytest.mark.django_db

CHOICE = (
    "Choice(finish_reason='length', index=0, logprobs=None, message=ChatCompletionMessage(content='', refusal=None, "
    "role='assistant', annotations=[], audio=None, function_call=None, tool_calls=None))"
)


def inputs(number=4):
    return [
        {
            "domain": "biology",
            "template_name": ["hypothesis", "methodology"][n % 2],
            "user_prompt": f"Write about sample {n}.",
            "context": f"Sample {n} was heated to {300 + n} K.",
            "source_file": "raw.json",
            "generated_at": 1.5,
        }
        for n in range(number)
    ]


def outputs(number=4, **changed):
    said = {
        "model_id": "gpt-4o-mini",
        "latency_ms": 812.0,
        "prompt_tokens": 211,
        "completion_tokens": 150,
        "total_tokens": 361,
        "finish_reason": "stop",
    }
    return [
        row | {"teacher_output": f"If sample {n} is heated, it expands."} | said | changed
        for n, row in enumerate(inputs(number))
    ]


def imported(project, directory, rows, suffix=".parquet", **options):
    path = write(directory, f"teacher_outputs_v1{suffix}", content(rows, suffix))
    return import_file(project, path, read_answer=answer_reader(project), **options)


def everything(project):
    return list(project.prompts.order_by("pk").values()), list(TeacherResponse.objects.order_by("pk").values())


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl", ".json.gz"])
def test_into_an_empty_project(project, tmp_path, suffix):
    report = imported(project, tmp_path, outputs(), suffix)
    assert (report.imported, report.answers, report.rejected, report.differs) == (4, 4, 0, 0)
    prompts = list(project.prompts.select_related("current_response__teacher"))
    assert {(p.state, p.attempts, p.lease_until, p.run) for p in prompts} == {(State.TO_FILTER, 1, None, None)}
    first = prompts[0].current_response
    assert first.text == "If sample 0 is heated, it expands."
    assert (first.form, first.call, first.model_id, first.finish_reason) == ("imported", None, "gpt-4o-mini", "stop")
    assert (first.prompt_tokens, first.completion_tokens, first.total_tokens, first.latency_ms) == (211, 150, 361, 812)
    assert (first.teacher.kind, first.teacher.model) == (Teacher.Kind.IMPORTED, "gpt-4o-mini")
    assert prompts[0].context in first.sent_user
    assert prompts[0].metadata.keys() == {"source_file", "generated_at"}
    assert Event.objects.filter(kind="answer_imported").count() == 4
    assert project.pairs.count() == 0


def test_prompts_that_wait_get_their_answers_and_are_not_bought(teacher_server, tmp_path):
    project = factories.project(teacher=factories.teacher(base_url=teacher_server.url))
    imported(project, tmp_path, inputs(5))
    rows = outputs(4)
    rows[3]["teacher_output"] = None
    report = imported(project, tmp_path, rows)
    assert (report.imported, report.unchanged, report.differs, report.answers) == (0, 4, 0, 3)
    assert project.prompts.state_counts()["to_filter"] == 3
    run(project, "collect")
    assert len(teacher_server.requests) == 2
    assert TeacherResponse.objects.filter(form="imported").count() == 3


@pytest.mark.parametrize("batch", [1, 3, 2000])
def test_a_second_import_changes_nothing(project, tmp_path, monkeypatch, batch):
    monkeypatch.setattr(loading, "BATCH_PROMPTS", batch)
    imported(project, tmp_path, outputs())
    before = everything(project)
    report = imported(project, tmp_path, outputs())
    assert (report.imported, report.answers, report.answers_unchanged, report.answers_differ) == (0, 0, 4, 0)
    assert before == (
        list(project.prompts.order_by("pk").values()),
        list(TeacherResponse.objects.order_by("pk").values()),
    )


@pytest.mark.parametrize("batch", [1, 2000])
def test_another_answer_leaves_the_first_and_is_counted(project, tmp_path, monkeypatch, batch):
    monkeypatch.setattr(loading, "BATCH_PROMPTS", batch)
    rows = outputs(2)
    imported(project, tmp_path, [*rows, rows[0] | {"teacher_output": "A later sample."}])
    report = imported(project, tmp_path, [rows[0] | {"teacher_output": "Another."}, rows[1]])
    assert (report.answers, report.answers_unchanged, report.answers_differ) == (0, 1, 1)
    assert "1 of prompts that have another" in str(report)
    assert sorted(TeacherResponse.objects.values_list("text", flat=True)) == [row["teacher_output"] for row in rows]


@pytest.mark.parametrize(
    "text",
    [
        CHOICE,
        CHOICE.replace("Choice(", "ChatCompletion(", 1),
        "ERROR: rate limit",
        "[ERROR] no reply",
        "Error: timed out",
        "Error code: 429 - {'error': {'message': 'quota'}}",
        "RateLimitError('too many')",
        "Traceback (most recent call last):\n  File",
        "[DRY RUN] Would have asked",
    ],
)
def test_what_stands_in_for_an_answer_is_none(project, tmp_path, text):
    rows = outputs(2)
    rows[1]["teacher_output"] = text
    report = imported(project, tmp_path, rows)
    assert (report.imported, report.answers, report.no_answers, report.rejected) == (2, 1, 1, 0)
    assert "row 2: teacher_output" in report.problems[0]
    assert "is no answer" in report.problems[0]
    assert project.prompts.get(user_prompt=rows[1]["user_prompt"]).state == State.TO_COLLECT


@pytest.mark.parametrize("text", [None, "", "  ", "nan", "None", float("nan")])
def test_an_empty_output_waits_to_be_collected(project, tmp_path, text):
    report = imported(project, tmp_path, [*outputs(1), *outputs(2, teacher_output=text)[1:]], ".jsonl")
    assert (report.answers, report.no_answers, report.rejected) == (1, 0, 0)
    assert project.prompts.state_counts()["to_collect"] == 1


@pytest.mark.parametrize(
    "text", ["Error bars of 5 % will shrink.", "Choice of solvent decides: polar ones raise the yield.", "Errors grow."]
)
def test_words_alone_make_no_error(text):
    assert not why_no_answer(text)


def test_a_structured_answer_is_read_as_a_reply_is(project, tmp_path):
    fields = {
        "statement": "If iron rises, the overpotential falls.",
        "variable": "iron",
        "outcome": "overpotential",
        "direction": "decrease",
        "support": [],
    }
    rows = outputs(3)
    rows[0]["teacher_output"] = json.dumps(fields)
    rows[1]["teacher_output"] = "**Distilled Response**\n1. Heat the sample.\n**Reasoning**\nBecause."
    imported(project, tmp_path, rows)
    first, second, _ = (p.current_response for p in project.prompts.select_related("current_response"))
    assert (first.text, first.fields, first.form) == (fields["statement"], fields, "imported")
    assert json.loads(first.metadata["imported_text"]) == fields
    assert second.text == "1. Heat the sample."
    assert imported(project, tmp_path, rows).answers_unchanged == 3


def test_what_the_batch_script_says_of_an_answer_stays_with_it(project, tmp_path):
    rows = [
        row | {"generation_model": "gpt-4o", "generation_timestamp": "2024-05-01", "cost_usd": 0.0021}
        for row in inputs(1)
    ]
    rows[0]["generated"] = "If sample 0 cools, it shrinks."
    path = write(tmp_path, "batch.jsonl", jsonl_text(rows))
    import_file(project, path, {"output": "generated"})
    response = TeacherResponse.objects.get()
    assert (response.model_id, response.metadata) == (
        "gpt-4o",
        {"generation_timestamp": "2024-05-01", "cost_usd": 0.0021},
    )


@pytest.mark.parametrize(
    ("value", "kept"),
    [("150", 150), (150.0, 150), ("a few", None), (-1, None), (1e12, None), (True, None), (1.5, None)],
)
def test_numbers_that_do_not_fit_are_kept_beside(project, tmp_path, value, kept):
    imported(project, tmp_path, outputs(1, completion_tokens=value), ".jsonl")
    response = TeacherResponse.objects.get()
    assert response.completion_tokens == kept
    assert (response.metadata.get("completion_tokens") == value) is (kept is None)


def test_the_column_can_be_left_out_or_named(project, tmp_path):
    path = write(tmp_path, "a.jsonl", jsonl_text(outputs(1)))
    assert sniff(path).mapping["output"] == "teacher_output"
    import_file(project, path, {"output": ""})
    prompt = project.prompts.get()
    assert prompt.state == State.TO_COLLECT
    assert prompt.metadata["teacher_output"]


def test_an_answer_about_a_text_needs_its_task_and_the_whole_text(project, tmp_path):
    text = "\n\n".join(f"Paragraph {n} about snow and dust." for n in range(400))
    rows = [
        {"text": text, "task_type": "hypothesis", "teacher_output": "If dust falls, snow melts."},
        {"text": "Short text.", "task_type": None, "teacher_output": "If it rains, it pours."},
    ]
    report = imported(project, tmp_path, rows, ".jsonl", passage_chars=2000)
    assert (report.imported, report.answers, report.rejected) == (1, 1, 1)
    assert "task type" in report.problems[0]
    assert text in TeacherResponse.objects.get().sent_user
    assert "hypothesis" in TeacherResponse.objects.get().sent_user.lower()


def test_a_prompt_in_work_or_rejected_is_left_and_a_parked_one_is_answered(project, tmp_path):
    imported(project, tmp_path, inputs(3))
    held, rejected, parked = project.prompts.order_by("pk")
    Prompt.objects.filter(pk=held.pk).update(run=factories.run(project, state="running"))
    rejected.go(State.REJECTED, "test")
    parked.park("server_error", "HTTP 500")
    report = imported(project, tmp_path, outputs(3))
    assert (report.answers, report.answers_left) == (1, 2)
    parked.refresh_from_db()
    assert (parked.state, parked.error_class, parked.parked_from) == (State.TO_FILTER, "", "")


def test_in_a_paired_project_methods_stand_beside_their_hypotheses(tmp_path):
    project = factories.project(paired=True)
    rows = [
        {"text": "Dust and snow.", "task_type": task, "teacher_output": f"An answer of a {task}."}
        for task in ("methodology", "hypothesis")
    ]
    imported(project, tmp_path, rows, ".jsonl")
    pair = project.pairs.get()
    assert pair.methodology.current_response.hypothesis == pair.hypothesis.current_response


def test_the_command_brings_them_in(tmp_path, capsys):
    path = write(tmp_path, "teacher_outputs_v1.parquet", content(outputs(), ".parquet"))
    call_command("import_inputs", str(path), "--project", "paid", "--create")
    assert "answers: 4 imported" in capsys.readouterr().out
    assert Prompt.objects.filter(project__slug="paid", state=State.TO_FILTER).count() == 4


@pytest.mark.django_db(transaction=True)
def test_the_pages_bring_them_in_and_say_what_belongs_to_the_answer(valkey, monkeypatch, teacher_server):
    monkeypatch.setattr(jobs, "workers_alive", lambda: 1)
    monkeypatch.setattr(jobs, "enqueue", lambda run: None)
    project = factories.project(teacher=factories.teacher(base_url=teacher_server.url))
    manager = factories.client(factories.member(project, "manager"))
    file = SimpleUploadedFile("teacher_outputs_v1.parquet", content(outputs(), ".parquet"))
    uploaded = manager.post(f"/p/{project.slug}/import/", {"file": file})
    page = manager.get(uploaded.headers["Location"]).content.decode()
    assert re.search(r"teacher_output<br><span[^>]*>✓ output", page)
    assert re.search(r"prompt_tokens<br><span[^>]*>✓ of the answer", page)
    assert "latency_ms" in page
    fields = {"prompt": "user_prompt", "context": "context", "task_type": "template_name", "domain": "domain"}
    manager.post(uploaded.headers["Location"], fields | {"output": "teacher_output", "task_types": "hypothesis"})
    made = Run.objects.get()
    jobs.carry_out(made)
    made.refresh_from_db()
    assert (made.state, made.counters["imported"], made.counters["answers"]) == ("finished", 4, 4)
    assert project.prompts.state_counts()["to_filter"] == 4
    assert not teacher_server.requests
