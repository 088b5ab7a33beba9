"""The dataset card of a release: what `datasets` reads on top, and what people read below."""

import json
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from django.db import transaction

from curation.models import Release, State, Teacher
from pipeline.formats import FORMATS
from pipeline.releasing import card, readers
from pipeline.releasing.card.head import feature
from pipeline.releasing.card.snippets import trl_code
from pipeline.releasing.checking.loading import configs
from tests import factories
from tests.running import run

pytestmark = pytest.mark.django_db


class Made(NamedTuple):
    """A release, its folder (a copy, as each test empties the place of releases), and the YAML and text of its card."""

    release: Release
    folder: Path
    top: dict
    text: str


@pytest.fixture(scope="module")
def made(django_db_setup, django_db_blocker, tmp_path_factory):
    """A release with every format, of pairs with refused and edited answers."""
    with django_db_blocker.unblock(), transaction.atomic():
        release = _release()
        folder = shutil.copytree(release.directory, tmp_path_factory.mktemp("made") / "release")
        text = (folder / "README.md").read_text()
        yield Made(release, folder, yaml.safe_load(text.split("---\n")[1]), text)
        transaction.set_rollback(True)


def _release():
    project = factories.project("Films | coats", split_seed="a seed")
    people = [factories.user("ada"), factories.user("bo")]
    Teacher.objects.filter(pk=factories.some_teacher().pk).update(terms="Its terms of 2026\nallow | training.")
    for number in range(12):
        licence = "CC-BY-4.0" if number % 3 else ""
        pair = factories.pair(project, State.ACCEPTED, locator=f"doc:{number}", text=f"Text {number}.", licence=licence)
        for prompt in (pair.hypothesis, pair.methodology):
            _attempts(prompt, people, number)
    names = list(FORMATS)
    run(project, "package", recipe={"formats": names})
    return Release.objects.get(project=project)


def _attempts(prompt, people, number):
    """A refused first attempt, and a second one that was edited and decided by two people."""
    first = prompt.current_response
    factories.resolution(first, "reject", reasons=["vague"])
    second = factories.response(prompt, f"The better answer {number} to {prompt.key[:6]}.", attempt=2)
    factories.gate_result(second, score=60 + number)
    for person in people:
        factories.annotation(second, person)
    factories.resolution(second, text=f"{second.text} Edited.", edited=True)


def test_configs_and_splits_are_those_of_the_files(made):
    release, folder, top, _ = made
    assert release.state == "published", release.problems
    assert [each["config_name"] for each in top["configs"]] == ["default", *list(FORMATS)[1:]]
    assert [each.get("default", False) for each in top["configs"]] == [True] + [False] * 6
    for config, info in zip(top["configs"], top["dataset_info"], strict=True):
        said = {each["name"]: each["num_examples"] for each in info["splits"]}
        assert (
            said == release.counts["formats"]["messages" if info["config_name"] == "default" else info["config_name"]]
        )
        for each in config["data_files"]:
            assert list(folder.glob(each["path"]))
        sizes = [path.stat().st_size for each in config["data_files"] for path in folder.glob(each["path"])]
        assert info["download_size"] == sum(sizes)


@pytest.mark.parametrize("name", FORMATS)
def test_features_are_said_as_datasets_says_them(name):
    datasets = pytest.importorskip("datasets")
    schema = FORMATS[name].schema
    assert [feature(each) for each in schema] == datasets.Features.from_arrow_schema(schema)._to_yaml_list()


def test_every_config_and_split_loads(made, tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    release, folder, top, _ = made
    for info in top["dataset_info"]:
        loaded = datasets.load_dataset(str(folder), info["config_name"], cache_dir=str(tmp_path))
        assert {name: len(rows) for name, rows in loaded.items()} == {
            each["name"]: each["num_examples"] for each in info["splits"]
        }
        kind = FORMATS["messages" if info["config_name"] == "default" else info["config_name"]]
        assert next(iter(loaded.values())).column_names == kind.schema.names


def test_every_jsonl_file_loads_alone(made, tmp_path):
    datasets = pytest.importorskip("datasets")
    for path in sorted(made.folder.glob("jsonl/*/*.jsonl")):
        rows = datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=str(tmp_path))
        assert len(rows) == len(path.read_bytes().splitlines())


