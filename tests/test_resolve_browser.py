"""The resolve page in a real browser: keys alone, two resolvers at once, no JavaScript, narrow and dark, remarks."""

import os
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from curation.models import Comment, Mention, Resolution, State
from curation.reviewing import Choice, submit
from tests import factories
from tests.services import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LIST = "/p/oxides/resolve/"
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
SERIOUS, MINOR_TOO = ("serious", "critical"), ("minor", "moderate", "serious", "critical")
OURS = ("resolve-list", "mentions", "resolve", "resolve-skipped", "talk")
PICTURES = os.environ.get("NEXA_TEST_LOOKS")  # a folder: what the pages look like, for whoever wants to see


@pytest.fixture
def project(transactional_db, settings):
    settings.REVIEW_UNDO_SECONDS = 30
    return factories.project(
        "Oxides", slug="oxides", paired=False, reviews_required=2, guidelines="Accept what *could be wrong*."
    )


@pytest.fixture
def people(project):
    made = {name: factories.member(project, "reviewer", name=name) for name in ("ada", "ben")}
    return made | {name: factories.member(project, "manager", name=name) for name in ("mia", "zoe")}


def disputed(project, people, number=1, **edits):
    """Prompts on which ada and ben disagree; `edits` are the texts that each of them would accept."""
    made = []
    for _ in range(number):
        prompt = factories.prompt(project, State.TO_REVIEW, document=factories.document(project))
        for name, action in (("ada", "accept"), ("ben", "accept" if "ben" in edits else "reject")):
            edit = prompt.current_response.text.replace("will decrease", edits[name]) if name in edits else None
            choice = Choice(prompt.current_response_id, action, edited_text=edit, comment=f"So says {name}.")
            submit(project, people[name], [choice], idempotency_key=f"{name}{prompt.pk}")
        made.append(prompt)
    return made


def shown(page):
    return int(page.locator("#resolve-form input[name=response]").get_attribute("value"))


def wait_for_another(page, before):
    page.locator(f"#resolve-form input[name=response][value='{before}']").wait_for(state="detached")


def picture(page, name):
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png")


def barriers(page, impacts):
    """What axe finds of these impacts, with where it is."""
    return [
        f"{page.url}: {each['id']} at {re.sub(chr(10), ' ', each['nodes'][0]['html'])[:120]}"
        for each in Axe().run(page).response["violations"]
        if each["impact"] in impacts
    ]


