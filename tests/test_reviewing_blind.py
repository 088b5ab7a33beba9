"""The blind share: judgements stay hidden until a person decided, on every way, and the decision remembers it."""

import hashlib
import json

import pytest
from django.urls import reverse

from curation import labels
from curation.models import Annotation, JudgeScore, Prompt, Resolution, State
from curation.reviewing import Choice, drawn, reopen, settle, submit, take_back
from tests import factories

pytestmark = pytest.mark.django_db
# Above 59: no time of day has them as its seconds.
SECRETS = ("67.5", "61.2", "Doubtful sum.", "below its threshold", "the best scores", "96.3")
SHOWN = ("67.5", "61.2", "Doubtful sum.")


@pytest.fixture
def project(db):
    return factories.project(blind_percent=100, paired=True)


def judged(response, f=67.5, r=61.2, **fields):
    """Scores, flags and a verdict of the gate with numbers that stand nowhere else."""
    factories.judge_score(
        response, "factuality", f, rationale="Doubtful sum.", dimensions={"plausibility": f}, **fields
    )
    factories.judge_score(response, "reasoning", r, rationale="Doubtful sum.", flags=["vague"])
    measured = [{"rule": "judge_f_score", "value": f, "limit": 80, "ok": False, "spread": 0, "n": 1}]
    fields = {"measurements": measured, "score": 96.3, "pair_score": 96.3, "audit": True}
    return factories.gate_result(response, reasons=["judge_f_low_score"], **fields)


@pytest.fixture
def prompt(project):
    """A blind prompt to review, judged, with an earlier attempt and a candidate that were judged too."""
    prompt = factories.prompt(project, State.TO_REVIEW)
    earlier = prompt.current_response
    judged(earlier)
    current = factories.response(
        prompt,
        "The answer to decide.",
        sent_system="The factuality judge gave 67.5 of 100: Doubtful sum.",
        parent=earlier,
    )
    judged(current, flags=["safety_biosafety", "hallucination"], requires_human_review=True)
    factories.filter_result(current, failed=["ban_citations"])
    other = factories.response(prompt, "Another.", current=False, attempt=current.attempt, candidate=1)
    judged(other)
    prompt.events.create(
        project=project,
        kind="gated",
        from_state="to_judge",
        to_state="to_review",
        detail={
            "reasons": ["judge_f_low_score"],
            "chosen": 0,
            "of": 2,
            "why": "the best scores; none passed SampleGate",
        },
    )
    return prompt


def addresses(project, prompt):
    return {
        "queue": reverse("review", args=[project.slug]),
        "by address": reverse("review_prompt", args=[project.slug, prompt.key]),
        "prompt page": reverse("prompt_detail", args=[project.slug, prompt.key]),
    }


def told(page):
    return [secret for secret in SECRETS if secret in page]


def decide(project, user, response, action="accept", version=0, key="k"):
    return submit(project, user, [Choice(response.pk, action, version=version)], idempotency_key=key).annotations[0]


@pytest.mark.parametrize("role", ["reviewer", "manager"])
@pytest.mark.parametrize("way", ["queue", "by address", "prompt page"])
def test_before_the_decision_no_page_tells_and_after_it_all_do(project, prompt, role, way):
    project.reviews_required = 2
    project.save()
    person = factories.member(project, role)
    browser = factories.client(person)
    page = browser.get(addresses(project, prompt)[way]).content.decode()
    assert told(page) == []
    assert labels.rule("ban_citations") in page  # what the filters measured stays
    assert "safety biosafety" in page
    assert "a judge asks for a person" in page
    assert "hallucination" not in page
    assert "until you decide" in page
    row = decide(project, person, prompt.current_response)
    assert row.blind
    if way != "queue":  # which goes on to the next
        page = browser.get(addresses(project, prompt)[way]).content.decode()
        assert all(secret in page for secret in SHOWN)


def test_each_reviewer_is_blind_alone(project, prompt):
    project.reviews_required = 2
    project.save()
    ada, bob = (factories.member(project, "reviewer") for _ in range(2))
    decide(project, ada, prompt.current_response)
    page = factories.client(bob).get(addresses(project, prompt)["by address"]).content.decode()
    assert told(page) == []
    assert decide(project, bob, prompt.current_response, key="b").blind


def test_a_form_sent_without_a_decision_tells_nothing_either(project, prompt):
    browser = factories.client(factories.member(project, "reviewer"))
    data = {"response": prompt.current_response_id, "key": "k"}
    for headers in ({}, {"HX-Request": "true"}):
        answer = browser.post(reverse("review_submit", args=[project.slug]), data, headers=headers)
        assert answer.status_code == 422
        assert told(answer.content.decode()) == []


def test_an_answer_that_was_replaced_meanwhile_tells_nothing(project, prompt):
    browser = factories.client(factories.member(project, "reviewer"))
    old = prompt.current_response_id
    judged(factories.response(prompt, "A newer one."))
    data = {"response": old, f"r{old}-action": "accept", f"r{old}-version": 0, "key": "k"}
    answer = browser.post(reverse("review_submit", args=[project.slug]), data)
    assert answer.status_code == 409
    assert told(answer.content.decode()) == []


@pytest.mark.parametrize("way", ["queue", "by address", "prompt page"])
def test_outside_the_share_everything_is_shown(project, prompt, way):
    project.blind_percent = 0
    project.save()
    person = factories.member(project, "reviewer")
    page = factories.client(person).get(addresses(project, prompt)[way]).content.decode()
    assert all(secret in page for secret in SHOWN)
    assert not decide(project, person, prompt.current_response).blind


