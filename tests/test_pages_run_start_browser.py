"""The quote beside the form, in a real browser: it keeps up with every change, and works without JavaScript."""

from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from curation.models import Run
from pipeline import jobs
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def project(valkey, monkeypatch):
    monkeypatch.setattr(jobs, "workers_alive", lambda: 1)
    teacher = factories.teacher(
        "Stand-in",
        parameters={"max_tokens": 500},
        input_price=Decimal("0.15"),
        output_price=Decimal("0.6"),
        prices_of=date(2026, 11, 2),
    )
    project = factories.project("Films", managers=[factories.user("mia")], teacher=teacher)
    for _ in range(12):
        factories.prompt(project)
    return project


@pytest.fixture
def open_page(chromium, live_server, project):
    """A function that opens the page as its manager; contexts are closed with the test."""
    contexts = []

    def open_page(**options):
        context = chromium.new_context(viewport={"width": 1440, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.goto(live_server.url)
        page.get_by_label("Username").fill("mia")
        page.get_by_label("Password").fill(factories.PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="projects")).to_be_visible()
        page.goto(live_server.url + reverse("run_start", args=[project.slug]))
        return page

    yield open_page
    for context in contexts:
        context.close()


def test_the_quote_keeps_up_with_changes_that_follow_each_other_at_once(open_page, project):
    page = open_page()
    quote = page.locator("#run-quote")
    expect(quote).to_contain_text("12 of 12")
    page.locator("#stage_collect").check()
    page.get_by_label("Prompts").fill("9")
    page.get_by_label("Cap in USD").fill("0.001")
    expect(quote).to_contain_text("9 of 12")
    expect(quote).to_contain_text("of 9 prompts are done; the others keep waiting")
    expect(page.get_by_label("Cap in USD")).to_be_focused()
    page.locator("#stage_filter").check()
    expect(quote).to_contain_text("No prompt waits for this")
    expect(page.get_by_label("Cap in USD")).to_be_hidden()


def test_without_javascript_the_same_form_quotes_and_starts(open_page, project):
    page = open_page(java_script_enabled=False)
    page.locator("#stage_collect").check()
    page.get_by_label("Cap in USD").fill("0.000001")
    page.get_by_label("Cap in USD").press("Enter")
    expect(page.locator("#run-quote")).to_contain_text("is less than one call may cost")
    assert "csrf" not in page.url
    page.get_by_label("Cap in USD").fill("0.5")
    page.get_by_role("button", name="Show the quote").click()
    expect(page.locator("#stage_collect")).to_be_checked()
    assert not Run.objects.exists()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("heading", name="Collect run")).to_be_visible()
    assert Run.objects.get().cap_usd == Decimal("0.5")
