"""Labels of several people and several files: time decides, not the order of files, and every row is counted."""

import json

import pytest
import yaml
from django.core.management import call_command

from curation.models import Annotation, Project, State
from pipeline import migrating
from pipeline.config import load_config
from tests import factories, old_scripts
from tests.import_files import content, write

pytestmark = pytest.mark.django_db

SAID, OTHER = old_scripts.hypothesis(1), old_scripts.hypothesis(2)


@pytest.fixture
def move(project, tmp_path):
    """Migrates one answer and [(file name, labels)] in this order; gives the report."""
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(old_scripts.CONFIG))
    config = load_config(tmp_path / "config.yaml")
    asked = {"template_name": "hypothesis", "context": "Ice."}
    rows = [asked | {"user_prompt": "Why?", "teacher_output": SAID}]
    rows.append(asked | {"user_prompt": "Why not?", "teacher_output": OTHER})
    outputs = migrating.Source(write(tmp_path, "outputs.jsonl", content(rows, ".jsonl")), "outputs", "outputs.jsonl")

    def migrated(*files):
        sources = [outputs]
        for number, (name, labels) in enumerate(files):
            folder = tmp_path / f"{number}"
            folder.mkdir(exist_ok=True)
            sources.append(migrating.Source(write(folder, name, content(labels, ".jsonl")), "labels", name))
        return migrating.migrate(project, sources, config)

    return migrated


def label(action, day, **more):
    return {"task_type": "hypothesis", "context": "Ice.", "teacher_output": SAID, "action": action} | {
        "timestamp": f"2025-11-{day:02}T08:00:00",
        **more,
    }


def decisions():
    return list(Annotation.objects.order_by("created_at").values_list("action", "current", "reviewer__username"))


def counted(report):
    return [(file.rows, file.imported, file.matched, file.unmatched) for file in report.files if file.kind == "labels"]


ORDERS = [lambda files: files, lambda files: files[::-1]]


@pytest.mark.parametrize("order", ORDERS, ids=["earlier file first", "later file first"])
def test_of_people_without_an_account_the_last_word_holds(move, project, order):
    files = [("ann.jsonl", [label("accept", 1, reviewer="ann")]), ("mia.jsonl", [label("reject", 2, reviewer="mia")])]

    report = move(*order(files))

    assert project.prompts.get(user_prompt="Why?").state == State.REJECTED
    assert decisions() == [("accept", False, "earlier-scripts"), ("reject", True, "earlier-scripts")]
    assert counted(report) == [(1, 1, 0, 0)] * 2
    assert counted(move(*order(files))) == [(1, 0, 1, 0)] * 2
    note = next(note for note in report.notes if "ann" in note)
    assert note == (
        "2 labels name ann, mia, who review nothing in this project: they are taken as earlier-scripts's, whose last "
        "word holds, as on 1 answer on which people differ. Make them reviewers before, and each keeps their own."
    )
    assert Annotation.objects.get(action="reject").origin == "mia.jsonl, line 1 (mia)"


@pytest.mark.parametrize("order", ORDERS, ids=["earlier file first", "later file first"])
def test_of_several_reviewers_the_first_decide_and_all_stay_on_record(move, project, order):
    for name in ("ann", "mia"):
        factories.member(project, "reviewer", name=name)
    project.reviews_required = 1
    project.save()
    files = [("ann.jsonl", [label("accept", 1, reviewer="ann")]), ("mia.jsonl", [label("reject", 2, reviewer="mia")])]

    report = move(*order(files))

    assert project.prompts.get(user_prompt="Why?").state == State.ACCEPTED
    assert decisions() == [("accept", True, "ann"), ("reject", True, "mia")]
    assert counted(report) == [(1, 1, 0, 0)] * 2
    assert not [note for note in report.notes if "ann" in note]


@pytest.mark.parametrize("order", ORDERS, ids=["earlier file first", "later file first"])
def test_a_label_that_lost_its_columns_is_the_same_persons_word(move, project, order):
    bare = {"teacher_output": SAID, "action": "accept", "timestamp": "2025-11-02T08:00:00"}

    report = move(*order([("whole.jsonl", [label("reject", 1)]), ("bare.jsonl", [bare])]))

    assert project.prompts.get(user_prompt="Why?").state == State.ACCEPTED
    assert [said[:2] for said in decisions()] == [("reject", False), ("accept", True)]
    assert counted(report) == [(1, 1, 0, 0)] * 2


def test_files_of_one_name_are_two_files(move, project):
    other = [label("accept", 2, teacher_output=OTHER), label("perhaps", 2)]

    report = move(("labels.jsonl", [label("reject", 1)]), ("labels.jsonl", other))

    assert project.prompts.get(user_prompt="Why?").state == State.REJECTED
    assert project.prompts.get(user_prompt="Why not?").state == State.ACCEPTED
    assert counted(report) == [(1, 1, 0, 0), (2, 1, 0, 1)]


def test_files_of_one_name_outside_of_the_folders_are_told_apart(tmp_path):
    root = tmp_path / "team"
    old_scripts.make(root)
    for number, name in enumerate(("ann", "tom")):
        (tmp_path / name).mkdir()
        text = json.dumps({"teacher_output": f"None {number}.", "action": "accept"}) + "\n"
        (tmp_path / name / "labels.jsonl").write_text(text)

    call_command(
        "migrate_from_scripts",
        config=root / "configs/distill_config.yaml",
        root=root,
        labels=[tmp_path / "ann/labels.jsonl", tmp_path / "tom/labels.jsonl"],
        report=tmp_path / "report",
    )

    unmatched = [json.loads(line) for line in (tmp_path / "report.unmatched.jsonl").read_text().splitlines()]
    names = [each["file"] for each in unmatched if each["why"] == "no answer with this text"]
    assert {"ann/labels.jsonl", "tom/labels.jsonl"} <= set(names)


def test_contexts_with_one_of_each_are_told(tmp_path):
    old_scripts.make(tmp_path)
    options = {"config": tmp_path / "configs/distill_config.yaml", "root": tmp_path, "report": tmp_path / "report"}

    call_command("migrate_from_scripts", **options)

    project = Project.objects.get()
    assert not project.paired
    told = [note for note in json.loads((tmp_path / "report.json").read_text())["notes"] if "one by one" in note]
    assert len(told) == bool(project.pairs.count())
