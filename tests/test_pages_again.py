"""The page of asking again and parsing again: what it chooses, what it quotes, what it starts."""

import re

import pytest

from curation.models import Run, State
from pipeline import jobs
from tests import factories
from tests.pages import text

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def a_worker(valkey, monkeypatch):
    monkeypatch.setattr(jobs, "workers_alive", lambda: 1)
    monkeypatch.setattr(jobs, "enqueue", lambda run: None)


@pytest.fixture
def project(teacher_server):
    teacher = factories.teacher(
        base_url=teacher_server.url, input_price="1", output_price="2", parameters={"max_tokens": 500}
    )
    made = factories.project(teacher=teacher)
    for _ in range(3):
        factories.prompt(made)
    jobs.carry_out(jobs.prepare(made, "collect", {}))
    return made


@pytest.fixture
def manager(project):
    return factories.client(factories.member(project, "manager"))


@pytest.fixture
def address(project):
    return f"/p/{project.slug}/runs/again/"


def test_nothing_changed_is_said_and_cannot_be_started(manager, address, a_worker):
    page = manager.get(address)
    assert "3 prompts are chosen: 0 would be asked again." in text(page)
    assert re.search(r"<button[^>]*csrfmiddlewaretoken[^>]*disabled", page.content.decode())
    refused = manager.post(address, {"mode": "online"})
    assert (refused.status_code, Run.objects.count()) == (409, 1)
    assert "Nothing would be asked" in text(refused)


def test_a_changed_system_prompt_is_quoted_with_its_price_and_started(manager, project, address, a_worker):
    factories.template(project, "system_toolproto", "Another system prompt.")
    said = text(manager.get(address, {"state": "to_filter", "mode": "online"}))
    assert "3 prompts are chosen: 3 would be asked again." in said
    assert "Price, USD" in said
    started = manager.post(address, {"state": "to_filter", "mode": "online", "limit": "2", "cap_usd": "1"})
    run = Run.objects.latest("pk")
    assert started.headers["Location"] == f"/p/{project.slug}/runs/{run.pk}/"
    assert run.parameters == {"again": {"state": ["to_filter"]}, "limit": 2, "cap_usd": "1"}
    jobs.carry_out(run)
    run.refresh_from_db()
    assert (run.state, run.total, run.done) == ("finished", 2, 2)


def test_fresh_asks_what_has_not_changed(manager, address, a_worker):
    assert "3 would be asked again" in text(manager.get(address, {"fresh": "on", "mode": "online"}))


def test_the_filters_of_the_prompt_list_lead_here(manager, project, address):
    prompt = project.prompts.first()
    factories.filter_result(prompt.current_response, failed=["ban_citations"])
    listed = manager.get(f"/p/{project.slug}/prompts/?state=to_filter&failed=ban_citations").content.decode()
    query = re.search(r'runs/again/\?([^"]*)"', listed)[1].replace("&amp;", "&")
    assert "1 prompt is chosen" in text(manager.get(f"{address}?{query}"))
    assert "runs/again/" not in manager.get(f"/p/{project.slug}/prompts/?q=snow").content.decode()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"key": "abc"}, "at least its first 8"),
        ({"state": "judged"}, "judged"),
        ({"limit": "0"}, "greater than or equal to 1"),
    ],
)
def test_a_wrong_choice_gets_no_quote(manager, address, said, words, a_worker):
    page = manager.get(address, said)
    assert words in text(page)
    assert "There is a quote once the fields are right." in text(page)
    assert manager.post(address, said).status_code == 409


def test_parsing_again_is_started_from_here(manager, project, address, a_worker):
    assert "All 3 were read by these versions" in text(manager.get(address))
    project.prompts.first().responses.update(renderer=0)
    assert "1 of 3 were read by older versions" in text(manager.get(address))
    started = manager.post(address.replace("again", "reparse"))
    run = Run.objects.latest("pk")
    assert run.stage == Run.Stage.REPARSE
    assert started.headers["Location"].endswith(f"/runs/{run.pk}/")
    jobs.carry_out(run)
    run.refresh_from_db()
    assert run.counters == {"unchanged": 1}
    said = manager.post(address.replace("again", "reparse"), follow=True)
    assert "Nothing to parse again" in text(said)
    manager.post(address.replace("again", "reparse"), {"all": "on"})
    assert Run.objects.latest("pk").parameters == {"all": True}


def test_without_a_worker_nothing_starts(manager, project, address):
    factories.template(project, "system_toolproto", "Another system prompt.")
    assert manager.post(address, {"mode": "online"}).status_code == 409
    assert "python manage.py serve" in text(manager.post(address.replace("again", "reparse"), follow=True))
    assert Run.objects.count() == 1
    assert set(project.prompts.values_list("state", flat=True)) == {State.TO_FILTER}


def test_reviewers_do_not_start_it(project, address):
    reviewer = factories.client(factories.member(project, "reviewer"))
    assert reviewer.get(address).status_code == 403
    assert "runs/again" not in reviewer.get(f"/p/{project.slug}/prompts/").content.decode()
