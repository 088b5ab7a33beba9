"""One thing at a time: which files are found, what training rows say, which label means which answer."""

import json

import pytest
import yaml
from django.core.management import CommandError, call_command
from django.urls import reverse

from curation.models import Annotation, Project, State, TeacherResponse
from pipeline import migrating
from pipeline.config import load_config
from pipeline.migrating.kinds import kind_of
from pipeline.migrating.training import Example, read_example, split_of
from tests import factories, old_scripts
from tests.import_files import content, write

ASKED, SAID = "Why?", old_scripts.hypothesis(1)


@pytest.mark.parametrize(
    ("name", "row", "kind"),
    [
        ("in.parquet", {"user_prompt": "a", "template_name": "b", "domain": "c"}, "inputs"),
        ("in.csv", {"prompt_text": "a", "context": "b", "task_type": "c"}, "inputs"),
        ("in.jsonl", {"title": "a", "abstract": "b"}, "inputs"),
        ("raw_enhanced.json", {"texts": ["a"]}, "inputs"),
        ("raw.jsonl", {"text": "a"}, "inputs"),
        ("out.parquet", {"user_prompt": "a", "teacher_output": "b"}, "outputs"),
        ("out.jsonl.gz", {"user_prompt": "a", "teacher_output": "b", "judge_f": "{}"}, "outputs"),
        ("gate_out.parquet", {"user_prompt": "a", "teacher_output": "b", "judge_f": "{}"}, "gated"),
        ("x.parquet", {"teacher_output": "b", "judge_f": "{}", "rejection_reason": "c"}, "gate_rejected"),
        ("x.parquet", {"teacher_output": "b", "passes_all": True}, "filtered"),
        ("rejected_x.parquet", {"teacher_output": "b", "passes_all": False}, "rejected"),
        ("rejected.csv", {"teacher_output": "b", "passes_all": False}, "rejected"),
        ("x.parquet", {"teacher_output": "b", "passes_all": True, "regenerated": True}, "regenerated"),
        ("any.jsonl", {"index": 1, "teacher_output": "b", "action": "accept"}, "labels"),
        ("a.jsonl", {"messages": [{"role": "user"}]}, "sft"),
        ("a.jsonl", {"conversations": []}, "sft"),
        ("a.jsonl", {"input": "a", "output": "b", "meta": {}}, "sft"),
        ("a.parquet", {"instruction": "a", "input": "", "output": "b"}, "sft"),
        ("a.jsonl", {"prompt": "a", "completion": "b"}, "sft"),
        ("a.jsonl", {"text": "### Question:\na\n### Answer:\nb"}, "sft"),
        ("m.jsonl", {"batch_id": 1, "samples_processed": 3}, "manifest"),
        ("m.json", {"schema": "x", "row_count": 3, "text": "about"}, "manifest"),
        ("c.csv", {"colour": "red"}, ""),
    ],
)
def test_a_file_is_known_by_its_columns(tmp_path, name, row, kind):
    suffix = "." + name.split(".", 1)[1]
    data = json.dumps(row) if suffix == ".json" else content([row], suffix)

    assert kind_of(write(tmp_path, name, data)) == kind


@pytest.mark.parametrize(
    ("row", "example"),
    [
        ({"input": ASKED, "output": SAID, "meta": {"a": 1}}, Example(ASKED, SAID, {"a": 1})),
        ({"input": ASKED, "output": SAID, "meta": '{"a": 1}'}, Example(ASKED, SAID, {"a": 1})),
        ({"input": ASKED, "output": SAID, "meta": "{"}, Example(ASKED, SAID, {})),
        ({"prompt": ASKED, "completion": SAID}, Example(ASKED, SAID, {})),
        ({"prompt": ASKED, "response": f" {SAID}\n"}, Example(ASKED, SAID, {})),
        ({"instruction": ASKED, "input": "", "output": SAID}, Example(ASKED, SAID, {})),
        ({"instruction": ASKED, "input": "Ice.", "output": SAID}, Example(f"{ASKED}\n\nIce.", SAID, {})),
        (
            {"messages": [{"role": "system", "content": "x"}, {"role": "user", "content": ASKED}]},
            Example(ASKED, "", {}),
        ),
        (
            {"conversations": [{"from": "human", "value": ASKED}, {"from": "gpt", "value": SAID}]},
            Example(ASKED, SAID, {}),
        ),
        ({"text": f"### Question:\n{ASKED}\n\n### Answer:\n{SAID}\n"}, Example(ASKED, SAID, {})),
        ({"text": f"### Question: {ASKED}\n### Answer: {SAID}"}, Example(ASKED, SAID, {})),
        ({"input": ASKED, "output": float("nan")}, Example(ASKED, "", {}, True)),
        ({"input": None, "output": None}, Example("", "", {})),
        ({"text": "Only words."}, None),
        ({"input": ASKED}, None),
        ({}, None),
    ],
)
def test_training_rows_of_every_shape(row, example):
    assert read_example(row) == example


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("data/sft_v1.jsonl", ""),
        ("data/train.jsonl", "train"),
        ("sft_v1.validation.jsonl", "validation"),
        ("sft_v1_val.parquet", "validation"),
        ("training/sft-test.jsonl", "test"),
        ("latest.jsonl", ""),
    ],
)
def test_the_split_of_a_name(name, split):
    assert split_of(name) == split


