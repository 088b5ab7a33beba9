"""Start, watch and cancel runs."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from curation.models import Run
from tests import factories
from tests.pages import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def address(project):
    return f"/p/{project.slug}/runs/"


def test_a_live_run_shows_how_far_it_is_and_asks_again(people, project, address):
    run = factories.run(
        project, state="running", total=200, done=50, cost="0.25", cost_unknown=2, counters={"answered": 50}
    )
    Run.objects.filter(pk=run.pk).update(started_at=timezone.now() - timedelta(seconds=100), last_error="HTTP 429")
    page = people["viewer"].get(f"{address}{run.pk}/progress/")
    said = text(page)
    assert "50 of 200 (25 %)" in said
    assert re.search(r"about 5 min \d+ s left", said)
    assert re.search(r"(30\.0|29\.\d) a minute", said)
    assert "USD 0.2500 spent and 2 calls" in said
    assert "HTTP 429" in said
    assert 'hx-trigger="every 2s"' in page.content.decode()
    assert "<html" not in page.content.decode()


@pytest.mark.parametrize("state", ["finished", "failed", "cancelled"])
def test_an_ended_run_stops_asking(people, project, address, state):
    run = factories.run(project, state="running", total=4, done=4)
    run.end(state, error="The key was refused." if state == "failed" else "")
    for url in (f"{address}{run.pk}/", f"{address}{run.pk}/progress/"):
        page = people["viewer"].get(url).content.decode()
        assert "hx-trigger" not in page
        assert "http-equiv" not in page
        assert ("The key was refused." in page) == (state == "failed")


def test_without_javascript_a_live_run_reloads_its_page(people, project, address):
    run = factories.run(project, state="running")
    assert '<noscript><meta http-equiv="refresh"' in people["viewer"].get(f"{address}{run.pk}/").content.decode()


def test_the_htmx_header_alone_switches_no_page(people, project, address):
    run = factories.run(project, state="running")
    for url in ("/", f"/p/{project.slug}/", f"/p/{project.slug}/prompts/", address, f"{address}{run.pk}/"):
        page = people["viewer"].get(url, headers={"hx-request": "true"}).content.decode()
        assert "<html" in page


def test_only_a_manager_cancels_and_what_waits_keeps_waiting(people, project, address):
    run = factories.run(project, state="queued")
    prompt = factories.prompt(project, run=run)
    assert "Cancel this run" not in people["reviewer"].get(f"{address}{run.pk}/").content.decode()
    assert "Cancel this run" in people["manager"].get(f"{address}{run.pk}/").content.decode()
    people["manager"].post(f"{address}{run.pk}/cancel/")
    run.refresh_from_db()
    prompt.refresh_from_db()
    assert run.state == "cancelled"
    assert (prompt.state, prompt.run) == ("to_collect", None)
    page = people["manager"].post(f"{address}{run.pk}/cancel/", follow=True)
    assert "had ended already" in text(page)


def test_a_stalled_run_says_what_to_do(people, project, address):
    run = factories.run(project, state="running")
    Run.objects.filter(pk=run.pk).update(seen_at=timezone.now() - timedelta(minutes=5))
    assert "No worker has given a sign of life" in text(people["viewer"].get(f"{address}{run.pk}/"))


def test_rejected_rows_of_an_import_can_be_fetched_by_managers(people, project, address):
    run = factories.run(project, "import", "finished")
    folder = project.data_dir / "uploads"
    folder.mkdir(parents=True)
    url = f"{address}{run.pk}/rejects/"
    assert people["manager"].get(url).status_code == 404
    (folder / f"run-{run.pk}-rejects.jsonl").write_text('{"line": 3}\n')
    assert "Rejected rows, with reasons" in people["manager"].get(f"{address}{run.pk}/").content.decode()
    response = people["manager"].get(url)
    assert b"".join(response.streaming_content) == b'{"line": 3}\n'
    assert "attachment" in response["Content-Disposition"]
    assert people["viewer"].get(url).status_code == 403


def test_the_run_page_shows_no_path_of_the_server(people, project, address):
    run = factories.run(
        project, "import", "finished", parameters={"path": "/srv/secret/uploads/a.csv", "file_name": "a.csv"}
    )
    page = people["manager"].get(f"{address}{run.pk}/").content.decode()
    assert "a.csv" in page
    assert "/srv/secret" not in page


def test_the_page_of_a_release_run_says_its_recipe_in_words(people, project, address):
    recipe = {"include": "accepted", "min_score": 80}
    run = factories.run(project, "package", "finished", parameters={"recipe": recipe})
    page = people["manager"].get(f"{address}{run.pk}/").content.decode()
    assert "recipe: accepted; score from 80" in page
    assert "include" not in page.split("<main")[1]
