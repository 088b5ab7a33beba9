"""The page by which decisions leave and come: as runs, with a link to what they left."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from curation.models import Annotation, Run
from pipeline import jobs
from pipeline.stages import annotating
from tests import factories
from tests.running import run

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return factories.project("Oxides", paired=False, reviews_required=1)


@pytest.fixture
def may(project):
    return factories.member(project, "manager", name="may")


@pytest.fixture
def browser(may, monkeypatch):
    """A manager's browser; a run that is started is worked on at once, in place of a worker."""
    monkeypatch.setattr("pipeline.views.annotations.why_not", lambda: "")
    monkeypatch.setattr(jobs, "queue_trouble", lambda: "")
    monkeypatch.setattr(jobs, "enqueue", jobs.carry_out)
    return factories.client(may)


def body(response):
    return b"".join(response.streaming_content).decode()


def test_an_export_gives_a_link_to_its_file(project, may, browser):
    prompt = factories.prompt(project, "to_review")
    factories.annotation(prompt.current_response, may, comment="Sound.")
    answer = browser.post(reverse("annotations_export", args=[project.slug]), {"format": "jsonl"}, follow=True)
    made = Run.objects.get()
    assert (made.stage, made.state, made.done, made.total) == ("export", "finished", 1, 1)
    link = reverse("annotations_file", args=[project.slug, made.pk])
    assert link in answer.content.decode()
    assert link in browser.get(reverse("annotations", args=[project.slug])).content.decode()
    (line,) = body(browser.get(link)).splitlines()
    assert json.loads(line)["comment"] == "Sound."


def test_an_import_stores_and_lists_what_matched_nothing(project, may, browser):
    prompt = factories.prompt(project, "to_review")
    row = {"task_type": prompt.task_type, "context": prompt.context, "action": "reject"}
    rows = [row | {"teacher_output": prompt.current_response.text}, row | {"teacher_output": "Something else."}]
    file = SimpleUploadedFile("labels.jsonl", "\n".join(map(json.dumps, rows)).encode())
    data = {"file": file, "reviewer": may.pk}
    answer = browser.post(reverse("annotations_import", args=[project.slug]), data, follow=True)
    made = Run.objects.get()
    assert (made.state, made.counters["stored"], made.counters["unmatched"]) == ("finished", 1, 1)
    assert Annotation.objects.get().reviewer == may
    link = reverse("annotations_file", args=[project.slug, made.pk])
    assert link in answer.content.decode()
    assert "line 2: no answer with this" in body(browser.get(link))


def test_a_wrong_file_fails_in_words_and_stores_nothing(project, may, browser):
    file = SimpleUploadedFile("labels.jsonl", b'{"action": "accept"}\n')
    data = {"file": file, "reviewer": may.pk}
    answer = browser.post(reverse("annotations_import", args=[project.slug]), data, follow=True)
    assert "line 1: has no text in task_type, teacher_output" in answer.content.decode()
    assert Run.objects.get().state == "failed"


def test_a_form_that_is_wrong_comes_back_with_what_is_right(project, browser):
    answer = browser.post(reverse("annotations_import", args=[project.slug]), {})
    assert answer.status_code == 422
    assert "This field is required" in answer.content.decode()
    answer = browser.post(reverse("annotations_export", args=[project.slug]), {"format": "xlsx"})
    assert answer.status_code == 422


def test_asked_to_stop_it_goes_on_later_and_cancelled_it_leaves_nothing(project, may):
    prompt = factories.prompt(project, "to_review")
    factories.annotation(prompt.current_response, may)
    made = jobs.prepare(project, "export", {"format": "csv"})
    assert annotating.export(made, lambda: True) == "stopped"
    assert not annotating.export_path(made).exists()
    assert annotating.export(Run.objects.get(pk=made.pk)) == "ended"
    assert annotating.export_path(made).exists()

    other = jobs.prepare(project, "export", {"format": "csv"})
    other.begin()
    other.cancel()
    assert annotating.export(Run.objects.get(pk=other.pk)) == "ended"
    other.refresh_from_db()
    assert other.state == "cancelled"
    assert not annotating.export_path(other).exists()


def test_an_import_that_was_killed_begins_anew_and_repeats_nothing(project, may, tmp_path):
    prompts = [factories.prompt(project, "to_review") for _ in range(3)]
    path = tmp_path / "labels.jsonl"
    rows = [
        {"task_type": p.task_type, "context": p.context, "teacher_output": p.current_response.text, "action": "accept"}
        for p in prompts
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    made = jobs.prepare(project, "annotations", {"path": str(path), "reviewer": may.pk})
    assert annotating.bring_in(made, lambda: True) == "stopped"
    assert Annotation.objects.count() == 1
    jobs.carry_out(Run.objects.get(pk=made.pk))
    made.refresh_from_db()
    assert (made.state, made.counters["stored"], made.counters["known"]) == ("finished", 2, 1)


def test_an_empty_project_exports_an_empty_file(project):
    assert run(project, "export", format="parquet").state == "finished"


def test_whose_decisions_they_were_to_be_may_have_left(project, may, tmp_path):
    (tmp_path / "labels.jsonl").write_text("")
    bob = factories.member(project, "reviewer", name="bob")
    made = jobs.prepare(project, "annotations", {"path": str(tmp_path / "labels.jsonl"), "reviewer": bob.pk})
    project.remove_member(bob, by=may)
    jobs.carry_out(made)
    made.refresh_from_db()
    assert (made.state, made.error.partition(":")[0]) == (
        "failed",
        "The member whose decisions these were to be has left the project",
    )
