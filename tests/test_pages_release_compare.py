"""Two releases on a page: counts by domain and reason, rows with what changed, and what a draft or old one says."""

import io
import re
import zipfile

import pytest

from curation.models import Prompt, Release, Resolution
from tests import factories
from tests.pages import text
from tests.running import run

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(db):
    return factories.project("Films", paired=False, split_seed="a seed")


@pytest.fixture
def two(project):
    """Two built releases: one row came, one went, one was edited, one stayed."""
    stays, edited, goes = (factories.accepted(project, domain=name) for name in ("optics", "optics", "biology"))
    run(project, "package")
    Resolution.objects.filter(response__prompt=edited).update(text="A better hypothesis.", edited=True)
    Prompt.objects.filter(pk=goes.pk).update(state="rejected")
    factories.accepted(project, domain="optics", answer="If it is new, then it is added.")
    run(project, "package")
    return stays, edited, goes


@pytest.fixture
def page(people, project):
    """A function: the text of the comparison as a viewer reads it."""
    return lambda query="": text(people["viewer"].get(f"/p/{project.slug}/releases/compare/{query}"))


def test_with_fewer_than_two_there_is_nothing_to_compare(page, project):
    assert "Two published releases can be compared" in page()
    run(project, "package")
    assert "Two published releases can be compared" in page()


@pytest.mark.parametrize("number", [0, 1])
def test_a_release_that_there_is_not_is_named_where_there_are_too_few_to_compare(people, project, number):
    for version in range(1, number + 1):
        factories.release(project, version=version)
    refused = people["viewer"].get(f"/p/{project.slug}/releases/compare/?a=7&b=9")
    assert refused.status_code == 422
    assert "From: Select a valid choice" in text(refused)
    assert "To: Select a valid choice" in text(refused)
    assert "Two published releases can be compared" in text(refused)


def test_the_two_newest_are_compared_unless_others_are_named(page, two):
    said = page()
    assert "From v1 (1.0.0) to v2 (1.1.0)" in said
    assert "+ 1 added , − 1 removed , ≠ 1 changed , 1 the same." in said
    assert "optics 1 0 1 biology 0 1 0" in said
    assert "answered since 1 0 0" in said
    assert "now: rejected 0 1 0" in said
    assert "Both were made by the same recipe." in said
    assert "From v2 (1.1.0) to v1 (1.0.0)" in page("?a=2&b=1")


def test_rows_show_their_texts_and_what_changed_in_them(people, project, page, two):
    shown = people["viewer"].get(f"/p/{project.slug}/releases/compare/?kind=changed").content.decode()
    assert "<ins>A better hypothesis.</ins>" in shown
    assert two[1].key in shown
    assert "If it is new, then it is added." in page("?kind=added")
    assert "1 of 3 rows that differ" in page("?a=1&b=2&domain=biology")
    assert "No row differs in this way." in page("?a=1&b=2&reason=withdrawn")


def test_a_withdrawn_row_is_counted_and_not_shown(project, page, two):
    goes = two[2]
    Prompt.objects.filter(pk=goes.pk).update(withdrawal=factories.withdrawal(project))
    said = page("?kind=removed")
    assert "withdrawn 0 1 0" in said
    assert "It was withdrawn; its text is not shown here." in said
    assert goes.current_response.text not in said


@pytest.mark.parametrize("kind", ["changed", "added"])
def test_a_row_that_was_withdrawn_later_is_shown_of_neither_release(project, page, two, kind):
    row = two[1] if kind == "changed" else project.prompts.order_by("pk").last()
    before = page(f"?kind={kind}")
    texts = ("A better hypothesis.", row.current_response.text) if kind == "changed" else (row.current_response.text,)
    assert texts[0] in before
    Prompt.objects.filter(pk=row.pk).update(withdrawal=factories.withdrawal(project))
    said = page(f"?kind={kind}")
    assert "1 of 3 rows that differ" in said
    assert "It was withdrawn; its text is not shown here." in said
    assert not any(words in said for words in texts)


