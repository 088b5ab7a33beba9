"""A form that comes without a session, or with an old token: what was typed goes through the log-in; no JavaScript."""

import re

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse

from curation import kept_posts
from curation.models import Annotation, Comment, Draft, Resolution, State
from curation.reviewing import drafts
from tests import factories

pytestmark = pytest.mark.django_db
OURS = {"Origin": "http://testserver"}


@pytest.fixture
def prompt(project):
    return factories.prompt(project, State.TO_REVIEW, answer="If iron, then rust.")


def form_of(person, prompt, **typed):
    """A filled form of the review page: (address, fields)."""
    response = prompt.current_response
    named = {f"r{response.pk}-{name}": value for name, value in typed.items()}
    fields = {"typed_by": person.pk, "key": "k1", "seconds": "3", "response": response.pk, **named}
    return reverse("review_submit", args=[prompt.project.slug]), fields


def carried(answer):
    found = re.search(r'name="carried" value="([^"]+)"', answer.content.decode())
    return found and found[1]


def log_in(browser, name, seal, password=factories.PASSWORD, leads_to="/"):
    return browser.post("/login/", {"username": name, "password": password, "carried": seal, "next": leads_to})


def test_what_was_typed_is_in_its_form_after_the_log_in(prompt, ada, project):
    browser = Client()
    path, fields = form_of(ada, prompt, action="reject", reasons=["other"], text="My words", comment="Why?")
    asked = browser.post(path, fields)
    assert asked.status_code == 403
    assert "What you typed is kept" in asked.content.decode()
    assert not Annotation.objects.exists()
    assert not Draft.objects.exists()

    wrong = log_in(browser, "ada", carried(asked), "not the password")
    assert wrong.status_code == 200
    back = log_in(browser, "ada", carried(wrong))
    assert back.url == reverse("review_prompt", args=[project.slug, prompt.key])
    shown = browser.get(back.url)
    form = shown.context["cards"][0].form
    assert [form[name].value() for name in ("action", "reasons", "text", "comment")] == [
        "reject", ["other"], "My words", "Why?"
    ]  # fmt: skip
    assert "it was not sent" in shown.content.decode()
    assert not Annotation.objects.exists()


def test_a_remark_and_an_adjudication_are_kept_too(prompt, project):
    mia = factories.member(project, "manager", name="mia")
    disputed = factories.prompt(project, State.TO_RESOLVE)
    browser = Client()
    asked = browser.post(
        reverse("talk_say", args=[project.slug, prompt.key]), {"typed_by": mia.pk, "key": "k", "text": "Look here"}
    )
    back = log_in(browser, "mia", carried(asked))
    assert back.url == reverse("prompt_detail", args=[project.slug, prompt.key]) + "#talk"
    assert "Look here" in browser.get(back.url).content.decode()
    assert not Comment.objects.exists()

    browser = Client()
    typed = {"typed_by": mia.pk, "response": disputed.current_response_id, "action": "accept"}
    typed["comment"] = "Ada is right"
    asked = browser.post(reverse("resolve_submit", args=[project.slug, disputed.key]), typed)
    back = log_in(browser, "mia", carried(asked))
    assert back.url == reverse("resolve_prompt", args=[project.slug, disputed.key])
    assert "Ada is right" in browser.get(back.url).content.decode()
    assert not Resolution.objects.exists()


def test_another_account_gets_nothing_of_it(prompt, ada, project):
    factories.member(project, "reviewer", name="bob")
    browser = Client()
    path, fields = form_of(ada, prompt, comment="Between us")
    back = log_in(browser, "bob", carried(browser.post(path, fields)))
    assert back.url == "/"
    assert "was not taken over" in browser.get("/").content.decode()
    assert not Draft.objects.exists()


@pytest.mark.parametrize("spoil", [lambda seal: seal[:-3], lambda seal: "x", lambda seal: seal.replace(":", "-")])
def test_a_seal_that_was_changed_carries_nothing(prompt, ada, spoil):
    browser = Client()
    path, fields = form_of(ada, prompt, comment="Half a thought")
    log_in(browser, "ada", spoil(carried(browser.post(path, fields))))
    assert not Draft.objects.exists()


