"""A bad row is reported with its place and the right value, goes to the rejects file, and costs no other row."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.importing import import_file
from tests.import_files import write

GOOD = '{"text": "Good."}\n'


def imported(project, path, **options):
    rejects = path.parent / "rejects.jsonl"
    report = import_file(project, path, task_types=["hypothesis"], rejects_path=rejects, **options)
    rows = [json.loads(line) for line in rejects.read_text().splitlines()] if rejects.exists() else []
    return report, rows


# a line between two good ones -> column, part of what is wrong, part of what is right, the row in the rejects file
BAD_LINES = [
    ("{broken", "", "broken JSON", "one JSON object a line", "{broken"),
    ('{"text": "cut', "", "broken JSON", "one JSON object a line", '{"text": "cut'),
    ("[1, 2]", "", "a JSON list", "one JSON object a line", [1, 2]),
    ('"text"', "", "a JSON text", "one JSON object a line", "text"),
    ("null", "", "a JSON null", "one JSON object a line", None),
    ('{"text": null}', "text", "empty", "a prompt or a text", {"text": None}),
    ('{"text": ""}', "text", "empty", "a prompt or a text", {"text": ""}),
    ('{"text": NaN}', "text", "empty", "a prompt or a text", {"text": None}),
    ('{"other": 1}', "text", "empty", "a prompt or a text", {"other": 1}),
    ('{"text": 12}', "text", "number '12'", "text is expected", {"text": 12}),
    ('{"text": "a\\u0000b"}', "text", "NUL", "without NUL", {"text": "a\0b"}),
    ('{"text": "a\\ud83db"}', "text", "lone surrogate (U+D83D)", "without NUL", {"text": "a\ud83db"}),
    ('{"text": "x", "note": "\\udc00"}', "note", "lone surrogate", "without NUL", {"text": "x", "note": "\udc00"}),
    ('{"text": "x", "n": ' + "[" * 3000 + "]" * 3000 + "}", "", "broken JSON", "one JSON object a line", ...),
    ('{"text": "x", "n": ' + "9" * 5000 + "}", "", "broken JSON", "one JSON object a line", ...),
]


@pytest.mark.parametrize(("line", "column", "wrong", "right", "row"), BAD_LINES, ids=[c[0][:30] for c in BAD_LINES])
def test_a_bad_line_of_json_lines(project, tmp_path, line, column, wrong, right, row):
    path = write(tmp_path, "rows.jsonl", f'{{"text": "First."}}\n\n{line}\n{GOOD}')

    report, [reject] = imported(project, path)

    assert str(report) == "imported 2, unchanged 0, differs 0, rejected 1"
    assert (reject["file"], reject["line"], reject["column"]) == ("rows.jsonl", 3, column)
    assert wrong in reject["wrong"]
    assert right in reject["right"]
    assert row is ... or reject["row"] == row
    assert report.problems[0].startswith("rows.jsonl, line 3: ")
    assert list(project.prompts.values_list("context", flat=True)) == ["First.", "Good."]


BAD_CSV = [
    ("only one", 3, "1 field", "the header names 2"),
    ("a,b,c", 3, "3 fields", "the header names 2"),
    ("1,", 3, "empty", "a prompt or a text"),
    ("1,nan", 3, "empty", "a prompt or a text"),
    ('1,"open', 3, "not CSV", 'double the quotes in it ("")'),
    ('1,"open and on', 3, "not CSV", 'double the quotes in it ("")'),
    ('1,"a" b', 3, "not CSV", 'double the quotes in it ("")'),
    ("1,a\0b", 3, "NUL", "without NUL"),
    ('1,"two\nlines",x', 3, "3 fields", "the header names 2"),
]


@pytest.mark.parametrize(("record", "line", "wrong", "right"), BAD_CSV)
def test_a_bad_record_of_csv(project, tmp_path, record, line, wrong, right):
    tail = '3,Third.\n4,"Fourth, ""quoted""."\n5,"Fifth,\non two lines."\n'
    path = write(tmp_path, "rows.csv", f"id,text\n1,First.\n{record}\n{tail}")

    report, [reject] = imported(project, path)

    assert (report.imported, report.rejected) == (4, 1)
    assert reject["line"] == line
    assert wrong in reject["wrong"]
    assert right in reject["right"]
    texts = ["First.", "Third.", 'Fourth, "quoted".', "Fifth,\non two lines."]
    assert list(project.prompts.values_list("context", flat=True)) == texts


def test_an_unclosed_quote_at_the_end_costs_its_row_alone(project, tmp_path):
    report, [reject] = imported(project, write(tmp_path, "rows.csv", 'id,text\n1,One.\n2,"two\n3,Three.\n4,Four.'))

    assert (report.imported, report.rejected, reject["line"], reject["row"]) == (3, 1, 3, '2,"two')


def test_lines_are_counted_through_quoted_line_breaks(project, tmp_path):
    path = write(tmp_path, "rows.csv", 'id,text\n1,"a\nb\nc"\n2,\n3,"d\ne"\n4,\n')

    _, rejects = imported(project, path)

    assert [reject["line"] for reject in rejects] == [5, 8]


def test_bad_rows_of_parquet(project, tmp_path):
    latin = pa.array([b"caf\xe9", b"fine", b"fine", None], pa.binary()).view(pa.string())
    table = {"text": ["One.", None, "Three.", "nan"], "note": latin, "n": [1.5, float("nan"), 2.5, 3.5]}
    pq.write_table(pa.table(table), tmp_path / "rows.parquet")

    report, rejects = imported(project, tmp_path / "rows.parquet")

    assert (report.imported, report.rejected) == (1, 3)
    assert [(reject["line"], reject["column"]) for reject in rejects] == [(1, "note"), (2, "text"), (4, "text")]
    assert "UTF-8" in rejects[0]["right"]
    assert rejects[1]["row"] == {"text": None, "note": "fine", "n": None}
    assert report.problems[0].startswith("rows.parquet, row 1: note: ")


def test_bad_items_of_json(project, tmp_path):
    path = write(tmp_path, "texts.json", '{"texts": [\n"One.",\n5,\n{"text": null},\n["x"],\n"Two."\n]}')

    report, rejects = imported(project, path)

    assert (report.imported, report.rejected) == (2, 3)
    assert [(reject["line"], reject["row"]) for reject in rejects] == [(3, 5), (4, {"text": None}), (5, ["x"])]


def test_bad_members_of_a_json_object(project, tmp_path):
    path = write(tmp_path, "texts.json", '{"a": {"text": "One."},\n"b": 5}')

    report, [reject] = imported(project, path)

    assert (report.imported, reject["line"], reject["column"], reject["row"]) == (1, 2, "b", 5)


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_row_without_end_is_one_bad_row(project, tmp_path, monkeypatch, suffix):
    for module in ("files", "read_csv", "read_json", "values"):
        monkeypatch.setattr(f"curation.importing.{module}.MAX_ROW_CHARS", 100)
    long = "x" * 1000
    lines = {"csv": ["id,text", "1,One.", f"2,{long}", "3,Three."], "jsonl": [GOOD[:-1], f'{{"text": "{long}"}}']}
    path = write(tmp_path, f"rows.{suffix}", "\n".join([*lines[suffix], ""]))

    report, [reject] = imported(project, path)

    assert (report.rejected, report.imported) == (1, len(lines[suffix]) - (2 if suffix == "csv" else 1))
    assert reject["line"] == (3 if suffix == "csv" else 2)


def test_rejects_of_an_earlier_import_do_not_stay(project, tmp_path):
    imported(project, write(tmp_path, "rows.jsonl", GOOD + "{broken\n"))

    report, rejects = imported(project, write(tmp_path, "rows.jsonl", GOOD))

    assert (rejects, report.rejects_path) == ([], "")


def test_many_bad_rows_are_counted_and_some_are_told(project, tmp_path):
    report, rejects = imported(project, write(tmp_path, "rows.jsonl", GOOD + "{broken\n" * 100))

    assert (report.rejected, len(rejects), len(report.problems)) == (100, 100, 20)
