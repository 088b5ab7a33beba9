"""The resolve pages over HTTP, without JavaScript: who said what, and the decision that holds."""

import pytest
from django.urls import reverse

from curation.models import Annotation, Resolution, State
from curation.reviewing import Choice, submit
from tests import factories
from tests.review_forms import disagree, get

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(db):
    return factories.project(slug="oxides", reviews_required=1, paired=False)


@pytest.fixture
def prompt(project):
    return factories.prompt(project, State.TO_REVIEW, document=factories.document(project))


@pytest.fixture
def mia(project):
    return factories.member(project, "manager", name="mia")


def test_the_resolve_queue_lists_who_said_what(project, ada, bob, mia, prompt):
    disagree(project, prompt, ada, bob)
    page = get(factories.client(mia), "resolve")

    assert "ada" in page
    assert "bob" in page
    assert reverse("resolve_prompt", args=["oxides", prompt.key]) in page
    assert "yours among them" not in page


def resolve(browser, prompt, **data):
    data = {"response": prompt.current_response_id} | data
    return browser.post(reverse("resolve_submit", args=["oxides", prompt.key]), data)


def test_all_decisions_stand_side_by_side_with_what_was_edited(project, ada, bob, mia, prompt):
    disagree(project, prompt, ada, bob, edited_text=prompt.current_response.text.replace("raised", "lifted"))
    page = get(factories.client(mia), "resolve_prompt", prompt.key)

    for words in ("<del>raised </del>", "<ins>lifted </ins>", "No control.", "The text of ada", prompt.context):
        assert words in page, words


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        ({"text_from": "teacher"}, None),
        ({}, None),
        ({"text_from": "ada"}, "What Ada wrote."),
        ({"text_from": "own", "text": "Mine.\r\nMine too."}, "Mine.\nMine too."),
    ],
)
def test_the_text_of_an_accept_can_be_any_of_theirs_or_ones_own(project, ada, bob, mia, prompt, choice, text):
    disagree(project, prompt, ada, bob, edited_text="What Ada wrote.")
    if choice.get("text_from") == "ada":
        choice = {"text_from": f"a{Annotation.objects.get(reviewer=ada).pk}"}
    browser = factories.client(mia)

    assert resolve(browser, prompt, action="accept", comment="Ada is right.", **choice).status_code == 302
    held = Resolution.objects.get()
    assert held.text == (text or prompt.current_response.text)
    assert (held.decided_by, held.comment) == (mia, "Ada is right.")
    assert "Ada is right." in get(browser, "prompt_detail", prompt.key)


def test_a_resolve_without_a_decision_keeps_what_was_typed(project, ada, bob, mia, prompt):
    disagree(project, prompt, ada, bob)
    response = resolve(factories.client(mia), prompt, text_from="own", text="Mine.", comment="Typed.")
    page = response.content.decode()

    assert response.status_code == 422
    for words in ("Choose accept, regenerate or reject.", "Mine.", "Typed."):
        assert words in page, words


def test_a_resolve_against_an_older_answer_is_handed_back(project, ada, bob, mia, prompt):
    disagree(project, prompt, ada, bob)
    old = prompt.current_response_id
    factories.response(prompt, "A newer answer.")
    response = resolve(factories.client(mia), prompt, response=old, action="accept", text_from="own", text="Mine.")

    assert response.status_code == 409
    assert "Mine." in response.content.decode()
    assert not Resolution.objects.exists()


def test_a_resolve_that_came_second_is_handed_back(project, ada, bob, mia, prompt):
    disagree(project, prompt, ada, bob)
    resolve(factories.client(mia), prompt, action="reject")
    zoe = factories.client(factories.member(project, "manager", name="zoe"))
    response = resolve(zoe, prompt, action="accept", text_from="own", text="Of Zoe.")
    page = response.content.decode()

    assert response.status_code == 409
    assert "mia decided reject meanwhile" in page
    assert "Of Zoe." in page


def test_one_of_those_who_disagree_is_told_who_can_decide(project, ada, mia, prompt):
    bob = factories.member(project, "reviewer", name="bob2", can_resolve=True)
    disagree(project, prompt, ada, bob)
    browser = factories.client(bob)

    assert "yours among them" in get(browser, "resolve")
    assert "mia can decide" in get(browser, "resolve_prompt", prompt.key)
    assert resolve(browser, prompt, action="accept").status_code == 409
    assert not Resolution.objects.exists()


def test_a_resolve_can_be_taken_back(project, ada, bob, mia, prompt):
    disagree(project, prompt, ada, bob)
    browser = factories.client(mia)
    resolve(browser, prompt, action="reject")
    assert "it takes effect at" in get(browser, "resolve")
    take_back = reverse("resolve_take_back", args=["oxides", prompt.key])

    assert browser.post(take_back).url == reverse("resolve_prompt", args=["oxides", prompt.key])
    assert browser.post(take_back).url == reverse("resolve", args=["oxides"])
    assert not Resolution.objects.filter(current=True).exists()


def test_where_nobody_disagrees_there_is_nothing_to_resolve(project, mia, prompt):
    browser = factories.client(mia)
    unanswered = factories.prompt(project)

    assert "No disagreement waits" in get(browser, "resolve")
    assert browser.get(reverse("resolve_prompt", args=["oxides", prompt.key])).status_code == 302
    assert resolve(browser, prompt, action="accept").status_code == 409
    assert resolve(browser, unanswered, response="", action="accept").status_code == 302


def test_the_resolve_queue_takes_a_fixed_number_of_queries(project, ada, bob, mia, django_assert_max_num_queries):
    project.reviews_required = 2
    project.save()
    for number in range(12):
        prompt = factories.prompt(project, State.TO_REVIEW)
        submit(project, ada, [Choice(prompt.current_response_id, "accept")], idempotency_key=f"a{number}")
        submit(project, bob, [Choice(prompt.current_response_id, "reject")], idempotency_key=f"b{number}")
    browser = factories.client(mia)
    with django_assert_max_num_queries(16):
        get(browser, "resolve")
