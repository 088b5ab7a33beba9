"""The flips of a run: which are listed, and reopening them in bulk for one reason."""

import re

import pytest

from curation.models import Annotation, Event, Prompt, Resolution, State
from curation.reviewing import reopening
from pipeline.views import run_flips
from tests import factories
from tests.pages import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(project):
    return factories.run(project, "filter", "finished", counters={"would_flip": 3})


def flip(project, run, *, state=State.ACCEPTED, action="accept", failed=("min_char_length",), answer="An answer."):
    """A prompt that people decided, whose verdict in `run` differs."""
    prompt = factories.prompt(project, state, answer=answer)
    factories.resolution(prompt.current_response, action)
    factories.annotation(prompt.current_response, factories.user(), action)
    return factories.filter_result(prompt.current_response, failed=failed, run=run, flips=True)


def listing(client, run, query=""):
    return client.get(f"/p/{run.project.slug}/runs/{run.pk}/flips/{query}")


def reopen(client, run, **data):
    return client.post(f"/p/{run.project.slug}/runs/{run.pk}/flips/reopen/", data, follow=True)


def test_the_list_says_what_people_decided_and_what_the_verdict_says_now(people, project, run):
    flip(project, run)
    flip(project, run, state=State.REJECTED, action="reject", failed=())
    other = factories.prompt(project, State.ACCEPTED, answer="No flip.")
    factories.filter_result(other.current_response, run=run)
    page = text(listing(people["viewer"], run))
    assert "2 of 2 flips" in page
    assert "fails Shortest answer, in characters" in page
    assert "No flip." not in page
    assert "Reopen" not in page
    assert text(listing(people["viewer"], run, "?now=passes")).count("An answer.") == 1
    assert "1 of 2 flips" in text(listing(people["viewer"], run, "?decided=accept"))


def test_the_page_of_the_run_leads_to_its_flips(people, project, run):
    page = people["viewer"].get(f"/p/{project.slug}/runs/{run.pk}/").content.decode()
    assert f"/p/{project.slug}/runs/{run.pk}/flips/" in page
    assert "3 decided answers" in page


def test_a_run_without_flips_says_so(people, run):
    assert "No verdict of this run differs" in text(listing(people["viewer"], run))


def test_the_gates_flips_are_listed_by_their_reasons(people, project):
    run = factories.run(project, "judge", "finished")
    prompt = factories.accepted(project)
    factories.gate_result(prompt.current_response, reasons=["judge_f_low_score"], run=run, flips=True)
    page = text(listing(people["viewer"], run))
    assert "factuality below its threshold" in page


def test_what_a_reviewer_is_still_to_decide_blind_is_not_told_by_the_gates_flips(people, project):
    project.blind_percent, project.reviews_required = 100, 2
    project.save()
    run = factories.run(project, "judge", "finished")
    prompt = factories.prompt(project, State.TO_REVIEW)
    factories.annotation(prompt.current_response, factories.member(project, "reviewer"))
    factories.gate_result(prompt.current_response, reasons=["judge_f_low_score"], run=run, flips=True)
    for query in ("?which=all", "?which=all&now=fails"):
        assert "factuality below" not in text(listing(people["reviewer"], run, query))
        assert prompt.key not in listing(people["reviewer"], run, query).content.decode()
        assert "factuality below its threshold" in text(listing(people["viewer"], run, query))


def test_the_ticked_ones_are_reopened_with_the_reason(people, project, run):
    verdicts = [flip(project, run) for _ in range(3)]
    page = text(reopen(people["manager"], run, key=[verdicts[0].pk, verdicts[1].pk], reason="Too short after all."))
    assert "2 prompts wait for review again" in page
    assert "1 of 3 flips" in page
    assert project.prompts.in_state(State.TO_REVIEW).count() == 2
    events = Event.objects.filter(kind="reopened")
    assert [event.detail for event in events] == [{"reason": "Too short after all."}] * 2
    assert all(event.actor for event in events)
    assert not Annotation.objects.filter(response=verdicts[0].response, current=True).exists()
    assert not Resolution.objects.filter(response=verdicts[0].response, current=True).exists()
    assert Annotation.objects.filter(response=verdicts[2].response, current=True).exists()


