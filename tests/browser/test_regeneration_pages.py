"""Regeneration in a real browser: readable in every look, from the order to the checklist by keyboard, nothing lost."""

import re

import pytest
from playwright.sync_api import expect

from curation.models import Annotation, ComplaintCheck, Draft, Ruleset, State
from pipeline.regenerating import record_recipes, shipped
from tests import factories
from tests.looks import LOOKS, faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NARROW = {"width": 390, "height": 844}


@pytest.fixture
def project(transactional_db):
    strong = factories.teacher("Strong one", input_price=1, output_price=4, parameters={"max_tokens": 900})
    return factories.project("Films", slug="films", reviews_required=2, regen_teacher=strong)


@pytest.fixture
def mia(project):
    return factories.member(project, "manager", name="mia")


@pytest.fixture
def first(project):
    """A prompt with one answer, which cites."""
    made = factories.prompt(project, State.TO_REVIEW, answer="Iron is good for films [1]. " * 9)
    factories.filter_result(made.current_response, failed=["ban_citations"])
    return made


@pytest.fixture
def second(project):
    """A prompt whose second answer had four things to mend."""
    made = factories.prompt(project, State.TO_REVIEW)
    response = factories.response(made, factories.HYPOTHESIS, teacher=project.regen_teacher)
    factories.complaint(response, "ban_citations", words="1 found: [1]", met=True)
    factories.complaint(response, "judge_f_low_score", source="gate", words="The judge gave 41 of 100: " + "w" * 90)
    for code in ("too_vague", "no_control"):
        factories.complaint(response, code, source="reviewer", words="Which iron, and compared with what?")
    return made


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_fit_to_be_read(open_as, project, mia, first, second, look):
    recipes = record_recipes(project, shipped())
    body = shipped() | {"ladder": ["Strong one"], "otherwise": {"addendum": "w" * 300}}
    record_recipes(project, body, origin="w" * 150, by=mia)
    teacher = factories.teacher("T" * 90)
    for met in (True, False, None):
        done = factories.response(factories.prompt(project, State.ACCEPTED), teacher=teacher)
        factories.complaint(done, met=met, recipes=recipes)
    page, wrong = open_as(mia, "/p/films/", **LOOKS[look]), []
    below = [
        *(
            "settings/recipes/",
            "settings/recipes/?q=control",
            "settings/recipes/?q=xyzzy",
            "settings/recipes/?version=1",
        ),
        *("settings/recipes/general/", "settings/recipes/versions/", "settings/recipes/reviewer/no_control/"),
        *("settings/recipes/filter/ban_citations/", "settings/recipes/gate/judge_f_low_score/"),
        *("quality/regeneration/", "quality/regeneration/?teacher=nobody"),
        *(f"prompts/{first.key}/regeneration/", f"prompts/{second.key}/regeneration/", f"prompts/{second.key}/"),
        f"review/{second.key}/",
    ]
    for path in below:
        page.goto(f"/p/films/{path}")
        wrong += faults(page, path)
    page.goto(f"/p/films/review/{first.key}/")
    page.locator(".rv-regenerate input").check()
    page.locator(".order-prompt summary").click()
    wrong += faults(page, "order")
    assert wrong == []


def test_choosing_regenerate_by_key_shows_the_order_and_reasons_change_it(open_as, mia, first):
    page = open_as(mia, f"/p/films/review/{first.key}/")
    order = page.locator("#order-0")
    expect(order).to_be_empty()
    page.keyboard.press("g")
    expect(order).to_contain_text("is asked of Strong one, for about USD")
    expect(order).not_to_contain_text("No control")
    page.locator(".rv-reasons summary").click()
    page.locator(".rv-pop input[value=no_control]").check()
    expect(order).to_contain_text("No control")
    page.locator("[data-slot='0-comment']").fill("Compare with an untreated film.")
    page.locator(".order-prompt summary").click()
    expect(order).to_contain_text("Compare with an untreated film.")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    expect(order).to_be_hidden()
    page.wait_for_timeout(1500)
    assert not Annotation.objects.exists()
    assert Draft.objects.count() == 1
    assert not Ruleset.objects.filter(kind="recipe").exists()


def test_a_draft_that_comes_back_brings_its_order(open_as, mia, first):
    factories.draft(first.current_response, mia, action=["regenerate"], reasons=["no_control"], comment=["Air."])
    page = open_as(mia, f"/p/films/review/{first.key}/")
    expect(page.locator("#order-0")).to_contain_text("No control")


