"""What the scripts left under the names of a configuration is neither bought again nor written over."""

import json

import pytest
from django.core.management import CommandError, call_command

from curation.models import Project, TeacherResponse
from pipeline.datasets.aside import aside_of, is_ours, set_aside
from tests import old_scripts
from tests.import_files import content, write

ROW = {"user_prompt": "Why?", "template_name": "hypothesis", "teacher_output": "If so, it rises."}
KEY = {"prompt_key": "ab" * 32}


@pytest.mark.parametrize(
    ("name", "rows", "ours"),
    [
        ("a.parquet", [ROW], False),
        ("a.parquet", [ROW | KEY], True),
        ("a.jsonl", [ROW], False),
        ("a.jsonl", [ROW | KEY], True),
        ("a.jsonl", [{"messages": []}], True),
        ("a.parquet", [{"messages": [{"role": "user", "content": "Why?"}]}], True),
        ("a.jsonl", [{"input": "Why?", "output": "So.", "meta": {"task_type": "hypothesis"}}], False),
        ("a.jsonl", [{"input": "Why?", "output": "So.", "meta": KEY}], True),
        ("a.parquet", [{"input": "Why?", "output": "So.", "meta": KEY}], True),
        ("a.parquet", [{"input": "Why?", "output": "So.", "meta": json.dumps(KEY)}], True),
        ("a.parquet", [{"input": "Why?", "output": "So.", "meta": "{}"}], False),
    ],
)
def test_whose_a_file_is(tmp_path, name, rows, ours):
    path = write(tmp_path, name, content(rows, f".{name.split('.')[1]}"))

    assert is_ours(path) is ours
    moved = set_aside(path)
    assert moved == (None if ours else aside_of(path))
    assert path.exists() is ours


@pytest.mark.parametrize(
    ("name", "data"), [("a.parquet", b"PAR1"), ("a.jsonl", b"{"), ("a.jsonl", b"\xff\xfe"), ("a.jsonl", b"[1]")]
)
def test_what_nobody_can_read_is_kept_too(tmp_path, name, data):
    path = write(tmp_path, name, data)

    assert set_aside(path).read_bytes() == data
    path.write_bytes(b"second")
    assert set_aside(path).name == f"a.scripts2{path.suffix}"
    assert not set_aside(tmp_path / "absent.parquet")


@pytest.fixture
def root(tmp_path, monkeypatch):
    old_scripts.make(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


CONFIG = "configs/distill_config.yaml"
COLLECTED = "data/teacher_outputs/teacher_outputs_v1.parquet"
FILTERED = "data/filtered/teacher_filtered_v1.parquet"


@pytest.mark.django_db
@pytest.mark.parametrize("options", [{}, {"dry_run": True}])
def test_answers_that_nobody_took_over_are_not_bought_again(root, options):
    before = (root / COLLECTED).read_bytes()

    with pytest.raises(
        CommandError, match="migrate_from_scripts --config configs/distill_config.yaml` takes them over"
    ):
        call_command("collect_teacher", config=CONFIG, inline=True, **options)

    assert (root / COLLECTED).read_bytes() == before
    assert not Project.objects.exists()


def reported(root):
    """What a migration says of its files and faults, whatever they are called."""
    call_command("migrate_from_scripts", config=CONFIG, report=root / "report")
    said = json.loads((root / "report.json").read_text().replace(".scripts.", "."))
    files = [
        (file["name"], file["rows"], file["matched"] + file["imported"], file["unmatched"]) for file in said["files"]
    ]
    return files, {code: fault["count"] for code, fault in said["faults"].items()}, said["notes"][:-1]


@pytest.mark.django_db
@pytest.mark.slow
def test_after_the_way_over_the_steps_leave_the_scripts_files_beside(root, capsys):
    first = reported(root)
    kept = {
        path: (root / path).read_bytes() for path in (FILTERED, f"{FILTERED.replace('/teacher', '/rejected_teacher')}")
    }
    answers = TeacherResponse.objects.count()

    for _ in range(2):
        call_command("filter_pairs", inline=True)

    assert is_ours(root / FILTERED)
    for path, data in kept.items():
        assert aside_of(root / path).read_bytes() == data
    assert not list(root.glob("data/filtered/*.scripts2.*"))
    assert "was written by the earlier scripts: it is teacher_filtered_v1.scripts.parquet" in capsys.readouterr().err
    files, faults, notes = reported(root)
    assert files == first[0]
    assert faults == first[1]
    assert TeacherResponse.objects.count() == answers
