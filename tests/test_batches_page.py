"""The batches of a run on its page, in words."""

import pytest

from curation.models import Batch
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return factories.project()


@pytest.fixture
def run(project):
    return factories.run(project, state="running", parameters={"mode": "batch"})


@pytest.fixture
def page(project, run):
    """A function that gives the text of the run's page as a viewer sees it."""
    browser = factories.client(factories.member(project, "viewer"))

    def text():
        got = browser.get(f"/p/{project.slug}/runs/{run.pk}/")
        assert got.status_code == 200
        return " ".join(got.content.decode().split())

    return text


def batch(run, **fields):
    return Batch.objects.create(project=run.project, run=run, teacher=factories.some_teacher(), **fields)


def test_a_run_without_batches_says_nothing_of_them(page):
    assert "run-batches" not in page()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"state": "prepared"}, "Kept here, on its way to the endpoint"),
        ({"state": "uploaded"}, "Uploaded, on its way to being handed over"),
        ({"state": "submitted", "remote_state": "in_progress"}, "At the endpoint: in progress"),
        ({"state": "collected", "remote_state": "expired"}, "Answers stored; it ended as expired"),
        ({"state": "collected"}, "Taken back before it was sent"),
        ({"state": "failed", "remote_state": "failed", "error": "It says no."}, "Failed; it ended as failed"),
        ({"state": "failed", "error": "It says no."}, "Failed before it was sent"),
    ],
)
def test_each_batch_tells_where_it_is(run, page, fields, words):
    made = batch(run, requests=1200, remote_counts={"completed": 1000, "failed": 2}, remote_id="batch_abc", **fields)
    text = page()
    assert words in text
    assert str(made.key)[:8] in text
    assert "batch_abc" in text
    assert "1,002 of 1,200, 2 failed" in text
    assert fields.get("error", "") in text


def test_what_an_endpoint_says_is_text_and_never_markup(run, page):
    batch(run, state="failed", error="<script>alert(1)</script>", remote_id="<b>x</b>")
    assert "<script>alert" not in page()
    assert "<b>x" not in page()
