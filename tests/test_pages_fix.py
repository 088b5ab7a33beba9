"""The pages of fix once: the offer, the answers that an edit fits, one press each, and what was typed when it fails."""

import re

import pytest

from curation.models import Annotation, Change
from curation.reviewing import Choice, submit
from tests import factories
from tests.pages import text

pytestmark = pytest.mark.django_db
PHRASE = "It is important to note that"


@pytest.fixture(autouse=True)
def window(settings):
    settings.REVIEW_UNDO_SECONDS = 30


@pytest.fixture
def row(project, ada):
    """An edit, and two answers that it fits."""
    first, *_ = [factories.prompt(project, "to_review", answer=f"{PHRASE} iron rusts in {n} days.") for n in (3, 5, 7)]
    choice = Choice(first.current_response_id, "accept", ("too_long",), "Iron rusts in 3 days.")
    return submit(project, ada, [choice], idempotency_key="edit").annotations[0]


def address(row, rest=""):
    return f"/p/{row.response.prompt.project.slug}/review/fix/{row.pk}/{rest}"


def forms(page):
    """[(response, version)] as the page has them."""
    return re.findall(r'name="response" value="(\d+)">\s*<input type="hidden" name="version" value="(\d+)"', page)


def test_the_page_after_an_edit_asks_where_else_it_fits(ada, row):
    page = factories.client(ada).get(f"/p/{row.response.prompt.project.slug}/review/").content.decode()
    assert f'hx-get="{address(row, "offer/")}"' in page
    assert f'<noscript><a href="{address(row)}">' in page


def test_the_offer_says_how_many_and_nothing_where_there_is_none(project, ada, row):
    browser = factories.client(ada)
    offer = browser.get(address(row, "offer/"))
    assert "Your edit fits 2 more" in text(offer)
    assert "<html" not in offer.content.decode()
    project.prompts.in_state("to_review").exclude(pk=row.response.prompt_id).move("rejected", "resolved")
    assert "fits" not in text(browser.get(address(row, "offer/")))


def test_an_offer_costs_the_same_for_few_and_for_many(project, ada, row, django_assert_max_num_queries):
    for number in range(40):
        factories.prompt(project, "to_review", answer=f"{PHRASE} iron rusts in {number} years.")
    browser = factories.client(ada)
    with django_assert_max_num_queries(25):
        browser.get(address(row, "offer/"))
    with django_assert_max_num_queries(45):
        assert "There are more" in text(browser.get(address(row)))


def test_one_press_takes_one_answer_with_the_reasons_of_the_edit(ada, row):
    browser = factories.client(ada)
    (response, version), _ = forms(browser.get(address(row)).content.decode())
    form = {"response": response, "version": version, "text": "Iron rusts in 5 days.\r\n", "seconds": "12"}
    done = browser.post(address(row, "take/"), form, headers={"HX-Request": "true"})
    assert "accepted with the edit" in text(done)
    made = Annotation.objects.get(response=response)
    assert (made.edited_text, made.reasons, made.seconds) == ("Iron rusts in 5 days.", ["too_long"], 12)
    assert "1 taken, 0 left" in text(browser.get(address(row)))
    again = browser.post(address(row, "take/"), form)
    assert again.url == address(row)
    assert Annotation.objects.filter(response=response).count() == 1


def test_what_could_not_be_taken_keeps_the_text(project, ada, row):
    browser = factories.client(ada)
    (response, version), _ = forms(browser.get(address(row)).content.decode())
    form = {"response": response, "version": version, "text": ""}
    refused = browser.post(address(row, "take/"), form)
    assert refused.status_code == 409
    assert "An accepted text cannot be empty" in text(refused)
    project.prompts.filter(current_response=response).move("rejected", "resolved")
    form["text"] = "Iron rusts <in> mine."
    for headers in ({}, {"HX-Request": "true"}):
        refused = browser.post(address(row, "take/"), form, headers=headers)
        assert "It is rejected now" in text(refused)
        assert "Iron rusts &lt;in&gt; mine." in refused.content.decode()
    assert not Annotation.objects.filter(response=response).exists()


def test_what_is_left_is_not_offered_again_but_stays_in_the_queue(project, ada, row):
    browser = factories.client(ada)
    (response, _), (other, _) = forms(browser.get(address(row)).content.decode())
    browser.post(address(row, "leave/"), {"response": response})
    assert [number for number, _ in forms(browser.get(address(row)).content.decode())] == [other]
    assert project.prompts.get(current_response=response).state == "to_review"
    assert "No decision was taken back" in text(browser.post(address(row, "take-back/"), follow=True))
    assert len(forms(browser.get(address(row)).content.decode())) == 2


@pytest.mark.parametrize("rest", ["", "offer/", "take/", "leave/", "take-back/"])
def test_an_edit_is_its_author_s_alone(project, row, rest):
    browser = factories.client(factories.member(project, "manager"))
    ask = browser.get if rest in ("", "offer/") else browser.post
    assert ask(address(row, rest)).url == f"/p/{project.slug}/review/"
    assert not Change.objects.exists()


@pytest.mark.parametrize("response", ["", "x", "9" * 30, "0"])
def test_an_answer_that_there_is_not(ada, row, response):
    browser = factories.client(ada)
    form = {"response": response, "text": "x"}
    assert browser.post(address(row, "leave/"), form).status_code == 404
    assert browser.post(address(row, "take/"), form).status_code in (404, 409)


def test_a_decision_without_an_edit_has_no_such_page(project, ada, row):
    plain = factories.annotation(factories.accepted(project).current_response, ada)
    assert factories.client(ada).get(address(plain)).status_code == 404
