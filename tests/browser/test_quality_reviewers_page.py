"""The pages on the quality of reviewing in a real browser: full of numbers, wide and narrow, light and dark."""

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from tests import factories
from tests.looks import LOOKS, faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def manager(transactional_db):
    return factories.user("mina-the-manager")


@pytest.fixture
def project(manager):
    """Forty answers that three people decided, apart on some; gold and repeated items among them."""
    project = factories.project("Oxides", managers=[manager], gold_percent=5, too_fast_seconds=5)
    chance = random.Random(5)
    people = [factories.member(project, "reviewer", name=name) for name in ("ada", "bob", "a-reviewer-of-a-long-name")]
    for number in range(40):
        task_type = "methodology" if number % 3 else "hypothesis"
        response = factories.prompt(project, "to_resolve", task_type=task_type).current_response
        for place, person in enumerate(people):
            action = "accept" if chance.random() < 0.7 else "reject"
            at = timezone.now() - timedelta(days=chance.randrange(20))
            said = {"seconds": chance.randrange(1, 90 if place else 9), "reasons": ["too_vague"] * (action == "reject")}
            factories.annotation(response, person, action, created_at=at, **said)
    for number in range(22):
        prompt = factories.prompt(project, "accepted")
        factories.gold(prompt.current_response, created_by=manager, note="The figure was made up.")
        factories.annotation(prompt.current_response, people[0], "reject" if number % 4 else "accept", purpose="gold")
    return project


@pytest.mark.parametrize("look", LOOKS)
def test_the_pages_are_fit_to_be_read(chromium, live_server, project, manager, look):
    context = chromium.new_context(base_url=live_server.url, **LOOKS[look])
    session = factories.client(manager).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page, wrong = context.new_page(), []
    page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)
    prompt = project.prompts.filter(state="accepted").first()
    for place in ("quality/reviewers/", "quality/gold/", f"prompts/{prompt.key}/"):
        page.goto(f"/p/{project.slug}/{place}")
        wrong += faults(page, place)
    page.goto(f"/p/{project.slug}/quality/reviewers/")
    assert page.locator("svg.plot").count() == 2
    assert page.get_by_text("timed decisions took less than 5 s").count() == 1
    context.close()
    assert wrong == []


def test_gold_is_marked_and_taken_out_without_javascript_and_without_a_mouse(chromium, live_server, project, manager):
    context = chromium.new_context(base_url=live_server.url, java_script_enabled=False)
    session = factories.client(manager).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page = context.new_page()
    prompt = project.prompts.filter(state="to_resolve").first()
    page.goto(f"/p/{project.slug}/prompts/{prompt.key}/")
    page.locator("#gold > summary").focus()
    page.keyboard.press("Enter")
    page.locator("#gold-action").select_option("reject")
    page.locator("#gold-note").fill("It is not falsifiable.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("It is mixed in once its prompt is accepted or rejected.").first.wait_for()
    page.goto(f"/p/{project.slug}/quality/gold/")
    row = page.locator("tr", has_text=prompt.key[:8])
    assert "no: once its prompt is accepted or rejected" in row.inner_text()
    row.get_by_role("button", name="Take out").press("Enter")
    assert "no: taken out" in page.locator("tr", has_text=prompt.key[:8]).inner_text()
    context.close()
