"""Reject is an order: what another attempt would be asked is shown before it is ordered, and nothing typed is lost."""

import html
import re

import pytest
from django.urls import reverse

from curation.models import Annotation, Call, Complaint, Event, Ruleset, State
from tests import factories
from tests.pages import HTMX
from tests.review_forms import answer, fields, get, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(db):
    return factories.project(
        slug="oxides",
        reviews_required=2,
        paired=False,
        teacher=factories.teacher("Small one"),
        regen_teacher=factories.teacher("Strong one", input_price=1, output_price=4, parameters={"max_tokens": 900}),
    )


@pytest.fixture
def prompt(project):
    made = factories.prompt(project, State.TO_REVIEW, answer="Iron is <good> for films [1].")
    factories.filter_result(made.current_response, failed=["ban_citations"])
    return made


def address(prompt):
    return reverse("regeneration_order", args=["oxides", prompt.key])


def order(browser, prompt, *, reasons=(), comment="", htmx=True):
    data = answer(get(browser, "review_prompt", prompt.key), "regenerate", reasons=list(reasons), comment=[comment])
    response = browser.post(address(prompt), data, headers=HTMX if htmx else None)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def everything():
    return [model.objects.count() for model in (Annotation, Call, Complaint, Event, Ruleset)]


def test_the_order_shows_prompt_teacher_and_cost_and_writes_nothing(browser, prompt):
    get(browser, "review_prompt", prompt.key)
    before = everything()
    page = order(browser, prompt, reasons=["no_control"], comment="Compare with an untreated film.")
    for words in ("Strong one", "Attempt 2 of 3", "for about USD", "No control", "Iron is <good> for films [1]."):
        assert words in page
    assert "Name the control group" in page  # what the recipe adds
    assert "Compare with an untreated film." in page
    assert "max tokens 900" in page
    assert "<html" not in page
    assert everything() == before


def test_reasons_and_comment_as_typed_change_the_order(browser, prompt):
    assert "Compare" not in order(browser, prompt)
    assert "no citations" in order(browser, prompt).lower()
    assert "Compare with air." in order(browser, prompt, comment="Compare with air.")


def test_a_reason_that_the_project_does_not_know_is_left_out(browser, prompt):
    assert "courage" not in order(browser, prompt, reasons=["courage"])


def test_without_javascript_a_page_keeps_everything_and_sends_the_decision(browser, prompt):
    page = order(browser, prompt, reasons=["too_vague", "no_control"], comment='He said "no".\nTwice.', htmx=False)
    assert "<h1>What will be asked</h1>" in page
    typed = {"reasons": ["too_vague"], "comment": ['He said "no".\nTwice.'], "text": ["My own text."]}
    data = answer(get(browser, "review_prompt", prompt.key), "accept", **typed)
    response = browser.post(address(prompt), data)
    form = re.search(
        r'<form method="post" action="/p/oxides/review/submit/".*?</form>', response.content.decode(), re.DOTALL
    )[0]
    data = {}
    for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', form):
        data.setdefault(name, []).append(html.unescape(value))
    back = browser.post(reverse("review_take", args=["oxides"]), data).content.decode()
    kept = fields(back)
    pk = prompt.current_response_id
    assert kept[f"r{pk}-action"] == ["regenerate"]
    assert kept[f"r{pk}-reasons"] == ["too_vague"]
    assert html.unescape(kept[f"r{pk}-comment"][0]) == 'He said "no".\nTwice.'
    assert kept[f"r{pk}-text"] == ["My own text."]
    assert not Annotation.objects.exists()
    send(browser, data)
    row = Annotation.objects.get()
    assert (row.action, row.reasons, row.comment, row.edited_text) == (
        "regenerate",
        ["too_vague"],
        'He said "no".\nTwice.',
        "My own text.",
    )


def test_a_link_shows_it_without_a_form(browser, prompt):
    page = browser.get(address(prompt)).content.decode()
    assert "Strong one" in page
    assert "send this decision" not in page


def test_a_prompt_without_an_answer_has_nothing_to_mend(browser, project):
    new = factories.prompt(project)
    assert "There is no answer yet" in browser.get(address(new)).content.decode()


def test_an_answer_that_is_not_the_current_one_any_more_is_said(browser, prompt):
    data = answer(get(browser, "review_prompt", prompt.key), "regenerate")
    factories.response(prompt, "A newer answer.")
    page = browser.post(address(prompt), data, headers=HTMX).content.decode()
    assert "There is a newer answer" in page
    whole = browser.post(address(prompt), data).content.decode()
    assert "send this decision" not in whole