@pytest.mark.parametrize(
    "said",
    [
        "# Films | coats, release 1.0.0",
        "24 examples distilled from scientific text",
        "| CC-BY-4.0 | 16 |",
        "| (not stated) | 8 |",
        "12 sources;",
        "Its terms of 2026 allow \\| training.",
        "- Decided by people: 24 rows by 2 people; by nobody: 0 rows.",
        "- Of 24 rows that several decided on, all named the same on 24.",
        "over 24 answers to the questions of this release, refused attempts included: undefined, all answers equal.",
        "SampleGate's score (0 to 100) of 24 rows: median 66.0; 80 % lie between 61.0 and 70.0.",
        "- 8 rows come from sources whose licence was not stated.",
        "| edited: accepted by people after an edit | 24 |",
        '"PATH_OF_THIS_FOLDER", "prompt_completion"',
        "type: chat_template.default",
        "`films-coats_messages`",
        "The second question of a pair holds the hypothesis as the teacher was given it",
        "TRL cuts at 1,024",
    ],
)
def test_the_card_says(made, said):
    assert said in made.text


def test_the_card_names_no_clock_no_person_and_no_key(made):
    release, folder, _, text = made
    assert "ada" not in text.split()
    assert str(release.created_at.year) not in text.replace("terms of 2026", "")


def test_names_from_elsewhere_end_no_line(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    project = factories.project("Films\n---\n# x\r| `a`", slug="films", paired=False)
    document = factories.document(project, licence="CC\r| b\n---\n# y", locator="10.1/a\n| b")
    factories.accepted(project, document=document, domain="optics\r\n# z")
    run(project, "package")
    text = (Release.objects.get(project=project).directory / "README.md").read_bytes().decode()
    top, body = text.removeprefix("---\n").split("\n---\n", 1)
    assert yaml.safe_load(top)["pretty_name"] == project.name
    assert "\r" not in body
    assert "# Films --- # x | `a`, release 1.0.0\n" in body
    assert "| optics # z | 1 |\n" in body
    assert "| CC \\| b --- # y | 1 |\n" in body


def test_a_name_that_ends_as_the_yaml_does_hides_no_config(tmp_path):
    head = {"pretty_name": "Films ---", "configs": [{"config_name": "default"}]}
    (tmp_path / "README.md").write_text(f"---\n{yaml.safe_dump(head, sort_keys=False)}---\n\n# Films ---\n")
    assert configs(tmp_path) == ["default"]


def test_licences_that_the_hub_does_not_know_are_told_by_row(made):
    assert made.top["license"] == "other"
    assert made.top["license_name"] == "by-row"


def test_one_known_licence_is_the_licence_of_the_whole(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    project = factories.project("One", paired=False)
    Teacher.objects.update(terms="")
    for number in range(3):
        document = factories.document(project, f"Text {number}.", licence="CC0-1.0", locator=f"doc:{number}")
        factories.accepted(project, document=document)
    run(project, "package")
    text = (Release.objects.get(project=project).directory / "README.md").read_text()
    assert yaml.safe_load(text.split("---\n")[1])["license"] == "cc0-1.0"
    assert "(not recorded)" in text


def test_what_is_named_in_the_snippets_is_there(made):
    release, folder, _, text = made
    shown = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])["datasets"]
    assert [each["type"] for each in shown] == [*["chat_template"] * 3, "alpaca", "chat_template.default"]
    for each in shown:
        assert (folder / each["path"].removeprefix("PATH_OF_THIS_FOLDER/")).is_file()
    for kind in readers.TRL:
        compile(trl_code(kind, {"train": [], "validation": []}), kind, "exec")
    described = json.loads((folder / "dataset_info.json").read_text())
    for name in described:
        assert name.split("_")[0] == "films-coats"
    for name in (name for name in described if not name.endswith(("_validation", "_test"))):
        assert f"`{name}`" in text


def test_an_older_release_has_a_card_without_proof(settings, tmp_path):
    """A folder from before rows.parquet, as its patch is described."""
    import pyarrow.parquet as pq

    from pipeline.formats import Options, Record

    project = factories.project("Old")
    release = factories.release(project, counts={"rows": 1, "unreviewed": 0}, recipe={})
    kind = FORMATS["messages"]
    record = Record("1", "k", "Why?", "", "So.", licence="MIT", locator="doc:1", teacher="m", split="train")
    (tmp_path / "data").mkdir()
    pq.write_table(kind.table(kind.columns([record], Options())), tmp_path / "data" / "train-00000-of-00001.parquet")
    card.write(release, tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert "| MIT | 1 |" in text
    assert "What people and judges said of each row is not told by its files." in text
    assert (tmp_path / "dataset_info.json").read_text() == "{}\n"
