"""Before a release is published its files are read as users will read them; what they would stumble over is said."""

import json
import os
import subprocess
import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.models import Release, State
from pipeline.releasing import checking
from tests import factories, released
from tests.running import run
from tests.services import PRODUCT_DIR

TRAIN = "data/train-00000-of-00001.parquet"
LINES = "jsonl/messages/train.jsonl"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / ".v1.part"
    released.write(folder)
    return folder


@pytest.fixture(params=["own", "forked"])
def child(request, begin_check, monkeypatch):
    """The check as the product begins it, a process of its own, and as the other tests do (tests/forking.py)."""
    if request.param == "own":
        monkeypatch.setattr(checking, "begin", begin_check)


def problems(folder, **options):
    return checking.check(folder, **options).problems


def edit(folder, name, change):
    """Change the first row of a Parquet file."""
    table = pq.read_table(folder / name)
    rows = table.to_pylist()
    change(rows[0])
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), folder / name)


def answered(text):
    def change(row):
        row["messages"][-1]["content"] = text

    return change


@pytest.mark.usefixtures("child")
def test_a_sound_release_has_no_problem_and_its_figures(folder):
    found = checking.check(folder)
    assert found.problems == []
    assert found.figures["groups"] == {"test": 3, "train": 6, "validation": 3}
    assert found.figures["shared_groups"] == 0
    assert {"config": "pairs", "split": "test", "rows": 3} in found.figures["loaded"]
    assert len(found.figures["loaded"]) == 7 * 3
    assert not [path for path in folder.parent.iterdir() if path != folder]  # nothing of the reading is left


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "an empty text in messages, row 1"),
        (" \n\u2003", "an empty text"),
        ("NaN", "the text of a missing value"),
        (" null ", "the text of a missing value"),
        ("None", "the text of a missing value"),
        ("[DRY RUN] hypothesis", "the text of a dry run"),
        ("\ufeffAn answer", "a byte order mark"),
        ("An\0swer", "a NUL character"),
    ],
)
def test_a_text_that_nobody_should_learn_from(folder, text, said):
    edit(folder, TRAIN, answered(text))
    assert any(each.startswith(f"{TRAIN}: {said}") for each in problems(folder))


@pytest.mark.parametrize("text", ["Nanometres are small.", "None of them grew.", "The [DRY RUN] was repeated.", "0"])
def test_a_text_that_only_resembles_one(folder, text):
    edit(folder, TRAIN, answered(text))
    assert problems(folder) == []


def test_places_are_counted_and_few_are_named(folder):
    table = pq.read_table(folder / TRAIN)
    rows = table.to_pylist()
    for row in rows:
        answered("nan")(row)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), folder / TRAIN)
    assert f"{TRAIN}: the text of a missing value in messages, row 1, 2, 3, 4, 5 and 7 more." in problems(folder)


def test_a_group_in_two_splits_is_named(folder):
    other = pq.read_table(folder / "data/test-00000-of-00001.parquet")["group"][0].as_py()
    edit(folder, TRAIN, lambda row: row.update(group=other))
    found = checking.check(folder)
    assert found.figures["shared_groups"] == 1
    assert any(f"{other[:12]} in test and train" in said for said in found.problems)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: b"\xef\xbb\xbf" + data, "byte order mark"),
        (lambda data: data.replace(b"\n", b"\r\n"), "does not end with a line feed alone"),
        (lambda data: data[:-1], "does not end with a line feed alone"),
        (lambda data: data + b"not json\n", "line 13: it is no JSON"),
        (lambda data: data + b'{"messages":NaN}\n', "line 13: it is no JSON"),
        (lambda data: b"\xff" + data, "line 1: it is no JSON"),
        (lambda data: data + data, "has 24 lines, the manifest says 12"),
        (lambda data: b"", "has no lines"),
        (lambda data: data.replace(b'"assistant"', b'"narrator"', 1), "narrator"),
        (lambda data: data.replace(b'{"messages"', b'{"id":"1","messages"', 1), "messages alone"),
    ],
)
def test_lines_that_readers_refuse(folder, change, said):
    path = folder / LINES
    path.write_bytes(change(path.read_bytes()))
    assert any(said in each for each in problems(folder))


