"""Reviewing, resolving and auditing on a telephone: the next text begins at its top, what is wrong comes into sight."""

import pytest

from curation.models import State
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TELEPHONE = {"width": 390, "height": 844}
LONG = "\n".join(f"{step}. Anneal the film at {400 + step} K for an hour, and weigh it again." for step in range(1, 60))
IN_SIGHT = """(what) => {
  const at = document.querySelector(what).getBoundingClientRect();
  return at.top >= 0 && at.bottom <= innerHeight - 60;  // above the bar with the buttons
}"""


@pytest.fixture
def project(transactional_db, settings):
    settings.REVIEW_UNDO_SECONDS = 30
    return factories.project(slug="films", reviews_required=1)


@pytest.fixture
def ada(project):
    return factories.member(project, "reviewer", name="ada", can_resolve=True)


def to_the_end(page):
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    assert page.evaluate("scrollY") > 400


def next_one_at_its_top(page, before):
    page.wait_for_function("before => document.querySelector('h1').textContent !== before", arg=before)
    page.wait_for_function(IN_SIGHT, arg="h1")


def test_the_next_prompt_begins_at_its_top(project, ada, open_as):
    for domain in ("chemistry", "physics", "biology"):
        factories.prompt(project, State.TO_REVIEW, answer=LONG, domain=domain)
    page = open_as(ada, f"/p/{project.slug}/review/", viewport=TELEPHONE)
    for _ in range(2):
        before = page.locator("h1").text_content()
        to_the_end(page)
        page.get_by_label("Accept").check()
        page.get_by_role("button", name="Submit").click()
        next_one_at_its_top(page, before)
    before = page.locator("h1").text_content()
    page.get_by_role("button", name="Take back").click()
    next_one_at_its_top(page, before)


def test_what_is_missing_comes_into_sight(project, ada, open_as):
    factories.pair(project, State.TO_REVIEW)
    project.paired = True
    project.save()
    project.prompts.first().responses.update(text=LONG)
    project.prompts.last().responses.update(text=LONG)
    page = open_as(ada, f"/p/{project.slug}/review/", viewport=TELEPHONE)
    to_the_end(page)
    page.get_by_role("button", name="Submit").click()
    page.locator(".rv-error").first.wait_for()
    page.wait_for_function(IN_SIGHT, arg=".rv-error")


def test_the_next_disagreement_begins_at_its_top(project, ada, open_as):
    for domain in ("chemistry", "physics"):
        prompt = factories.prompt(project, State.TO_RESOLVE, answer=LONG, domain=domain)
        for name, action in (("ben", "accept"), ("cleo", "reject")):
            factories.annotation(prompt.current_response, factories.user(f"{name}-{domain}"), action)
    page = open_as(ada, f"/p/{project.slug}/resolve/next/", viewport=TELEPHONE)
    before = page.locator("h1").text_content()
    to_the_end(page)
    page.get_by_label("Reject").check()
    page.get_by_placeholder("Why").fill("It cannot be tested.")
    page.get_by_role("button", name="Decide").click()
    next_one_at_its_top(page, before)