def test_files_of_a_release_with_withdrawn_rows_are_linked_for_managers_alone(people, project, two):
    release = Release.objects.get(version=1)
    factories.withdrawal(project).tombstones.create(release=release, row_id=release.rows.first().row_id)
    address = f"/p/{project.slug}/releases/1/"
    for role, linked in (("viewer", False), ("manager", True)):
        page = people[role].get(address)
        assert "were withdrawn" in text(page) or "was withdrawn" in text(page)
        assert (f"{address}all.zip" in page.content.decode()) is linked
    assert people["viewer"].get(f"{address}all.zip").status_code == 403
    assert people["manager"].get(f"{address}all.zip").status_code == 302  # to the notice


def test_files_that_are_gone_leave_the_counts(page, project, two):
    for release in Release.objects.all():
        (release.directory / "data").rename(release.directory / "elsewhere")
    assert "1 added , − 1 removed" in page()
    assert "The files that held its text are no longer there." in page()


@pytest.mark.parametrize("query", ["?a=1&b=9", "?a=x&b=2", "?a=&b=99"])
def test_a_release_that_there_is_not_is_refused_at_its_field(people, project, two, query):
    refused = people["viewer"].get(f"/p/{project.slug}/releases/compare/{query}")
    assert refused.status_code == 422
    assert "Select a valid choice" in text(refused)


def test_a_release_without_rows_in_the_record_says_so(page, two):
    Release.objects.get(version=1).rows.all().delete()
    assert "Which rows v1 (1.0.0) holds is known by its files alone" in page("?a=1&b=2")


def test_the_detail_page_proves_and_counts(people, project, two):
    said = text(people["viewer"].get(f"/p/{project.slug}/releases/2/"))
    assert "No document is in two splits : read back from the files" in said
    assert "Is every domain in every split?" in said
    assert "How long are the rows?" in said
    assert "datasets.load_dataset read" in said
    assert "Compare with v1" in said
    assert "Chat messages" in said


def test_all_files_come_as_one_archive(people, project, two):
    release = Release.objects.get(version=2)
    answer = people["viewer"].get(f"/p/{project.slug}/releases/2/all.zip")
    assert answer["Content-Disposition"] == f'attachment; filename="{project.slug}-v2.zip"'
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {f"{project.slug}-v2/{entry['path']}" for entry in release.files}
        for entry in release.files:
            name = f"{project.slug}-v2/{entry['path']}"
            assert archive.read(name) == (release.directory / entry["path"]).read_bytes()


def test_an_archive_that_would_lack_a_file_is_refused(people, project, two):
    (Release.objects.get(version=2).directory / "README.md").unlink()
    assert people["viewer"].get(f"/p/{project.slug}/releases/2/all.zip").status_code == 404


def test_a_draft_names_its_problems_and_gives_its_files_to_managers(people, project, two):
    Release.objects.filter(version=2).update(state="draft", problems=["data/train.parquet: an empty text, row 1."])
    address = f"/p/{project.slug}/releases/2/"
    said = text(people["viewer"].get(address))
    assert "A draft: 1 check failed" in said
    assert "an empty text, row 1." in said
    for role, status in (("viewer", 404), ("reviewer", 404), ("manager", 200)):
        for path in ("all.zip", "files/README.md", "left-out/"):
            assert people[role].get(address + path).status_code == status, (role, path)


def test_what_was_left_out_is_listed_with_why(people, project):
    for _ in range(3):
        factories.accepted(project, domain="optics")
    run(project, "package", recipe={"cap_per_domain": 1})
    address = f"/p/{project.slug}/releases/1/left-out/"
    said = text(people["viewer"].get(address))
    assert said.count("over their domain&#x27;s cap optics") == 0
    assert "2 over their domain&#x27;s cap" in said
    assert len(re.findall(r"over their domain&#x27;s cap hypothesis optics", said)) == 2
    assert "Nothing was left out for this." in text(people["viewer"].get(f"{address}?why=leaks"))


def test_a_release_in_spite_of_its_audit_says_so(people, project, two):
    audit = factories.audit(project, state="overridden", override_reason="Only the layout is wrong.", size=0)
    Release.objects.filter(version=2).update(audit=audit)
    said = text(people["viewer"].get(f"/p/{project.slug}/releases/2/"))
    assert f"Released in spite of audit {audit.pk} : Only the layout is wrong." in said