def test_a_seal_is_good_for_a_day(prompt, ada, project, monkeypatch):
    browser = Client()
    path, fields = form_of(ada, prompt, comment="Half a thought")
    seal = carried(browser.post(path, fields))
    later = signing.time.time() + kept_posts.OLDEST + 1
    monkeypatch.setattr(signing.time, "time", lambda: later)
    assert kept_posts.take_in(seal, ada) == ""


def test_who_left_the_project_meanwhile_is_logged_in_all_the_same(prompt, ada, project):
    browser = Client()
    path, fields = form_of(ada, prompt, comment="Half a thought")
    seal = carried(browser.post(path, fields))
    project.memberships.filter(user=ada).delete()
    assert log_in(browser, "ada", seal).url == "/"
    assert not Draft.objects.exists()


def test_a_form_whose_answer_was_replaced_leads_to_the_drafts(prompt, ada, project):
    browser = Client()
    path, fields = form_of(ada, prompt, comment="Half a thought")
    seal = carried(browser.post(path, fields))
    factories.response(prompt, "A newer answer.")
    back = log_in(browser, "ada", seal)
    assert back.url == reverse("draft_list", args=[project.slug])
    assert "Half a thought" in browser.get(back.url).content.decode()


def test_too_much_is_said_to_be_too_much(prompt, ada):
    path, fields = form_of(ada, prompt, text="x" * drafts.MOST_CHARACTERS)
    asked = Client().post(path, fields)
    assert asked.status_code == 403
    assert carried(asked) is None
    assert "too long to be kept" in asked.content.decode()


def test_a_part_of_a_page_is_led_to_the_log_in_as_before(prompt, ada):
    path, fields = form_of(ada, prompt, comment="Half a thought")
    assert Client().post(path, fields, headers={"HX-Request": "true"}).status_code == 302


def test_who_logged_in_in_another_window_meanwhile_finds_it_too(prompt, ada, project):
    browser = Client()
    path, fields = form_of(ada, prompt, comment="Half a thought")
    seal = carried(browser.post(path, fields))
    browser.force_login(ada)
    back = log_in(browser, "ada", seal)
    assert back.url == reverse("review_prompt", args=[project.slug, prompt.key])
    assert Draft.objects.get().body == {"comment": ["Half a thought"]}


# --- the token of the page is older than the log-in


def strict(person):
    browser = Client(enforce_csrf_checks=True)
    if person:
        browser.force_login(person)
    return browser


def test_the_token_of_an_older_log_in_loses_nothing(prompt, ada, project):
    path, fields = form_of(ada, prompt, action="accept", comment="Half a thought")
    back = strict(ada).post(path, fields, headers=OURS)
    assert back.url == reverse("review_prompt", args=[project.slug, prompt.key])
    assert Draft.objects.get().body == {"action": ["accept"], "comment": ["Half a thought"]}
    assert not Annotation.objects.exists()


def test_without_token_and_session_it_goes_through_the_log_in(prompt, ada):
    path, fields = form_of(ada, prompt, comment="Half a thought")
    assert carried(strict(None).post(path, fields, headers=OURS))


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://elsewhere.example"}, {"Origin": "null"}])
def test_a_form_of_another_site_leaves_nothing(prompt, ada, headers):
    path, fields = form_of(ada, prompt, comment="Not mine")
    for person in (ada, None):
        answer = strict(person).post(path, fields, headers=headers)
        assert answer.status_code == 403
        assert carried(answer) is None
    assert not Draft.objects.exists()


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://elsewhere.example"}])
def test_a_seal_that_another_site_sends_is_not_opened(prompt, ada, headers):
    path, fields = form_of(ada, prompt, comment="Not mine")
    seal = carried(Client().post(path, fields))
    assert strict(ada).post("/login/", {"carried": seal}, headers=headers).status_code == 403
    assert not Draft.objects.exists()


# --- logged in as somebody else meanwhile


def test_a_form_that_was_filled_in_under_another_account_is_refused(prompt, ada, project):
    bob = factories.member(project, "reviewer", name="bob")
    path, fields = form_of(ada, prompt, action="accept")
    for headers in ({}, {"HX-Request": "true"}):
        answer = factories.client(bob).post(path, fields, headers=headers)
        assert answer.status_code == 403
        assert "under another account" in answer.content.decode()
    assert not Annotation.objects.exists()
    assert factories.client(ada).post(path, fields | {f"r{prompt.current_response_id}-version": 0}).status_code == 302