def row(prompt=ASKED, text=SAID, **more):
    return {"user_prompt": prompt, "template_name": "hypothesis", "teacher_output": text} | more


def label(action, text=SAID, **more):
    return {"task_type": "hypothesis", "teacher_output": text, "action": action} | more


@pytest.fixture
def move(project, tmp_path):
    """Migrates {kind or file name: rows} into the project, as JSON Lines; gives the report."""
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(old_scripts.CONFIG))
    config = load_config(tmp_path / "config.yaml")

    def migrated(**files):
        sources = []
        for kind, rows in files.items():
            path = write(tmp_path, f"{kind}.jsonl", content(rows, ".jsonl"))
            sources.append(migrating.Source(path, kind, path.name))
        return migrating.migrate(project, sources, config)

    return migrated


def only(project):
    return project.prompts.get()


@pytest.mark.parametrize(
    ("labels", "state", "words"),
    [
        ([label("accept", timestamp="2025-11-01T08:00:00")], State.ACCEPTED, [("accept", True)]),
        ([label("Rejected ", timestamp="2025-11-01T08:00:00Z")], State.REJECTED, [("reject", True)]),
        ([label("regenerate", timestamp=1_762_000_000)], State.TO_REGENERATE, [("regenerate", True)]),
        ([label("accept")], State.ACCEPTED, [("accept", True)]),
        ([label("accept", timestamp="2999-01-01T00:00:00")], State.ACCEPTED, [("accept", True)]),
        (
            [label("accept", timestamp="2025-11-02"), label("reject", timestamp="2025-11-01")],
            State.ACCEPTED,
            [("reject", False), ("accept", True)],
        ),
        ([label("accept", current=False, timestamp="2025-11-02")], State.TO_REVIEW, [("accept", False)]),
        ([label("accept", text=f"  {SAID.replace(' ', '  ')} ")], State.ACCEPTED, [("accept", True)]),
        ([label("accept", task_type=None)], State.ACCEPTED, [("accept", True)]),
        ([label("accept", context=float("nan"))], State.ACCEPTED, [("accept", True)]),
    ],
)
def test_what_labels_do(move, project, labels, state, words):
    report = move(outputs=[row()], labels=labels)

    assert only(project).state == state
    decisions = Annotation.objects.order_by("created_at", "pk")
    assert list(decisions.values_list("action", "current")) == words
    assert report.files[1].imported == len(labels)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (label("perhaps"), "action: 'perhaps'; one of accept, regenerate, reject is expected"),
        (label("accept", text=" "), "teacher_output: no answer is quoted"),
        (label("accept", text="Never said."), "no answer with this text"),
        (label("accept", comment="a\0b"), "comment: a NUL character"),
        (label("accept", edited_text=" "), "An accepted text cannot be empty"),
        (label("accept", purpose="gold"), "gold or repeated item"),
    ],
)
def test_labels_that_mean_nothing_are_listed(move, project, wrong, why):
    file = move(outputs=[row()], labels=[label("accept", timestamp="2025-11-01"), wrong]).files[1]

    assert (file.rows, file.imported, file.unmatched) == (2, 1, 1)
    (line, said) = file.missed[0]
    assert line == 2
    assert why in said


def test_a_label_on_what_two_prompts_were_answered_is_not_guessed(move, project):
    report = move(outputs=[row(), row("How?")], labels=[label("accept")])

    assert report.files[1].missed == [(1, "2 answers with this text; prompt_key tells them apart")]
    assert set(project.prompts.values_list("state", flat=True)) == {State.TO_FILTER}


def test_another_answer_to_the_same_prompt_is_a_candidate(move, project):
    report = move(outputs=[row(), row(text=old_scripts.hypothesis(2))])

    responses = TeacherResponse.objects.order_by("candidate").values_list("attempt", "candidate", "text")
    assert list(responses) == [(1, 0, SAID), (1, 1, old_scripts.hypothesis(2))]
    assert only(project).current_response.text == SAID
    assert report.files[0].counts["other_answers"] == 1


