"""Import: upload a file, say which column is what, start the run."""

import gzip
import re
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from curation.models import Prompt, Run
from pipeline import jobs
from tests import factories

pytestmark = pytest.mark.django_db
CSV = "abstract,doi,year\n" + "\n".join(f"Film {n} was annealed at {n} K for an hour.,10.1/{n},2020" for n in range(9))


@pytest.fixture
def manager(people):
    return people["manager"]


def upload(client, project, content=CSV, name="abstracts.csv"):
    file = SimpleUploadedFile(name, content if isinstance(content, bytes) else content.encode())
    return client.post(f"/p/{project.slug}/import/", {"file": file})


def stored(project):
    folder = project.data_dir / "uploads"
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.exists() else []


def test_an_upload_lands_below_the_project_and_shows_its_first_rows(manager, project):
    response = upload(manager, project)
    assert re.fullmatch(rf"/p/{project.slug}/import/[0-9a-f]{{16}}/", response.url)
    (path,) = stored(project)
    assert path.name == "abstracts.csv"
    assert path.is_relative_to(project.data_dir)
    page = manager.get(response.url).content.decode()
    assert "Film 4 was annealed" in page
    assert "Film 5 was annealed" not in page
    assert re.search(r'<select name="text"[^>]*>.*?<option value="abstract" selected>', page, re.S)
    assert re.search(r'<select name="locator"[^>]*>.*?<option value="doi" selected>', page, re.S)


def test_the_import_starts_as_a_run_with_the_chosen_columns(manager, project, a_worker):
    address = upload(manager, project).url
    chosen = {"text": "abstract", "locator": "doi", "task_types": "hypothesis", "limit": "5"}
    response = manager.post(address, chosen)
    run = Run.objects.get()
    assert response.url == f"/p/{project.slug}/runs/{run.pk}/"
    assert run.stage == "import"
    assert run.parameters["mapping"]["text"] == "abstract"
    assert run.parameters["mapping"]["domain"] == ""
    assert run.parameters["task_types"] == ["hypothesis"]
    jobs.carry_out(run)
    run.refresh_from_db()
    assert (run.state, run.counters["imported"]) == ("finished", 5)
    assert set(Prompt.objects.values_list("project", "task_type")) == {(project.pk, "hypothesis")}
    page = manager.get(response.url).content.decode()
    assert "Imported" in page
    assert "Unchanged" in page


def test_a_choice_is_previewed_without_importing(manager, project, a_worker):
    address = upload(manager, project).url
    page = manager.get(address, {"prompt": "year", "task_types": "hypothesis, methodology"}).content.decode()
    assert "Prompts need a task type" in page
    assert not Run.objects.exists()


def test_a_wrong_choice_is_refused_with_what_is_right_and_kept(manager, project, a_worker):
    address = upload(manager, project).url
    response = manager.post(address, {"prompt": "year", "task_types": "hypothesis, methodology", "limit": "7"})
    assert response.status_code == 422
    page = response.content.decode()
    assert "Prompts need a task type" in page
    assert 'value="7"' in page
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("broken.parquet", b"PAR1 this is none", "arquet"),
        ("cut.csv.gz", gzip.compress(CSV.encode(), mtime=0)[:-20], "gz"),
        ("latin.csv", "abstract\nd\xe9j\xe0 vu".encode("latin-1"), "UTF-8"),
        ("nothing.csv", "year,doi\n2020,x", "No column with a prompt or a text"),
        ("strange.xlsx", b"PK\x03\x04", "xlsx"),
    ],
)
def test_a_bad_file_says_what_is_wrong_and_starts_nothing(manager, project, a_worker, name, content, said):
    address = upload(manager, project, content, name).url
    assert said in manager.get(address).content.decode()
    assert manager.post(address, {"task_types": "hypothesis"}).status_code == 422
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../../etc/cron.d/evil.csv", "evil.csv"),
        ("..\\..\\evil.csv", "evil.csv"),
        (".htaccess.csv", "htaccess.csv"),
        ("a b;c&d.csv", "a_bcd.csv"),
        ("x" * 200 + ".csv.gz", "x" * 93 + ".csv.gz"),
    ],
)
def test_a_file_name_leads_nowhere(manager, project, name, kept):
    upload(manager, project, name=name)
    (path,) = stored(project)
    assert path.name == kept


@pytest.mark.parametrize("data", [{}, {"file": SimpleUploadedFile("empty.csv", b"")}])
def test_nothing_to_upload_is_said_at_the_field(manager, project, data):
    response = manager.post(f"/p/{project.slug}/import/", data)
    assert response.status_code == 422
    assert "errorlist" in response.content.decode()
    assert stored(project) == []


def test_a_file_over_the_limit_is_refused_before_it_is_read(manager, project, settings):
    settings.MAX_UPLOAD_BYTES = 1000
    response = manager.generic(
        "POST", f"/p/{project.slug}/import/", b"x" * (2 * 1024 * 1024), content_type="multipart/form-data; boundary=b"
    )
    assert response.status_code == 413
    assert "larger than 1000" in response.content.decode()
    assert upload(manager, project, "x" * 2000).status_code == 422
    assert stored(project) == []


def test_an_upload_needs_the_form_s_token(project):
    ada = factories.member(project, "manager")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    assert upload(strict, project).status_code == 403
    assert stored(project) == []


@pytest.mark.parametrize("name", ["0" * 16, "..", "run-1-rejects.jsonl", "0123456789abcdeF"])
def test_an_upload_that_is_not_there_is_not_found(manager, project, name):
    assert manager.get(f"/p/{project.slug}/import/{name}/").status_code == 404


def test_an_upload_of_a_foreign_project_is_not_found(manager, project):
    foreign = factories.project()
    theirs = Path(foreign.data_dir) / "uploads" / ("a" * 16)
    theirs.mkdir(parents=True)
    (theirs / "secret.csv").write_text(CSV)
    assert manager.get(f"/p/{project.slug}/import/{'a' * 16}/").status_code == 404


def test_a_file_that_cannot_be_read_leads_to_another_one(manager, project):
    page = manager.get(upload(manager, project, b"PK\x03\x04", "notes.docx").url).content.decode()
    assert "The name&#x27;s ending tells no known format" in page
    assert "Start the import" not in page
    assert f'href="/p/{project.slug}/import/">Another file' in page
