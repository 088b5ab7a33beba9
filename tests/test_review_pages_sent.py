"""What is sent from the review page over HTTP, without JavaScript and as HTMX asks: decided, skipped, taken back."""

import json
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from curation.models import Annotation, Project, Prompt, Resolution, ReviewClaim, State
from curation.reviewing import Choice, settle, submit
from tests import factories
from tests.pages import HTMX
from tests.review_forms import answer, fields, get, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(db):
    return factories.project(slug="oxides", reviews_required=1, paired=False)


@pytest.fixture
def prompt(project):
    return factories.prompt(project, State.TO_REVIEW, document=factories.document(project))


# --- sending


def test_a_decision_with_everything_in_it(browser, prompt):
    data = answer(
        get(browser), "accept", text="An edited text.\r\nSecond line.", reasons=["too_vague", "other"], comment=" Hm. "
    )
    data["seconds"] = "42"
    response = send(browser, data)

    assert response.url == reverse("review", args=["oxides"])
    row = Annotation.objects.get()
    assert (row.action, row.edited_text, row.reasons) == (
        "accept",
        "An edited text.\nSecond line.",
        ["too_vague", "other"],
    )
    assert (row.comment, row.seconds) == ("Hm.", 42)
    page = get(browser)
    assert "Take back" in page
    assert "<strong>accept</strong> with your edit" in page
    assert "Nothing for you right now" in page


@pytest.mark.parametrize(
    "text", ["Line one.\nLine two.", "\nBegins with an empty line.", "  Indented. ", "a & b < c \\frac{1}{2}"]
)
def test_an_untouched_text_is_no_edit(project, browser, text):
    factories.prompt(project, State.TO_REVIEW, answer=text)
    page = browser.get(reverse("review", args=["oxides"]))
    card = page.context["cards"][0]
    data = {"key": "k", "response": card.response.pk, f"r{card.response.pk}-action": "accept"}
    data[f"r{card.response.pk}-text"] = card.form.typed.replace("\n", "\r\n")

    assert send(browser, data).status_code == 302
    assert Annotation.objects.get().edited_text is None


def test_the_form_shown_again_keeps_what_was_typed(browser, prompt):
    data = answer(get(browser), text="Typed.", comment="Because.", reasons=["no_control"])
    response = send(browser, data)
    page = response.content.decode()

    assert response.status_code == 422
    assert (fields(page)[f"r{prompt.current_response_id}-text"], "Because." in page) == (["Typed."], True)
    assert fields(page)[f"r{prompt.current_response_id}-reasons"] == ["no_control"]
    assert "held by you until" in page


def test_an_accepted_text_cannot_be_empty(browser, prompt):
    response = send(browser, answer(get(browser), "accept", text="  "))

    assert response.status_code == 422
    assert "An accepted text cannot be empty" in response.content.decode()


def test_a_double_click_counts_once(browser, prompt):
    data = answer(get(browser), "accept")
    send(browser, data)
    response = browser.post(reverse("review_submit", args=["oxides"]), data, follow=True)

    assert Annotation.objects.count() == 1
    assert "This was saved already, hypothesis: accept" in response.content.decode()


