"""Releases: what would be in, what is in, and the files."""

import hashlib

import pytest

from curation.models import Release, Run
from pipeline import jobs
from tests import factories
from tests.pages import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def published(project):
    """A release with two files on the disk."""
    release = factories.release(project, counts={"rows": 2, "splits": {"train": 2}, "groups": 1})
    files = []
    for path, content in (("data/train.parquet", b"parquet"), ("manifest.json", b"{}")):
        file = release.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        files.append({"path": path, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), "rows": 2})
    (release.directory / "notes.txt").write_text("not a file of the release")
    Release.objects.filter(pk=release.pk).update(files=files)
    release.refresh_from_db()
    return release


def test_an_empty_list_says_what_a_release_is(people, project):
    factories.accepted(project)
    page = text(people["manager"].get(f"/p/{project.slug}/releases/"))
    assert "A release is a dataset of accepted answers" in page
    assert "1 answer is accepted" in page


def test_what_would_be_in_is_said_before(people, project, a_worker):
    factories.accepted(project)
    pair = factories.pair(project, "accepted", methodology_state="to_review")
    page = text(people["manager"].get(f"/p/{project.slug}/releases/new/"))
    assert "1 row : 1 train" in page or "1 row : 1 test" in page or "1 row : 1 validation" in page
    assert "1 accepted, whose other half of the pair is not" in page
    assert pair.hypothesis.state == "accepted"


def test_what_stayed_out_is_told(people, project, published):
    counts = published.counts | {"over_cap": 3, "leaks": 1}
    Release.objects.filter(pk=published.pk).update(counts=counts)
    page = text(people["viewer"].get(f"/p/{project.slug}/releases/1/"))
    assert "Left out 1 sharing words with an evaluation set, 3 over their domain" in page


def test_a_format_that_no_row_fits_is_told(people, project, published):
    counts = published.counts | {"formats": {"messages": {"train": 2}}}
    Release.objects.filter(pk=published.pk).update(counts=counts, recipe={"formats": ["messages", "preference"]})
    page = text(people["viewer"].get(f"/p/{project.slug}/releases/1/"))
    assert "Format Train Chat messages 2 Preference pairs 0" in page


def test_a_release_is_built_by_a_run(people, project, a_worker):
    factories.accepted(project)
    response = people["manager"].post(f"/p/{project.slug}/releases/new/", {"include": "accepted"})
    run = Run.objects.get(stage="package")
    assert response.url == f"/p/{project.slug}/runs/{run.pk}/"
    jobs.carry_out(run)
    page = people["viewer"].get(f"/p/{project.slug}/releases/1/")
    assert "1 row from 1 document" in text(page)
    release = Release.objects.get()
    for entry in release.files:
        fetched = people["viewer"].get(f"/p/{project.slug}/releases/1/files/{entry['path']}")
        content = b"".join(fetched.streaming_content)
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
        assert entry["sha256"] in page.content.decode()
    assert "Release v1" in people["viewer"].get(response.url).content.decode()


def test_without_a_worker_nothing_is_built(people, project, valkey):
    factories.accepted(project)
    response = people["manager"].post(f"/p/{project.slug}/releases/new/", {"include": "accepted"})
    assert response.status_code == 409
    assert "No worker is alive" in response.content.decode()


def test_a_file_comes_as_a_download(people, project, published):
    response = people["viewer"].get(f"/p/{project.slug}/releases/1/files/data/train.parquet")
    assert b"".join(response.streaming_content) == b"parquet"
    assert response["Content-Disposition"] == f'attachment; filename="{project.slug}-v1-train.parquet"'


@pytest.mark.parametrize(
    "path",
    [
        *("notes.txt", "data", "data/../manifest.json", "../v1/manifest.json", "..%2F..%2Fsecret_key"),
        *("/etc/passwd", "data//train.parquet", "manifest.json/", "manifest.json%00.parquet"),
    ],
)
def test_no_other_name_reaches_the_disk(people, project, published, path):
    assert people["manager"].get(f"/p/{project.slug}/releases/1/files/{path}").status_code == 404


def test_a_name_in_the_record_cannot_lead_out_of_the_folder(people, project, published):
    (project.data_dir / "secret").write_text("secret")
    Release.objects.update(files=[{"path": "../../secret", "bytes": 6, "sha256": ""}])
    assert people["manager"].get(f"/p/{project.slug}/releases/1/files/../../secret").status_code == 404
    assert people["manager"].get(f"/p/{project.slug}/releases/1/files/..%2F..%2Fsecret").status_code == 404


def test_a_release_that_is_not_published_gives_no_files(people, project, published):
    Release.objects.update(state="building")
    assert people["manager"].get(f"/p/{project.slug}/releases/1/files/manifest.json").status_code == 404


def test_a_failed_release_says_why(people, project):
    factories.release(project, state="failed", error="Nothing is accepted yet.")
    assert "Nothing is accepted yet." in text(people["viewer"].get(f"/p/{project.slug}/releases/1/"))


def test_unreviewed_rows_are_named(people, project):
    factories.release(project, counts={"rows": 5, "unreviewed": 3, "groups": 5})
    assert "3 of its 5 rows are unreviewed" in text(people["viewer"].get(f"/p/{project.slug}/releases/1/"))
