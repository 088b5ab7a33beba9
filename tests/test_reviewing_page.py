"""The other answers on the review page over HTTP, without JavaScript: tabs, comparing, taking, claims and sources."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.urls import reverse

from curation.models import Annotation, Event, Prompt, State
from curation.reviewing.card import MOST_TABS
from tests import factories
from tests.pages import HTMX

pytestmark = pytest.mark.django_db

SOURCE = "Iron was added to the cobalt oxide films. The overpotential fell by 60 mV. The weather was mild."
STEPS = "1. Add iron to six cobalt oxide films.\n2. Record how far the overpotential fell."


@pytest.fixture
def project(db):
    return factories.project(slug="oxides", reviews_required=1, paired=False)


@pytest.fixture
def prompt(project):
    """A prompt with two attempts, the second with two candidates."""
    made = factories.prompt(project, State.TO_REVIEW, document=factories.document(project, SOURCE))
    first = made.current_response
    first.text = "The first answer. It had two sentences."
    first.save()
    factories.resolution(first, "regenerate", reasons=["no_control"])
    second = factories.response(made, "The second answer. It had two sentences.")
    factories.response(made, "Its candidate.", current=False, attempt=second.attempt, candidate=1)
    return made


@pytest.fixture
def pair(project):
    """A pair whose halves both have two attempts: each method was asked with the hypothesis of its attempt."""
    project.paired = True
    project.save()
    both = factories.pair(project, State.TO_REVIEW)
    old = both.hypothesis.current_response
    new = factories.response(both.hypothesis, "If it is wet, then it will rust by 5 %.")
    method = both.methodology.current_response
    method.hypothesis = old
    method.save()
    factories.response(both.methodology, "1. Wet it.\n2. Weigh it.", hypothesis=new)
    return both


def page_of(browser):
    response = browser.get(reverse("review", args=["oxides"]))
    assert response.status_code == 200
    return response.content.decode()


def post(browser, name, data, **headers):
    return browser.post(reverse(name, args=["oxides"]), data, headers=headers or None)


def sent(*responses, **more):
    """The fields of a form about `responses`, as they came."""
    data = {"response": [each.pk for each in responses], "key": "k"}
    for each in responses:
        data |= {f"r{each.pk}-text": each.text, f"r{each.pk}-version": 0}
    return data | more


def edited(page, response):
    (text,) = re.findall(rf'<textarea[^>]* name="r{response.pk}-text"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    return text


def tabs(page):
    return [
        (re.sub(r"<[^>]+>|●|,.*", "", name).strip(), "checked" in tag)
        for tag, name in re.findall(r"<input([^>]* data-tab=[^>]*)><span>(.*?)</span></label>", page)
    ]


# --- tabs


def test_every_answer_has_a_tab_and_the_one_to_decide_is_shown(browser, prompt):
    page = page_of(browser)
    assert tabs(page) == [("1", False), ("2.1", True), ("2.2", False), ("Compare", False)]
    for words in ("The first answer.", "Its candidate.", "Candidate 2 of 2, not chosen", "Attempt 1: regenerate"):
        assert words in page


def test_a_single_answer_has_no_tabs(project, browser):
    factories.prompt(project, State.TO_REVIEW)
    page = page_of(browser)
    assert tabs(page) == []
    assert "data-compare" not in page


def test_beyond_a_dozen_the_oldest_are_folded(project, browser):
    prompt = factories.prompt(project, State.TO_REVIEW)
    for number in range(2, MOST_TABS + 3):
        factories.response(prompt, f"Answer {number}.")
    page = page_of(browser)
    assert [name for name, _ in tabs(page)] == [*map(str, range(3, MOST_TABS + 3)), "Compare"]
    assert page.count('<details class="rv-fold rv-attempt">') == 2
    places = re.findall(r'data-tab="(\d+)"', page)
    style = Path(finders.find("curation/review.css")).read_text()
    assert all(f'[data-tab="{place}"]:checked' in style for place in places if place != "0")


def test_what_is_folded_and_tabbed_is_never_sent(browser, prompt):
    """Fields of a form of their own, or with names that a submit does not know."""
    page = page_of(browser)
    assert all('form="rv-view"' in tag for tag in re.findall(r"<input[^>]*data-tab[^>]*>", page))


# --- comparing


def test_two_answers_are_compared_at_an_address_of_their_own(browser, prompt):
    first, second = prompt.responses.order_by("attempt", "candidate")[:2]
    response = browser.get(reverse("review_compare", args=["oxides"]), {"before": first.pk, "after": second.pk})
    page = response.content.decode()
    assert response.status_code == 200
    assert "From attempt 1 to attempt 2" in page
    assert "<del>first </del><ins>second </ins>" in page
    fragment = browser.get(
        reverse("review_compare", args=["oxides"]), {"before": first.pk, "after": second.pk}, headers=HTMX
    ).content.decode()
    assert "<html" not in fragment
    assert "<del>first </del>" in fragment


def test_without_a_script_the_form_leads_to_that_address(browser, prompt):
    first, second = prompt.responses.order_by("attempt", "candidate")[:2]
    picked = {"of": second.pk, f"before-{second.pk}": first.pk, f"after-{second.pk}": second.pk}
    response = post(browser, "review_compare", sent(second, **picked))
    assert response.status_code == 302
    assert response.url == f"/p/oxides/review/compare/?before={first.pk}&after={second.pk}"


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize("picked", ["edit", "typed"])
def test_what_is_typed_can_be_compared(browser, prompt, headers, picked):
    current = prompt.current_response
    chosen = {"of": f"{current.pk}-edit"}
    if picked == "typed":
        chosen = {"of": current.pk, f"before-{current.pk}": current.pk, f"after-{current.pk}": "typed"}
    data = sent(current, **chosen, **{f"r{current.pk}-text": "The better answer. It had two sentences."})
    page = post(browser, "review_compare", data, **headers).content.decode()
    assert "<del>second </del><ins>better </ins>" in page
    assert not Annotation.objects.exists()


@pytest.mark.parametrize("case", ["other prompt", "foreign", "words", "typed by address", "one"])
def test_only_answers_to_one_prompt_of_the_project_are_compared(project, browser, prompt, case):
    own = prompt.current_response_id
    other = {
        "other prompt": factories.prompt(project, State.TO_REVIEW).current_response_id,
        "foreign": factories.prompt(factories.project(), State.TO_REVIEW).current_response_id,
        "words": "x",
        "typed by address": "typed",
        "one": "",
    }[case]
    response = browser.get(reverse("review_compare", args=["oxides"]), {"before": own, "after": other})
    assert response.status_code == (302 if case == "one" else 404)


# --- taking


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, "My own. The first answer."), (2, "My own. It had two sentences."), (9, "My own."),
     (0, "The first answer. It had two sentences.")],
)  # fmt: skip
def test_a_sentence_or_the_whole_text_is_taken_and_nothing_typed_is_lost(browser, prompt, number, text):
    current, first = prompt.current_response, prompt.responses.order_by("attempt").first()
    name = f"r{current.pk}"
    typed = {f"{name}-text": "My own.", f"{name}-comment": "Half a thought", f"{name}-reasons": ["no_control"]}
    data = sent(current, **typed, **{f"{name}-action": "accept", "take": f"{first.pk}-{number}"})
    response = post(browser, "review_take", data)
    page = response.content.decode()

    assert response.status_code == 200
    assert edited(page, current) == text
    assert "Half a thought" in page
    assert re.search(r'value="accept" checked', page)
    assert re.search(r'value="no_control" checked', page)
    assert "Choose accept" not in page
    assert not Annotation.objects.exists()


def test_a_step_gets_the_next_number(project, browser):
    prompt = factories.prompt(project, State.TO_REVIEW, task_type="methodology")
    first = prompt.current_response
    current = factories.response(prompt, "1. Wash.\n2. Dry.")
    page = post(browser, "review_take", sent(current, take=f"{first.pk}-4")).content.decode()
    last = first.text.splitlines()[3].partition(" ")[2]
    assert edited(page, current) == f"1. Wash.\n2. Dry.\n3. {last}"


def test_taking_for_one_half_keeps_the_other(browser, pair):
    hypothesis, method = pair.hypothesis.current_response, pair.methodology.current_response
    old = pair.hypothesis.responses.get(attempt=1)
    data = sent(hypothesis, method, take=f"{old.pk}-0", **{f"r{method.pk}-text": "1. Mine."})
    page = post(browser, "review_take", data).content.decode()
    assert edited(page, hypothesis) == old.text
    assert edited(page, method) == "1. Mine."


@pytest.mark.parametrize("take", ["", "x", "1-x", "-1", "other", "foreign"])
def test_only_answers_to_this_prompt_are_taken(project, browser, prompt, take):
    others = {
        "other": factories.prompt(project, State.TO_REVIEW).current_response_id,
        "foreign": factories.prompt(factories.project(), State.TO_REVIEW).current_response_id,
    }
    data = sent(prompt.current_response, take=f"{others.get(take, take)}-0" if take in others else take)
    assert post(browser, "review_take", data).status_code == 404


def test_the_history_says_whose_text_was_accepted(browser, prompt):
    current, first = prompt.current_response, prompt.responses.order_by("attempt").first()
    data = sent(current, **{f"r{current.pk}-action": "accept", f"r{current.pk}-text": first.text})
    assert post(browser, "review_submit", data).status_code == 302
    assert Annotation.objects.get().edited_text == first.text
    detail = Event.objects.get(kind="decided").detail
    assert (detail["text_of_attempt"], detail["text_of_candidate"]) == (1, 0)


def test_an_edit_by_hand_is_nobody_else_s_text(browser, prompt):
    current = prompt.current_response
    post(browser, "review_submit", sent(current, **{f"r{current.pk}-action": "accept", f"r{current.pk}-text": "Mine."}))
    assert "text_of_attempt" not in Event.objects.get(kind="decided").detail


# --- a pair of two attempts

MISMATCH = '<p class="note wait" data-mismatch>'


@pytest.mark.parametrize(
    ("hypothesis", "method", "noted"),
    [
        (None, None, False),
        (1, None, True),  # the method that is shown was asked with the second
        (1, 1, False),
        (None, 1, True),
        ("By hand.", None, True),
        (2, 2, False),
    ],
)
def test_a_method_of_another_hypothesis_is_noted(browser, pair, hypothesis, method, noted):
    halves = {pair.hypothesis: hypothesis, pair.methodology: method}
    data = sent(*(half.current_response for half in halves))
    for half, chosen in halves.items():
        if chosen:
            text = half.responses.get(attempt=chosen).text if isinstance(chosen, int) else chosen
            data[f"r{half.current_response.pk}-text"] = text
    page = post(browser, "review_submit", data).content.decode()  # no action chosen: the form comes back
    assert (MISMATCH in page) is noted


def test_a_method_says_which_hypothesis_it_was_asked_with(browser, pair):
    assert "asked with the hypothesis of attempt 1" in page_of(browser)


def test_hypothesis_and_method_of_an_earlier_attempt_are_accepted_as_edits(browser, pair):
    halves = (pair.hypothesis, pair.methodology)
    data = sent(*(half.current_response for half in halves))
    for half in halves:
        data |= {
            f"r{half.current_response_id}-action": "accept",
            f"r{half.current_response_id}-text": half.responses.get(attempt=1).text,
        }
    assert post(browser, "review_submit", data).status_code == 302
    assert {row.response.prompt: row.edited_text for row in Annotation.objects.all()} == {
        half: half.responses.get(attempt=1).text for half in halves
    }
    assert Prompt.objects.get(pk=pair.hypothesis_id).current_response.attempt == 2


# --- claims


def test_a_claim_leads_to_its_sentence_and_the_answer_stays_as_it_is(project, browser):
    prompt = factories.prompt(project, State.TO_REVIEW, document=factories.document(project, SOURCE))
    quotes = ["Iron was added to the cobalt oxide films.", "The overpotential fell by 60 mV.", "Not there at all."]
    response = factories.response(prompt, STEPS, fields={"support": quotes})
    page = page_of(browser)
    (answer,) = re.findall(rf'<div class="reading rv-text" data-answer="{response.pk}">(.*?)</div>', page, re.DOTALL)
    claims = re.findall(r'data-leans="([^"]*)"', answer)
    assert [claim.split() for claim in claims] == [[f"support-{response.pk}-1"], [f"support-{response.pk}-2"]]
    assert re.findall(r'href="#(support-[\d-]+)"', answer) == [f"support-{response.pk}-{n}" for n in (1, 2)]
    assert all(f'id="support-{response.pk}-{n}"' in page for n in (1, 2))
    bare = re.sub(r"<a .*?</a>|<[^>]+>", "", answer)
    assert bare == STEPS


def test_an_empty_answer_says_so(project, browser):
    prompt = factories.prompt(project, State.TO_REVIEW)
    factories.response(prompt, "")
    assert "The answer is empty." in page_of(browser)