def test_no_attempt_left_is_said_with_what_happens_then(browser, project, prompt):
    project.attempt_limit = 1
    project.save()
    page = order(browser, prompt)
    assert "No attempt is left of 1" in page
    assert "is asked of" not in page


def test_nobody_reads_what_others_said_while_it_is_reviewed(browser, project, prompt):
    ben = factories.member(project, "reviewer", name="ben")
    factories.annotation(prompt.current_response, ben, "regenerate", reasons=["off_topic"], comment="Ben says no.")
    for page in (order(browser, prompt), browser.get(address(prompt)).content.decode()):
        assert "Ben says no." not in page
        assert "Off topic" not in page
    prompt.go(State.TO_REGENERATE, "resolved")
    assert "Ben says no." in browser.get(address(prompt)).content.decode()


@pytest.mark.parametrize(("required", "told"), [(1, False), (2, True)])
def test_where_others_decide_too_it_says_that_their_words_come_in(browser, project, prompt, required, told):
    project.reviews_required = required
    project.save()
    assert ("What other reviewers say against this answer is asked too" in order(browser, prompt)) is told
    prompt.go(State.TO_REGENERATE, "resolved")
    assert "What other reviewers say" not in browser.get(address(prompt)).content.decode()


def test_who_decides_blind_reads_no_judges_in_it(browser, project, prompt):
    factories.gate_result(prompt.current_response, reasons=["judge_f_low_score"])
    factories.judge_score(prompt.current_response, score=41, rationale="The number is invented.")
    assert "The number is invented." in order(browser, prompt)
    project.blind_percent = 100
    project.save()
    for page in (order(browser, prompt), browser.get(address(prompt)).content.decode()):
        assert "The number is invented." not in page
        assert "41 of 100" not in page
        assert "hidden here until you decide" in page


def test_a_check_of_a_reviewer_tells_nothing_of_its_first_time(project, browser, ada):
    settled = factories.accepted(project, answer="An answer.")
    factories.annotation(settled.current_response, ada, "regenerate", reasons=["off_topic"], comment="Said before.")
    settled.claims.create(reviewer=ada, purpose="repeat", until="2100-01-01T00:00:00Z")
    assert "Said before." not in browser.get(address(settled)).content.decode()


def test_the_card_offers_it(browser, prompt):
    page = get(browser, "review_prompt", prompt.key)
    assert f'formaction="{address(prompt)}"' in page
    assert f'hx-post="{address(prompt)}"' in page


def test_what_an_answer_says_stays_text(browser, prompt):
    prompt.current_response.text = "<script>alert(1)</script>"
    prompt.current_response.save()
    page = browser.get(address(prompt)).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("view", ["regeneration_order", "review_take"])
def test_when_the_session_has_ended_what_was_typed_goes_through_the_log_in(ada, prompt, view):
    where = ["oxides", prompt.key] if view == "regeneration_order" else ["oxides"]
    pk = prompt.current_response_id
    fields = {
        "typed_by": ada.pk,
        "response": pk,
        f"r{pk}-action": "regenerate",
        f"r{pk}-comment": "Typed.",
        "order": pk,
    }
    browser = factories.client()
    asked = browser.post(reverse(view, args=where), fields)
    assert asked.status_code == 403
    carried = re.search(r'name="carried" value="([^"]+)"', asked.content.decode())[1]
    said = {"username": "ada", "password": factories.PASSWORD, "carried": carried, "next": "/"}
    back = browser.post("/login/", said, follow=True).content.decode()
    assert "Typed." in back
    assert not Annotation.objects.exists()


def test_without_a_teacher_it_says_what_is_missing(browser, project, prompt):
    type(project).objects.update(teacher=None, regen_teacher=None)
    assert "no teacher" in browser.get(address(prompt)).content.decode().lower()


def test_without_a_reason_it_says_that_none_is_named_yet(browser, project):
    page = browser.get(address(factories.prompt(project, State.TO_REVIEW))).content.decode()
    assert "No reason is named yet" in page
    assert "sent back without a reason" not in page


def test_an_order_that_names_no_reason_says_so(project, browser):
    made = factories.prompt(project, State.TO_REVIEW, answer="Iron is good for films.")
    assert "No reason is named: choose one or write a comment" in order(browser, made)
    assert "No reason is named" not in order(browser, made, comment="Which iron?")
    assert "No reason is named" not in order(browser, made, reasons=["too_vague"])