def test_a_submit_with_the_order_open_stores_the_decision(open_as, mia, first):
    page = open_as(mia, f"/p/films/review/{first.key}/")
    page.keyboard.press("g")
    expect(page.locator("#order-0")).to_contain_text("Strong one")
    page.keyboard.press("Control+Enter")
    page.get_by_text("Nothing for you right now").wait_for()
    assert Annotation.objects.get().action == "regenerate"


def test_the_checklist_is_answered_by_keys_and_kept(open_as, mia, second):
    page = open_as(mia, f"/p/films/review/{second.key}/")
    page.keyboard.press("n")  # no complaint has the focus: nothing happens
    page.keyboard.press("c")
    page.keyboard.press("y")
    page.keyboard.press("n")
    page.keyboard.press("c")  # the next open one: the third has the focus already, so the fourth
    page.keyboard.press("y")
    page.keyboard.press("a")
    expect(page.get_by_text("Draft saved.")).to_be_visible()
    page.reload()
    page.get_by_text("is back").first.wait_for()
    page.keyboard.press("Control+Enter")
    page.get_by_text("Nothing for you right now").wait_for()
    said = ComplaintCheck.objects.order_by("complaint").values_list("complaint__code", "met")
    assert list(said) == [("ban_citations", True), ("judge_f_low_score", False), ("no_control", True)]


def test_the_checklist_of_a_pair_goes_on_in_its_other_half(open_as, project, mia):
    both = factories.pair(project, State.TO_REVIEW)
    project.__class__.objects.update(paired=True)
    for half in (both.hypothesis, both.methodology):
        response = factories.response(half, factories.HYPOTHESIS, teacher=project.regen_teacher)
        factories.complaint(response, "too_vague", source="reviewer")
    page = open_as(mia, f"/p/films/review/{both.hypothesis.key}/")
    for key in "cycn":
        page.keyboard.press(key)
    said = [row.locator("input:checked").get_attribute("value") for row in page.locator("[data-complaint]").all()]
    assert said == ["yes", "no"]


def test_letters_typed_into_the_comment_answer_nothing(open_as, mia, second):
    page = open_as(mia, f"/p/films/review/{second.key}/")
    page.keyboard.press("c")
    page.locator("[data-slot='0-comment']").focus()
    page.keyboard.type("yes, nice")
    assert (
        page.locator("[data-complaint] input[value=yes]:checked, [data-complaint] input[value=no]:checked").count() == 0
    )
    expect(page.locator("[data-slot='0-comment']")).to_have_value("yes, nice")


def test_without_javascript_the_order_is_a_page_and_leads_back_or_on(open_as, mia, first):
    page = open_as(mia, f"/p/films/review/{first.key}/", java_script_enabled=False, viewport=NARROW)
    expect(page.get_by_role("button", name="What will be asked")).to_be_hidden()
    page.locator(".rv-regenerate input").check()
    page.locator("[data-slot='0-comment']").fill('Compare "it"\nwith air.')
    page.get_by_role("button", name="What will be asked").click()
    expect(page.get_by_role("heading", name="What will be asked")).to_be_visible()
    expect(page.locator("pre").first).to_contain_text("with air.")
    page.get_by_role("button", name="Back to the form").click()
    expect(page.locator("[data-slot='0-comment']")).to_have_value('Compare "it"\nwith air.')
    expect(page.locator(".rv-regenerate input")).to_be_checked()
    page.get_by_role("button", name="What will be asked").click()
    page.get_by_role("button", name="Regenerate: send this decision").click()
    expect(page.get_by_text("Nothing for you right now")).to_be_visible()
    row = Annotation.objects.get()
    assert (row.action, row.comment.split()) == ("regenerate", ["Compare", '"it"', "with", "air."])


def test_a_recipe_is_found_and_changed_by_keyboard(open_as, project, mia):
    page = open_as(mia, "/p/films/settings/recipes/")
    page.locator("#recipe-q").focus()
    page.keyboard.type("no control")
    expect(page.get_by_role("link", name="No control")).to_be_visible()
    expect(page.get_by_role("link", name="Too vague")).to_have_count(0)
    page.wait_for_url(re.compile(r"/settings/recipes/\?q=no(\+|%20)control$"))
    page.get_by_role("link", name="No control").focus()
    page.keyboard.press("Enter")
    field = page.get_by_label("What the teacher is told")
    field.fill("Name the untreated film.")
    page.get_by_label("Answer 2").select_option("Strong one")
    field.focus()
    page.get_by_role("button", name="Save as a new version").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Version 2 holds from the next attempt on.")).to_be_visible()
    project.refresh_from_db()
    assert project.recipe_ruleset.body["recipes"]["reviewer:no_control"]["ladder"] == ["Strong one"]
