"""Pairs of prompt rows: made where a source has exactly one hypothesis and one methodology."""

import pytest

from curation.importing import import_file
from curation.importing import store as storing
from tests.import_files import jsonl_text, write


def prompt(context, task_type, text=None, **more):
    return {"prompt": text or f"{task_type} of {context}?", "context": context, "task_type": task_type} | more


def imported(project, tmp_path, rows, name="rows.jsonl", **options):
    return import_file(project, write(tmp_path, name, jsonl_text(rows)), **options)


def pairs(project):
    return [
        (pair.document.text, pair.hypothesis.user_prompt, pair.methodology.user_prompt)
        for pair in project.pairs.select_related("document", "hypothesis", "methodology")
    ]


@pytest.mark.parametrize("span", [1, 5000])
def test_exactly_one_of_each(project, tmp_path, monkeypatch, span):
    monkeypatch.setattr(storing, "PAIRING_SPAN", span)
    rows = [
        prompt("both", "methodology"),
        prompt("both", "hypothesis"),
        prompt("both", "explanation"),
        prompt("two hypotheses", "hypothesis", "one?"),
        prompt("two hypotheses", "hypothesis", "two?"),
        prompt("two hypotheses", "methodology"),
        prompt("hypothesis alone", "hypothesis"),
        prompt("", "hypothesis", "no context"),
        prompt("", "methodology", "no context either"),
        prompt("last", "hypothesis"),
        prompt("last", "methodology"),
    ]

    report = imported(project, tmp_path, rows)

    assert report.pairs == 2
    assert pairs(project) == [
        ("both", "hypothesis of both?", "methodology of both?"),
        ("last", "hypothesis of last?", "methodology of last?"),
    ]


def test_the_halves_may_come_in_two_files(project, tmp_path):
    assert imported(project, tmp_path, [prompt("C", "hypothesis")], "a.jsonl").pairs == 0
    assert imported(project, tmp_path, [prompt("C", "methodology")], "b.jsonl").pairs == 1
    assert imported(project, tmp_path, [prompt("C", "methodology")], "b.jsonl").pairs == 0


def test_texts_asked_for_one_task_type_after_the_other(project, tmp_path):
    for task_type in ("hypothesis", "methodology"):
        report = imported(project, tmp_path, [{"text": "T"}], task_types=[task_type])

    assert report.pairs == 1


def test_a_pair_that_was_made_stays(project, tmp_path):
    imported(project, tmp_path, [prompt("C", "hypothesis"), prompt("C", "methodology")])
    before = pairs(project)

    imported(project, tmp_path, [prompt("C", "hypothesis", "another?")], "b.jsonl")

    assert pairs(project) == before


def test_a_text_row_is_a_pair_whatever_other_rows_ask_of_its_source(project, tmp_path):
    imported(project, tmp_path, [prompt("C", "hypothesis"), {"prompt": None, "context": "C", "task_type": None}])

    assert pairs(project) == [("C", "", "")]


def test_one_text_at_two_places_is_one_pair(project, tmp_path):
    report = imported(project, tmp_path, [{"text": "T", "locator": "a"}, {"text": "T", "locator": "b"}])

    assert (report.imported, report.unchanged, report.documents, report.pairs) == (2, 2, 2, 1)
