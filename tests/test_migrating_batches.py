"""What the batch script left: judges beside the answers, a gate, manifests, labels without words, chat and text."""

import json

import pytest
from django.core.management import call_command

from curation.models import JudgeScore, Project, TeacherResponse
from tests import old_batches

pytestmark = pytest.mark.django_db


def migrate(root):
    config = root / "configs/teacher_gen_v1.yaml"
    call_command("migrate_from_scripts", root / "data", config=config, root=root, report=root / "report.json")
    faults = [json.loads(line) for line in (root / "report.faults.jsonl").read_text().splitlines()]
    report = json.loads((root / "report.json").read_text())
    counted = {
        file["name"].removeprefix("data/"): (file["rows"], file["imported"], file["matched"], file["unmatched"])
        for file in report["files"]
    }
    return report, counted, [(row["fault"], row["file"].removeprefix("data/"), row["line"]) for row in faults]


ROWS = {
    "inputs.csv": (5, 5, 0, 0),
    "generated/generated_batch_0000.parquet": (3, 3, 0, 0),
    "generated/generated_batch_0001.parquet": (2, 2, 0, 0),
    "generated/generation_manifest.jsonl": (3, 0, 2, 1),
    "gate/accepted.parquet": (2, 0, 2, 0),
    "gate/rejections.parquet": (1, 0, 1, 0),
    "labels/accepted.jsonl": (1, 1, 0, 0),
    "labels/rejected.jsonl": (3, 1, 0, 2),
    "sft/train.jsonl": (2, 0, 2, 0),
    "sft/val.jsonl": (2, 0, 2, 0),
    "sft/deployment.jsonl": (2, 0, 1, 1),
}


def test_every_row_of_every_shape(tmp_path):
    old_batches.make(tmp_path)

    report, counted, faults = migrate(tmp_path)

    assert counted == ROWS
    assert sorted(faults) == [
        ("flag_ignored", "gate/accepted.parquet", 2),
        ("judge_unreadable", "generated/generated_batch_0000.parquet", 3),
        ("manifest_wrong", "generated/generation_manifest.jsonl", 2),
        ("rejected_shipped", "sft/val.jsonl", 2),
        ("split_leak", "sft/val.jsonl", 1),
        ("unaccepted_as_accepted", "sft/train.jsonl", 2),
        ("unaccepted_as_accepted", "sft/val.jsonl", 2),
    ]
    assert [note for note in report["notes"] if "notes.csv" in note]
    assert report["totals"] == {
        "prompts": 5,
        "answers": 5,
        "decisions": 2,
        "states": {"to_filter": 3, "accepted": 1, "rejected": 1},
    }


def test_scores_of_judges_come_along_once(tmp_path):
    old_batches.make(tmp_path)

    migrate(tmp_path)
    migrate(tmp_path)

    scores = JudgeScore.objects.order_by("response__text", "rubric").values_list("response__text", "rubric", "score")
    assert list(scores) == [
        (old_batches.answer(0), "factuality", 90),
        (old_batches.answer(0), "reasoning", 90),
        (old_batches.answer(1), "reasoning", 90),
        (old_batches.answer(2), "factuality", None),
        (old_batches.answer(2), "reasoning", 55),
        (old_batches.answer(3), "factuality", 90),
        (old_batches.answer(3), "reasoning", 90),
        (old_batches.answer(4), "factuality", 90),
        (old_batches.answer(4), "reasoning", 90),
    ]
    assert Project.objects.get(slug="batches").judge_factuality.model == "gpt-4o-mini"


def test_scores_that_only_the_gate_has_join_their_answer(tmp_path):
    old_batches.make(tmp_path)
    for number, path in enumerate(sorted((tmp_path / "data/generated").glob("*.parquet"))):
        rows = [[0, 1, 2], [3, 4]][number]
        bare = [old_batches.generated(each) | {"judge_f_response": None, "judge_r_response": None} for each in rows]
        path.write_bytes(old_batches.content(bare, ".parquet"))

    migrate(tmp_path)

    assert JudgeScore.objects.count() == 6
    assert set(TeacherResponse.objects.filter(judge_scores=None).values_list("text", flat=True)) == {
        old_batches.answer(1),
        old_batches.answer(4),
    }
