"""The pages of bulk actions in a real browser: readable in every look, and from the list to the undo by keyboard."""

import pytest

from curation.models import Change
from pipeline import jobs
from tests import factories
from tests.looks import LOOKS, faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def workers(valkey, monkeypatch):
    """A queue, and somebody who would take its jobs."""
    monkeypatch.setattr(jobs, "workers_alive", lambda: 1)


@pytest.fixture
def project(transactional_db):
    project = factories.project(slug="oxides")
    for state in ("accepted", "accepted", "rejected", "to_review", "parked"):
        factories.prompt(project, state, answer="An answer.")
    return project


@pytest.fixture
def open_page(chromium, live_server, project):
    contexts, wrong = [], []
    manager = factories.member(project, "manager", name="m" * 40)

    def open_page(path, look="wide and light"):
        context = chromium.new_context(base_url=live_server.url, **LOOKS[look])
        contexts.append(context)
        session = factories.client(manager).cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def work(project):
    assert jobs.carry_out(project.runs.first()) == "ended"


def press(page, name):
    page.get_by_role("button", name=name).or_(page.get_by_role("link", name=name)).first.focus()
    page.keyboard.press("Enter")


@pytest.mark.parametrize("look", LOOKS)
def test_from_the_list_to_the_undo_by_keyboard(open_page, project, look):
    page, wrong = open_page("/p/oxides/prompts/", look), []
    page.locator("#bulk-action").select_option("reopen")
    press(page, "All prompts…")
    page.get_by_text("This touches 3").wait_for()
    wrong += faults(page, "preview")
    page.locator("#reason").fill("Again. " * 40)
    press(page, "Reopen")
    page.wait_for_url("**/runs/*/")
    work(project)
    page.reload()
    wrong += faults(page, "run")
    press(page, "What it changed")
    page.get_by_text("Take back all 3").wait_for()
    wrong += faults(page, "change")
    press(page, "Take back all 3")
    page.wait_for_url("**/runs/*/")
    project.prompts.in_state("to_review").order_by("pk").first().go("rejected", "resolved")
    work(project)
    change = Change.objects.get()
    page.goto(f"/p/oxides/changes/{change.pk}/?which=left")
    page.get_by_text("it is rejected now").wait_for()
    wrong += faults(page, "what was left")
    press(page, "All changes")
    page.get_by_role("link", name="Reopen").wait_for()
    wrong += faults(page, "changes")
    assert wrong == []


@pytest.mark.parametrize("look", LOOKS)
def test_every_preview_is_fit_to_be_read(open_page, project, look):
    factories.member(project, "reviewer", name="y" * 40)
    wrong = []
    for action in ("review", "assign", "pin", "unpin", "reject", "retry"):
        page = open_page("/p/oxides/prompts/", look)
        page.locator("#bulk-action").select_option(action)
        press(page, "All prompts…")
        page.locator("#change-preview").wait_for()
        wrong += faults(page, action)
        page.context.close()
    assert wrong == []


def test_the_empty_list_of_changes_is_fit_to_be_read(open_page, project):
    assert faults(open_page("/p/oxides/changes/"), "changes") == []
