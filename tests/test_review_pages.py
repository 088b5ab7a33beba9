"""The review and resolve pages over HTTP, without JavaScript and as HTMX asks."""

import json
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from curation.models import Annotation, FilterResult, GateResult, Project, Prompt, Resolution, ReviewClaim, State
from curation.reviewing import Choice, settle, submit
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(db):
    return factories.project(slug="oxides", reviews_required=1, paired=False)


@pytest.fixture
def ada(project):
    return factories.member(project, "reviewer", name="ada")


@pytest.fixture
def bob(project):
    return factories.member(project, "reviewer", name="bob")


@pytest.fixture
def browser(ada):
    return factories.client(ada)


@pytest.fixture
def prompt(project):
    return factories.prompt(project, State.TO_REVIEW, document=factories.document(project))


HTMX = {"HX-Request": "true"}


def get(browser, name="review", *args):
    response = browser.get(reverse(name, args=["oxides", *args]))
    assert response.status_code == 200, response
    return response.content.decode()


def fields(page):
    """The form of a page as a browser would send it: hidden fields, text areas and what is checked."""
    (form,) = re.findall(r'<form id="review-form".*?</form>', page, re.DOTALL)
    data = {}
    for tag in re.findall(r"<input[^>]*>", form):
        said = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if said["type"] == "hidden" or " checked" in tag:
            data.setdefault(said["name"], []).append(said["value"])
    for name, text in re.findall(
        r'<textarea(?:(?!disabled)[^>])*? name="([^"]+)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL
    ):
        data[name] = [text]
    return data


def answer(page, *actions, **more):
    """Fields with these actions chosen, in the order of the cards; `more` goes to the first response."""
    data = fields(page)
    for pk, action in zip(data["response"], actions, strict=False):
        data[f"r{pk}-action"] = [action]
    for name, value in more.items():
        data[f"r{data['response'][0]}-{name}"] = value
    return data


def send(browser, data, **headers):
    return browser.post(reverse("review_submit", args=["oxides"]), data, headers=headers or None)


def disagree(project, prompt, one, other, **edit):
    project.reviews_required = 2
    project.save()
    submit(project, one, [Choice(prompt.current_response_id, "accept", **edit)], idempotency_key="1")
    submit(project, other, [Choice(prompt.current_response_id, "reject", comment="No control.")], idempotency_key="2")


# --- what is shown


def test_everything_decisive_is_on_the_page(project, browser, prompt):
    response = prompt.current_response
    FilterResult.objects.create(
        response=response,
        ruleset=factories.ruleset(project),
        passed=False,
        failed=["ban_citations"],
        measurements=[
            {"rule": "min_char_length", "value": 240, "limit": 120, "ok": True, "note": ""},
            {"rule": "ban_citations", "value": 2, "limit": 0, "ok": False, "note": "[1,2]"},
        ],
    )
    factories.judge_score(response, "reasoning", 74, flags=["unsupported_number"], dimensions={"method_rigour": 60})
    factories.judge_score(response, "factuality", None)
    GateResult.objects.create(
        response=response,
        ruleset=factories.ruleset(project, "gate"),
        passed=False,
        reasons=["judge_r_low_score", "judge_unreadable"],
        measurements=[{"rule": "judge_r_score", "value": 74, "limit": 80, "ok": False}],
    )

    page = get(browser)

    for words in (
        prompt.document.text,
        prompt.document.locator,
        response.text,
        "No citations 2",
        "(limit 0)",
        "[1,2]",
        "1 filter rule passed",
        "<strong>74</strong>",
        "limit 80",
        "method rigour 60",
        "It fits the source.",
        "unsupported number",
        "could not be read",
        "The reply is not JSON.",
        "attempt 1",
        "held by you until",
    ):
        assert words in page, words


def test_what_models_wrote_is_escaped_everywhere(project, browser, ada):
    evil = '<script>alert("x")</script><img src=x onerror=alert(1)>'
    document = factories.document(project, text=f"Source {evil}", title=evil, locator="javascript:alert(1)")
    prompt = factories.prompt(project, State.TO_REVIEW, document=document, answer=evil)
    factories.judge_score(
        prompt.current_response, "reasoning", 10, rationale=evil, flags=[evil], dimensions={evil: evil}
    )
    factories.resolution(prompt.current_response, "regenerate", comment=evil, reasons=[evil])
    factories.response(
        prompt,
        evil,
        fields={"variable": evil + "!", "support": [evil, "not there " + evil]},
        model_id=evil,
        refusal=evil,
    )
    factories.judge_score(prompt.current_response, "reasoning", None, error=evil)
    project.guidelines = evil
    project.save()

    page = get(browser)

    assert page.count("&lt;script&gt;") > 10
    assert "<img src=x" not in page
    assert "<script>alert" not in page
    assert 'href="javascript' not in page


def test_support_is_marked_in_the_source_and_what_is_not_there_is_said(project, browser):
    document = factories.document(project, text="Iron was added.\nThe  overpotential\nfell by 60 mV. It stayed so.")
    prompt = factories.prompt(project, State.TO_REVIEW, document=document)
    factories.response(prompt, "A claim.", fields={"support": ["The overpotential fell by 60 mV.", "It rose again."]})

    page = get(browser)

    (anchor,) = set(re.findall(r'href="#(support-[\d-]+)"', page))
    assert f'id="{anchor}"' in page
    assert "<mark>The  overpotential\nfell by 60 mV.</mark>" in page
    assert "1 of 2 quotes not in the source" in page


