"""The gate page in a real browser: a slider moved by keyboard, numbers that follow, and a new version."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import expect

from curation.models import Ruleset
from tests import factories, judged

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def project(transactional_db):
    judges = {f"judge_{name}": factories.teacher(f"Judge {name}") for name in ("factuality", "reasoning")}
    project = factories.project("Films", managers=[factories.user("mia")], **judges)
    judged.many(project, 150, decided=0.6, domains=["chemistry", "biology"])
    factories.ruleset(project, "gate", {"judge_f_threshold": 70, "judge_r_threshold": 70})
    return project


@pytest.fixture
def open_page(chromium, live_server, project):
    """A function that opens an address of the project as its manager; contexts are closed with the test."""
    contexts = []

    def open_page(name, **options):
        look = {"viewport": {"width": 1440, "height": 900}} | options
        context = chromium.new_context(base_url=live_server.url, **look)
        contexts.append(context)
        manager = project.memberships.get(role="manager").user
        session = factories.client(manager).cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        page.goto(reverse(name, args=[project.slug]))
        return page

    yield open_page
    for context in contexts:
        context.close()


def test_arrows_move_a_limit_and_applying_makes_a_version(open_page, project):
    page = open_page("quality_gate")
    slider = page.get_by_role("slider", name="Factuality: refuse below")
    refused = page.get_by_role("row", name="Judged so far").get_by_role("cell").nth(1)
    before = int(refused.inner_text())
    expect(page.get_by_role("button", name="Apply as a new version")).to_have_count(0)
    slider.focus()
    for _ in range(15):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_role("spinbutton", name="Refuse below").first).to_have_value("85")
    expect(page.locator("#gate-trial")).to_contain_text("factuality, refuse below: 70 → 85")
    assert int(refused.inner_text()) > before
    expect(slider).to_be_focused()
    expect(page.locator("#gate-plots")).to_contain_text("refuse below 85")
    assert "judge_f_threshold=85" in page.url
    assert Ruleset.objects.filter(kind="gate").count() == 1

    page.get_by_role("button", name="Apply as a new version").click()
    expect(page.get_by_text("Version 2 is in force.", exact=False).first).to_be_visible()
    project.refresh_from_db()
    assert project.gate_ruleset.body["judge_f_threshold"] == 85
    assert project.gate_ruleset.body["judge_r_threshold"] == 70


def test_without_javascript_the_form_tries_and_applies(open_page, project):
    page = open_page("quality_gate", java_script_enabled=False)
    page.get_by_label("Refuse below").first.fill("88")
    page.get_by_role("button", name="Try").click()
    expect(page.locator("#gate-trial")).to_contain_text("factuality, refuse below: 70 → 88")
    assert "csrf" not in page.url
    assert Ruleset.objects.filter(kind="gate").count() == 1
    page.get_by_role("button", name="Apply as a new version").click()
    project.refresh_from_db()
    assert project.gate_ruleset.body["judge_f_threshold"] == 88


@pytest.mark.parametrize(
    "look",
    [
        {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
        {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
    ],
    ids=["wide and light", "narrow and dark"],
)
def test_both_pages_are_fit_to_be_read(open_page, project, look):
    for name, query in (("quality_gate", "?judge_f_threshold=85"), ("quality_judges", "")):
        page = open_page(name, **look)
        wrong = []
        page.on("console", lambda said, wrong=wrong: wrong.append(said.text))
        page.on("pageerror", lambda error, wrong=wrong: wrong.append(str(error)))
        page.goto(reverse(name, args=[project.slug]) + query)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0
        found = Axe().run(page).response["violations"]
        assert [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found] == []
        assert wrong == []