def test_disagreements_are_resolved_with_the_keyboard_alone(project, people, open_as):
    first, second, third = disputed(project, people, 3, ada="must fall")
    page = open_as(people["mia"], LIST)
    page.get_by_role("link", name="Begin with the first").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/resolve/*/")  # loaded, with what listens to keys
    assert shown(page) == first.current_response_id
    page.evaluate("window.samePage = true")

    page.keyboard.press("s")
    wait_for_another(page, first.current_response_id)
    assert shown(page) == second.current_response_id
    for key in ("a", "j"):
        page.keyboard.press(key)
    page.keyboard.press("Control+Enter")
    wait_for_another(page, second.current_response_id)
    assert shown(page) == third.current_response_id
    expect(page.locator("#resolve-item :focus")).to_have_count(1)

    page.keyboard.press("a")
    page.keyboard.press("e")
    page.keyboard.press("Control+End")
    page.keyboard.type(" More than agrsu?")
    page.keyboard.press("Control+Enter")
    wait_for_another(page, third.current_response_id)
    page.keyboard.press("u")
    page.get_by_text("Taken back").wait_for()
    assert shown(page) == third.current_response_id
    page.keyboard.press("r")
    page.keyboard.press("Control+Enter")
    wait_for_another(page, third.current_response_id)

    assert page.evaluate("window.samePage") is True
    assert shown(page) == first.current_response_id
    assert page.url.endswith(f"/resolve/{first.key}/")
    page.keyboard.press("g")
    page.keyboard.press("Control+Enter")
    page.get_by_text("No disagreement waits").wait_for()
    page.locator(".places a[aria-current] .count", has_text=re.compile("^$")).wait_for(state="attached")
    held = {row.response.prompt_id: row for row in Resolution.objects.filter(current=True)}
    assert {pk: row.action for pk, row in held.items()} == {
        first.pk: "regenerate",
        second.pk: "accept",
        third.pk: "reject",
    }
    assert "must fall" in held[second.pk].text
    assert Resolution.objects.get(current=False).text.endswith("More than agrsu?")


def test_letters_are_text_while_typing_and_escape_leaves(project, people, open_as):
    (prompt,) = disputed(project, people)
    page = open_as(people["mia"], f"/p/oxides/resolve/{prompt.key}/")
    page.get_by_placeholder("Why").fill("")
    page.keyboard.type("jargus?")
    page.keyboard.press("Escape")
    page.keyboard.press("r")

    assert page.locator("input[value=reject]").is_checked()
    assert page.get_by_placeholder("Why").input_value() == "jargus?"
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    assert not Resolution.objects.exists()


def test_two_resolvers_are_given_different_ones(project, people, open_as):
    first, second = disputed(project, people, 2)
    mia, zoe = (open_as(people[name], "/p/oxides/resolve/next/") for name in ("mia", "zoe"))

    assert [shown(page) for page in (mia, zoe)] == [first.current_response_id, second.current_response_id]
    listed = zoe.context.new_page()
    listed.goto(LIST)
    listed.get_by_text("mia has it open").wait_for()
    for page, key in ((mia, "a"), (zoe, "r")):
        page.keyboard.press(key)
        page.keyboard.press("Control+Enter")
        page.get_by_role("heading", name="Resolve", exact=True).wait_for()
    assert sorted(Resolution.objects.values_list("decided_by__username", "action")) == [
        ("mia", "accept"),
        ("zoe", "reject"),
    ]


def test_a_page_that_is_left_lets_go(project, people, open_as):
    (prompt,) = disputed(project, people)
    page = open_as(people["mia"], f"/p/oxides/resolve/{prompt.key}/")
    assert prompt.claims.get().until > timezone.now()
    page.get_by_role("link", name="History").click()
    wait_until(lambda: prompt.claims.get().until <= timezone.now(), "it is let go")
    zoe = open_as(people["zoe"], "/p/oxides/resolve/next/")
    assert shown(zoe) == prompt.current_response_id


def test_who_comes_second_keeps_what_was_typed(project, people, open_as):
    (prompt,) = disputed(project, people)
    mia, zoe = (open_as(people[name], f"/p/oxides/resolve/{prompt.key}/") for name in ("mia", "zoe"))
    zoe.get_by_text("mia has it open too").wait_for()
    zoe.keyboard.press("a")
    zoe.keyboard.press("e")
    zoe.keyboard.press("Control+A")
    zoe.keyboard.type("Of Zoe.")
    mia.keyboard.press("a")
    mia.get_by_placeholder("Why").fill("The source says so.")
    mia.keyboard.press("Control+Enter")
    mia.get_by_text("No disagreement waits").wait_for()
    zoe.keyboard.press("Control+Enter")
    zoe.get_by_text("mia decided accept meanwhile: “The source says so.”").wait_for()
    picture(zoe, "resolve-conflict")

    assert zoe.get_by_label("My own text", exact=True).last.input_value() == "Of Zoe."
    assert zoe.get_by_role("button", name="Decide").is_disabled()
    assert barriers(zoe, MINOR_TOO) == []
    assert Resolution.objects.get().decided_by == people["mia"]


def test_without_javascript_all_of_it(project, people, open_as):
    first, second = disputed(project, people, 2)
    page = open_as(people["mia"], LIST, java_script_enabled=False)
    page.get_by_role("link", name="Begin with the first").click()
    page.get_by_role("link", name="Skip", exact=True).click()
    assert shown(page) == second.current_response_id
    page.get_by_text("Edit: my own text").click()
    page.get_by_role("radio", name="My own text").check()
    page.get_by_label("My own text", exact=True).last.fill("Of Mia.")
    page.get_by_role("radio", name="Accept").check()
    page.get_by_role("button", name="Decide").click()
    assert shown(page) == first.current_response_id
    assert Resolution.objects.get().text == "Of Mia."
    page.get_by_role("button", name="Take back").click()
    assert shown(page) == second.current_response_id
    page.get_by_text("Remarks", exact=False).first.click()
    with page.context.expect_page() as opened:
        page.get_by_label("Remark", exact=True).fill("@ada why?")
        page.get_by_role("button", name="Say it").click()
    opened.value.get_by_text("@ada").first.wait_for()
    assert Mention.objects.get().user == people["ada"]
    assert shown(page) == second.current_response_id


LOOKS = {
    "wide-light": {"viewport": WIDE, "color_scheme": "light"},
    "wide-dark": {"viewport": WIDE, "color_scheme": "dark"},
    "narrow-light": {"viewport": NARROW, "color_scheme": "light"},
    "narrow-dark": {"viewport": NARROW, "color_scheme": "dark"},
}


@pytest.mark.parametrize("look", LOOKS)
def test_pages_are_fit_to_be_read(project, people, open_as, look):
    (prompt,) = disputed(project, people, ada="must fall", ben="may well decrease")
    skipped = factories.prompt(project, State.TO_REVIEW)
    skipped.go(State.TO_RESOLVE, "skipped_by_all")
    factories.filter_result(prompt.current_response, failed=["ban_citations"])
    factories.judge_score(prompt.current_response, "reasoning", 74)
    factories.comment(prompt, people["ada"], "@mia the 30 mV is not in the source, see https://example.org/a",
                      mentions=[people["mia"]])  # fmt: skip
    factories.comment(prompt, people["ben"], "I read it as a prediction.\n\nNothing is wrong with that.")
    factories.flag(prompt, people["ben"], "The passage seems to be cut off after the second sentence.")
    waiting = factories.prompt(project, State.TO_REVIEW, document=factories.document(project))
    factories.comment(waiting, people["ben"], "I would reject it.")
    page, wrong = open_as(people["mia"], LIST, **LOOKS[look]), []
    for name, path in {
        "resolve-list": LIST,
        "mentions": "/mentions/",
        "resolve": f"/p/oxides/resolve/{prompt.key}/",
        "resolve-skipped": f"/p/oxides/resolve/{skipped.key}/",
        "talk": f"/p/oxides/prompts/{waiting.key}/talk/",
        "prompt": f"/p/oxides/prompts/{prompt.key}/",
        "review": f"/p/oxides/review/{waiting.key}/",
    }.items():
        page.goto(path)
        wrong += barriers(page, MINOR_TOO if name in OURS else SERIOUS)
        picture(page, f"{name}-{look}")
        if name in ("resolve", "review"):
            page.locator("[data-talk-menu] > summary").click()
            page.locator("#talk").wait_for()
            picture(page, f"{name}-remarks-{look}")
            wrong += barriers(page, MINOR_TOO if name in OURS else SERIOUS)
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wrong.append(f"{name}: wider than the window")
    assert wrong == []


def test_a_remark_is_written_with_a_name_and_sent_with_keys(project, people, open_as):
    prompt = factories.prompt(project, State.TO_REVIEW)
    page = open_as(people["ada"], "/p/oxides/review/")
    page.get_by_text("Remarks").first.click()
    box = page.get_by_label("Remark", exact=True)
    box.focus()
    page.keyboard.type("Is this new, @m")
    expect(page.get_by_role("option", name="mia")).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.type("?")
    assert box.input_value() == "Is this new, @mia ?"
    page.keyboard.press("Control+Enter")
    page.locator(".talk-remark", has_text="Is this new").wait_for()

    assert Comment.objects.get().prompt == prompt
    assert Mention.objects.get().user == people["mia"]
    assert box.input_value() == ""
    expect(page.locator("#review-form")).to_be_visible()  # it was the remark that was sent
    expect(page.locator("#talk-count")).to_have_text("1")

    mia = open_as(people["mia"], "/p/oxides/")
    mia.get_by_role("link", name="Mentions: 1").click()
    mia.get_by_role("link", name="Hypothesis").click()
    expect(mia.locator(".talk-remark:target")).to_have_count(1)
    mia.goto("/p/oxides/")
    expect(mia.get_by_role("link", name="Mentions: 1")).to_have_count(0)


def test_a_remark_that_names_me_is_seen_when_its_menu_is_opened(project, people, open_as):
    prompt = factories.prompt(project, State.TO_REVIEW)
    factories.comment(prompt, people["ben"], "@ada, new?", mentions=[people["ada"]])
    page = open_as(people["ada"], "/p/oxides/review/")
    assert Mention.objects.get().seen_at is None
    with page.expect_response("**/mentions/seen/") as seen:
        page.get_by_text("Remarks").first.click()
    expect(page.get_by_text("@ada", exact=True)).to_be_visible()

    assert seen.value.status == 204
    assert Mention.objects.get().seen_at


def test_what_is_typed_in_a_remark_survives_a_reload(project, people, open_as):
    factories.prompt(project, State.TO_REVIEW)
    page = open_as(people["ada"], "/p/oxides/review/")
    page.get_by_text("Remarks").first.click()
    page.get_by_label("Remark", exact=True).fill("Half a thought")
    page.reload()
    page.get_by_text("Remarks").first.click()
    assert page.get_by_label("Remark", exact=True).input_value() == "Half a thought"
