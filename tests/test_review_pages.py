"""What the review page shows over HTTP: all that is decisive, pairs, an empty queue, and to whom."""

import re

import pytest
from django.urls import reverse

from curation.models import Annotation, FilterResult, GateResult, Prompt, State
from curation.reviewing import Choice, submit
from tests import factories
from tests.review_forms import answer, fields, get, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(db):
    return factories.project(slug="oxides", reviews_required=1, paired=False)


@pytest.fixture
def prompt(project):
    return factories.prompt(project, State.TO_REVIEW, document=factories.document(project))


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


def test_judges_stand_in_the_same_order_on_every_card(browser, prompt):
    for rubric in ("reasoning", "factuality"):  # whichever answered first
        factories.judge_score(prompt.current_response, rubric)
    page = get(browser)
    assert page.index("judge, factuality") < page.index("judge, reasoning")


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
