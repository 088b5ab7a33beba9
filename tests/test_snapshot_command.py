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


# -- rows that came as a text alone ----------------------------------------------------------------------------------


@pytest.fixture
def texts(project):
    """A text that nobody was asked about yet, one with its first answer and one with its second."""
    factories.template(project, body="Version one of {{context}}")
    rows = [factories.prompt(project, context=f"Film {n} was annealed.", user_prompt="") for n in range(3)]
    for attempt, prompt in enumerate(rows[1:], 1):
        stamp = {"hypothesis": {"version": 1, "sha256": "0" * 64}}
        sent = {"sent_user": f"As it was sent, {attempt}.", "templates": stamp}
        factories.response(prompt, f"Answer {attempt}.", attempt=attempt, **sent)
    factories.template(project, body="Version two of {{context}}")
    return rows


def test_a_text_alone_says_what_is_sent_for_it_and_what_that_is_made_of(project, texts, tmp_path):
    raw = snapshot("raw", tmp_path / "raw.jsonl", project.slug)

    assert list(raw["user_prompt"]) == [
        "Version two of Film 0 was annealed.",
        "As it was sent, 1.",
        "Version two of Film 2 was annealed.",
    ]
    assert list(raw["prompt_rendered_from"]) == [f"template hypothesis v{n}" for n in (2, 1, 2)]
    collected = snapshot("collected", tmp_path / "collected.parquet", project.slug)
    assert list(collected["user_prompt"]) == list(raw["user_prompt"])[1:]


def test_a_prompt_of_its_own_is_made_of_nothing_else(project, tmp_path):
    factories.prompt(project, user_prompt="What does it say?")

    raw = snapshot("raw", tmp_path / "raw.jsonl", project.slug)

    assert raw["user_prompt"][0] == "What does it say?"
    assert pd.isna(raw["prompt_rendered_from"][0])


def test_a_method_is_asked_with_its_hypothesis_and_waits_for_it(project, tmp_path):
    project.paired = True
    project.save()
    answered, waiting = factories.pair(project, State.TO_REVIEW), factories.pair(project)
    for pair in (answered, waiting):
        project.prompts.filter(pk__in=(pair.hypothesis_id, pair.methodology_id)).update(user_prompt="")

    raw = snapshot("raw", tmp_path / "raw.jsonl", project.slug).set_index("prompt_key")

    assert answered.hypothesis.current_response.text in raw.loc[answered.methodology.key, "user_prompt"]
    assert pd.isna(raw.loc[waiting.methodology.key, "user_prompt"])
    assert raw.loc[waiting.methodology.key, "prompt_rendered_from"] == "nothing yet: its hypothesis is not answered"
    assert raw.loc[waiting.hypothesis.key, "prompt_rendered_from"] == "template hypothesis v1"


def test_a_task_without_a_template_says_so(project, tmp_path):
    factories.prompt(project, user_prompt="", task_type="haiku", context="A text.")

    raw = snapshot("raw", tmp_path / "raw.jsonl", project.slug)

    assert pd.isna(raw["user_prompt"][0])
    assert "prompts/haiku.txt does not exist" in raw["prompt_rendered_from"][0]


def test_taken_over_again_a_text_alone_is_the_same_prompt(project, texts, tmp_path):
    path = tmp_path / "raw.parquet"
    snapshot("raw", path, project.slug)

    call_command("import_inputs", str(path), project="copy", create=True)

    copy = Project.objects.get(slug="copy")
    assert set(copy.prompts.values_list("key", flat=True)) == {prompt.key for prompt in texts}
    assert not copy.prompts.exclude(user_prompt="").exists()
