"""A directory of the earlier scripts becomes a project, and the report on its files and faults is right to the row."""

import json
from collections import Counter

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command

from curation.models import Annotation, Event, JudgeScore, Project, Prompt, Release, State, TeacherResponse
from tests import old_scripts

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(tmp_path):
    old_scripts.make(tmp_path)
    return tmp_path


def migrate(root, *more, **options):
    """Run the command over the directory; returns (the report, the faults as (code, file, row), the unmatched)."""
    config = root / "configs/distill_config.yaml"
    call_command("migrate_from_scripts", *more, config=config, report=root / "report", **options)
    faults = [json.loads(line) for line in (root / "report.faults.jsonl").read_text().splitlines()]
    unmatched = [json.loads(line) for line in (root / "report.unmatched.jsonl").read_text().splitlines()]
    places = sorted((row["fault"], row["file"].rsplit("/", 1)[1], row["line"]) for row in faults)
    return json.loads((root / "report.json").read_text()), places, unmatched


ROWS = {  # file: rows, new, matched, unmatched
    "teacher_inputs_v1.parquet": (12, 11, 1, 0),
    "teacher_outputs_v1.parquet": (13, 9, 4, 0),
    "teacher_filtered_v1.parquet": (7, 0, 7, 0),
    "rejected_teacher_filtered_v1.parquet": (1, 0, 1, 0),
    "labels_20251101_090000.jsonl": (4, 4, 0, 0),
    "labels_20251102_090000.jsonl": (5, 3, 1, 1),
    "teacher_regenerated_v1.parquet": (6, 5, 1, 0),
    "sft_v1.jsonl": (11, 0, 8, 3),
    "sft_v1.parquet": (11, 0, 8, 3),
}
FAULTS = [
    ("asked_nan", "teacher_outputs_v1.parquet", 11),
    ("citation_passed", "teacher_filtered_v1.parquet", 7),
    ("citation_shipped", "sft_v1.jsonl", 11),
    ("context_not_sent", "teacher_outputs_v1.parquet", 1),
    ("dry_run", "teacher_outputs_v1.parquet", 8),
    ("dry_run", "teacher_regenerated_v1.parquet", 5),
    ("dry_run_shipped", "sft_v1.jsonl", 7),
    ("duplicate_row", "teacher_inputs_v1.parquet", 12),
    ("duplicate_shipped", "sft_v1.jsonl", 10),
    ("empty_answer", "teacher_outputs_v1.parquet", 12),
    ("flattened", "sft_v1.jsonl", 5),
    ("good_row_lost", "teacher_filtered_v1.parquet", 2),
    ("label_points_elsewhere", "labels_20251101_090000.jsonl", 4),
    ("later_accept_ignored", "labels_20251102_090000.jsonl", 2),
    ("nan_answer", "teacher_outputs_v1.parquet", 13),
    ("nan_shipped", "sft_v1.jsonl", 8),
    ("no_answer", "teacher_outputs_v1.parquet", 10),
    ("original_beside_repair", "sft_v1.jsonl", 2),
    ("original_beside_repair", "sft_v1.jsonl", 6),
    ("refusal_passed", "teacher_filtered_v1.parquet", 5),
    ("refusal_shipped", "sft_v1.jsonl", 4),
    ("reject_repaired", "teacher_regenerated_v1.parquet", 1),
    ("rejected_shipped", "sft_v1.jsonl", 2),
    ("rejected_shipped", "sft_v1.jsonl", 6),
    ("repaired_unordered", "teacher_regenerated_v1.parquet", 2),
    ("repaired_unordered", "teacher_regenerated_v1.parquet", 6),
    ("unaccepted_as_accepted", "sft_v1.jsonl", 6),
    ("unresolved_context", "teacher_inputs_v1.parquet", 10),
    ("unresolved_shipped", "sft_v1.jsonl", 8),
    ("wrong_source_index", "sft_v1.jsonl", 3),
]


def test_every_row_is_in_the_report(root):
    report, faults, unmatched = migrate(root)

    counted = {
        file["name"].rsplit("/", 1)[1]: (file["rows"], file["imported"], file["matched"], file["unmatched"])
        for file in report["files"]
    }
    assert counted == ROWS
    assert faults == FAULTS
    assert {code: fault["count"] for code, fault in report["faults"].items()} == Counter(code for code, *_ in FAULTS)
    assert sorted((row["file"].rsplit("/", 1)[1], row["line"]) for row in unmatched) == [
        ("labels_20251102_090000.jsonl", 5),
        *((name, line) for name in ("sft_v1.jsonl", "sft_v1.parquet") for line in (7, 8, 11)),
    ]
    assert report["totals"] == {
        "prompts": 11,
        "answers": 14,
        "decisions": 7,
        "states": {"to_collect": 2, "to_filter": 6, "accepted": 3},
    }


