"""Identity is content: what is known already is recognised, whatever file it comes from."""

import json

import pytest

from curation.importing import import_file
from curation.importing import load as loading
from tests import factories
from tests.import_files import jsonl_text, stored, write
from tests.threads import together

ROWS = [{"id": n, "text": f"Text {n}.", "judge_f_response": {"score": n}, "nan": float("nan")} for n in range(7)]
PROMPTS = [{"prompt": f"P{n}", "context": f"C{n}", "task_type": "hypothesis", "id": n} for n in range(7)]


@pytest.mark.parametrize("rows", [ROWS, PROMPTS], ids=["texts", "prompts"])
@pytest.mark.parametrize("batch", [3, 2000])
def test_the_same_file_again_changes_nothing(project, tmp_path, monkeypatch, rows, batch):
    monkeypatch.setattr(loading, "BATCH_PROMPTS", batch)
    path = write(tmp_path, "rows.jsonl", jsonl_text(rows))
    first = import_file(project, path)
    before = list(project.prompts.order_by("pk").values())

    again = import_file(project, write(tmp_path, "renamed.jsonl", jsonl_text(reversed(rows))))

    assert (first.imported, first.unchanged, first.documents) == (len(before), 0, 7)
    assert str(again) == f"imported 0, unchanged {len(before)}, differs 0, rejected 0"
    assert (again.documents, again.pairs) == (0, 0)
    assert list(project.prompts.order_by("pk").values()) == before


@pytest.mark.parametrize("batch", [1, 3, 2000])
def test_repeats_in_a_file_are_one_prompt(project, tmp_path, monkeypatch, batch):
    monkeypatch.setattr(loading, "BATCH_PROMPTS", batch)
    rows = [{"text": "Same.", "id": n} for n in range(3)] + [{"text": "Other.", "id": 9}, {"text": "Same.", "id": 4}]
    path = write(tmp_path, "rows.jsonl", jsonl_text(rows))

    first, again = (import_file(project, path, task_types=["hypothesis"]) for _ in range(2))

    assert str(first) == "imported 2, unchanged 3, differs 0, rejected 0"
    assert str(again) == "imported 0, unchanged 5, differs 0, rejected 0"
    assert [prompt.metadata for prompt in project.prompts.all()] == [{"id": 0}, {"id": 9}]


@pytest.mark.parametrize("batch", [1, 2, 2000])
def test_other_metadata_keep_what_was_first_seen_and_are_counted(project, tmp_path, monkeypatch, batch):
    monkeypatch.setattr(loading, "BATCH_PROMPTS", batch)
    rows = [{"text": f"Text {n}.", "id": n} for n in range(5)]
    import_file(project, write(tmp_path, "a.jsonl", jsonl_text(rows)), task_types=["hypothesis"])
    rows[1]["id"], rows[3]["note"] = "changed", None
    rows += [{"text": "New.", "id": 5}, rows[1]]

    report = import_file(project, write(tmp_path, "b.jsonl", jsonl_text(rows)), task_types=["hypothesis"])

    assert str(report) == "imported 1, unchanged 4, differs 2, rejected 0"
    assert [prompt.metadata for prompt in project.prompts.order_by("pk")] == [{"id": n} for n in range(6)]


def test_metadata_come_back_equal_from_the_database(project, tmp_path):
    odd = {"big": 1e300, "tiny": 5e-324, "zero": -0.0, "int": 10**40, "text": "Odd \\u0000 'é\" 🜁", "e": {"": [None]}}
    path = write(tmp_path, "a.jsonl", json.dumps(odd | {"abstract": "A."}) + "\n")

    import_file(project, path, {"text": "abstract"})

    assert import_file(project, path, {"text": "abstract"}).differs == 0


def test_what_is_part_of_the_identity(project, tmp_path):
    base = {"prompt": "P", "context": "C", "task_type": "hypothesis", "system_prompt": "S", "domain": "d"}
    rows = [base] + [base | {name: "other"} for name in base]

    report = import_file(project, write(tmp_path, "a.jsonl", jsonl_text(rows)))

    assert (report.imported, report.documents) == (6, 2)


def test_projects_do_not_share(project, tmp_path):
    path = write(tmp_path, "rows.jsonl", jsonl_text(ROWS))
    other = factories.project()

    assert import_file(project, path).imported == import_file(other, path).imported == 14
    assert stored(project) == stored(other) == (14, 7, 7)


def test_a_row_limit_takes_the_first_rows(project, tmp_path):
    path = write(tmp_path, "rows.jsonl", jsonl_text(ROWS))

    report = import_file(project, path, limit=3)

    assert (report.rows, report.imported) == (3, 6)
    assert import_file(project, path, limit=1000).imported == 8


def test_progress_is_told_and_may_end_the_import(project, tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "BATCH_PROMPTS", 4)
    monkeypatch.setattr(loading, "PROGRESS_ROWS", 2)
    path = write(tmp_path, "rows.jsonl", jsonl_text(ROWS))
    told = []

    class Cancelled(Exception):
        pass

    def cancel(done, total):
        told.append((done, total))
        if done == 4:
            raise Cancelled

    with pytest.raises(Cancelled):
        import_file(project, path, progress=cancel)
    assert told == [(2, 7), (4, 7)]
    assert stored(project) == (8, 4, 4)

    report = import_file(project, path, progress=lambda done, total: told.append((done, total)))
    assert (report.imported, report.unchanged) == (6, 8)
    assert told[-1] == (7, 7)


def test_an_import_leaves_an_event(project, tmp_path):
    person = factories.user()

    import_file(project, write(tmp_path, "rows.jsonl", jsonl_text(ROWS)), actor=person)

    event = project.events.get()
    assert (event.kind, event.actor, event.detail["imported"]) == ("import", person, 14)


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "BATCH_PROMPTS", 20)
    project = factories.project()
    rows = [{"text": f"Text {n}."} for n in range(60)]
    paths = [
        write(tmp_path, "a.jsonl", jsonl_text(rows)),
        write(tmp_path, "b.jsonl", jsonl_text(reversed(rows))),
    ]

    reports = together(*[lambda path=path: import_file(project, path) for path in paths])

    assert sum(report.imported for report in reports) == 120
    assert sum(report.unchanged for report in reports) == 120
    assert stored(project) == (120, 60, 60)
