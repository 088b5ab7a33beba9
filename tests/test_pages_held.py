"""What holds a prompt back is said where people look: on its page, in the empty queue and on the project's page."""

import re

import pytest

from curation.models import State
from tests import factories

pytestmark = pytest.mark.django_db


def page(client, address):
    response = client.get(address)
    assert response.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def address(project, prompt):
    return f"/p/{project.slug}/prompts/{prompt.key}/"


@pytest.fixture
def alike(project):
    """Two near-duplicates to review; the first has the better score."""
    project.near_duplicate_percent, project.paired = 80, False
    project.save()
    made = [factories.prompt(project, State.TO_REVIEW) for _ in range(2)]
    for prompt, score in zip(made, (90, 80), strict=True):
        factories.fingerprint(prompt, prompt.current_response, cluster=1, score=score)
    return made


def test_a_prompt_says_what_comes_before_it(people, project, alike):
    first, second = alike
    response = people["viewer"].get(address(project, second)).content.decode()
    assert "Held back from review:" in response
    assert f'href="{address(project, first)}"' in response
    other = page(people["viewer"], address(project, first))
    assert "Held back" not in other
    assert f"Near-duplicates {second.key[:8]}" in other


def test_a_rejected_one_holds_nothing_back(people, project, alike):
    first, second = alike
    first.go(State.REJECTED, "reviewed")
    assert "Held back" not in page(people["viewer"], address(project, second))


def test_a_pair_is_held_by_either_half(people, project):
    project.near_duplicate_percent = 80
    project.save()
    pairs = [factories.pair(project, State.TO_REVIEW) for _ in range(2)]
    for pair, score in zip(pairs, (90, 80), strict=True):
        method = pair.methodology
        factories.fingerprint(method, method.current_response, cluster=1, score=score, unit=pair.hypothesis_id)
    said = page(people["viewer"], address(project, pairs[1].hypothesis))
    assert f"with its pair: a near-duplicate comes first: methodology {pairs[0].methodology.key[:8]}" in said


def test_the_empty_queue_counts_what_is_held(people, project, alike):
    factories.annotation(alike[0].current_response, factories.user())
    assert "1 held back" in page(people["reviewer"], f"/p/{project.slug}/review/")


def test_a_leak_is_said_with_its_words(people, project):
    prompt = factories.prompt(project, State.TO_REVIEW)
    held_out = factories.held_out(project, name="olympiad")
    factories.overlap(prompt, evaluation_set=held_out, shared=4, words="dust of ten grams")
    factories.overlap(prompt, prompt.current_response, evaluation_set=held_out, words="nine days <b>earlier")
    said = people["viewer"].get(address(project, prompt)).content.decode()
    assert "the prompt with its source shares 4 runs of 12 words with olympiad, such as “dust of ten grams”" in said
    assert "its answer of attempt 1 shares 3 runs of 12 words with olympiad" in said
    assert "nine days &lt;b&gt;earlier" in said


def test_an_audit_is_said(people, project):
    prompt = factories.prompt(project, State.TO_REVIEW)
    factories.gate_result(prompt.current_response, score=95, audit=True)
    said = page(people["viewer"], address(project, prompt))
    assert "✓ passed with 95 ◔ sent to people as an audit of the accept band" in said


def waiting(client, project):
    return re.findall(r"(\d+) to review, (\d+) for you now", page(client, f"/p/{project.slug}/"))


def test_where_all_that_waits_is_offered_there_is_nothing_to_explain(people, project):
    factories.prompt(project, State.TO_REVIEW)
    assert waiting(people["reviewer"], project) == []


def test_the_project_says_why_fewer_are_offered(people, project):
    for state, _ in zip((State.TO_REGENERATE, State.TO_REGENERATE, State.TO_JUDGE), range(3), strict=True):
        factories.pair(project, State.TO_REVIEW, methodology_state=state)
    factories.pair(project, State.TO_REVIEW)
    decided = factories.prompt(project, State.TO_REVIEW)
    project.reviews_required = 2
    project.save()
    reviewer = factories.member(project, "reviewer")
    factories.annotation(decided.current_response, reviewer)

    said = page(factories.client(reviewer), f"/p/{project.slug}/")
    assert "6 to review, 2 for you now" in said
    assert "1 decided by you; others must decide too" in said
    assert "2 whose pair’s other half was refused and is to be asked again" in said
    assert "1 whose pair’s other half is to be judged" in said
    assert "start regenerate" not in said
    assert f'/p/{project.slug}/runs/start/?stage=regenerate"' in (
        people["manager"].get(f"/p/{project.slug}/").content.decode()
    )


def test_what_is_held_as_a_near_duplicate_is_explained(people, project, alike):
    said = page(people["reviewer"], f"/p/{project.slug}/")
    assert "2 to review, 1 for you now" in said
    assert "1 held back behind a better near-duplicate" in said


def test_a_count_that_ends_early_is_no_sum(people, project, alike, monkeypatch):
    monkeypatch.setattr("curation.overview.COUNT_CAP", 1)
    monkeypatch.setattr("curation.overview.LOOKED_AT", 1)
    monkeypatch.setattr("curation.overview.waiting_for", lambda project, user: {"review": 0, "resolve": 0})
    said = page(people["reviewer"], f"/p/{project.slug}/")
    assert "1 or more held back behind a better near-duplicate" in said
    assert "about to go on" not in said


def test_a_viewer_is_offered_nothing_and_told_nothing(people, project):
    factories.pair(project, State.TO_REVIEW, methodology_state=State.TO_REGENERATE)
    assert waiting(people["viewer"], project) == []
