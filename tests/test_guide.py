"""The five steps of the user's guide with its own configuration file, unchanged, from raw inputs to the SFT dataset."""

import json
import secrets
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from curation import reviewing
from curation.models import Project, Prompt, State
from tests import factories, teacher_replies

pytestmark = pytest.mark.django_db(transaction=True)

GUIDE = """\
defaults:
  prompt_column: "user_prompt"
  context_column: "context"
  task_type_column: "template_name"

collection:
  teacher_model: "gpt-4o-mini"
  batch_size: 8
  system_prompt_path: "nexa_distill/prompts/system_toolproto.txt"
  
  # Regeneration settings
  regen_teacher_model: "o3-mini"
  regen_system_prompt_path: "nexa_distill/prompts/system_regen.txt"

storage:
  raw_dataset: "data/processed/distillation/teacher_inputs/teacher_inputs_v1.parquet"
  collected_dataset: "data/processed/distillation/teacher_outputs/teacher_outputs_v1.parquet"
  filtered_dataset: "data/processed/distillation/filtered/teacher_filtered_v1.parquet"
  regen_dataset: "data/processed/distillation/filtered/teacher_regenerated_v1.parquet"
  sft_jsonl: "data/processed/training/sft_v1.jsonl"
  sft_parquet: "data/processed/training/sft_v1.parquet"
"""
DISTILLATION = Path("data/processed/distillation")
TRAINING = Path("data/processed/training")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch, settings, teacher_server):
    """A folder with the guide's file and inputs, and the stand-in teacher where OPENAI_BASE_URL points."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_BASE_URL", teacher_server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-test")
    settings.RETRY_PAUSE_SECONDS = 0.01
    settings.REVIEW_UNDO_SECONDS = 0
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "distill_config.yaml").write_text(GUIDE)
    (tmp_path / "configs" / "filters.yaml").write_text("min_char_length: 120\nban_citations: true\n")
    inputs = tmp_path / DISTILLATION / "teacher_inputs" / "teacher_inputs_v1.parquet"
    inputs.parent.mkdir(parents=True)
    rows = [
        {
            "domain": ["biology", "physics", "materials"][n % 3],
            "template_name": task,
            "user_prompt": f"Write a {task} about sample {n}.",
            "context": f"Sample {n} was heated to {300 + n} K and its conductivity rose by {n + 2} %.",
            "source_file": "raw.json",
            "generated_at": 1.5 * n,
        }
        for n in range(6)
        for task in ("hypothesis", "methodology")
    ]
    pq.write_table(pa.Table.from_pylist(rows), inputs)


def step(name, *arguments):
    call_command(name, *arguments, "--inline")


def states():
    counted = Prompt.objects.filter(project__slug="distill").state_counts()
    return {state: number for state, number in counted.items() if number}


def everything_to_review():
    """Steps 1 and 2."""
    step("collect_teacher", "--config", "configs/distill_config.yaml")
    step("filter_pairs", "--config", "configs/filters.yaml")


def decide(user, actions):
    """Take the review queue to its end; `actions` says what to do with each prompt by its key."""
    project = Project.objects.get(slug="distill")
    while True:
        item = reviewing.claim_next(project, user)
        if isinstance(item, reviewing.EmptyQueue):
            return
        choices = [
            reviewing.Choice(response_id=prompt.current_response_id, action=actions.get(prompt.key, "accept"))
            for prompt in item.prompts
        ]
        reviewing.submit(project, user, choices, idempotency_key=secrets.token_hex(8))


def test_the_guide_from_raw_inputs_to_the_dataset(teacher_server, capsys):
    step("collect_teacher", "--config", "configs/distill_config.yaml")
    assert pq.read_table(DISTILLATION / "teacher_outputs" / "teacher_outputs_v1.parquet").num_rows == 12
    assert states() == {"to_filter": 6, "to_review": 6}  # the methodologies' hypotheses had to pass first
    step("filter_pairs", "--config", "configs/filters.yaml")
    assert states() == {"to_review": 12}
    collected = pd.read_parquet(DISTILLATION / "teacher_outputs" / "teacher_outputs_v1.parquet")
    filtered = pd.read_parquet(DISTILLATION / "filtered" / "teacher_filtered_v1.parquet")
    assert len(collected) == len(filtered) == 12
    assert {"teacher_output", "model_id", "latency_ms", "prompt_tokens", "completion_tokens", "total_tokens"} <= set(
        collected.columns
    )
    assert {"domain", "template_name", "user_prompt", "context", "source_file", "generated_at"} <= set(
        collected.columns
    )
    assert filtered[["length_char_ok", "length_token_ok", "action_verb_ok", "no_citations", "passes_all"]].all().all()
    assert set(collected["model_id"]) == {"gpt-4o-mini"}
    assert "prompts/system_toolproto.txt" in capsys.readouterr().err

    project = Project.objects.get(slug="distill")
    reviewer = factories.member(project, "reviewer")
    hypotheses = list(Prompt.objects.filter(task_type="hypothesis").order_by("pk"))
    decide(reviewer, {hypotheses[0].key: "regenerate", hypotheses[1].key: "reject"})
    assert states() == {"accepted": 9, "rejected": 2, "to_regenerate": 1}

    call_command("export_annotations", "--project", "distill", "--labels", str(DISTILLATION / "labels"))
    orders = [json.loads(line) for line in (DISTILLATION / "labels" / "rejected.jsonl").read_text().splitlines()]
    assert sorted(row["action"] for row in orders) == ["regenerate", "reject"]

    step(
        "regenerate_bad",
        "--annotations",
        str(DISTILLATION / "labels" / "rejected.jsonl"),
        "--dst",
        str(DISTILLATION / "filtered" / "regen.parquet"),
    )
    regenerated = pd.read_parquet(DISTILLATION / "filtered" / "regen.parquet")
    assert sorted(regenerated["annotation_action"]) == ["regenerate", "reject"]
    assert regenerated["regenerated"].all()
    assert set(regenerated["model_id"]) == {"o3-mini"}
    # Each new hypothesis calls its methodology back, to be asked with it.
    assert states() == {"accepted": 8, "to_filter": 2, "to_regenerate": 2}

    step("filter_pairs", "--config", "configs/filters.yaml")
    assert states() == {"accepted": 8, "to_review": 2, "to_regenerate": 2}
    step("regenerate_bad")
    step("filter_pairs", "--config", "configs/filters.yaml")
    assert states() == {"accepted": 8, "to_review": 4}
    decide(reviewer, {})
    assert states() == {"accepted": 12}

    call_command("to_sft", "--inline")
    lines = {
        split: (TRAINING / name).read_text().splitlines()
        for split, name in {
            "train": "sft_v1.jsonl",
            "validation": "sft_v1.validation.jsonl",
            "test": "sft_v1.test.jsonl",
        }.items()
        if (TRAINING / name).exists()
    }
    assert sum(len(found) for found in lines.values()) == 12
    assert pq.read_table(TRAINING / "sft_v1.parquet").num_rows == len(lines["train"])
    assert [m["role"] for m in json.loads(lines["train"][0])["messages"]] == ["user", "assistant"]


def test_steps_are_run_again_without_a_call(teacher_server):
    everything_to_review()
    asked = len(teacher_server.requests)
    everything_to_review()
    assert len(teacher_server.requests) == asked == 12


def test_packaging_nothing_says_what_waits_and_how_to_go_on(teacher_server):
    everything_to_review()
    with pytest.raises(CommandError, match=r"12 to review.*--include filtered"):
        call_command("to_sft", "--inline")
    call_command("to_sft", "--inline", "--include", "filtered")
    assert (TRAINING / "sft_v1.jsonl").exists()


def test_an_order_that_matches_nothing_or_several_is_reported(teacher_server, capsys, tmp_path):
    everything_to_review()
    response = Prompt.objects.filter(task_type="hypothesis").first().current_response
    rows = [
        {"task_type": "hypothesis", "context": "elsewhere", "teacher_output": response.text, "action": "reject"},
        {
            "index": 3,
            "task_type": "hypothesis",
            "context": response.prompt.context.replace(" ", "\n  "),
            "teacher_output": response.text.replace(" ", "  "),
            "action": "reject",
        },
        {"task_type": "hypothesis", "context": "x", "teacher_output": "y", "action": "accept"},
    ]
    Path("orders.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    teacher_server.script(teacher_replies.server_error(), always=True)
    step("regenerate_bad", "--annotations", "orders.jsonl")
    said = capsys.readouterr().err
    assert "1 ordered to regenerate" in said
    assert "orders.jsonl, line 1: no response" in said
    assert Prompt.objects.get(pk=response.prompt_id).state == State.PARKED


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"task_type": "hypothesis", "context": "", "teacher_output": "x", "action": "regen"}', "'regen'"),
        ("{", "not JSON"),
        ("[1]", "not an object"),
        ('{"action": "reject"}', "task_type, teacher_output"),
    ],
)
def test_a_broken_annotations_file_orders_nothing(line, words):
    Project.objects.create(slug="distill", name="Distill")
    Path("orders.jsonl").write_text(line + "\n")
    with pytest.raises(CommandError, match="line 1") as refused:
        step("regenerate_bad", "--annotations", "orders.jsonl")
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("collection: {batchsize: 3}", "collection.batchsize is not a known key"),
        ("collection: {batch_size: many}", "collection.batch_size: 'many'"),
        ("storage: {raw_data: x}", "storage.raw_data is not a known key; known here: collected_dataset"),
        ("colection: {}", "colection is not a known key"),
        ("- a\n- b", "it should be a mapping"),
        ("a: [", "is not YAML"),
        ("collection: {system_prompt_path: nowhere/none.txt}", "none.txt does not exist"),
    ],
)
def test_a_wrong_configuration_is_refused_by_name(text, words):
    Path("wrong.yaml").write_text(text)
    with pytest.raises(CommandError) as refused:
        step("collect_teacher", "--config", "wrong.yaml")
    assert words in str(refused.value)


def test_chunking_is_accepted_and_said_to_do_nothing(teacher_server, capsys):
    Path("configs/distill_config.yaml").write_text(GUIDE + "\nchunking: {size: 3}\n")
    step("collect_teacher")
    assert "chunking does nothing" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["collect_teacher", "filter_pairs", "sample_gate", "regenerate_bad", "to_sft"])
def test_a_dry_run_writes_and_asks_nothing(name, teacher_server):
    if name != "collect_teacher":
        everything_to_review()
    before, asked = states(), len(teacher_server.requests)
    files = sorted(str(path) for path in Path("data").rglob("*"))
    if name == "to_sft":
        call_command(name, "--dry-run", "--include", "filtered")
    else:
        call_command(name, "--dry-run")
    assert (states(), len(teacher_server.requests)) == (before, asked)
    assert sorted(str(path) for path in Path("data").rglob("*")) == files


def test_no_samples_is_refused_and_a_key_on_the_command_line_too():
    with pytest.raises(CommandError, match="number of 1 or more"):
        call_command("collect_teacher", "--max-samples", "0")
    with pytest.raises(CommandError, match="OPENAI_API_KEY"):
        call_command("collect_teacher", "--api-key", "sk-1")


def test_without_a_worker_a_command_says_so_and_ends(valkey):
    with pytest.raises(CommandError, match="No worker is alive.*--inline"):
        call_command("collect_teacher")


def test_old_flags_are_told_to_have_no_effect(teacher_server, capsys):
    everything_to_review()
    step("filter_pairs", "--src", "somewhere.parquet", "--use-rust")
    said = capsys.readouterr().err
    assert "--src has no effect" in said
    assert "--use-rust has no effect" in said


def test_sample_gate_needs_judges_and_writes_what_passed_and_what_did_not(teacher_server):
    everything_to_review()
    with pytest.raises(CommandError, match="judging.judge_f_model"):
        step("sample_gate")
    judges = "\njudging: {judge_f_model: gpt-4o-mini, judge_r_model: gpt-4o-mini}\n"
    Path("configs/distill_config.yaml").write_text(GUIDE + judges)
    project = Project.objects.get(slug="distill")
    for n in range(3):
        factories.prompt(project, State.TO_JUDGE, context=f"To be judged: {n} mg of zinc.")
    teacher_server.script(teacher_replies.low_scores(), when="0 mg of zinc", always=True)
    step("sample_gate", "--output", "passed.parquet", "--rejections", "rejected.parquet", "--report", "gate.md")
    assert pd.read_parquet("passed.parquet")["judge_f_score"].min() >= 80
    assert len(pd.read_parquet("passed.parquet")) == 2
    assert pd.read_parquet("rejected.parquet")["rejection_reason"].tolist() == ["judge_f_low_score, judge_r_low_score"]
    assert "| judged | 3 | 100.0% |" in Path("gate.md").read_text()
