"""Fix once in a real browser: from the edit to the last answer without a mouse, without a script, narrow and dark."""

import pytest

from curation.models import Annotation, Change
from tests import factories
from tests.looks import LOOKS, faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
REVIEW = "/p/oxides/review/"
PHRASE = "As is well known in the literature, "
TEXT = PHRASE + "iron lowers the overpotential of cobalt oxide by {} mV when the film is dense."


@pytest.fixture
def project(transactional_db, settings):
    settings.REVIEW_UNDO_SECONDS = 30
    project = factories.project(slug="oxides", paired=False, reviews_required=1)
    for number in range(1, 5):
        document = factories.document(project, title="W" * 90, text="A long source. " * 60 + f"Passage {number}.")
        factories.prompt(project, "to_review", document=document, answer=TEXT.format(number * 10))
    return project


def edit(project, person):
    """A decision that takes the phrase out of the first answer."""
    first = project.prompts.order_by("pk").first()
    first.go("accepted", "resolved")
    text = first.current_response.text.removeprefix(PHRASE).capitalize()
    return factories.annotation(first.current_response, person, edited_text=text)


def decided():
    rows = Annotation.objects.filter(current=True).order_by("pk")
    return [row.edited_text.split()[0] if row.edited_text else row.action for row in rows]


def test_from_the_edit_to_the_last_answer_with_the_keyboard_alone(project, ada, open_as):
    page = open_as(ada, REVIEW)
    page.keyboard.press("e")
    page.keyboard.press("Control+Home")
    for _ in range(len(PHRASE)):
        page.keyboard.press("Delete")
    page.keyboard.press("Delete")
    page.keyboard.type("I")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    page.keyboard.press("Control+Enter")
    page.get_by_text("Your edit fits 3 more").wait_for()
    page.keyboard.press("f")

    page.locator("[data-fix]:focus").wait_for()
    assert page.locator("[data-fix]").count() == 3
    page.keyboard.press("y")
    page.locator("[data-fix-done]").first.wait_for()
    page.locator("[data-fix]:focus").wait_for()
    assert decided() == ["Iron", "Iron"]
    page.keyboard.press("n")
    page.locator("[data-fix-done]").nth(1).wait_for()
    page.locator("[data-fix]:focus").wait_for()
    page.keyboard.press("e")
    page.keyboard.press("Control+End")
    page.keyboard.type(" yn")
    page.keyboard.press("Control+Enter")
    page.locator("#fix-empty:focus").wait_for()
    assert decided() == ["Iron", "Iron", "Iron"]
    assert Annotation.objects.order_by("pk").last().edited_text.endswith("dense. yn")
    assert Annotation.objects.order_by("pk").last().seconds >= 1

    assert "2 taken, 1 left" in page.locator("#fix-done").inner_text()
    assert page.locator("[data-fix-done]").first.inner_text().startswith("Hypothesis")
    page.locator("#fix-take-back").focus()
    page.keyboard.press("Enter")
    page.get_by_text("2 decisions were taken back").wait_for()
    assert decided() == ["Iron"]
    page.keyboard.press("q")
    page.wait_for_url("**/review/")


def test_an_edit_that_fits_nowhere_else_offers_nothing(project, ada, open_as):
    page = open_as(ada, REVIEW)
    page.keyboard.press("e")
    page.keyboard.press("Control+End")
    page.keyboard.type(" End.")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    page.keyboard.press("Control+Enter")
    page.locator("[id^=fix-offer]").wait_for(state="attached")
    assert page.locator("[data-slot=fix]").count() == 0
    page.keyboard.press("f")
    assert page.url.endswith("/review/")


def test_everything_works_without_a_script(project, ada, open_as):
    row = edit(project, ada)
    page = open_as(ada, f"/p/oxides/review/fix/{row.pk}/", java_script_enabled=False)
    assert page.locator("[data-fix]").count() == 3
    page.locator("[data-fix-take]").first.click()
    assert page.locator("[data-fix]").count() == 2
    page.locator("[data-fix-leave]").first.click()
    assert page.locator("[data-fix]").count() == 1
    assert "1 taken, 1 left" in page.locator("#fix-done").inner_text()
    page.locator("#fix-take-back").click()
    assert "1 decision was taken back" in page.locator("main").inner_text()
    assert Change.objects.get().undone_at


def test_what_somebody_else_holds_now_is_said_and_the_text_kept(project, ada, open_as):
    ben = factories.member(project, "reviewer", name="ben")
    row = edit(project, ada)
    page = open_as(ada, f"/p/oxides/review/fix/{row.pk}/")
    open_as(ben, REVIEW)  # takes the next one in the queue
    page.keyboard.press("e")
    page.keyboard.press("Control+End")
    page.keyboard.type(" Mine.")
    page.keyboard.press("Control+Enter")
    refused = page.locator("[data-fix-done].refused")
    refused.get_by_text("ben has it in hand now").wait_for()
    refused.get_by_text("Your text").click()
    assert "Mine." in refused.inner_text()
    page.locator("[data-fix]").first.wait_for()


@pytest.mark.parametrize("look", LOOKS)
def test_the_page_is_fit_to_be_read(project, ada, open_as, look):
    row = edit(project, ada)
    page = open_as(ada, f"/p/oxides/review/fix/{row.pk}/", **LOOKS[look])
    assert faults(page, "fix") == []
    page.get_by_text("Your edit").first.click()
    page.get_by_text("Source").first.click()
    page.get_by_text("Change it further").first.click()
    assert faults(page, "fix, all open") == []
    page.locator("[data-fix-take]").first.click()
    page.locator("[data-fix-done]").wait_for()
    assert faults(page, "fix, one taken") == []
