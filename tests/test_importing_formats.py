"""Every format, plain and gzipped, gives the same prompts."""

import gzip
import json

import pytest

from curation.importing import import_file
from tests.import_files import content, stored, write

ROWS = [
    {"id": "a", "abstract": "Iron lowers the overpotential, é $x_{i}$.", "title": "Iron", "domain": "chemistry"},
    {"id": "b", "abstract": 'Two lines,\nthe second "quoted".', "title": None, "domain": "physics"},
]
SUFFIXES = [".parquet", ".csv", ".tsv", ".jsonl", ".json"]


@pytest.mark.parametrize("suffix", SUFFIXES + [f"{suffix}.gz" for suffix in SUFFIXES])
def test_rows_are_the_same_whatever_the_format(project, tmp_path, suffix):
    report = import_file(project, write(tmp_path, f"rows{suffix}", content(ROWS, suffix)))

    assert str(report) == "imported 4, unchanged 0, differs 0, rejected 0"
    assert stored(project) == (4, 2, 2)
    prompt = project.prompts.get(task_type="methodology", domain="physics")
    assert prompt.context == prompt.document.text == ROWS[1]["abstract"]
    assert (prompt.user_prompt, prompt.metadata) == ("", {"id": "b"})
    assert project.documents.get(domain="chemistry").title == "Iron"
    assert project.documents.get(domain="physics").title == ""


def test_a_format_changes_no_identity(project, tmp_path):
    for suffix in SUFFIXES:
        report = import_file(project, write(tmp_path, f"rows{suffix}", content(ROWS, suffix)))

    assert str(report) == "imported 0, unchanged 4, differs 0, rejected 0"


@pytest.mark.parametrize("name", ["notes.txt", "notes.md", "notes.md.gz"])
def test_a_text_file_is_one_document(project, tmp_path, name):
    text = "Preface\n\n# Grain size and toughness #\n\nToughness rises with grain size.\n"
    data = gzip.compress(text.encode()) if name.endswith(".gz") else text

    import_file(project, write(tmp_path, name, data), task_types=["hypothesis"])

    document = project.documents.get()
    assert (document.text, document.locator, document.passage) == (text, name, 0)
    assert document.title == ("" if name == "notes.txt" else "Grain size and toughness")


JSON_SHAPES = {
    "texts, strings": ({"texts": ["One.", "Two."]}, ["One.", "Two."]),
    "texts, objects": ({"generated_at": 1.5, "texts": [{"text": "One."}, {"text": "Two."}]}, ["One.", "Two."]),
    "texts beside objects": ({"meta": {"n": 1}, "texts": [{"content": "One."}], "more": {"k": 2}}, ["One."]),
    "list of strings": (["One.", "Two."], ["One.", "Two."]),
    "list of objects": ([{"content": "One."}, {"content": "Two."}], ["One.", "Two."]),
    "text and content mixed": ([{"text": "One."}, {"content": "Two."}], ["One.", "Two."]),
    "object of objects": ({"a": {"text": "One."}, "b": {"text": "Two."}}, ["One.", "Two."]),
    "one object": ({"title": "T", "text": "One."}, ["One."]),
    "one object, content": ({"content": "One.", "year": 2020}, ["One."]),
}


@pytest.mark.parametrize(("document", "texts"), JSON_SHAPES.values(), ids=JSON_SHAPES)
def test_shapes_of_the_scripts_json(project, tmp_path, document, texts):
    import_file(project, write(tmp_path, "enhanced.json", json.dumps(document, indent=1)), task_types=["hypothesis"])

    assert list(project.prompts.values_list("context", flat=True)) == texts


def test_members_of_an_object_keep_their_name_as_id(project, tmp_path):
    path = write(tmp_path, "texts.json", json.dumps({"a7": {"text": "One."}, "b": {"id": "own", "text": "Two."}}))

    import_file(project, path, task_types=["hypothesis"])

    assert [prompt.metadata for prompt in project.prompts.all()] == [{"id": "a7"}, {"id": "own"}]


def test_json_values_longer_than_what_is_read_at_once(project, tmp_path):
    texts = [f"Text {n}. " + "word " * 300_000 for n in range(3)]
    path = write(tmp_path, "long.json", json.dumps(texts))

    import_file(project, path, task_types=["hypothesis"], passage_chars=5_000_000)

    assert list(project.prompts.values_list("context", flat=True)) == texts


@pytest.mark.parametrize(
    "data",
    [
        "\ufefftext,id\nOne.,1\n",
        "text;id\nOne.;1\n",
        "text\tid\nOne.\t1\n",
        "text,id\r\nOne.,1\r\n",
        '"text","id"\n\n"One.","1"',
        "text , id\nOne.,1\n",
    ],
    ids=["byte order mark", "semicolons", "tabs", "CRLF", "blank line, no end", "blanks in the header"],
)
def test_dialects_of_csv(project, tmp_path, data):
    import_file(project, write(tmp_path, "rows.csv", data), task_types=["hypothesis"])

    prompt = project.prompts.get()
    assert (prompt.context, prompt.metadata) == ("One.", {"id": "1"})


def test_pandas_index_columns(project, tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": ["One.", "Two."]}, index=[7, 9])
    frame.to_csv(tmp_path / "frame.csv")
    frame.to_parquet(tmp_path / "frame.parquet")

    import_file(project, tmp_path / "frame.csv", task_types=["hypothesis"])
    assert [prompt.metadata for prompt in project.prompts.all()] == [{"column 1": "7"}, {"column 1": "9"}]
    import_file(project, tmp_path / "frame.parquet", task_types=["methodology"])
    assert project.prompts.filter(task_type="methodology", metadata={}).count() == 2


def test_the_uploaded_name_counts_not_the_stored_one(project, tmp_path):
    path = write(tmp_path, "upload-17.bin", content(ROWS, ".csv"))

    report = import_file(project, path, file_name="inputs.csv")

    assert (report.file, report.imported) == ("inputs.csv", 4)