def test_earlier_attempts_say_why_they_did_not_stand(project, browser, prompt):
    first = prompt.current_response
    factories.filter_result(first, failed=["ban_citations"])
    factories.resolution(first, "regenerate", reasons=["no_control"], comment="Compare with something.")
    factories.response(prompt, "The second answer.")

    page = get(browser)

    assert "The second answer." in page
    for words in ("Attempt 1: regenerate (No control)", "Compare with something.", first.text, "No citations"):
        assert words in page, words


def test_nobody_sees_what_the_others_decided(project, browser, bob, prompt):
    project.reviews_required = 2
    project.save()
    choice = Choice(prompt.current_response_id, "reject", reasons=("no_control",), comment="Bob says no.")
    submit(project, bob, [choice], idempotency_key="b")

    assert "Bob says no." not in get(browser)


def test_the_last_attempt_says_what_regenerate_would_do(project, browser, prompt):
    project.attempt_limit = 1
    project.save()

    assert "No attempt is left: regenerate rejects it." in get(browser)


@pytest.mark.parametrize("pairs", [False, True])
def test_a_page_takes_a_fixed_number_of_queries(project, browser, pairs, django_assert_max_num_queries):
    project.paired = pairs
    project.save()
    for _ in range(12):
        both = factories.pair(project, State.TO_REVIEW)
        for half in (both.hypothesis, both.methodology):
            for _ in range(4):
                factories.filter_result(half.current_response, failed=["ban_citations"])
                factories.judge_score(half.current_response)
                factories.resolution(half.current_response, "regenerate")
                factories.response(half)

    with django_assert_max_num_queries(45):
        get(browser)


# --- a pair


@pytest.fixture
def pair(project):
    project.paired = True
    project.save()
    return factories.pair(project, State.TO_REVIEW)


def test_both_halves_of_a_pair_are_decided_in_one_form(browser, pair):
    page = get(browser)
    data = answer(page, "accept", "regenerate")

    assert data["response"] == [str(pair.hypothesis.current_response_id), str(pair.methodology.current_response_id)]
    assert send(browser, data).status_code == 302
    assert sorted(Annotation.objects.values_list("response__prompt__task_type", "action")) == [
        ("hypothesis", "accept"),
        ("methodology", "regenerate"),
    ]


@pytest.mark.parametrize("refusal", ["regenerate", "reject"])
def test_the_method_of_a_refused_hypothesis_may_stay_open(browser, pair, refusal):
    assert send(browser, answer(get(browser), refusal)).status_code == 302
    assert Annotation.objects.get().response == pair.hypothesis.current_response


@pytest.mark.parametrize("actions", [(), ("accept",), ("", "accept"), ("", "reject")])
def test_otherwise_both_must_be_decided(browser, pair, actions):
    response = send(browser, answer(get(browser), *actions))

    assert response.status_code == 422
    assert "Choose accept, regenerate or reject." in response.content.decode()
    assert not Annotation.objects.exists()


def test_the_half_that_is_done_is_shown_with_the_text_that_holds(project, browser, ada, pair):
    factories.resolution(pair.hypothesis.current_response, text="What people made of it.", edited=True)
    Prompt.objects.filter(pk=pair.hypothesis_id).update(state=State.ACCEPTED)

    page = get(browser)

    assert fields(page)["response"] == [str(pair.methodology.current_response_id)]
    assert "What people made of it." in page
    assert "People edited the hypothesis after this method was asked for" in page


def test_a_method_that_was_asked_with_an_earlier_hypothesis_says_so(browser, pair):
    old = pair.hypothesis.current_response.text
    factories.response(pair.hypothesis, "Another hypothesis.")

    page = get(browser)

    assert "This method was asked with an earlier hypothesis" in page
    assert old in page


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
    monkeypatch.setattr("curation.views.review.random.random", lambda: drawn)
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


# --- an empty queue says why


def test_why_a_queue_is_empty(browser, project, bob, prompt):
    get(factories.client(bob))
    factories.prompt(project, State.TO_JUDGE)
    page = get(browser)

    assert "held by bob" in page
    assert "<strong>1</strong> waits for a run" in page


def test_all_done_and_nothing_there_yet(browser, project):
    assert "has no prompts yet" in get(browser)
    factories.accepted(project)
    assert "All reviewed" in get(browser)


# --- resolve


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


# --- who may


@pytest.mark.parametrize(
    ("name", "allowed"),
    [("review", {"reviewer", "resolver", "manager", "superuser"}), ("resolve", {"resolver", "manager", "superuser"})],
)
def test_who_may_open_it(project, people, name, allowed):
    url = reverse(name, args=["oxides"])
    expected = {role: 200 if role in allowed else 403 for role in people}
    expected |= {"anonymous": 302, "outsider": 404}

    assert {role: client.get(url).status_code for role, client in people.items()} == expected


def test_judges_stand_in_the_same_order_on_every_card(browser, prompt):
    for rubric in ("reasoning", "factuality"):  # whichever answered first
        factories.judge_score(prompt.current_response, rubric)
    page = get(browser)
    assert page.index("judge, factuality") < page.index("judge, reasoning")
