"""A bad file is refused before anything of it is written, with what is wrong and what is right."""

import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.importing import ImportRefused, import_file, sniff
from tests.import_files import csv_text, jsonl_text, parquet_bytes, stored, write

ROWS = [{"id": n, "text": f"Text {n}. " + "abc " * 50} for n in range(3000)]
PARQUET, JSONL, CSV = parquet_bytes(ROWS), jsonl_text(ROWS).encode(), csv_text(ROWS).encode()
JSON = json.dumps({"texts": ROWS}).encode()


def flipped(data, place):
    """`data` with 40 bytes replaced from `place` (a share of its length) on."""
    at = int(len(data) * place)
    return data[:at] + b"\xa5" * 40 + data[at + 40 :]


def repeated_columns():
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["text", "text"]), stream)
    return stream.getvalue()


BAD_FILES = {
    "not Parquet": ("a.parquet", b"text\nabc\n", ["no whole Parquet file"]),
    "Parquet cut at its end": ("a.parquet", PARQUET[:-100], ["no whole Parquet file"]),
    "Parquet cut in its middle": ("a.parquet", PARQUET[: len(PARQUET) // 2], ["no whole Parquet file"]),
    "Parquet broken in its middle": ("a.parquet", flipped(PARQUET, 0.4), ["Parquet data is broken"]),
    "Parquet columns twice": ("a.parquet", repeated_columns(), ["more than once: 'text'"]),
    "Parquet of numbers": ("a.parquet", parquet_bytes([{"text": 5}]), ["'text' holds int64: text is expected"]),
    "CSV in Latin-1": ("a.csv", "text\nfine\ncafé\n".encode("latin-1"), ["Line 3 is not UTF-8", "0xe9", "save"]),
    "CSV in Latin-1 far down": ("a.csv", CSV + "1,café\n".encode("latin-1"), ["Line 3002 is not UTF-8"]),
    "CSV in UTF-16": ("a.csv", "text\nfine\n".encode("utf-16"), ["is UTF-16", "UTF-8"]),
    "JSONL in UTF-16": ("a.jsonl", jsonl_text(ROWS).encode("utf-16"), ["is UTF-16", "UTF-8"]),
    "JSONL in Latin-1 far down": ("a.jsonl", JSONL + b'{"text": "caf\xe9"}\n', ["Line 3001 is not UTF-8"]),
    "JSON in Latin-1": ("a.json", b'["caf\xe9"]', ["Line 1 is not UTF-8"]),
    "text in Latin-1": ("a.txt", "\n\ncafé".encode("latin-1"), ["Line 3 is not UTF-8"]),
    "a character cut at the end": ("a.txt", "café".encode()[:-1], ["Line 1 is not UTF-8"]),
    "gzipped CSV cut": ("a.csv.gz", gzip.compress(CSV)[:-2000], ["gzip data is cut or broken"]),
    "gzipped JSONL cut": ("a.jsonl.gz", gzip.compress(JSONL)[: -len(JSONL) // 400], ["gzip data is cut or broken"]),
    "gzipped JSONL broken": ("a.jsonl.gz", flipped(gzip.compress(JSONL), 0.5), ["gzip data is cut or broken"]),
    "gzipped Parquet cut": ("a.parquet.gz", gzip.compress(PARQUET)[:-50], ["gzip data is cut or broken"]),
    "gzipped in name only": ("a.csv.gz", CSV, ["not gzipped"]),
    "JSON cut": ("a.json", JSON[:-300], ["Broken JSON"]),
    "JSON broken far down": ("a.json", JSON.replace(b'"id": 2990,', b'"id": 2990,,'), ["Broken JSON"]),
    "JSON that goes on": ("a.json", JSONL, ["more follows", ".jsonl"]),
    "JSON of another shape": ("a.json", b'{"rows": [1, 2]}', ["an object without texts", '{"texts": [']),
    "JSON of a number": ("a.json", b"5", ["it begins with '5'"]),
    "empty CSV": ("a.csv", b"", ["file is empty"]),
    "empty CSV, gzipped": ("a.csv.gz", gzip.compress(b""), ["no header line"]),
    "blank CSV": ("a.csv", b"\n\n", ["no header line"]),
    "CSV columns twice": ("a.csv", b"text,id,text\na,b,c\n", ["more than once: 'text'", "found 'text', 'id', 'text'"]),
    "CSV without text": ("a.csv", b"question,answer\na,b\n", ["found 'question', 'answer'", "'user_prompt'"]),
    "JSONL without text": ("a.jsonl", b'{"question": 1}\n', ["found 'question'", "'abstract'"]),
    "JSONL of nothing but noise": ("a.jsonl", b"noise\n" * 300, ["None of the first 200 lines", "line 1"]),
    "prompts without task type": ("a.csv", b"prompt,context\na,b\n", ["--map task_type=COLUMN", "--task-types"]),
    "unknown ending": ("a.xlsx", b"PK", ["tells no known format", ".parquet", ".jsonl", "Markdown"]),
}


@pytest.mark.parametrize(("name", "data", "said"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_leaves_nothing_behind(project, tmp_path, name, data, said):
    path = write(tmp_path, name, data)

    with pytest.raises(ImportRefused) as refused:
        import_file(project, path, rejects_path=tmp_path / "rejects.jsonl")

    assert all(part in str(refused.value) for part in said), str(refused.value)
    assert str(refused.value).startswith(f"{name}: ")
    assert stored(project) == (0, 0, 0)
    assert not (tmp_path / "rejects.jsonl").exists()
    assert not project.events.exists()


@pytest.mark.parametrize(("name", "data", "said"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_first_look_never_fails(db, tmp_path, name, data, said):
    preview = sniff(write(tmp_path, "stored-upload", data), name)

    # What stands only far down is found before the import, not at the first look.
    assert preview.file_name == name
    assert all(all(part in problem for part in said) for problem in preview.problems[:1])


def test_a_file_that_is_not_there(project, tmp_path):
    with pytest.raises(ImportRefused, match="no such file"):
        import_file(project, tmp_path / "a.csv")


def test_a_named_column_that_is_missing(project, tmp_path):
    with pytest.raises(ImportRefused, match=r"expected 'abstrct'; found 'id', 'text'"):
        import_file(project, write(tmp_path, "a.csv", "id,text\n1,One.\n"), {"text": "abstrct"})


def test_all_that_is_wrong_is_said_at_once(project, tmp_path):
    path = write(tmp_path, "a.csv", "id,text\n1,One.\n")

    with pytest.raises(ImportRefused) as refused:
        import_file(project, path, {"text": "abstrct", "colour": "id"}, task_types=[], passage_chars=5)

    assert len(refused.value.problems) == 4


def test_a_header_alone_is_no_bad_file(project, tmp_path):
    report = import_file(project, write(tmp_path, "a.csv", "id,text\n"))

    assert str(report) == "imported 0, unchanged 0, differs 0, rejected 0"


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_of_no_rows_is_refused(project, tmp_path, limit):
    with pytest.raises(ValueError, match="nothing to do"):
        import_file(project, write(tmp_path, "a.csv", "text\nOne.\n"), limit=limit)
