"""The near-duplicates page, the prompt list's filters, and the project's numbers beside them."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from curation.models import EvaluationSet, Event, Run, State
from pipeline import jobs
from pipeline.resemblance import leaks
from pipeline.stages import deduplicate
from tests import factories
from tests.test_resemblance_clusters import changed, text_of

pytestmark = pytest.mark.django_db
BASE = text_of(250)


@pytest.fixture
def project(db):
    return factories.project(paired=False, near_duplicate_percent=80)


@pytest.fixture
def manager(project):
    return factories.client(factories.member(project, "manager"))


def page(client, project, query=""):
    answer = client.get(reverse("quality_duplicates", args=[project.slug]) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def alike(project, number=3, state=State.TO_REVIEW):
    made = [factories.prompt(project, state, answer=changed(BASE, 1, n)) for n in range(number)]
    for n, prompt in enumerate(made):
        factories.gate_result(prompt.current_response, score=70 + n)
    deduplicate.bring_up_to_date(project)
    return made


def test_an_empty_project_says_what_the_page_is_for(project, manager):
    said = page(manager, project)
    assert "No two answers past SampleGate resemble each other so much." in said
    assert "No evaluation set is known here yet." in said


def test_a_project_that_looks_for_none_says_so(manager, project):
    type(project).objects.update(near_duplicate_percent=0)
    said = page(manager, project)
    assert "This project looks for none." in said
    assert "Look again" not in said


def test_clusters_with_their_members_and_places(project, manager):
    prompts = alike(project)
    said = page(manager, project)
    assert said.index(prompts[2].key[:10]) < said.index(prompts[0].key[:10])
    assert (said.count("held back</td>"), said.count("<strong>first</strong>")) == (2, 1)
    assert "2 prompts</a> to review are held back" in said
    assert "<svg" in said
    assert "3 texts" in said


def test_sources_have_a_list_of_their_own(project, manager):
    for n in range(2):
        factories.prompt(project, context=changed(BASE, 1, n))
    deduplicate.bring_up_to_date(project)
    assert "2 texts" in page(manager, project, "?kind=prompt")
    assert "2 texts" not in page(manager, project)


def test_many_clusters_come_in_pages(project, manager):
    for n in range(12):
        for k in range(2):
            factories.prompt(project, State.TO_REVIEW, answer=changed(text_of(250, n), 1, k))
    deduplicate.bring_up_to_date(project)
    assert "Page 1 of 2" in page(manager, project)
    assert "Page 2 of 2" in page(manager, project, "?kind=response&page=2")
    assert "Page 2 of 2" in page(manager, project, "?kind=nonsense&page=99&leaks=x")


def test_a_viewer_sees_and_changes_nothing(project):
    alike(project)
    said = page(factories.client(factories.member(project, "viewer")), project)
    assert "Look again" not in said
    assert 'type="file"' not in said


@pytest.mark.parametrize(
    ("query", "places"),
    [("?held_by_cluster=yes", {0, 1}), ("?leaks=yes", {1}), ("?held_by_cluster=yes&leaks=yes", {1})],
)
def test_the_prompt_list_finds_what_is_held_back_and_what_leaks(project, manager, query, places):
    prompts = alike(project)
    factories.overlap(prompts[1], prompts[1].current_response)
    said = manager.get(reverse("prompt_list", args=[project.slug]) + query).content.decode()
    assert {n for n, prompt in enumerate(prompts) if prompt.key[:8] in said} == places
    assert "Ask again" not in said


def test_a_look_is_a_run(project, manager, monkeypatch):
    monkeypatch.setattr("pipeline.views.quality_duplicates.why_not", lambda: "")
    started = []
    monkeypatch.setattr(jobs, "enqueue", started.append)
    monkeypatch.setattr(jobs, "queue_trouble", lambda: "")
    answer = manager.post(reverse("quality_duplicates_look", args=[project.slug]))
    run = Run.objects.get()
    assert answer.url == reverse("run_detail", args=[project.slug, run.pk])
    assert (run.stage, started) == ("deduplicate", [run])
    assert run.created_by


def test_without_a_worker_nothing_starts_and_the_page_says_why(project, manager, monkeypatch):
    monkeypatch.setattr("pipeline.views.quality_duplicates.why_not", lambda: "No worker is alive.")
    answer = manager.post(reverse("quality_duplicates_look", args=[project.slug]))
    assert answer.status_code == 409
    assert "No worker is alive." in answer.content.decode()
    assert not Run.objects.exists()


@pytest.fixture
def queue(monkeypatch):
    monkeypatch.setattr("pipeline.views.quality_duplicates.why_not", lambda: "")
    monkeypatch.setattr(jobs, "enqueue", lambda run: None)
    monkeypatch.setattr(jobs, "queue_trouble", lambda: "")


def upload(client, project, data, name="held.jsonl", **fields):
    posted = {"file": SimpleUploadedFile(name, data), "n": 13, "column": ""} | fields
    return client.post(reverse("quality_duplicates_hold", args=[project.slug]), posted)


def test_an_upload_is_held_against_the_project(project, manager, queue):
    (leaking, _) = (factories.prompt(project, answer=text_of(60, n)) for n in range(2))
    text = " ".join(text_of(60, 0).split()[10:40])
    answer = upload(manager, project, f'{{"question": "{text}"}}\n'.encode())
    run = Run.objects.get()
    assert answer.url == reverse("run_detail", args=[project.slug, run.pk])
    assert jobs.carry_out(run) == "ended"
    assert [prompt.pk for prompt in leaks.leaking(project.prompts.all())] == [leaking.pk]
    said = page(manager, project)
    assert "held.jsonl" in said
    assert " ".join(text.split()[:10]) in said
    assert "1 prompt</a> shares words" in said


@pytest.mark.parametrize(
    ("data", "fields", "status", "said"),
    [
        (b'{"a": "b"}\n', {"column": "question"}, 409, "There is no column &#x27;question&#x27;; found &#x27;a&#x27;."),
        (b"not json\n", {}, 409, "None of the first 1 lines is a JSON object"),
        (b'{"a": "b"}\n', {"n": 2}, 422, "greater than or equal to 5"),
        (b"", {}, 422, "empty"),
    ],
)
def test_a_file_that_is_none_is_refused_with_what_is_wrong(project, manager, queue, data, fields, status, said):
    answer = upload(manager, project, data, **fields)
    assert answer.status_code == status
    assert said in answer.content.decode()
    assert not EvaluationSet.objects.exists()


def test_a_file_that_says_it_is_too_large_is_not_read(project, manager, settings):
    settings.MAX_UPLOAD_BYTES = 10
    answer = manager.post(
        reverse("quality_duplicates_hold", args=[project.slug]), b"x", "multipart/form-data", CONTENT_LENGTH=str(10**8)
    )
    assert answer.status_code == 413
    assert "larger than" in answer.content.decode()


def test_a_set_is_forgotten_with_its_marks(project, manager):
    prompt = factories.prompt(project, answer=text_of(60))
    kept = leaks.keep(project, "held", [text_of(60)], 13)
    leaks.check(project)
    assert leaks.leaking(project.prompts.all()).get() == prompt
    answer = manager.post(reverse("quality_duplicates_forget", args=[project.slug, kept.pk]), follow=True)
    assert "held is forgotten" in answer.content.decode()
    assert not leaks.leaking(project.prompts.all()).exists()
    assert not leaks.path_of(kept).exists()
    assert Event.objects.get(kind="evaluation_set_forgotten").detail["name"] == "held"