def test_the_back_button_and_another_decision_show_the_first_result(browser, prompt):
    data = answer(get(browser), "accept")
    send(browser, data)
    data[f"r{prompt.current_response_id}-action"] = "reject"
    data[f"r{prompt.current_response_id}-comment"] = "On second thought."
    response = send(browser, data)
    page = response.content.decode()

    assert response.status_code == 200
    assert Annotation.objects.get().action == "accept"
    assert "Your first decision stands" in page
    assert "On second thought." in page
    again = {name: value for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', page.split("<main")[1])}
    assert send(browser, again | {"csrfmiddlewaretoken": ""}).status_code == 302
    assert list(Annotation.objects.order_by("version").values_list("action", "current")) == [
        ("accept", False),
        ("reject", True),
    ]


def test_a_newer_answer_gives_back_what_was_typed(browser, prompt):
    data = answer(get(browser), "accept", text="My careful edit.", comment="My comment.")
    factories.response(prompt, "A newer answer.")
    response = send(browser, data)
    page = response.content.decode()

    assert response.status_code == 409
    for words in ("My careful edit.", "My comment.", "A newer answer.", "there is a newer answer"):
        assert words in page, words
    assert "Send what is under" not in page
    assert not Annotation.objects.exists()


def test_a_second_window_gets_both_and_may_replace(browser, prompt):
    one, other = answer(get(browser), "accept"), answer(get(browser), "reject", comment="Second window.")
    send(browser, one)
    response = send(browser, other)

    assert response.status_code == 409
    assert "you decided it in another window" in response.content.decode()
    assert "Send what is under “Yours” instead" in response.content.decode()


def test_a_decision_in_effect_says_so(browser, project, prompt):
    one, other = answer(get(browser), "accept"), answer(get(browser), "reject")
    send(browser, one)
    Resolution.objects.update(effective_at=timezone.now() - timedelta(seconds=1))
    settle(project)
    other[f"r{prompt.current_response_id}-version"] = "1"
    response = send(browser, other)

    assert response.status_code == 409
    assert "your decision has taken effect" in response.content.decode()


def test_a_submit_after_the_claim_lapsed_is_kept(browser, project, bob, prompt):
    data = answer(get(browser), "reject")
    ReviewClaim.objects.all().delete()
    submit(project, bob, [Choice(prompt.current_response_id, "accept")], idempotency_key="b")

    assert send(browser, data).status_code == 302
    assert Annotation.objects.get(action="reject").surplus


@pytest.mark.parametrize("whose", ["foreign", "two attempts", "two prompts", "words"])
def test_responses_that_do_not_belong_together_are_not_found(browser, project, prompt, whose):
    other = factories.prompt(factories.project() if whose == "foreign" else project, State.TO_REVIEW).current_response
    ids = {
        "foreign": [other.pk],
        "two prompts": [prompt.current_response_id, other.pk],
        "two attempts": [prompt.current_response_id, factories.response(prompt).pk],
        "words": ["x", "-1"],
    }[whose]
    data = {"response": ids, "key": "k"} | {f"r{pk}-action": "accept" for pk in ids}

    assert send(browser, data).status_code == (302 if whose == "words" else 404)
    assert not Annotation.objects.exists()


# --- skipping, taking back, holding


def post(browser, name, data, **headers):
    return browser.post(reverse(name, args=["oxides"]), data, headers=headers or None)


def test_a_skipped_prompt_comes_last(browser, project, prompt):
    other = factories.prompt(project, State.TO_REVIEW)
    get(browser)
    assert post(browser, "review_skip", {"prompt": prompt.pk}).status_code == 302

    assert fields(get(browser))["response"] == [str(other.current_response_id)]


def test_a_decision_taken_back_comes_again_as_it_was(browser, prompt):
    send(browser, answer(get(browser), "reject", comment="Hasty.", reasons=["no_control"], text="Edited."))
    row = Annotation.objects.get()
    post(browser, "review_take_back", {"annotation": row.pk})
    page = get(browser)
    data = fields(page)
    pk = prompt.current_response_id

    assert (data[f"r{pk}-action"], data[f"r{pk}-reasons"], data[f"r{pk}-version"]) == (
        ["reject"],
        ["no_control"],
        ["1"],
    )
    assert (data[f"r{pk}-text"], data[f"r{pk}-comment"]) == (["Edited."], ["Hasty."])
    assert send(browser, data | {f"r{pk}-action": "accept"}).status_code == 302
    assert Annotation.objects.get(current=True).version == 2


def test_too_late_to_take_back(browser, project, prompt):
    send(browser, answer(get(browser), "reject"))
    Resolution.objects.update(effective_at=timezone.now() - timedelta(seconds=1))
    response = browser.post(
        reverse("review_take_back", args=["oxides"]), {"annotation": Annotation.objects.get().pk}, follow=True
    )

    assert "It could not be taken back" in response.content.decode()
    assert Prompt.objects.get().state == State.REJECTED


def test_nobody_takes_back_for_another(browser, project, bob, prompt):
    done = submit(project, bob, [Choice(prompt.current_response_id, "accept")], idempotency_key="b")

    assert post(browser, "review_take_back", {"annotation": done.annotations[0].pk}).status_code == 404


def test_a_closed_round_begins_blank_and_remembers(browser, project, ada, prompt):
    submit(project, ada, [Choice(prompt.current_response_id, "reject", comment="Then.")], idempotency_key="a")
    Resolution.objects.update(effective_at=timezone.now() - timedelta(seconds=1))
    settle(project)
    manager = factories.client(factories.member(project, "manager"))
    manager.post(reverse("prompt_reopen", args=["oxides", prompt.key]), {"reason": "Look again."})
    page = get(browser)

    assert f"r{prompt.current_response_id}-action" not in fields(page)
    assert "You decided before: reject" in page


def test_the_heartbeat_renews_and_says_who_else_holds(browser, project, bob, prompt):
    get(browser)
    data = {"prompt": prompt.pk}
    assert "held by you until" in post(browser, "review_heartbeat", data, **HTMX).content.decode()

    ReviewClaim.objects.update(until=timezone.now() - timedelta(seconds=1))
    get(factories.client(bob))
    assert "held by bob; your decision is kept" in post(browser, "review_heartbeat", data).content.decode()


def test_a_prompt_has_an_address_to_change_ones_mind(browser, project, ada, prompt):
    project.reviews_required = 2
    project.save()
    send(browser, answer(get(browser), "reject", comment="First thought."))
    page = get(browser, "review_prompt", prompt.key)

    assert fields(page)[f"r{prompt.current_response_id}-action"] == ["reject"]
    assert "First thought." in page


def test_a_prompt_that_waits_for_nobody_leads_to_its_history(browser, project):
    done = factories.accepted(project)
    response = browser.get(reverse("review_prompt", args=["oxides", done.key]))

    assert response.url == reverse("prompt_detail", args=["oxides", done.key])


# --- as HTMX asks


def test_htmx_gets_the_next_one_as_a_fragment(browser, project, prompt):
    other = factories.prompt(project, State.TO_REVIEW)
    response = send(browser, answer(get(browser), "accept"), **HTMX)
    page = response.content.decode()

    assert "<html" not in page
    assert re.match(r'\s*<section id="review-item"', page)
    assert 'data-left="1"' in page
    assert fields(page)["response"] == [str(other.current_response_id)]
    assert json.loads(response["HX-Trigger"]) == {"review-saved": {"responses": [prompt.current_response_id]}}


@pytest.mark.parametrize(("drawn", "told"), [(0.2, True), (0.3, False)])
def test_among_gold_items_the_number_left_is_told_now_and_then(browser, project, prompt, monkeypatch, drawn, told):
    """It does not fall after a gold item: where it never falls at once, that tells nothing."""
    Project.objects.filter(pk=project.pk).update(gold_percent=10)
    monkeypatch.setattr("curation.views.review_page.random.random", lambda: drawn)
    factories.prompt(project, State.TO_REVIEW)
    page = send(browser, answer(get(browser), "accept"), **HTMX).content.decode()
    assert ('data-left="1"' in page) is told


@pytest.mark.parametrize("kind", ["invalid", "conflict", "empty"])
def test_every_answer_to_htmx_is_the_same_fragment(browser, prompt, kind):
    data = answer(get(browser), "" if kind == "invalid" else "accept")
    if kind == "conflict":
        factories.response(prompt)
    response = send(browser, data, **HTMX)

    assert response.status_code == {"invalid": 422, "conflict": 409, "empty": 200}[kind]
    assert re.match(r'\s*<section id="review-item"', response.content.decode())
    assert ("HX-Trigger" in response) is (kind == "empty")


def test_the_header_alone_makes_no_fragment_of_a_page(browser, prompt):
    response = browser.get(reverse("review", args=["oxides"]), headers=HTMX)

    assert "<html" in response.content.decode()


def test_htmx_that_skips_or_takes_back_gets_the_next_one(browser, prompt):
    data = answer(get(browser), "accept")
    page = post(browser, "review_skip", {"prompt": prompt.pk}, **HTMX).content.decode()
    assert "<html" not in page
    send(browser, data)
    page = post(browser, "review_take_back", {"annotation": Annotation.objects.get().pk}, **HTMX).content.decode()

    assert "Taken back. Decide again, or skip it." in page
    assert fields(page)["response"] == [str(prompt.current_response_id)]
