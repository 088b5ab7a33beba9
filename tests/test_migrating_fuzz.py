"""Whatever stands in a file of the earlier scripts: every row is counted once, and nothing else happens."""

import json
import tempfile
from pathlib import Path

import pytest
import yaml
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from curation.models import Annotation, TeacherResponse
from pipeline import migrating
from pipeline.config import load_config
from pipeline.migrating.kinds import kind_of
from pipeline.migrating.training import read_example, split_of
from pipeline.migrating.writing import as_markdown, write_report
from tests import factories, old_scripts
from tests.import_files import content

quickly = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
NAMES = [
    *("user_prompt", "context", "template_name", "task_type", "domain", "teacher_output", "regenerated", "action"),
    *("input", "output", "messages", "meta", "text", "prompt", "completion", "instruction", "conversations"),
    *("timestamp", "index", "judge_f", "judge_r_response", "passes_all", "rejection_reason", "prompt_key", "reviewer"),
    *("batch_id", "samples_processed", "schema", "row_count", "source_hash", "reasons", "comment", "edited_text"),
]
WORDS = [
    *(old_scripts.METHOD, old_scripts.REFUSAL, old_scripts.DRY_RUN, old_scripts.ERROR, old_scripts.hypothesis(1)),
    *(
        "hypothesis",
        "methodology",
        "accept",
        "reject",
        "regenerate",
        "nan",
        "None",
        "",
        " ",
        "{context}",
        "\0",
        "\ud800",
    ),
    *("### Question:\nWhy?\n\n### Answer:\nSo.", "2025-11-01T08:00:00", "0001-01-01", '{"score": 90}'),
]
plain = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(WORDS), st.text(max_size=20))
values = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["role", "content", "score", "flags", "source_index"]), inner, max_size=3),
    ),
    max_leaves=6,
)
rows = st.lists(st.dictionaries(st.sampled_from(NAMES), values, max_size=8), min_size=1, max_size=6)
KINDS = [kind for kind in migrating.KINDS if kind != "manifest"]


@given(st.dictionaries(st.sampled_from(NAMES), values))
@example({"messages": [{"role": ["user"], "content": None}]})
@example({"text": "### Question:\n### Answer:"})
@example({"input": float("nan"), "output": float("nan"), "meta": "{"})
def test_any_training_row_is_read_or_is_none(row):
    found = read_example(row)

    assert found is None or (isinstance(found.input, str) and isinstance(found.output, str))


@given(st.text())
def test_any_name_has_one_split_or_none(name):
    assert split_of(name) in ("", "train", "validation", "test")


@quickly
@given(st.binary(max_size=300), st.sampled_from(["x.parquet", "x.csv", "x.jsonl", "x.json", "x.jsonl.gz", "x.txt"]))
def test_any_bytes_have_a_kind_or_none(data, name):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(data)

        assert kind_of(path) in ("", *migrating.KINDS)


def _moved(project, folder, files):
    """Migrate files of {kind: bytes or rows} twice; returns both reports."""
    config_path = Path(folder, "config.yaml")
    config_path.write_text(yaml.safe_dump(old_scripts.CONFIG))
    config, sources = load_config(config_path), []
    for kind, data in files.items():
        path = Path(folder, f"{kind}.jsonl")
        path.write_bytes(data if isinstance(data, bytes) else content(data, ".jsonl"))
        sources.append(migrating.Source(path, kind, path.name))
    sources.sort(key=lambda each: list(migrating.KINDS).index(each.kind))
    return [migrating.migrate(project, sources, config) for _ in range(2)]


def _check(first, second, folder):
    for file in first.files:
        assert file.rows == file.imported + file.matched + file.unmatched, file
        assert file.unmatched == len(file.missed)
    assert sum(file.imported for file in second.files) == 0, second.files
    assert second.totals == first.totals
    as_markdown(first)
    for path in write_report(first, Path(folder, "report")):
        path.read_text(encoding="utf-8")
    json.dumps(first.as_json())


@pytest.mark.django_db
@quickly
@given(st.dictionaries(st.sampled_from(KINDS), rows, min_size=1, max_size=4))
def test_any_rows_in_any_files(files):
    with transaction.atomic(), tempfile.TemporaryDirectory() as folder:
        project = factories.project()
        first, second = _moved(project, folder, files)
        _check(first, second, folder)
        assert TeacherResponse.objects.filter(prompt__project=project).count() == first.totals["answers"]
        transaction.set_rollback(True)


ANSWERS = st.sampled_from([old_scripts.hypothesis(1), old_scripts.hypothesis(2), old_scripts.METHOD, "nan", None])
PROMPTS = st.sampled_from(["Why?", "How?", None])
TYPES = st.sampled_from(["hypothesis", "methodology"])
outputs = st.fixed_dictionaries(
    {"user_prompt": PROMPTS, "template_name": TYPES, "teacher_output": ANSWERS},
    optional={"context": st.sampled_from(["Because.", None]), "regenerated": st.booleans()},
)
labels = st.fixed_dictionaries(
    {"task_type": TYPES, "teacher_output": ANSWERS, "action": st.sampled_from(["accept", "reject", "regenerate"])},
    optional={
        "timestamp": st.sampled_from(["2025-11-01T08:00:00", "2025-11-02T08:00:00", None]),
        "index": st.integers(0, 3),
        "context": st.sampled_from(["Because.", None]),
    },
)
training = st.fixed_dictionaries({"input": PROMPTS, "output": ANSWERS})
few = {"min_size": 1, "max_size": 6}
ASKED = {"user_prompt": "Why?", "template_name": "hypothesis", "teacher_output": old_scripts.hypothesis(1)}
SAME_WORDS = {
    "outputs": [ASKED],
    "labels": [
        {"task_type": "hypothesis", "teacher_output": old_scripts.hypothesis(1), "action": "accept"}
        | {"timestamp": "2025-11-01T08:00:00", "context": "Because."}
    ],
    "regenerated": [ASKED | {"context": "Because."}],
}


@pytest.mark.django_db
@quickly
@given(
    st.fixed_dictionaries(
        {"outputs": st.lists(outputs, **few)},
        optional={
            "filtered": st.lists(outputs, **few),
            "labels": st.lists(labels, **few),
            "regenerated": st.lists(outputs, **few),
            "sft": st.lists(training, **few),
        },
    )
)
@example(SAME_WORDS)  # the label means the second prompt, which comes with a later file than the first
def test_rows_that_speak_of_each_other(files):
    with transaction.atomic(), tempfile.TemporaryDirectory() as folder:
        project = factories.project(paired=bool(len(files) % 2))
        first, second = _moved(project, folder, files)
        _check(first, second, folder)
        kept = Annotation.objects.filter(response__prompt__project=project)
        assert kept.count() == sum(file.imported for file in first.files if file.kind == "labels")
        transaction.set_rollback(True)


@pytest.mark.django_db
@quickly
@given(st.sampled_from(KINDS), st.binary(max_size=200))
@example("labels", b'{"action": "accept", "teacher_output": "x"')
@example("labels", b"\xff\xfe")
@example("sft", b"[]")
@example("sft", b"")
def test_any_bytes_in_any_file(kind, data):
    with transaction.atomic(), tempfile.TemporaryDirectory() as folder:
        _check(*_moved(factories.project(), folder, {kind: data}), folder)
        transaction.set_rollback(True)