def test_who_cannot_review_may_read(project, prompt):
    browser = factories.client(factories.member(project, "viewer"))
    page = browser.get(addresses(project, prompt)["prompt page"]).content.decode()
    assert all(secret in page for secret in SHOWN)


@pytest.mark.parametrize("state", [s for s in State.values if s not in (State.ACCEPTED, State.REJECTED)])
def test_what_may_still_come_to_a_reviewer_is_hidden_wherever_it_is(project, prompt, state):
    parked = {"parked_from": State.TO_COLLECT, "error_class": "server"} if state == State.PARKED else {}
    Prompt.objects.filter(pk=prompt.pk).update(state=state, **parked)
    person = factories.member(project, "reviewer", can_resolve=True)
    page = factories.client(person).get(addresses(project, prompt)["prompt page"]).content.decode()
    assert bool(told(page)) == (state == State.TO_RESOLVE)


def test_who_saw_the_scores_after_deciding_is_not_blind_the_second_time(project, prompt):
    person = factories.member(project, "reviewer")
    first = decide(project, person, prompt.current_response)
    take_back(person, first)
    assert told(factories.client(person).get(addresses(project, prompt)["by address"]).content.decode())
    second = decide(project, person, prompt.current_response, "reject", version=1, key="again")
    assert (first.blind, second.blind) == (True, False)


def test_what_lay_open_before_it_was_reopened_is_not_blind(project, prompt, settings):
    settings.REVIEW_UNDO_SECONDS = 0
    ada, bob = (factories.member(project, "reviewer") for _ in range(2))
    decide(project, ada, prompt.current_response)
    settle(project)
    prompt.refresh_from_db()
    assert prompt.state == State.ACCEPTED
    assert reopen(prompt, ada, "Look again.")
    assert not decide(project, bob, prompt.current_response, key="b").blind


def test_a_new_attempt_is_blind_again_with_all_that_came_before(project, prompt):
    person = factories.member(project, "reviewer")
    decide(project, person, prompt.current_response, "regenerate")
    Resolution.objects.all().delete()
    judged(factories.response(prompt, "The next attempt."))
    page = factories.client(person).get(addresses(project, prompt)["by address"]).content.decode()
    assert told(page) == []


def test_the_draw_is_keyed_and_a_pair_shares_it(project):
    project.blind_percent = 30
    pairs = [factories.pair(project, State.TO_REVIEW) for _ in range(40)]
    alone = [factories.prompt(project, State.TO_REVIEW) for _ in range(40)]
    prompts = [prompt for pair in pairs for prompt in (pair.hypothesis, pair.methodology)] + alone
    found = drawn(project, prompts)

    def by_hand(key):
        digest = hashlib.sha256(f"blind:{project.split_seed}:{key}".encode()).hexdigest()
        return int(digest[:8], 16) % 100 < 30

    assert all((pair.hypothesis_id in found) == (pair.methodology_id in found) for pair in pairs)
    assert found >= {prompt.pk for prompt in alone if by_hand(prompt.key)}
    assert {pair.hypothesis_id for pair in pairs if by_hand(pair.hypothesis.key)} <= found
    project.blind_percent = 60
    assert found < drawn(project, prompts)  # a larger share keeps what was drawn
    project.paired = False
    assert {prompt.pk for prompt in alone} & drawn(project, alone) == {p.pk for p in alone} & drawn(project, prompts)
    project.split_seed = "another"
    assert drawn(project, prompts) != found


def test_a_pair_is_hidden_and_decided_as_one(project):
    pair = factories.pair(project, State.TO_REVIEW)
    for prompt in (pair.hypothesis, pair.methodology):
        judged(prompt.current_response)
    person = factories.member(project, "reviewer")
    page = factories.client(person).get(reverse("review", args=[project.slug])).content.decode()
    assert told(page) == []
    choices = [Choice(p.current_response_id, "accept") for p in (pair.hypothesis, pair.methodology)]
    rows = submit(project, person, choices, idempotency_key="k").annotations
    assert [row.blind for row in rows] == [True, True]


def test_no_answer_to_a_post_carries_a_score(project, prompt):
    """The fragment that HTMX swaps in, its headers too."""
    following = factories.prompt(project, State.TO_REVIEW)
    judged(following.current_response)
    browser = factories.client(factories.member(project, "reviewer"))
    browser.get(reverse("review", args=[project.slug]))
    pk = prompt.current_response_id
    data = {"response": pk, f"r{pk}-action": "accept", f"r{pk}-version": 0, "key": "k"}
    answer = browser.post(reverse("review_submit", args=[project.slug]), data, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert told(answer.content.decode() + json.dumps(dict(answer.headers))) == []
    assert Annotation.objects.get().blind
    assert JudgeScore.objects.exists()


def test_the_page_of_near_duplicates_tells_no_score_either(project):
    project.near_duplicate_percent = 80
    project.save()
    rows = [factories.prompt(project, State.TO_REVIEW) for _ in range(2)]
    for place, row in enumerate(rows):
        fields = {"cluster": rows[0].pk, "score": 67.5 + place, "length": 9}
        factories.fingerprint(row, row.current_response, **fields)
    address = reverse("quality_duplicates", args=[project.slug])
    pages = {role: browser.get(address).content.decode() for role, browser in factories.clients(project).items()}
    assert ">67.5<" in pages["viewer"]
    assert ">67.5<" not in pages["reviewer"] + pages["manager"]
    assert "hidden until you decide" in pages["reviewer"]