def test_a_file_that_lost_a_column_finds_its_prompts(move, project):
    full = row(domain="physics", system_prompt="Be brief.")
    move(outputs=[full], regenerated=[row(text=old_scripts.hypothesis(1, 2), domain=None)])

    assert list(only(project).responses.values_list("attempt", flat=True)) == [1, 2]


def test_without_any_label_a_repair_holds(move, project):
    move(outputs=[row()], regenerated=[row(text=old_scripts.hypothesis(1, 2), annotation_action="reject")])

    prompt = only(project)
    assert prompt.current_response.text == old_scripts.hypothesis(1, 2)
    assert (prompt.state, prompt.attempts) == (State.TO_FILTER, 2)


def test_a_repaired_hypothesis_of_a_paired_project_calls_its_method_back(move, project):
    assert project.paired
    method = row("How?", old_scripts.METHOD, template_name="methodology", context="Ice.")
    move(
        outputs=[row(context="Ice."), method],
        regenerated=[row(text=old_scripts.hypothesis(1, 2), context="Ice.")],
    )

    assert project.prompts.get(task_type="methodology").state == State.TO_REGENERATE


def test_two_reviews_wait_for_the_second_person(move, project):
    project.reviews_required = 2
    project.save()
    move(outputs=[row()], labels=[label("accept", timestamp="2025-11-01")])

    assert only(project).state == State.TO_REVIEW
    assert Annotation.objects.get().current


def test_what_was_withdrawn_does_not_come_in_again(move, project):
    move(outputs=[row(locator="doi:10.1/x")])
    withdrawal = factories.withdrawal(project, "doi:10.1/x")
    project.prompts.withdraw(withdrawal)

    again = move(
        outputs=[row(locator="doi:10.1/x")],
        regenerated=[row(text=old_scripts.hypothesis(1, 2), locator="doi:10.1/x")],
        labels=[label("accept")],
    )

    assert only(project).state == State.REJECTED
    assert [file.unmatched for file in again.files if file.kind != "labels"] == [1, 1]
    assert TeacherResponse.objects.count() == 1


@pytest.mark.parametrize("place", [1e400, -1, 7, 0.5, True, "x", None])
def test_any_source_index_is_read(move, project, place):
    report = move(
        filtered=[row() | {"passes_all": True}], sft=[{"input": ASKED, "output": SAID, "meta": {"source_index": place}}]
    )

    assert report.files[1].matched == 1


def test_raw_texts_in_a_folder_are_left_and_a_named_file_is_read(tmp_path, db):
    config = write(tmp_path, "config.yaml", yaml.safe_dump({"project": "raw"}))
    (tmp_path / "data").mkdir()
    raw = write(tmp_path / "data", "physics_enhanced.json", json.dumps({"texts": ["Ice melts."], "generated_at": 1.5}))

    with pytest.raises(CommandError, match="holds texts without prompts"):
        call_command("migrate_from_scripts", tmp_path / "data", config=config, report=tmp_path / "r")
    call_command("migrate_from_scripts", raw, config=config, report=tmp_path / "r")

    assert Project.objects.get(slug="raw").prompts.count() == 2


@pytest.mark.parametrize(
    ("config", "options", "wrong"),
    [
        ({"storage": {"raw_dataset": "nowhere.parquet"}}, {}, "storage.raw_dataset: nowhere.parquet is not there"),
        ({"storage": {"raw": "x"}}, {}, "storage.raw is not a known key"),
        ({}, {"paths": ["nowhere"]}, "nowhere is not there"),
        ({}, {"paths": ["in.csv"], "reviewer": "nobody"}, "There is nobody called 'nobody'"),
    ],
)
def test_refusals_leave_nothing(tmp_path, db, monkeypatch, config, options, wrong):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "in.csv", content([{"user_prompt": "a", "template_name": "hypothesis"}], ".csv"))
    path = write(tmp_path, "config.yaml", yaml.safe_dump(config))
    paths = options.pop("paths", [])

    with pytest.raises(CommandError, match=wrong):
        call_command("migrate_from_scripts", *paths, config=path, **options)

    assert not Project.objects.exists()


def test_pages_show_what_came_over(move, project):
    viewer = factories.client(factories.member(project, "manager"))
    move(
        outputs=[row()],
        labels=[label("regenerate", timestamp="2025-11-01")],
        regenerated=[row(text=old_scripts.hypothesis(1, 2))],
    )

    page = viewer.get(reverse("prompt_detail", args=[project.slug, only(project).key])).content.decode()
    assert SAID[:40] in page
    assert old_scripts.hypothesis(1, 2)[:40] in page
