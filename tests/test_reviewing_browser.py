"""The review page in a real browser: keys, drafts, Back, two people, no JavaScript, narrow and dark."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from curation.models import Annotation, Prompt, Resolution, ReviewClaim, State
from curation.views import review_page
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

REVIEW = "/p/oxides/review/"
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture
def project(transactional_db, settings):
    settings.REVIEW_UNDO_SECONDS = 30
    return factories.project(slug="oxides", paired=False, reviews_required=1, guidelines="# Accept\n\nwhat is *true*.")


def prompts(project, number):
    return [factories.prompt(project, State.TO_REVIEW) for _ in range(number)]


def shown(page):
    """The id of the response that the page asks about."""
    return int(page.locator("input[name=response]").first.get_attribute("value"))


def wait_for_another(page, before):
    page.locator(f"input[name=response][value='{before}']").wait_for(state="detached")


def decisions():
    return list(Annotation.objects.filter(current=True).order_by("pk").values_list("action", flat=True))


def test_five_prompts_with_the_keyboard_alone(project, ada, open_as):
    prompts(project, 6)
    page = open_as(ada, REVIEW)
    for number, key in enumerate("agrsag"):
        before = shown(page)
        page.keyboard.press(key)
        if key != "s":
            page.keyboard.press("Control+Enter")
        wait_for_another(page, before)
        if number == 2:  # the focus is in what came, not lost with what went
            page.locator("#review-item :focus").wait_for(state="attached")

    assert decisions() == ["accept", "regenerate", "reject", "accept", "regenerate"]
    page.locator(".places a[aria-current] .count", has_text=re.compile("^1$")).wait_for()


def test_a_submit_in_the_moment_of_a_swap_keeps_the_page_and_its_focus(project, ada, open_as):
    """What came is wired at once: else the browser sends the form by itself, and the page begins anew."""
    prompts(project, 3)
    page = open_as(ada, REVIEW)
    before = shown(page)
    page.evaluate(
        """() => {
            window.samePage = true;
            const watch = new MutationObserver(() => {
                watch.disconnect();
                document.querySelector("input[value=accept]").checked = true;
                document.getElementById("review-form").requestSubmit();
            });
            watch.observe(document.body, {childList: true, subtree: true});
        }"""
    )
    page.locator("[data-slot=skip]").click()
    wait_for_another(page, before)
    page.locator(".places a[aria-current] .count", has_text=re.compile("^2$")).wait_for()
    assert decisions() == ["accept"]
    assert page.evaluate("window.samePage") is True
    page.locator("#review-item :focus").wait_for(state="attached")


def test_letters_are_text_while_typing_and_escape_leaves(project, ada, open_as):
    (prompt,) = prompts(project, 1)
    page = open_as(ada, REVIEW)
    page.keyboard.press("e")
    page.keyboard.press("Control+End")
    page.keyboard.type(" arsgu?")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    page.keyboard.press("Control+Enter")
    page.get_by_text("Nothing for you right now").wait_for()

    row = Annotation.objects.get()
    assert (row.action, row.edited_text) == ("accept", prompt.current_response.text + " arsgu?")
    assert row.seconds >= 1


def test_the_last_decision_is_taken_back_with_one_key(project, ada, open_as):
    first, _ = prompts(project, 2)
    page = open_as(ada, REVIEW)
    page.keyboard.press("r")
    page.keyboard.press("Control+Enter")
    wait_for_another(page, first.current_response_id)
    page.keyboard.press("u")
    page.get_by_text("Taken back").wait_for()

    assert shown(page) == first.current_response_id
    assert page.locator("input[value=reject]").is_checked()
    assert decisions() == []


def test_a_draft_survives_a_reload_and_goes_with_the_submit(project, ada, open_as):
    first, _ = prompts(project, 2)
    page = open_as(ada, REVIEW)
    page.keyboard.press("g")
    page.get_by_label("Comment on the hypothesis").fill("Half a thought")
    page.locator("[data-reasons] summary").click()
    page.get_by_label("No control").check()
    page.reload()

    assert page.get_by_label("Comment on the hypothesis").input_value() == "Half a thought"
    assert page.locator("input[value=regenerate]").is_checked()
    page.keyboard.press("Control+Enter")
    wait_for_another(page, first.current_response_id)
    assert Annotation.objects.get().reasons == ["no_control"]
    assert page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('nexa-draft'))") == []


def test_a_double_click_sends_once(project, ada, open_as):
    prompts(project, 2)
    page = open_as(ada, REVIEW)
    page.keyboard.press("a")
    page.get_by_role("button", name="Submit").dblclick()
    page.get_by_text("Saved: accept").wait_for()

    assert decisions() == ["accept"]


def test_two_people_on_one_queue_and_a_stale_form(project, ada, open_as):
    first, second = prompts(project, 2)
    bob = factories.member(project, "reviewer", name="bob")
    one, other = open_as(ada, REVIEW), open_as(bob, REVIEW)
    assert (shown(one), shown(other)) == (first.current_response_id, second.current_response_id)

    one.keyboard.press("a")
    one.get_by_label("Comment on the hypothesis").fill("Typed with care")
    factories.response(first, "A newer answer.")
    one.keyboard.press("Control+Enter")
    one.get_by_text("This has changed since you opened it").wait_for()

    assert one.get_by_label("Comment").input_value() == "Typed with care"
    assert one.get_by_text("A newer answer.").is_visible()
    assert decisions() == []


def test_a_pair_takes_a_letter_for_each_half(project, ada, open_as):
    project.paired = True
    project.save()
    factories.pair(project, State.TO_REVIEW)
    page = open_as(ada, REVIEW)
    page.keyboard.press("a")
    page.keyboard.press("g")
    page.keyboard.press("Control+Enter")
    page.get_by_text("Nothing for you right now").wait_for()

    assert decisions() == ["accept", "regenerate"]


def test_letters_go_on_to_the_next_half_where_the_page_set_the_focus(project, ada, open_as):
    project.paired = True
    project.save()
    factories.pair(project, State.TO_REVIEW)
    page = open_as(ada, REVIEW)
    page.keyboard.press("Control+Enter")
    page.locator("input[value=accept]:focus").first.wait_for()
    page.keyboard.press("a")
    page.keyboard.press("a")
    page.keyboard.press("Control+Enter")
    page.get_by_text("Nothing for you right now").wait_for()

    assert decisions() == ["accept", "accept"]


def test_what_is_missing_is_said_and_focused(project, ada, open_as):
    prompts(project, 1)
    page = open_as(ada, REVIEW)
    page.keyboard.press("Control+Enter")
    page.get_by_text("Choose accept, regenerate or reject.").wait_for()

    page.locator("input[value=accept]:focus").wait_for()


def test_everything_works_without_javascript(project, ada, open_as):
    first, second, third = prompts(project, 3)
    page = open_as(ada, REVIEW, java_script_enabled=False)
    page.get_by_role("button", name="Skip").click()
    assert shown(page) == second.current_response_id
    page.locator(".rv-edit summary").click()
    page.get_by_label("Edited text of the hypothesis").fill("Edited by hand.")
    page.get_by_label("Accept").check()
    page.locator("[data-reasons] summary").click()
    page.get_by_label("Other").check()
    page.get_by_role("button", name="Submit").click()
    assert shown(page) == third.current_response_id
    row = Annotation.objects.get()
    assert (row.action, row.edited_text, row.reasons) == ("accept", "Edited by hand.", ["other"])

    page.go_back()
    page.get_by_role("button", name="Take back").click()
    assert shown(page) == second.current_response_id
    assert decisions() == []


def test_a_disagreement_is_resolved_without_javascript(project, ada, open_as):
    project.reviews_required = 2
    project.save()
    (prompt,) = prompts(project, 1)
    bob, mia = factories.member(project, "reviewer", name="bob"), factories.member(project, "manager", name="mia")
    for person, action in ((ada, "Accept"), (bob, "Reject")):
        page = open_as(person, REVIEW)
        page.get_by_label(action).check()
        page.get_by_role("button", name="Submit").click()
        page.locator("#review-form").wait_for(state="detached")
    page = open_as(mia, "/p/oxides/resolve/", java_script_enabled=False)
    page.get_by_role("link", name="Begin with the first").click()
    page.get_by_label("Accept").check()
    page.get_by_label("Why").fill("Ada is right.")
    page.get_by_role("button", name="Decide").click()
    page.get_by_text("Decided: accept").wait_for()

    held = Resolution.objects.get()
    assert (held.action, held.decided_by, held.comment) == ("accept", mia, "Ada is right.")


def test_the_heartbeat_keeps_the_claim_and_moves_nothing(project, ada, open_as):
    prompts(project, 1)
    page = open_as(ada, REVIEW)
    page.get_by_label("Comment on the hypothesis").fill("Typing")
    before = ReviewClaim.objects.get().until
    with page.expect_response("**/heartbeat/"):
        page.evaluate("htmx.trigger('#review-held', 'htmx:trigger'); htmx.ajax('POST', "
                      "document.querySelector('#review-held').getAttribute('hx-post'), {source: '#review-held', "
                      "target: '#review-held', swap: 'outerHTML', values: {prompt: "
                      "document.querySelector('#skip-form [name=prompt]').value}})")  # fmt: skip
    page.get_by_text("held by you until").wait_for()

    assert ReviewClaim.objects.get().until > before
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    assert page.get_by_label("Comment on the hypothesis").input_value() == "Typing"


def test_the_page_does_not_scroll_and_the_bar_is_in_sight(project, ada, open_as):
    project.paired = True
    project.save()
    both = factories.pair(project, State.TO_REVIEW, text="A long source. " * 600)
    factories.filter_result(both.methodology.current_response, failed=["ban_citations"])
    page = open_as(ada, REVIEW)

    size = page.evaluate("[document.documentElement.scrollHeight, innerHeight, document.documentElement.scrollWidth]")
    assert size == [900, 900, 1440]
    for words in ("Submit", "Skip"):
        box = page.get_by_role("button", name=words).bounding_box()
        assert box["y"] + box["height"] <= 900
    assert page.locator(".rv-strip").get_by_text("No citations").is_visible()


@pytest.fixture
def judged_pair(project):
    """A pair that several judges read, each half with its support, as much as a card ever holds."""
    project.paired = True
    project.save()
    source = "Iron was added to the films. The overpotential fell by 60 mV. It stayed so for two hours. " * 40
    both = factories.pair(project, State.TO_REVIEW, text=source)
    quotes = (["Iron was added to the films.", "The overpotential fell by 60 mV."], ["It stayed so for two hours."])
    judges = [factories.teacher(f"judge {name}") for name in "abc"]
    for half, support in zip((both.hypothesis, both.methodology), quotes, strict=True):
        response = half.current_response
        response.fields = {"variable": "iron", "outcome": "overpotential", "support": support}
        response.save()
        for judge in judges:
            for rubric in ("factuality", "reasoning"):
                factories.judge_score(response, rubric, 80, judge=judge, dimensions={"grounding": 70})
        measured = [{"rule": f"judge_{short}_score", "value": 80, "limit": 85, "ok": False} for short in "fr"]
        reasons = ["judge_f_low_score", "judge_r_low_score"]
        factories.gate_result(response, measurements=measured, reasons=reasons, score=80, pair_score=80)
        factories.filter_result(response, failed=["ban_citations", "min_char_length"])
    return both


def test_all_that_decides_is_in_sight_with_many_judges(judged_pair, ada, open_as):
    page = open_as(ada, REVIEW)
    assert page.evaluate("[document.documentElement.scrollHeight, innerHeight]") == [900, 900]
    shown = page.locator(".rv-strip, .rv-text, .rv-decision, .pair-score").all()
    assert len(shown) == 7
    for each in shown:
        box = each.bounding_box()
        assert 0 <= box["y"] < 900, each.inner_text()
    for strip in page.locator(".rv-strip").all():
        assert all(words in strip.inner_text() for words in ("factuality 80", "reasoning 80", "No citations"))
    assert serious(page) == []
    assert serious(open_as(ada, REVIEW, viewport=NARROW, color_scheme="dark")) == []


def test_from_an_answer_to_its_sentence_and_back(judged_pair, ada, open_as):
    page = open_as(ada, REVIEW)
    claim = page.get_by_role("link", name="It stayed so for two hours.")
    claim.click()
    back = page.get_by_role("link", name="supports the methodology, back to it")
    assert back.is_visible()
    assert "#support-" in page.url
    page.locator(".rv-fold:has(.rv-quotes)").nth(1).evaluate("fold => { fold.open = false }")
    assert not claim.is_visible()
    back.click()
    assert claim.is_visible()
    assert "#claim-" in page.url


def test_on_a_phone_the_response_comes_first_and_the_source_is_folded(project, ada, open_as):
    (prompt,) = prompts(project, 1)
    page = open_as(ada, REVIEW, viewport=NARROW)

    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert not page.get_by_text(prompt.context).is_visible()
    page.locator(".rv-source > summary").click()
    assert page.get_by_text(prompt.context).is_visible()
    box = page.get_by_role("button", name="Submit").bounding_box()
    assert box["y"] + box["height"] <= 844


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_every_reason_can_be_reached(project, ada, open_as, viewport):
    prompts(project, 1)
    project.reason_codes = [{"code": f"r{n}", "label": f"Reason {n} of many", "help": ""} for n in range(40)]
    project.save()
    page = open_as(ada, REVIEW, viewport=viewport)
    page.locator("details.rv-reasons summary").click()
    box = page.locator(".rv-pop")
    assert box.evaluate("e => e.scrollWidth <= e.clientWidth")
    page.get_by_text("Reason 39 of many").click()
    assert page.locator(".rv-pop input:checked").count() == 1


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_barrier_for_assistive_technology(project, ada, open_as, viewport, scheme):
    (prompt,) = prompts(project, 1)
    response = prompt.current_response
    factories.filter_result(response, failed=["ban_citations"])
    factories.judge_score(response, flags=["unsupported_number"])
    factories.judge_score(response, "reasoning", None)
    factories.resolution(response, "regenerate", reasons=["no_control"])
    factories.response(
        prompt, "If it is so, then it is so.", fields={"variable": "iron", "support": [prompt.context, "x"]}
    )
    disputed = factories.prompt(project, State.TO_RESOLVE)
    factories.annotation(disputed.current_response, ada, "accept", edited_text="Edited.")
    mia = factories.member(project, "manager", name="mia")
    factories.annotation(disputed.current_response, factories.member(project, "reviewer"), "reject", comment="No.")
    options = {"viewport": viewport, "color_scheme": scheme}
    page = open_as(ada, REVIEW, **options)
    page.locator("[data-reasons] summary").click()
    page.locator("input[value=accept]").check()
    found = serious(page)
    page.reload()
    page.locator(".rv-edit summary").click()
    found += serious(page)
    page.keyboard.press("Control+Enter")
    page.get_by_text("Nothing for you right now").wait_for()
    found += serious(page)
    for path in ("/p/oxides/resolve/", f"/p/oxides/resolve/{disputed.key}/"):
        found += serious(open_as(mia, path, **options))

    assert found == []


def serious(page):
    """Barriers that axe calls serious or critical, with where they are."""
    return [
        f"{page.url}: {each['id']} at {re.sub(chr(10), ' ', each['nodes'][0]['html'])[:120]}"
        for each in Axe().run(page).response["violations"]
        if each["impact"] in ("serious", "critical")
    ]


def test_accepted_in_the_browser_is_accepted_in_the_record(project, ada, open_as, settings):
    settings.REVIEW_UNDO_SECONDS = 0
    prompts(project, 1)
    page = open_as(ada, REVIEW)
    page.keyboard.press("a")
    page.keyboard.press("Control+Enter")
    page.get_by_text("All reviewed").wait_for()

    assert Prompt.objects.get().state == State.ACCEPTED


def test_the_number_left_falls_with_each_decision_also_where_it_is_not_counted_anew(project, ada, open_as, monkeypatch):
    monkeypatch.setattr(review_page, "_left", lambda *_: None)
    prompts(project, 3)
    page = open_as(ada, REVIEW)
    left = page.locator(".places a[aria-current=page] .count")
    expect(left).to_have_text("3")
    before = shown(page)
    page.keyboard.press("a")
    page.keyboard.press("Control+Enter")
    wait_for_another(page, before)
    expect(left).to_have_text("2")
    before = shown(page)
    page.keyboard.press("u")
    wait_for_another(page, before)
    expect(left).to_have_text("3")
    before = shown(page)
    page.keyboard.press("s")
    wait_for_another(page, before)
    expect(left).to_have_text("3")


def test_choosing_answers_what_an_empty_submit_asked_for(project, ada, open_as):
    prompts(project, 1)
    page = open_as(ada, REVIEW)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Choose accept, regenerate or reject.")).to_be_visible()
    page.keyboard.press("g")
    expect(page.get_by_text("Choose accept, regenerate or reject.")).to_have_count(0)
