"""Rows of decisions that no database could hold: refused by line, before anything is stored."""

import json

import pytest

from curation import annotations
from curation.annotations.known import mark_file
from curation.models import Annotation, Gold
from tests import factories

pytestmark = pytest.mark.django_db


def file_of(tmp_path, prompt, **fields):
    row = {"task_type": prompt.task_type, "context": prompt.context, "teacher_output": prompt.current_response.text}
    path = tmp_path / "labels.jsonl"
    path.write_text(json.dumps(row | {"action": "accept"} | fields))
    return path


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"])
@pytest.mark.parametrize("name", ["comment", "edited_text", "reviewer", "reasons"])
def test_what_cannot_be_stored_is_refused_by_its_line(project, tmp_path, name, text):
    ada, prompt = factories.member(project, "reviewer"), factories.prompt(project, "to_review")
    path = file_of(tmp_path, prompt, **{name: [text] if name == "reasons" else text})
    with pytest.raises(annotations.Refused, match=f"line 1: has a NUL or half a surrogate pair in {name}"):
        annotations.bring(project, path, ada)
    assert not Annotation.objects.exists()


def test_reasons_that_are_no_words_are_none(project, tmp_path):
    prompt = factories.prompt(project, "accepted")
    path = file_of(tmp_path, prompt, reasons=[["too_vague"], {}, "too_vague", 3])
    mark_file(project, path, factories.member(project, "manager"))
    assert Gold.objects.get().reasons == ["too_vague"]


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "0001-01-01", "9999-12-31T23:59:59-14:00", "soon", 5])
def test_odd_times_stop_no_import(project, tmp_path, time):
    ada, prompt = factories.member(project, "reviewer"), factories.prompt(project, "to_review")
    report = annotations.bring(project, file_of(tmp_path, prompt, timestamp=time), ada)
    assert report.stored == 1
    assert len(list(annotations.rows(annotations.decisions(project)))) == 1
