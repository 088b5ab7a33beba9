"""Any stage of a project comes out in the columns of the earlier scripts, and can be taken over again from there."""

import json

import pandas as pd
import pytest
import yaml
from django.core.management import CommandError, call_command

from curation.models import Annotation, Project, State, TeacherResponse
from pipeline.datasets import STAGES
from tests import factories, old_scripts

pytestmark = pytest.mark.django_db


@pytest.fixture
def moved(tmp_path):
    """The project that the earlier scripts' directory became."""
    config = old_scripts.make(tmp_path)
    call_command("migrate_from_scripts", config=config, report=tmp_path / "report")
    return Project.objects.get(slug="distill")


def snapshot(stage, path, project="distill"):
    call_command("snapshot", stage, out=path, project=project)
    return pd.read_json(path, lines=True) if path.suffix == ".jsonl" else pd.read_parquet(path)


INPUT = ["domain", "template_name", "user_prompt", "context", "template_prompt", "source_file", "generated_at"]
OUTPUT = [*INPUT, "teacher_output", "model_id", "latency_ms", "prompt_tokens", "completion_tokens", "total_tokens"]
FLAGS = ["length_char_ok", "length_token_ok", "action_verb_ok", "no_citations", "passes_all", "quality_pass"]


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
@pytest.mark.parametrize(
    ("stage", "rows", "columns"),
    [
        ("raw", 11, INPUT),
        ("collected", 9, OUTPUT),
        ("regenerated", 2, [*OUTPUT, "annotation_action", "regenerated"]),
        ("labels", 7, ["task_type", "context", "teacher_output", "action", "timestamp"]),
        ("sft", 3, ["input", "output", "meta"]),
    ],
)
def test_old_columns(moved, tmp_path, stage, rows, columns, suffix):
    frame = snapshot(stage, tmp_path / f"out/{stage}{suffix}")

    assert len(frame) == rows
    assert set(columns) <= set(frame.columns)


def test_filtered_and_rejected(moved, tmp_path):
    call_command("filter_pairs", project=moved.slug, inline=True)

    passed, failed = (snapshot(stage, tmp_path / f"{stage}.parquet") for stage in ("filtered", "rejected"))

    assert len(passed) + len(failed) == 6
    assert set(FLAGS) <= set(passed.columns) & set(failed.columns)
    assert passed["passes_all"].all()
    assert not failed["passes_all"].any()


@pytest.mark.parametrize("stage", STAGES)
def test_an_empty_project_gives_an_empty_file(project, tmp_path, stage):
    frame = snapshot(stage, tmp_path / f"{stage}.parquet", project.slug)

    assert len(frame) == 0


def test_training_rows_hold_what_people_accepted(project, tmp_path):
    prompt = factories.prompt(project, State.ACCEPTED, answer="As the teacher said it.")
    factories.resolution(prompt.current_response, text="As people wrote it.", edited=True)
    factories.prompt(project, State.REJECTED, answer="Refused.")

    frame = snapshot("sft", tmp_path / "sft.parquet", project.slug)

    assert list(frame["output"]) == ["As people wrote it."]
    assert json.loads(frame["meta"][0])["edited"] is True


@pytest.mark.parametrize(
    ("stage", "options", "wrong"),
    [
        ("raw", {"out": "x.csv"}, "x.csv: write to a file that ends in .parquet or .jsonl"),
        ("raw", {"out": "x.parquet", "project": "nowhere"}, "There is no project 'nowhere'"),
        ("dreams", {"out": "x.parquet"}, "invalid choice"),
    ],
)
def test_refusals(db, stage, options, wrong):
    with pytest.raises(CommandError, match=wrong):
        call_command("snapshot", stage, *(f"--{name}={value}" for name, value in options.items()))


def test_what_comes_out_can_be_taken_over_again(moved, tmp_path):
    out = tmp_path / "again"
    storage = {"raw_dataset": "raw", "collected_dataset": "collected", "sft_parquet": "sft"}
    for stage in ("raw", "collected", "sft"):
        snapshot(stage, out / f"{stage}.parquet")
    snapshot("labels", out / "labels.jsonl")
    config = old_scripts.CONFIG | {"storage": {key: str(out / f"{name}.parquet") for key, name in storage.items()}}
    (out / "config.yaml").write_text(yaml.safe_dump(config))

    arguments = {"config": out / "config.yaml", "labels": [out / "labels.jsonl"], "report": out / "report"}
    call_command("migrate_from_scripts", project="copy", **arguments)

    copy = Project.objects.get(slug="copy")
    assert set(copy.prompts.values_list("key", flat=True)) == set(moved.prompts.values_list("key", flat=True))
    held = TeacherResponse.objects.filter(current_for__project=moved).values_list("prompt__key", "text")
    assert set(TeacherResponse.objects.filter(prompt__project=copy).values_list("prompt__key", "text")) == set(held)
    states = {project: set(project.prompts.values_list("key", "state")) for project in (moved, copy)}
    assert states[copy] == states[moved]
    accepts = Annotation.objects.filter(response__prompt__project=copy, current=True).values_list("action", flat=True)
    assert set(accepts) == {"accept"}
    report = json.loads((out / "report.json").read_text())
    assert [file["unmatched"] for file in report["files"] if file["kind"] != "labels"] == [0, 0, 0]
