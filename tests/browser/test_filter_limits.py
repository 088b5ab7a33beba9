"""A manager moves a limit by keyboard, sees what would flip, applies it, and finds the new version in force."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from curation.models import FilterResult, Ruleset
from pipeline import filters
from tests import factories
from tests.looks import LOOKS, faults
from tests.test_trying import measure, only, recorded

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def project(valkey):
    project = factories.project("Films", managers=[factories.user("mia")], viewers=[factories.user("vic")])
    for number in range(20):
        answer = "Measure the plate. " * (5 + number % 5) + str(number)  # 96 to 173 characters
        factories.prompt(project, "to_review", answer=answer)
    measure(project, recorded(project, only(min_char_length=120, ban_citations=True)))
    return project


@pytest.fixture
def open_page(chromium, live_server, project):
    """A function that opens the filter page as a member; contexts are closed with the test."""
    contexts = []

    def open_page(name="mia", query="", **options):
        context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}} | options)
        contexts.append(context)
        page = context.new_page()
        page.goto(live_server.url)
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(factories.PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="projects")).to_be_visible()
        page.goto(live_server.url + reverse("quality_filters", args=[project.slug]) + query)
        return page

    yield open_page
    for context in contexts:
        context.close()


def test_a_limit_is_moved_tried_and_applied_by_keyboard(open_page, project):
    page = open_page()
    trial = page.locator("#filters-trial")
    expect(trial).to_contain_text("Nothing is changed")
    page.locator("#rule-min_char_length > summary").focus()
    page.keyboard.press("Enter")
    plots = page.locator("#plots-min_char_length")
    expect(plots.get_by_text("limit 120")).to_be_visible()
    slider = page.get_by_label("Shortest answer, in characters, hypothesis")
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(page.locator('[id="f-min_char_length.hypothesis"]')).to_have_value("125")
    expect(trial).to_contain_text("No answer would flip")
    expect(plots.get_by_text("limit 125")).to_be_visible()
    expect(slider).to_be_focused()
    for _ in range(15):
        page.keyboard.press("ArrowRight")
    expect(trial).to_contain_text("4 answers would flip")
    expect(trial).to_contain_text("4 would fail")
    expect(page).to_have_url(re.compile(r"\?min_char_length\.hypothesis=140$"))
    assert (Ruleset.objects.count(), FilterResult.objects.count()) == (1, 20)
    page.reload()
    expect(trial).to_contain_text("4 answers would flip")
    page.locator("#apply-rules").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing has moved yet")).to_be_visible()
    assert Ruleset.objects.get(version=2).body["task_types"]["hypothesis"] == {"min_char_length": 140}
    page.get_by_role("link", name="See the quote and start the run").first.click()
    expect(page.locator("#stage_filter")).to_be_checked()


def test_a_switch_and_a_typed_number_are_tried_as_they_change_and_a_wrong_one_is_refused(open_page, project):
    page = open_page("vic")
    trial = page.locator("#filters-trial")
    page.locator("#rule-min_char_length > summary").click()
    field = page.locator('[id="f-min_char_length.hypothesis"]')
    field.fill("no number")
    expect(trial).to_contain_text("'no number' is wrong")
    field.fill("97")
    expect(trial).to_contain_text("6 answers would flip")
    expect(page.get_by_label("Shortest answer, in characters, hypothesis")).to_have_value("97")
    page.locator("#rule-ban_citations > summary").click()
    page.locator('[id="f-ban_citations.hypothesis"]').uncheck()
    expect(trial).to_contain_text("No citations")
    expect(trial.get_by_role("button")).to_have_count(0)


def test_without_javascript_a_button_tries_and_the_address_can_be_sent(open_page, project):
    page = open_page(java_script_enabled=False)
    page.locator("#rule-min_char_length > summary").click()
    page.locator('[id="f-min_char_length.hypothesis"]').fill("140")
    page.get_by_role("button", name="Try", exact=True).first.click()
    expect(page.locator("#filters-trial")).to_contain_text("4 answers would flip")
    assert page.url.partition("?")[2] == "min_char_length.hypothesis=140#filters-trial"
    page.get_by_role("link", name="What was measured, as a histogram").first.click()
    page.get_by_role("button", name="Apply as a new version").click()
    expect(page.get_by_text("Version 2 is in force").first).to_be_visible()


@pytest.mark.parametrize("look", LOOKS)
def test_filters_and_flips_are_fit_to_be_read_with_everything_open(open_page, project, look):
    run = factories.run(project, "filter", "finished", counters={"would_flip": 1})
    decided = factories.accepted(project, answer="W" * 300)
    factories.filter_result(decided.current_response, failed=list(filters.RULES), run=run, flips=True)
    page = open_page(query="?min_char_length=x&min_char_length.hypothesis=140&rule=min_char_length", **LOOKS[look])
    page.evaluate("document.querySelectorAll('.filters-page details').forEach(each => { each.open = true; })")
    page.wait_for_load_state("networkidle")
    wrong = faults(page, "filters")
    for name, args in (("quality_filters_versions", []), ("run_flips", [run.pk]), ("run_detail", [run.pk])):
        page.goto(page.url.partition("/p/")[0] + reverse(name, args=[project.slug, *args]))
        wrong += faults(page, name)
    assert wrong == []
