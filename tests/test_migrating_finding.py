"""Which files a migration finds: what is named, what lies beside it, and a word on all that it leaves."""

import json

import pytest
import yaml
from django.core.management import CommandError, call_command

from curation.models import Project
from pipeline import migrating
from pipeline.config import load_config
from pipeline.migrating.kinds import kind_of
from tests import old_scripts
from tests.import_files import content, write

MANIFEST = {"schema": "sft", "version": "1.0.0", "row_count": 2, "created_at": "2025-11-01", "source_hash": "ab" * 32}


def found(root, *paths):
    """({path below `root`: kind}, the sentences on what is not read)."""
    config = root / "configs/distill_config.yaml"
    sources, notes = migrating.find(load_config(config), config, root=root, paths=paths)
    return {source.path.relative_to(root.resolve()).as_posix(): source.kind for source in sources}, notes


@pytest.fixture
def root(tmp_path):
    old_scripts.make(tmp_path)
    return tmp_path


def put(root, name, rows):
    return write((root / name).parent, name.rsplit("/", 1)[1], content(rows, f".{name.split('.', 1)[1]}"))


@pytest.mark.parametrize("data", [MANIFEST, MANIFEST | {"text": "about"}, MANIFEST | {"schema": {"input": "string"}}])
def test_a_manifest_is_one_object(tmp_path, data):
    assert kind_of(write(tmp_path, "manifest.json", json.dumps(data))) == "manifest"


@pytest.mark.parametrize("data", ["", "{", "[]", '{"schema": 1}', "null", "9" * 5000, '{"a": ' * 5000, "\0"])
def test_what_is_no_manifest(tmp_path, data):
    assert kind_of(write(tmp_path, "manifest.json", data)) == ""


@pytest.mark.django_db
def test_a_manifest_in_a_folder_is_held_against_its_file(root):
    raw = root / "data/training/sft_v1.jsonl"
    digest = migrating.manifests.sha256(raw)
    for name, rows in (("right", 11), ("wrong", 12)):
        said = MANIFEST | {"row_count": rows, "source_hash": digest}
        write(root / "data/training", f"{name}_manifest.json", json.dumps(said))

    call_command(
        "migrate_from_scripts",
        root / "data/training",
        config=root / "configs/distill_config.yaml",
        report=root / "report",
        root=root,
    )

    faults = [json.loads(line) for line in (root / "report.faults.jsonl").read_text().splitlines()]
    wrong = [fault for fault in faults if fault["fault"] == "manifest_wrong"]
    assert [(fault["file"], fault["said"]) for fault in wrong] == [
        ("data/training/wrong_manifest.json", "data/training/sft_v1.jsonl: row_count 12, 11 rows")
    ]


def test_the_guides_own_name_of_repairs_is_found_beside(root):
    put(root, "data/filtered/regen.parquet", [old_scripts.repaired(2, old_scripts.hypothesis(2, 3))])

    files, notes = found(root)

    assert files["data/filtered/regen.parquet"] == "regenerated"
    assert notes == []


def test_what_lies_beside_and_is_not_read_is_named(root):
    put(root, "data/teacher_outputs/teacher_outputs_v0.parquet", [old_scripts.outputs(0)])
    put(root, "data/labels/more.csv", [{"action": "accept", "teacher_output": "x"}])
    write(root / "data/labels", "notes.txt", "Not of the scripts.")

    files, notes = found(root)
    assert len(files) == 9
    assert notes == [
        "data/labels/more.csv lies beside these files and is not read: name it to take it over.",
        "data/teacher_outputs/teacher_outputs_v0.parquet lies beside these files and is not read: name it to take it "
        "over.",
    ]

    files, notes = found(root, root / "data")
    assert files["data/labels/more.csv"] == "labels"
    assert files["data/teacher_outputs/teacher_outputs_v0.parquet"] == "outputs"
    assert notes == []


def test_raw_texts_beside_the_inputs_are_told_once(root):
    raw = write(root / "data/teacher_inputs", "a_enhanced.json", json.dumps({"texts": ["Ice melts."]}))

    _, notes = found(root, root / "data")

    assert notes == [
        f"data/teacher_inputs/{raw.name} holds texts without prompts: `import_inputs` takes them in, if wanted."
    ]


def test_of_a_crowd_beside_the_first_are_named(root):
    for number in range(30):
        put(root, f"data/training/other_{number:02}.jsonl", [{"colour": "red"}])

    _, notes = found(root)

    assert len(notes) == 21
    assert notes[-1] == "10 more files lie beside these and are not read."


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("empty.jsonl", b"", "cannot be read (The file is empty.)"),
        ("cut.parquet", b"PAR1", "cannot be read ("),
        ("old.csv", b"user_prompt,answer\nr\xc3\xa9sum\xe9,x\n", "cannot be read (Line 2 is not UTF-8"),
        ("twice.csv", b"user_prompt,user_prompt\na,b\n", "cannot be read ("),
        ("report.json", b'{"total": 3, "passed": 2}', "is none of the files of rows that the scripts wrote: "),
        ("colours.csv", b"colour\nred\n", "is none of the files of rows that the scripts wrote: "),
    ],
)
def test_why_a_file_is_not_read(root, name, data, why):
    (root / "more").mkdir()
    write(root / "more", name, data)

    files, notes = found(root, root / "more")

    assert not any(path.startswith("more/") for path in files)
    assert len(notes) == 1
    assert notes[0].startswith(f"more/{name} {why}")


@pytest.mark.django_db
@pytest.mark.parametrize("slug", ["../outside", "two words", "größe", "x" * 61, "a/b"])
def test_a_project_that_cannot_be_called_so_is_refused(root, slug):
    with pytest.raises(CommandError, match="cannot be a project's slug|too long for a project's slug"):
        call_command("migrate_from_scripts", config=root / "configs/distill_config.yaml", root=root, project=slug)

    assert not Project.objects.exists()


@pytest.mark.django_db
def test_a_report_that_cannot_be_written_is_said_before_anything_is(root):
    write(root, "taken", "a file")

    with pytest.raises(CommandError, match="The report cannot be written"):
        call_command(
            "migrate_from_scripts",
            config=root / "configs/distill_config.yaml",
            root=root,
            report=root / "taken" / "report",
        )

    assert not Project.objects.exists()


def test_a_configuration_that_is_a_folder_or_absent_is_named(root):
    for path, why in ((root, "Is a directory"), (root / "none.yaml", "there is no such file")):
        with pytest.raises(CommandError, match=why):
            call_command("migrate_from_scripts", config=path)


def test_yaml_names_are_told_by_key(root):
    config = root / "configs/distill_config.yaml"
    data = yaml.safe_load(config.read_text())
    data["collection"]["batch_sise"] = 8
    config.write_text(yaml.safe_dump(data))

    with pytest.raises(CommandError, match="collection.batch_sise is not a known key"):
        call_command("migrate_from_scripts", config=config)
