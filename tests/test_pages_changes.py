"""The pages of bulk actions: the preview, the run, what was changed, and taking it back."""

import re

import pytest

from curation.models import Change, Prompt, Run, State
from pipeline import jobs
from tests import factories
from tests.pages import text

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def workers(valkey, monkeypatch):
    """A queue, and somebody who would take its jobs."""
    monkeypatch.setattr(jobs, "workers_alive", lambda: 1)


def ask(client, project, **data):
    return client.post(f"/p/{project.slug}/changes/new/", data)


def work(project):
    """Work on the newest run as a worker would."""
    run = project.runs.first()
    assert jobs.carry_out(run) == "ended"
    run.refresh_from_db()
    return run


def test_an_action_first_says_what_it_touches_and_what_it_leaves_and_why(people, project):
    parked = [factories.prompt(project, "parked") for _ in range(3)]
    waiting = factories.prompt(project)
    chosen = [prompt.key for prompt in (*parked[:2], waiting)]
    page = text(ask(people["manager"], project, action="retry", scope="selected", key=chosen))
    assert "Chosen: 3 prompts. This touches 2 : those that are parked." in page
    assert "Left as they are: 1: they are to collect" in page
    assert not Change.objects.exists()
    assert project.prompts.in_state(State.PARKED).count() == 3


def test_confirmed_it_goes_on_as_a_run_that_says_what_it_did(people, project):
    parked = [factories.prompt(project, "parked") for _ in range(3)]
    chosen = [prompt.key for prompt in parked[:2]]
    done = ask(people["manager"], project, action="retry", scope="selected", key=chosen, confirmed="1")
    run = project.runs.get()
    assert (done.status_code, done.url) == (302, f"/p/{project.slug}/runs/{run.pk}/")
    assert project.prompts.in_state(State.PARKED).count() == 3
    assert work(project).counters == {"changed": 2}
    assert project.prompts.in_state(State.PARKED).count() == 1
    change = Change.objects.get()
    page = people["manager"].get(done.url).content.decode()
    assert f"/p/{project.slug}/changes/{change.pk}/" in page
    assert "cost" not in text(people["manager"].get(done.url)).lower()


def test_all_that_match_means_the_filters_of_the_list(people, project):
    for domain in ("climate", "physics"):
        factories.prompt(project, "parked", domain=domain)
    query = "domain=climate&state=parked"
    page = ask(people["manager"], project, action="retry", scope="all", query=query)
    assert "Chosen: 1 prompt." in text(page)
    assert f"/p/{project.slug}/prompts/?domain=climate&amp;state=parked" in page.content.decode()
    ask(people["manager"], project, action="retry", scope="all", query=query, confirmed="1")
    work(project)
    assert {p.domain for p in project.prompts.in_state(State.PARKED)} == {"physics"}


def test_what_moved_after_the_preview_is_left(people, project):
    factories.prompt(project, "parked")
    page = ask(people["manager"], project, action="retry", scope="all").content.decode()
    seen_at = re.search(r'name="seen_at" value="([^"]+)"', page)[1]
    late = factories.prompt(project, "parked")
    ask(people["manager"], project, action="retry", scope="all", confirmed="1", seen_at=seen_at)
    assert work(project).counters == {"changed": 1}
    assert [p.pk for p in project.prompts.in_state(State.PARKED)] == [late.pk]


@pytest.mark.parametrize("seen_at", ["", "yesterday", "2026-13-45", "2099-01-01T00:00:00+00:00", "2026-01-01 00:00"])
def test_a_strange_time_of_the_preview_is_now(people, project, seen_at):
    factories.prompt(project, "parked")
    ask(people["manager"], project, action="retry", scope="all", confirmed="1", seen_at=seen_at)
    assert work(project).counters == {"changed": 1}


def test_a_reason_is_asked_for_and_the_choice_kept(people, project):
    prompt = factories.accepted(project)
    again = {"action": "reopen", "scope": "selected", "key": [prompt.key], "confirmed": "1"}
    refused = ask(people["manager"], project, **again)
    assert refused.status_code == 422
    assert prompt.key in refused.content.decode()
    assert "Say why" in text(refused)
    assert not Run.objects.exists()
    ask(people["manager"], project, **again, reason="New guidelines.")
    work(project)
    prompt.refresh_from_db()
    assert prompt.state == State.TO_REVIEW


def test_people_to_assign_to_are_members_who_review(people, project):
    ada = factories.member(project, "reviewer", name="ada")
    factories.member(project, "viewer", name="yolanda")
    prompt = factories.prompt(project, "to_review")
    form = {"action": "assign", "scope": "all"}
    page = text(ask(people["manager"], project, **form))
    assert "ada" in page
    assert "yolanda" not in page
    assert ask(people["manager"], project, **form, confirmed="1").status_code == 422
    ask(people["manager"], project, **form, confirmed="1", people=[ada.pk])
    work(project)
    assert prompt.assignments.get().reviewer == ada
    detail = people["manager"].get(f"/p/{project.slug}/changes/{Change.objects.get().pk}/")
    assert "for ada" in text(detail)