def test_what_it_says_of_each_prompt(root):
    migrate(root)

    project = Project.objects.get(slug="distill")
    assert not project.paired
    chains = {}
    for prompt in project.prompts.order_by("pk"):
        texts = list(prompt.responses.order_by("attempt").values_list("text", flat=True))
        held = prompt.current_response.attempt if prompt.current_response else None
        chains[prompt.pk] = (prompt.state, held, prompt.attempts, texts)
    said = dict(enumerate(chains.values()))
    once = {number: [old_scripts.ANSWERS[number]] for number in old_scripts.ANSWERS}
    again = {n: [old_scripts.ANSWERS[n], old_scripts.hypothesis(n, 2)] for n in (1, 2, 3)}
    three = [old_scripts.ANSWERS[6], old_scripts.hypothesis(6, 2), old_scripts.hypothesis(6, 3)]
    assert said == {
        0: (State.ACCEPTED, 1, 1, once[0]),
        1: (State.TO_FILTER, 1, 2, again[1]),  # nobody had refused it: the repair is kept beside
        2: (State.TO_FILTER, 2, 2, again[2]),
        3: (State.ACCEPTED, 1, 2, again[3]),
        4: (State.TO_FILTER, 1, 1, once[4]),
        5: (State.TO_FILTER, 1, 1, once[5]),
        6: (State.ACCEPTED, 3, 3, three),
        7: (State.TO_COLLECT, None, 0, []),
        8: (State.TO_FILTER, 1, 1, once[8]),
        9: (State.TO_COLLECT, None, 0, []),
        10: (State.TO_FILTER, 1, 1, once[10]),
    }


def test_usage_models_and_decisions_are_as_written(root):
    migrate(root)

    first = TeacherResponse.objects.get(text=old_scripts.hypothesis(0))
    assert (first.model_id, first.prompt_tokens, first.completion_tokens, first.latency_ms) == (
        "gpt-4o-mini",
        211,
        50,
        812,
    )
    assert first.teacher.kind == "imported"
    third = TeacherResponse.objects.get(text=old_scripts.hypothesis(6, 3))
    assert (third.model_id, third.parent.text) == ("o3-mini", old_scripts.hypothesis(6, 2))
    decisions = Annotation.objects.order_by("created_at")
    assert [(row.action, row.current, row.created_at.isoformat()[:16]) for row in decisions] == [
        ("accept", True, "2025-11-01T08:00"),
        ("reject", True, "2025-11-01T08:01"),
        ("regenerate", False, "2025-11-01T08:02"),
        ("regenerate", True, "2025-11-01T08:03"),
        ("accept", True, "2025-11-02T08:00"),
        ("regenerate", True, "2025-11-03T08:00"),
        ("accept", True, "2025-11-04T08:00"),
    ]
    assert {row.reviewer.username for row in decisions} == {"earlier-scripts"}
    assert not get_user_model().objects.get(username="earlier-scripts").is_active


def everything():
    """Every row that a migration may add, but for the words on that it happened."""
    models = (Project, Prompt, TeacherResponse, Annotation, JudgeScore, Release, get_user_model())
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in models} | {
        "moves": Event.objects.exclude(kind="import").count()
    }


def test_the_same_again_adds_nothing_and_reports_the_same_faults(root):
    _, faults, unmatched = migrate(root)
    before = everything()

    report, faults_again, unmatched_again = migrate(root)

    assert everything() == before
    assert faults_again == faults
    assert unmatched_again == unmatched
    assert sum(file["imported"] for file in report["files"]) == 0
    assert {file["name"]: file["rows"] for file in report["files"]} == {
        file["name"]: file["matched"] + file["unmatched"] for file in report["files"]
    }


def test_a_dry_run_reports_the_same_and_leaves_nothing(root):
    before = everything()
    planned, faults, unmatched = migrate(root, dry_run=True)

    assert everything() == before
    assert planned.pop("dry_run") is True
    report, *rest = migrate(root)
    assert report.pop("dry_run") is False
    assert (report, *rest) == (planned, faults, unmatched)


def test_a_named_reviewer_holds_the_decisions(root):
    person = get_user_model().objects.create_user("kim")

    migrate(root, reviewer="kim")

    assert set(Annotation.objects.values_list("reviewer", flat=True)) == {person.pk}
    assert Project.objects.get().memberships.get(user=person).role == "reviewer"


def test_labels_that_come_later_order_what_was_kept_beside(root):
    hidden = root / "hidden"
    (root / "data/labels").rename(hidden)
    one_label = root / "labels_first.jsonl"
    one_label.write_text((hidden / "labels_20251101_090000.jsonl").read_text().splitlines()[0] + "\n")
    migrate(root, labels=[one_label])
    rejected = TeacherResponse.objects.get(text=old_scripts.hypothesis(2))
    assert rejected.prompt.current_response == rejected

    hidden.rename(root / "data/labels")
    migrate(root, labels=[one_label])

    rejected.prompt.refresh_from_db()
    assert rejected.prompt.current_response.text == old_scripts.hypothesis(2, 2)
