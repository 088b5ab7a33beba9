"""The pages of a teacher in a real browser: the test without leaving the page, the folds, what was typed."""

import pytest
from playwright.sync_api import expect

from curation.models import Teacher
from tests import factories, teacher_replies
from tests.looks import LOOKS, faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LEARNED = {"at": "2026-01-02", "part": "seed", "from": "Unsupported: 'seed'" * 9, "changed": {"omit": ["seed"]}}


@pytest.fixture
def teacher(teacher_server, valkey):
    profile = {"omit": ["seed"], "learned": [LEARNED]}
    return factories.teacher("Local " + "x" * 60, base_url=teacher_server.url, profile=profile)


@pytest.fixture(params=LOOKS)
def page(request, chromium, live_server, transactional_db):
    context = chromium.new_context(base_url=live_server.url, **LOOKS[request.param])
    session = factories.client(factories.user(superuser=True)).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    yield context.new_page()
    context.close()


def test_the_test_shows_what_came_back_in_its_place(page, teacher, teacher_server):
    page.goto(f"/teachers/{teacher.pk}/")
    page.get_by_role("button", name="Test it").click()
    page.get_by_text("✓ It answers").wait_for()
    assert faults(page, "a good answer") == []
    teacher_server.script(teacher_replies.failing(404, "No model " + "y" * 300, code="model_not_found"))
    page.get_by_role("button", name="Test it").click()
    page.get_by_text("No answer: unknown model").wait_for()
    assert page.get_by_text("✓ It answers").count() == 0
    assert faults(page, "an error") == []
    assert page.url.endswith(f"/teachers/{teacher.pk}/")


def test_the_button_waits_while_it_asks(page, teacher, teacher_server):
    teacher_server.hold()
    page.goto(f"/teachers/{teacher.pk}/")
    page.get_by_role("button", name="Test it").click()
    page.get_by_text("Asking…").wait_for()
    assert page.get_by_role("button", name="Test it").is_disabled()
    teacher_server.let_go()
    page.get_by_text("✓ It answers").wait_for()
    assert page.get_by_text("Asking…").is_hidden()
    assert page.get_by_role("button", name="Test it").is_enabled()


def test_the_fold_opens_for_its_error_and_all_that_was_typed_stays(page, teacher):
    page.goto(f"/teachers/{teacher.pk}/edit/")
    fold = page.locator("details.fold")
    assert fold.get_attribute("open") is None
    fold.locator("summary").click()
    page.get_by_label("Fitting of answer schemas").fill("{no json")
    page.get_by_label("Largest token limit").fill("4096")
    page.get_by_label("Model", exact=True).fill("typed")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Not saved").wait_for()
    assert page.get_by_label("Fitting of answer schemas").input_value() == "{no json"
    assert page.get_by_label("Largest token limit").is_visible()
    assert page.get_by_label("Model", exact=True).input_value() == "typed"
    assert faults(page, "a refused form") == []
    page.get_by_label("Fitting of answer schemas").fill("")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("is saved").wait_for()
    saved = Teacher.objects.get()
    assert (saved.model, saved.profile) == ("typed", {"omit": ["seed"], "learned": [LEARNED], "most_tokens": 4096})
    page.get_by_role("button", name="Forget seed").click()
    page.get_by_text("Forgotten: seed").wait_for()
    assert Teacher.objects.get().profile == {"most_tokens": 4096}


def test_a_form_that_came_back_begins_at_its_first_mistake_and_marks_it(page):
    page.goto("/teachers/new/")
    page.fill("[name=name]", "Films")
    page.fill("[name=base_url]", "127.0.0.1:8000/v1")
    page.fill("[name=model]", "any")
    page.get_by_role("button", name="Save").click()
    wrong = page.locator("[name=base_url]")
    expect(wrong).to_be_focused()
    bad = page.evaluate("getComputedStyle(document.querySelector('.errorlist')).color")
    expect(wrong).to_have_css("border-top-color", bad)
    expect(page.locator("[name=model]")).to_have_value("any")
