"""The other answers on the review page in a real browser: keys, tabs, comparing, taking, claims; wide, narrow, dark."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from curation.models import Annotation, Draft, State
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
SOURCE = "Iron was added to the cobalt oxide films. The overpotential fell by 60 mV. " + "The weather was mild. " * 300
STEPS = "1. Add iron to six cobalt oxide films.\n2. Record how far the overpotential fell."
WETTER = "1. Wet the iron.\n2. Weigh the rust."


@pytest.fixture
def project(transactional_db, settings):
    settings.REVIEW_UNDO_SECONDS = 30
    return factories.project(slug="oxides", paired=True, reviews_required=1, guidelines="# Accept\n\nwhat is *true*.")


@pytest.fixture
def pair(project):
    """A pair of which both halves have two attempts, and whose method leans on the source."""
    both = factories.pair(project, State.TO_REVIEW, text=SOURCE)
    old = both.hypothesis.current_response
    new = factories.response(both.hypothesis, "If it is wet, then it rusts by 5 % more.")
    method = both.methodology.current_response
    method.text, method.hypothesis = WETTER, old
    method.save()
    quotes = ["Iron was added to the cobalt oxide films.", "The overpotential fell by 60 mV."]
    factories.response(both.methodology, STEPS, hypothesis=new, fields={"support": quotes})
    return both


def card(page, number=0):
    return page.locator(".rv-card").nth(number)


def edit_of(page, number=0):
    return card(page, number).locator("textarea[data-original]")


def tab(page, value, number=0):
    return card(page, number).locator(f"[data-tab='{value}']")


def seen(page, number=0):
    """The places of the answers that a card shows."""
    return [
        pane.get_attribute("data-pane") for pane in card(page, number).locator("[data-pane]").all() if pane.is_visible()
    ]


def serious(page):
    """Barriers that axe calls serious or critical, with where they are."""
    return [
        f"{each['id']} at {re.sub(chr(10), ' ', each['nodes'][0]['html'])[:160]}"
        for each in Axe().run(page).response["violations"]
        if each["impact"] in ("serious", "critical")
    ]


def test_j_and_k_walk_through_the_answers_and_nothing_else_happens(pair, ada, open_as):
    page = open_as(ada, "/p/oxides/review/")
    assert set(seen(page)) == {"0"}
    below = card(page, 1).bounding_box()
    page.keyboard.press("k")
    assert set(seen(page)) == {"1"}
    page.keyboard.press("k")  # there is no further one
    assert set(seen(page)) == {"1"}
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(card(page).locator("#compare-0 del").first).to_be_visible()
    assert card(page, 1).bounding_box() == below  # the other half stayed where it was
    page.keyboard.press("a")  # the letters still choose
    page.keyboard.press("j")
    expect(tab(page, "compare", 1)).to_be_checked()  # the method is at hand now
    page.keyboard.press("k")
    page.keyboard.press("k")
    expect(tab(page, "1", 1)).to_be_checked()
    expect(tab(page, "compare")).to_be_checked()
    page.wait_for_timeout(1500)
    assert not Annotation.objects.exists()
    assert Draft.objects.count() == 1  # of the letter alone


def test_taking_a_step_and_a_whole_text_and_submitting_them(pair, ada, open_as):
    page = open_as(ada, "/p/oxides/review/")
    tab(page, "1", 1).check(force=True)
    card(page, 1).get_by_role("button", name="Take step 2 into the edit").click()
    expect(edit_of(page, 1)).to_have_value(STEPS + "\n3. Weigh the rust.")
    expect(card(page, 1).get_by_role("button", name="Take step 2 into the edit")).to_be_focused()
    tab(page, "1").check(force=True)
    card(page).get_by_role("button", name="Use this text").click()
    first = pair.hypothesis.responses.get(attempt=1).text
    expect(edit_of(page)).to_have_value(first)
    page.keyboard.press("Control+Enter")  # with the focus on a button that has an address of its own
    page.get_by_text("Choose accept, regenerate or reject.").first.wait_for()
    expect(edit_of(page)).to_have_value(first)
    for number in (0, 1):
        card(page, number).get_by_label("Accept").check()
    page.keyboard.press("Control+Enter")
    page.get_by_text("Nothing for you right now").wait_for()
    assert {row.response.prompt_id: row.edited_text for row in Annotation.objects.all()} == {
        pair.hypothesis_id: first,
        pair.methodology_id: STEPS + "\n3. Weigh the rust.",
    }


def test_a_step_goes_below_the_line_of_the_cursor_and_can_be_undone(pair, ada, open_as):
    page = open_as(ada, "/p/oxides/review/")
    card(page, 1).locator("[data-slot='1-edit']").click()
    edit_of(page, 1).focus()
    page.keyboard.press("Control+Home")
    tab(page, "1", 1).check(force=True)
    card(page, 1).get_by_role("button", name="Take step 2 into the edit").click()
    first, second = STEPS.split("\n")
    expect(edit_of(page, 1)).to_have_value(f"{first}\n2. Weigh the rust.\n3{second[1:]}")
    edit_of(page, 1).focus()
    page.keyboard.press("Control+z")
    expect(edit_of(page, 1)).to_have_value(STEPS)


def test_a_method_that_answers_another_hypothesis_is_noted_while_choosing(pair, ada, open_as):
    page = open_as(ada, "/p/oxides/review/")
    note = page.get_by_text("This method was asked with another hypothesis than the one you have here")
    expect(note).to_be_hidden()
    tab(page, "1").check(force=True)
    card(page).get_by_role("button", name="Use this text").click()
    expect(note).to_be_visible()
    tab(page, "1", 1).check(force=True)
    card(page, 1).get_by_role("button", name="Use this text").click()  # that method was asked with that hypothesis
    expect(note).to_be_hidden()
    card(page).locator("[data-restore]").click()
    expect(note).to_be_visible()


def test_what_i_changed_is_shown_below_the_edit(pair, ada, open_as):
    page = open_as(ada, "/p/oxides/review/")
    page.keyboard.press("e")
    edit_of(page).fill("If it is dry, then it rusts by 5 % more.")
    card(page).get_by_role("button", name="What I changed").click()
    expect(page.locator("#changes-0 .reading del")).to_have_text("wet, ")
    expect(page.locator("#changes-0 .reading ins")).to_have_text("dry, ")
    expect(edit_of(page)).to_have_value("If it is dry, then it rusts by 5 % more.")
    assert page.evaluate("document.activeElement.dataset.slot") == "0-changes"  # a part was swapped: the focus stays


def test_a_claim_leads_to_its_sentence_and_back(pair, ada, open_as):
    page = open_as(ada, "/p/oxides/review/")
    page.locator(".rv-source > .rv-scroll").evaluate("scroll => { scroll.scrollTop = scroll.scrollHeight }")
    mark = page.locator("mark", has_text="The overpotential fell by 60 mV.")
    expect(mark).not_to_be_in_viewport()
    card(page, 1).locator(".rv-claim", has_text="Record how far").click()
    expect(mark).to_be_in_viewport()
    assert mark.evaluate("mark => getComputedStyle(mark).outlineStyle") == "solid"
    back = page.get_by_role("link", name="supports the methodology, back to it").nth(1)
    tab(page, "compare", 1).check(force=True)
    back.click()
    tab(page, "0", 1).check(force=True)
    back.click()
    expect(card(page, 1).locator(".rv-claim.rv-lit")).to_have_text("2. Record how far the overpotential fell.")


def test_enter_in_a_choice_sends_nothing(pair, ada, open_as):
    page = open_as(ada, "/p/oxides/review/")
    for number in (0, 1):
        card(page, number).get_by_label("Accept").check()
    page.keyboard.press("Enter")
    tab(page, "0").focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)
    assert page.url.endswith("/p/oxides/review/")
    assert not Annotation.objects.exists()


def test_other_answers_without_javascript(pair, ada, open_as):
    page = open_as(ada, "/p/oxides/review/", java_script_enabled=False)
    tab(page, "1", 1).check(force=True)
    assert set(seen(page, 1)) == {"1"}
    card(page, 1).get_by_role("button", name="Take step 2 into the edit").click()
    expect(edit_of(page, 1)).to_have_value(STEPS + "\n3. Weigh the rust.")
    tab(page, "1").check(force=True)
    card(page).get_by_role("button", name="Use this text").click()
    expect(edit_of(page)).to_have_value(pair.hypothesis.responses.get(attempt=1).text)
    expect(edit_of(page, 1)).to_have_value(STEPS + "\n3. Weigh the rust.")
    expect(page.get_by_text("This method was asked with another hypothesis")).to_be_visible()
    tab(page, "compare", 1).check(force=True)
    with page.context.expect_page() as opened:
        card(page, 1).get_by_role("button", name="Compare", exact=True).click()
    expect(opened.value.locator("ins").last).to_contain_text("Record how far")
    for number in (0, 1):
        card(page, number).get_by_label("Accept").check()
    page.get_by_role("button", name="Submit").click()
    page.get_by_text("Nothing for you right now").wait_for()
    assert Annotation.objects.filter(action="accept", edited_text__isnull=False).count() == 2


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_answer_is_fit_to_be_read(pair, ada, open_as, viewport, scheme):
    for number in range(3):
        factories.response(
            pair.methodology, f"{STEPS}\n3. Try {number}.", current=False, attempt=2, candidate=number + 1
        )
    page = open_as(ada, "/p/oxides/review/", viewport=viewport, color_scheme=scheme)
    found = []
    for value in ("1", "compare"):
        tab(page, value, 1).check(force=True)
        page.wait_for_load_state("networkidle")
        found += serious(page)
        assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    tab(page, "1", 1).check(force=True)
    card(page, 1).get_by_role("button", name="Use this text").click()
    found += serious(page)
    if viewport is WIDE:
        assert page.evaluate("document.documentElement.scrollHeight") == 900
        for number in (0, 1):
            for part in (".rv-tabs", ".rv-strip", ".rv-actions"):
                box = card(page, number).locator(part).bounding_box()
                assert box["y"] + box["height"] <= 900
    assert found == []


def test_the_comparison_has_a_page_that_is_fit_to_be_read(pair, ada, open_as):
    first, second = pair.methodology.responses.order_by("attempt")
    path = f"/p/oxides/review/compare/?before={first.pk}&after={second.pk}"
    page = open_as(ada, path, viewport=NARROW, color_scheme="dark")
    assert page.get_by_role("heading", name="From attempt 1 to attempt 2").is_visible()
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390
