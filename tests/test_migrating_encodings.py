"""Files that Windows wrote: UTF-16 by its mark, Windows-1252 where nothing in it is UTF-8, and never by a guess."""

import codecs
import gzip
import json

import pytest
import yaml

from curation.models import Annotation, State
from pipeline import migrating
from pipeline.config import load_config
from pipeline.migrating.encodings import encoding_of
from tests.import_files import csv_text

SAID = "Wenn die Größe um 5 µm wächst – “genau” so –, dann steigt die Leitfähigkeit um 10 %."
ROWS = [
    {"user_prompt": "Größe?", "template_name": "hypothesis", "context": "Eis.", "teacher_output": SAID},
    {"user_prompt": "Why?", "template_name": "hypothesis", "context": "Ice.", "teacher_output": "If so, it rises."},
]
LABEL = {"index": 0, "task_type": "hypothesis", "context": "Eis.", "teacher_output": SAID, "action": "accept"}
GREEK = [{"user_prompt": "β?", "template_name": "hypothesis", "context": "Ice.", "teacher_output": "If β, then γ."}]


def as_json(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\r\n" for row in rows)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "configs").mkdir()
    storage = {"collected_dataset": "outputs.csv"}
    (tmp_path / "configs/distill_config.yaml").write_text(yaml.safe_dump({"storage": storage}))
    return tmp_path


def moved(project, root, *labels):
    config = root / "configs/distill_config.yaml"
    sources, notes = migrating.find(load_config(config), config, root=root, labels=labels)
    return migrating.migrate(project, sources, load_config(config)), notes


@pytest.mark.django_db
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("packed", [False, True])
def test_one_content_in_every_encoding(project, root, encoding, packed):
    name = "outputs.csv"
    (root / name).write_bytes(csv_text(ROWS).encode(encoding))
    labels = root / ("labels.jsonl.gz" if packed else "labels.jsonl")
    data = as_json([LABEL]).encode(encoding)
    labels.write_bytes(gzip.compress(data) if packed else data)

    report, notes = moved(project, root, labels)

    assert [(file.rows, file.imported, file.unmatched) for file in report.files] == [(2, 2, 0), (1, 1, 0)]
    assert project.prompts.get(context="Eis.").current_response.text == SAID
    assert project.prompts.get(context="Eis.").state == State.ACCEPTED
    assert Annotation.objects.get().action == "accept"
    windows = [note for note in notes if "Windows-1252" in note]
    assert len(windows) == (2 if encoding == "cp1252" else 0)
    if windows:
        assert windows[0] == (
            "outputs.csv is not UTF-8 and is read as Windows-1252: 1 of its 2 rows has other signs than ASCII "
            "(ö ß µ ä – “ ”). Where they look wrong, save the file as UTF-8 before it is taken over."
        )


@pytest.mark.django_db
def test_half_a_sign_at_the_end_costs_its_line_alone(project, root):
    (root / "outputs.csv").write_text(csv_text(ROWS), encoding="utf-8", newline="")
    half = as_json([LABEL, LABEL | {"teacher_output": "Größ"}]).encode()
    (root / "labels.jsonl").write_bytes(half[: half.rindex("ß".encode()) + 1])

    report, notes = moved(project, root, root / "labels.jsonl")

    file = report.files[1]
    assert (file.rows, file.imported, file.missed) == (2, 1, [(2, "a byte that is no UTF-8 (0xc3); UTF-8 is expected")])
    assert not any("Windows" in note for note in notes)


@pytest.mark.django_db
def test_lines_of_another_encoding_among_others_are_listed_and_not_guessed(project, root):
    (root / "outputs.csv").write_text(csv_text(ROWS), encoding="utf-8", newline="")
    foreign = json.dumps(LABEL | {"context": "Größe"}, ensure_ascii=False).encode("cp1252")
    (root / "labels.jsonl").write_bytes(foreign + b"\n" + as_json([LABEL]).encode())

    report, _ = moved(project, root, root / "labels.jsonl")

    file = report.files[1]
    assert (file.rows, file.imported, file.missed) == (2, 1, [(1, "a byte that is no UTF-8 (0xf6); UTF-8 is expected")])


UTF_16, CP1252 = ("utf-16", "strict"), ("cp1252", "strict")
UTF_8, DAMAGED = ("utf-8-sig", "strict"), ("utf-8-sig", "surrogateescape")


@pytest.mark.parametrize(
    ("name", "data", "encoding"),
    [
        ("a.csv", b"prompt\nplain\n", UTF_8),
        ("a.csv", "prompt\nβ\n".encode(), UTF_8),
        ("a.csv", "prompt\ncafé\n".encode("cp1252"), CP1252),
        ("a.jsonl", '{"a": "café"}\n'.encode("cp1252"), CP1252),
        ("a.csv", "prompt\nβ\n".encode("utf-16-le"), UTF_8),  # without a mark nothing says so
        ("a.csv", codecs.BOM_UTF16_LE + "prompt\nβ\n".encode("utf-16-le"), UTF_16),
        ("a.csv", codecs.BOM_UTF16_BE + "prompt\nβ\n".encode("utf-16-be"), UTF_16),
        ("a.csv", "prompt\nβ\n".encode("utf-32"), UTF_8),
        ("a.csv", "prompt\nβ caf".encode() + b"\xe9\n", UTF_8),  # damaged, or two encodings: not guessed
        ("a.jsonl", '{"a": "β"}\n{"a": "caf'.encode() + b'\xe9"}\n', DAMAGED),
        ("a.jsonl", b'{"a": "caf\xc3', DAMAGED),
        ("a.csv", b"prompt\ncaf\xe9", UTF_8),  # the end of a sign, or a letter of its own
        ("a.csv", b"prompt\n\x8d\xe9 \x81\n", UTF_8),  # Windows-1252 has no such signs
        ("a.csv", b"prompt\ncaf\xe9 \x00\n", UTF_8),
        ("a.csv", b"", UTF_8),
        ("a.parquet", b"PAR1\xe9\xe9", UTF_8),
        ("a.csv.gz", gzip.compress("prompt\ncafé\n".encode("cp1252"), mtime=0), CP1252),
        ("a.csv.gz", gzip.compress(b"prompt\n" * 9999, mtime=0)[:40], UTF_8),
        ("a.csv", ("prompt\n" + "x" * (1 << 20) + "é\n").encode("cp1252"), CP1252),
        ("a.csv", ("prompt\n" + "x" * ((1 << 20) - 8) + "é\n").encode(), UTF_8),
    ],
)
def test_what_the_bytes_say(tmp_path, name, data, encoding):
    (tmp_path / name).write_bytes(data)

    assert encoding_of(tmp_path / name) == encoding


@pytest.mark.django_db
def test_a_file_in_utf_16_that_ends_amidst_a_sign_is_refused_by_name(project, root):
    (root / "outputs.csv").write_text(csv_text(ROWS), encoding="utf-8", newline="")
    (root / "labels.jsonl").write_bytes(as_json([LABEL]).encode("utf-16") + b"\x41")

    report, _ = moved(project, root, root / "labels.jsonl")

    assert report.files[1].refused == "The text is no whole UTF-16 near line 2: save the file as UTF-8."


@pytest.mark.django_db
def test_greek_in_utf_16_as_excel_writes_it(project, root):
    (root / "outputs.csv").write_bytes(csv_text(GREEK, "\t").encode("utf-16"))

    report, _ = moved(project, root)

    assert report.files[0].imported == 1
    assert project.prompts.get().user_prompt == "β?"
