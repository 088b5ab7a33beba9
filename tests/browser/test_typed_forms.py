"""Long forms ask before typed words are left behind; they do not nag where nothing would be lost."""

import re

import pytest

from tests import factories
from tests.looks import LOOKS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(chromium, live_server, project):
    """A page of a manager, and in `asked` the questions before leaving; each is answered by what `stays` holds."""
    root = factories.user("root", superuser=True)
    context = chromium.new_context(base_url=live_server.url, **LOOKS["wide and light"])
    session = factories.client(root).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page = context.new_page()
    page.asked, page.stays = [], False

    def answer(dialog):
        page.asked.append(dialog.type)
        dialog.dismiss() if page.stays else dialog.accept()

    page.on("dialog", answer)
    yield page
    context.close()


def test_leaving_typed_settings_asks_and_staying_keeps_them(page, project):
    page.goto(f"/p/{project.slug}/settings/")
    assert page.get_by_text("not saved yet").is_hidden()
    page.get_by_label("Guidelines").fill("Accept what can be proved wrong.")
    page.get_by_text("not saved yet").wait_for()
    page.stays = True
    page.get_by_role("link", name="Prompts", exact=True).click()
    assert page.asked == ["beforeunload"]
    assert page.get_by_label("Guidelines").input_value() == "Accept what can be proved wrong."
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved.").wait_for()
    assert page.asked == ["beforeunload"]
    project.refresh_from_db()
    assert project.guidelines == "Accept what can be proved wrong."
    page.get_by_role("link", name="Prompts", exact=True).click()
    page.wait_for_url(re.compile("/prompts/"))
    assert page.asked == ["beforeunload"]


def test_what_was_put_back_or_only_looked_at_is_left_without_a_question(page, project):
    page.goto(f"/p/{project.slug}/settings/")
    name = page.get_by_label("Name", exact=True)
    before = name.input_value()
    name.fill("Another")
    name.fill(before)
    page.get_by_label("Pairs").click()
    page.get_by_label("Pairs").click()
    assert page.get_by_text("not saved yet").is_hidden()
    page.get_by_role("link", name="Prompts", exact=True).click()
    page.wait_for_url(re.compile("/prompts/"))
    assert page.asked == []


def test_what_came_back_with_a_mistake_or_a_preview_is_still_unsaved(page, project):
    page.goto(f"/p/{project.slug}/settings/")
    page.get_by_label("Guidelines").fill("Accept *little*.")
    page.get_by_role("button", name="Preview the guidelines").click()
    page.get_by_text("Preview; not saved yet.").wait_for()
    assert page.asked == []
    page.get_by_role("link", name="Prompts", exact=True).click()
    page.wait_for_url(re.compile("/prompts/"))
    assert page.asked == ["beforeunload"]


def test_saving_one_form_of_a_page_asks_for_what_is_typed_in_the_other(page, project):
    page.goto(f"/p/{project.slug}/settings/")
    page.get_by_label("Guidelines").fill("Accept little.")
    page.stays = True
    page.get_by_role("button", name="Save the shares").click()
    assert page.asked == ["beforeunload"]
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved.").wait_for()
    page.get_by_role("button", name="Save the shares").click()
    page.get_by_text("The shares hold").wait_for()
    assert page.asked == ["beforeunload"]


FORMS = ("/projects/new/", "/teachers/new/", "templates/hypothesis/", "quality/rubrics/reasoning/", "releases/new/")
FORMS += ("settings/recipes/general/", "settings/recipes/reviewer/too_vague/")


@pytest.mark.parametrize("path", FORMS)
def test_every_long_form_asks(page, project, path):
    factories.accepted(project)
    page.goto(path if path.startswith("/") else f"/p/{project.slug}/{path}")
    page.goto("/")  # untouched: no question
    page.go_back()
    page.locator("form[data-typed]").wait_for()
    page.evaluate("document.querySelectorAll('form[data-typed] details').forEach((fold) => { fold.open = true; })")
    page.locator("form[data-typed]").locator("textarea, input[type=text]").first.fill("Typed, and not saved")
    page.goto("/")
    assert page.asked == ["beforeunload"]


def test_cancel_is_no_slip(page):
    page.goto("/teachers/new/")
    page.get_by_label("Name", exact=True).fill("A teacher")
    page.get_by_role("link", name="Cancel").click()
    page.wait_for_url(re.compile("/teachers/$"))
    assert page.asked == []