def test_an_unknown_action_is_refused(people, project):
    page = people["manager"].post(f"/p/{project.slug}/changes/new/", {"action": "drop"}, follow=True)
    assert "Choose what to do" in page.content.decode()


def test_without_a_queue_nothing_begins_and_the_page_says_so(people, project, monkeypatch):
    factories.prompt(project, "parked")
    monkeypatch.setattr(jobs, "queue_trouble", lambda: "The queue does not answer.")
    refused = ask(people["manager"], project, action="retry", scope="all", confirmed="1")
    assert refused.status_code == 409
    assert "The queue does not answer." in text(refused)
    assert not Change.objects.exists()
    assert not Run.objects.exists()


def test_a_change_is_taken_back_once_and_lists_what_it_had_to_leave(people, project):
    first, second = factories.accepted(project), factories.accepted(project)
    ask(people["manager"], project, action="reopen", scope="all", confirmed="1", reason="Again.")
    change = Change.objects.get()
    address = f"/p/{project.slug}/changes/{change.pk}/"
    assert "cancel the run first" in text(people["manager"].get(address))
    refused = people["manager"].post(f"{address}undo/", follow=True)
    assert "cancel the run first" in text(refused)
    work(project)
    Prompt.objects.filter(pk=second.pk).move(State.TO_REGENERATE, "resolved")
    assert "Take back all 2" in text(people["manager"].get(address))
    begun = people["manager"].post(f"{address}undo/")
    assert begun.url == f"/p/{project.slug}/runs/{project.runs.first().pk}/"
    assert "is taking it back" in text(people["manager"].post(f"{address}undo/", follow=True))
    assert work(project).counters == {"taken_back": 1, "left_as_they_were": 1}
    assert "taking back: Reopen" in text(people["manager"].get(begun.url))
    first.refresh_from_db()
    assert first.state == State.ACCEPTED
    page = text(people["manager"].get(f"{address}?which=left"))
    assert "no: it is to regenerate now" in page
    assert second.key[:12] in page
    assert first.key[:12] not in page
    assert first.key[:12] in text(people["manager"].get(f"{address}?which=back"))
    assert "It was taken back already" in text(people["manager"].post(f"{address}undo/", follow=True))
    assert "Reopen" in text(people["manager"].get(f"/p/{project.slug}/changes/"))


def test_a_cancelled_undo_can_be_begun_again(people, project):
    factories.accepted(project)
    ask(people["manager"], project, action="reopen", scope="all", confirmed="1", reason="Again.")
    work(project)
    address = f"/p/{project.slug}/changes/{Change.objects.get().pk}/undo/"
    people["manager"].post(address)
    project.runs.first().cancel()
    people["manager"].post(address)
    assert work(project).counters == {"taken_back": 1}


def test_a_fix_is_listed_and_what_took_effect_can_be_reopened(people, project):
    reviewer = factories.member(project, "reviewer", name="ada")
    accepted, waiting = factories.accepted(project), factories.prompt(project, "to_review")
    detail = {"annotation": 1, "words": [["As is well known,", ""]], "left": []}
    change = factories.change(project, reviewer, accepted, waiting, kind="fix", action="fix", detail=detail)
    assert "One edit in several answers" in text(people["manager"].get(f"/p/{project.slug}/changes/"))
    page = people["manager"].get(f"/p/{project.slug}/changes/{change.pk}/")
    assert "As is well known," in text(page)
    assert "Reopen 1…" in text(page)
    assert f'name="key" value="{accepted.key}"' in page.content.decode()
    refused = people["manager"].post(f"/p/{project.slug}/changes/{change.pk}/undo/", follow=True)
    assert "taken back by who gave them" in text(refused)


def test_many_items_come_in_pages(people, project):
    manager = factories.member(project, "manager")
    prompts = [factories.prompt(project) for _ in range(51)]
    change = factories.change(project, manager, *prompts)
    page = people["manager"].get(f"/p/{project.slug}/changes/{change.pk}/").content.decode()
    assert prompts[49].key[:12] in page
    assert prompts[50].key[:12] not in page
    following = re.search(r'rel="next" href="([^"]+)"', page)[1].replace("&amp;", "&")
    rest = people["manager"].get(f"/p/{project.slug}/changes/{change.pk}/{following}")
    assert prompts[50].key[:12] in text(rest)


def test_an_empty_list_says_what_it_is_for(people, project):
    assert "with a way to take it back" in text(people["manager"].get(f"/p/{project.slug}/changes/"))