def test_an_empty_split_is_named(folder):
    table = pq.read_table(folder / TRAIN)
    pq.write_table(table.slice(0, 0), folder / TRAIN)
    found = problems(folder)
    assert f"{TRAIN} has no rows; readers refuse a split without any." in found
    assert any("datasets" in said for said in found)


def test_another_column_in_one_split_is_named(folder):
    name = "data/test-00000-of-00001.parquet"
    table = pq.read_table(folder / name)
    pq.write_table(table.append_column("more", pa.array([1] * table.num_rows)), folder / name)
    found = problems(folder)
    assert f"{TRAIN} has other columns than {name}; the files of a config have the same." in found
    assert any(said.startswith("datasets cannot load config default") for said in found)


def test_a_config_that_the_card_forgets_is_named(folder):
    card = folder / "README.md"
    card.write_text(card.read_text().replace("- config_name: kto\n", "- config_name: other\n"))
    assert any(said.startswith("README.md names no config kto") for said in problems(folder))


@pytest.mark.parametrize("text", ["# A card without a head\n", "---\nconfigs: [\n---\n", ""])
def test_a_card_without_configs_is_a_problem(folder, text):
    (folder / "README.md").write_text(text)
    assert any("README.md" in said for said in problems(folder))


def test_too_few_examples_are_a_remark_unless_openai_is_a_target(tmp_path):
    released.write(tmp_path / "v1", released.records(8))
    found = checking.check(tmp_path / "v1")
    assert found.problems == []
    assert any("has 4 examples" in said for said in found.remarks)
    found = checking.check(tmp_path / "v1", targets={"OpenAI gpt-4o-mini": 65_536})
    assert any("has 4 examples" in said for said in found.problems)


def test_names_of_folders_that_readers_take_for_patterns(tmp_path):
    folder = tmp_path / "data [1] *? {x}" / "test train"
    released.write(folder)
    assert problems(folder) == []


@pytest.mark.usefixtures("child")
def test_it_stops_when_it_is_asked_to(folder):
    with pytest.raises(checking.Stopped):
        checking.check(folder, should_stop=lambda: True)
    assert not [path for path in folder.parent.iterdir() if path != folder]


@pytest.mark.usefixtures("child")
def test_what_a_check_raises_goes_through_and_ends_the_child(folder):
    class Ended(Exception):
        pass

    def should_stop():
        raise Ended

    with pytest.raises(Ended):
        checking.check(folder, should_stop=should_stop)


@pytest.mark.usefixtures("child")
def test_checks_that_break_are_no_word_on_the_files(folder):
    (folder / "manifest.json").write_text("{")
    with pytest.raises(checking.NotChecked, match="could not be checked"):
        checking.check(folder)


def test_the_child_ends_with_its_parent(folder):
    """A worker that is killed leaves no reader behind."""
    code = (
        "import os, signal, sys, time; from pathlib import Path; from pipeline.releasing import checking;"
        "checking.check(Path(sys.argv[1]), should_stop=lambda: os.kill(os.getpid(), signal.SIGKILL))"
    )
    checking_of = f"pipeline.releasing.checking {folder}"
    subprocess.run([sys.executable, "-c", code, str(folder)], cwd=PRODUCT_DIR, env=os.environ | {"SLOW": "1"})
    for _ in range(100):
        running = subprocess.run(["pgrep", "-f", checking_of], capture_output=True, text=True).stdout.split()
        if not running:
            break
        time.sleep(0.1)
    assert running == []


@pytest.mark.django_db
def test_a_release_that_fails_is_a_draft_with_the_reasons():
    project = factories.project("Films", split_seed="a seed", paired=False)
    for number in range(3):
        prompt = factories.prompt(project, State.ACCEPTED, answer=f"[DRY RUN] {number}" if number else None)
        factories.resolution(prompt.current_response)
    run(project, "package")
    release = Release.objects.get()
    assert release.state == "draft"
    assert any("the text of a dry run" in said for said in release.problems)
    assert json.loads((release.directory / "manifest.json").read_text())["row_count"] == 3
    assert release.rows.count() == 3  # what is withdrawn later is found in a draft too
