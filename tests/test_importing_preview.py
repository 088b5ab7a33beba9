"""The first look that the upload page shows."""

import json

import pytest

from curation.importing import sniff
from tests.import_files import content, jsonl_text, write

ROWS = [{"id": n, "abstract": f"Abstract {n}.", "doi": f"10.1/{n}", "x": None} for n in range(9)]


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl", ".json", ".jsonl.gz"])
def test_columns_first_rows_and_mapping(tmp_path, suffix):
    preview = sniff(write(tmp_path, "upload", content(ROWS, suffix)), f"inputs{suffix}")

    assert preview.file_name == f"inputs{suffix}"
    assert preview.format == suffix.removesuffix(".gz")[1:]
    assert preview.columns == ["id", "abstract", "doi", "x"]
    assert [row["abstract"] for row in preview.rows] == [f"Abstract {n}." for n in range(5)]
    assert preview.mapping == {"text": "abstract", "locator": "doi"}
    assert (preview.problems, preview.bad_rows) == ([], [])
    json.dumps(preview.rows, allow_nan=False)


def test_a_text_file(tmp_path):
    preview = sniff(write(tmp_path, "notes.md", "# Notes\n\nIron."))

    assert preview.rows == [{"text": "# Notes\n\nIron.", "title": "Notes", "locator": "notes.md"}]
    assert preview.mapping == {"text": "text", "title": "title", "locator": "locator"}


def test_what_is_wrong_with_a_chosen_mapping(tmp_path):
    path = write(tmp_path, "rows.jsonl", jsonl_text(ROWS))

    assert sniff(path, mapping={"text": "doi"}).mapping["text"] == "doi"
    assert "expected 'title'" in sniff(path, mapping={"title": "title"}).problems[0]
    assert "No column with a prompt or a text" in sniff(path, mapping={"text": ""}).problems[0]


def test_bad_rows_among_the_first(tmp_path):
    preview = sniff(write(tmp_path, "rows.jsonl", '{"text": ""}\n{"text": "Good."}\n{broken\n'))

    assert [told.partition(":")[0] for told in preview.bad_rows] == ["line 1", "line 3"]
    assert preview.rows == [{"text": ""}, {"text": "Good."}]


def test_keys_that_come_late_are_columns_too(tmp_path):
    preview = sniff(write(tmp_path, "rows.jsonl", jsonl_text([{"text": "a"}] * 50 + [{"text": "b", "late": 1}])))

    assert preview.columns == ["text", "late"]