def test_all_of_the_list_are_reopened_and_no_others(people, project, run, monkeypatch):
    monkeypatch.setattr(reopening, "PORTION", 2)
    for _ in range(5):
        flip(project, run)
    left = flip(project, run, state=State.REJECTED, action="reject", failed=())
    page = text(reopen(people["manager"], run, scope="all", query="now=fails", shown=5, reason="Again."))
    assert "5 prompts wait for review again" in page
    assert Prompt.objects.get(current_response=left.response).state == State.REJECTED


def test_more_than_one_press_takes_are_left_for_the_next(people, project, run, monkeypatch):
    monkeypatch.setattr(run_flips, "AT_ONCE", 3)
    for _ in range(5):
        flip(project, run)
    page = text(reopen(people["manager"], run, scope="all", shown=5, reason="Again."))
    assert "3 prompts wait for review again" in page
    assert "Press again for the next" in page
    page = text(reopen(people["manager"], run, scope="all", shown=2, reason="Again."))
    assert "2 prompts wait for review again" in page
    assert "Press again" not in page


def test_what_changed_meanwhile_is_left_and_told(people, project, run):
    verdicts = [flip(project, run) for _ in range(4)]
    reopened, regenerated = (Prompt.objects.get(current_response=row.response) for row in verdicts[:2])
    reopened.go(State.TO_REVIEW, "reopened")
    factories.response(regenerated, "A newer answer.")
    keys = [row.pk for row in verdicts[:3]]
    page = text(reopen(people["manager"], run, key=keys, reason="Again."))
    assert "1 prompt waits for review again" in page
    assert "2 had changed since the list was shown" in page
    assert Prompt.objects.get(pk=regenerated.pk).state == State.ACCEPTED
    everything = text(reopen(people["manager"], run, scope="all", shown=3, reason="Again."))
    assert "1 prompt waits" in everything
    assert "2 had changed" in everything


def test_a_reason_is_needed_and_what_was_ticked_stays_ticked(people, project, run):
    verdict = flip(project, run)
    page = reopen(people["manager"], run, key=[verdict.pk], reason="  ")
    assert page.status_code == 422
    assert "Say why they are reopened" in text(page)
    assert re.search(rf'value="{verdict.pk}"[^>]* checked', page.content.decode())
    assert not Event.objects.filter(kind="reopened").exists()


def test_nothing_ticked_changes_nothing(people, project, run):
    flip(project, run)
    assert "tick the prompts first" in text(reopen(people["manager"], run, reason="Again."))


def test_verdicts_of_another_run_or_project_cannot_be_named(people, project, run):
    foreign = factories.project()
    theirs = flip(foreign, factories.run(foreign, "filter", "finished"))
    other = flip(project, factories.run(project, "filter", "finished"))
    reopen(people["manager"], run, key=[theirs.pk, other.pk], reason="Again.")
    assert not Event.objects.filter(kind="reopened").exists()


def test_a_methodology_that_fell_with_its_hypothesis_comes_back_with_it(people, run):
    project = run.project
    project.paired = True
    project.save()
    pair = factories.pair(project, State.TO_REVIEW)
    hypothesis = pair.hypothesis
    factories.resolution(hypothesis.current_response, "reject")
    hypothesis.go(State.REJECTED, "resolved")
    pair.methodology.refresh_from_db()
    assert pair.methodology.state == State.REJECTED
    verdict = factories.filter_result(hypothesis.current_response, run=run, flips=True)
    assert "1 prompt waits" in text(reopen(people["manager"], run, key=[verdict.pk], reason="Again."))
    assert set(project.prompts.values_list("state", flat=True)) == {State.TO_REVIEW}


def test_a_page_of_many_flips_asks_the_database_as_often_as_of_few(people, project, run, django_assert_max_num_queries):
    for _ in range(60):
        flip(project, run)
    with django_assert_max_num_queries(20):
        page = listing(people["manager"], run)
    assert page.content.decode().count('name="key"') == 50
    assert "Next 50" in text(page)
