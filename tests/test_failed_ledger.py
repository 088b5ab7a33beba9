"""The failed ledger: which prompts an error set aside, the way back for them, and the list as a file."""

import csv
import inspect
import io
import json
import re

import pytest

from curation.models import Prompt, State
from pipeline import failures, jobs
from pipeline.teachers import errors
from tests import factories
from tests.pages import text
from tests.teacher_replies import bad_request, server_error

pytestmark = pytest.mark.django_db


def keys(page):
    return re.findall(r'prompts/([0-9a-f]{64})/"', page.content.decode())


def parked(project, error_class, *, teacher=None, run=None, origin="to_collect", detail="HTTP 500", **fields):
    """A prompt that a failed call of `run` set aside."""
    prompt = factories.prompt(project, origin, **fields)
    call = factories.call(
        project,
        teacher=teacher,
        run=run,
        state="failed",
        raw_reply="",
        error_class=error_class,
        error_detail=detail,
        request={"model": "stand-in", "messages": [{"role": "user", "content": "Why?"}]},
        sends=5,
        http_status=500,
    )
    assert prompt.park(error_class, detail, run=run, call=call)
    return prompt


@pytest.fixture
def filled(project):
    """Three parked prompts that differ in what the list can be narrowed by, and one of a neighbour."""
    first, second = factories.run(project, state="finished"), factories.run(project, state="finished")
    weak, strong = factories.teacher("Weak"), factories.teacher("Strong")
    parked(factories.project(), "timeout", teacher=weak, run=factories.run(factories.project()))
    return {
        "slow": parked(project, "timeout", teacher=weak, run=first, detail="No answer in 5 s."),
        "long": parked(project, "context_too_long", teacher=strong, run=second, detail="Maximum context length."),
        "judged": parked(project, "timeout", teacher=strong, run=second, origin="to_judge"),
        "runs": (first, second),
        "teachers": (weak, strong),
    }


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["slow", "long", "judged"]),
        ("?error_class=timeout", ["slow", "judged"]),
        ("?error_class=timeout&stage=to_judge", ["judged"]),
        ("?teacher={weak}", ["slow"]),
        ("?run={second}", ["long", "judged"]),
        ("?run={first}&error_class=context_too_long", []),
        ("?run=99999", []),
        ("?error_class=nonsense&run=x&teacher=0", ["slow", "long", "judged"]),
    ],
)
def test_the_list_is_narrowed(filled, people, project, query, names):
    query = query.format(weak=filled["teachers"][0].pk, first=filled["runs"][0].pk, second=filled["runs"][1].pk)
    page = people["viewer"].get(f"/p/{project.slug}/failed/{query}")
    assert keys(page) == [filled[name].key for name in names]


def test_the_page_counts_by_class_with_the_last_message(filled, people, project):
    page = text(people["viewer"].get(f"/p/{project.slug}/failed/"))
    assert re.search(r"Timed out 2 No answer came in the teacher's time limit", page.replace("&#x27;", "'"))
    assert "Maximum context length." in page
    assert "Retry" not in page
    assert "Retry these 2" in text(people["manager"].get(f"/p/{project.slug}/failed/"))


def test_a_class_under_another_filter_counts_what_the_filter_leaves(filled, people, project):
    page = text(people["manager"].get(f"/p/{project.slug}/failed/?run={filled['runs'][0].pk}"))
    assert "Timed out 1" in page
    assert "Retry it" in page


def test_nothing_parked_says_what_would_be_here(people, project):
    page = text(people["viewer"].get(f"/p/{project.slug}/failed/"))
    assert "No call has failed for good." in page
    assert "<table" not in page


def test_a_class_is_put_back_and_a_run_is_offered(filled, people, project):
    url = f"/p/{project.slug}/failed/"
    page = people["manager"].post(f"{url}retry/", {"query": "error_class=timeout", "scope": "all"}, follow=True)
    assert "2 prompts wait again" in text(page)
    assert f'href="/p/{project.slug}/runs/start/?stage=collect"' in page.content.decode()
    assert f'href="/p/{project.slug}/runs/start/?stage=judge"' in page.content.decode()
    states = {name: Prompt.objects.get(pk=filled[name].pk) for name in ("slow", "long", "judged")}
    assert [states[n].state for n in ("slow", "long", "judged")] == ["to_collect", "parked", "to_judge"]
    assert [states[n].failed_call is None for n in ("slow", "long", "judged")] == [True, False, True]
    assert Prompt.objects.exclude(project=project).get().state == State.PARKED


def test_the_ticked_ones_alone_are_put_back(filled, people, project):
    url = f"/p/{project.slug}/failed/retry/"
    people["manager"].post(url, {"scope": "selected", "key": [filled["long"].key]})
    assert [p.pk for p in project.prompts.in_state("to_collect")] == [filled["long"].pk]
    page = people["manager"].post(url, {"scope": "selected"}, follow=True)
    assert "Nothing was put back" in text(page)


def test_one_press_puts_back_so_many_at_most(filled, people, project, monkeypatch):
    monkeypatch.setattr("pipeline.views.failures.AT_ONCE", 1)
    assert "Retry the oldest 1" in text(people["manager"].get(f"/p/{project.slug}/failed/"))
    people["manager"].post(f"/p/{project.slug}/failed/retry/", {"query": "error_class=timeout", "scope": "all"})
    assert project.prompts.in_state("parked").count() == 2


def test_the_list_as_json_lines_holds_request_and_reply(filled, people, project):
    response = people["viewer"].get(f"/p/{project.slug}/failed/export/?format=jsonl&error_class=context_too_long")
    (row,) = [json.loads(line) for line in b"".join(response.streaming_content).splitlines()]
    assert (row["key"], row["error_class"], row["run"]) == (
        filled["long"].key,
        "context_too_long",
        filled["runs"][1].pk,
    )
    assert row["request"]["messages"][0]["content"] == "Why?"
    assert (row["teacher"], row["sends"], row["http_status"], row["stage"]) == ("Strong", 5, 500, "collect")
    assert f'filename="{project.slug}-failed.jsonl"' in response["Content-Disposition"]


@pytest.mark.parametrize("said", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_spreadsheet_takes_nothing_for_a_formula(people, project, said):
    parked(project, "bad_request", detail=said)
    response = people["viewer"].get(f"/p/{project.slug}/failed/export/?format=csv")
    (row,) = csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode(), newline=""))
    assert row["error"] == f"'{said}"
    assert tuple(row) == failures.COLUMNS


def test_what_was_parked_without_a_call_is_listed_too(people, project):
    prompt = factories.prompt(project)
    prompt.park("cannot_compose", "The template asks for $hypothesis.")
    assert keys(people["viewer"].get(f"/p/{project.slug}/failed/")) == [prompt.key]
    response = people["viewer"].get(f"/p/{project.slug}/failed/export/?format=csv")
    assert prompt.key.encode() in b"".join(response.streaming_content)


def test_every_class_of_error_has_words():
    named = set(re.findall(r'(?:return|else) "([a-z_]+)"', inspect.getsource(errors)))
    assert named | errors.FATAL | errors.RETRIED | set(errors.BY_STATUS.values()) <= set(failures.CLASSES)


def test_a_failed_call_is_kept_with_its_prompt_and_bought_again_after_a_retry(project, teacher_server, settings):
    settings.RETRY_PAUSE_SECONDS = 0.01
    project.teacher = factories.teacher(base_url=teacher_server.url)
    project.save()
    prompt = factories.prompt(project, context="Dust makes snow melt.")
    other = factories.prompt(project, context="Nickel is a metal.")
    teacher_server.script(*[server_error()] * 5, when="Dust")
    teacher_server.script(bad_request("Too odd."), when="Nickel")
    jobs.carry_out(jobs.prepare(project, "collect"))
    prompt.refresh_from_db()
    assert (prompt.error_class, prompt.failed_call.sends, prompt.failed_call.error_class) == (
        "server_error",
        5,
        "server_error",
    )
    assert {each.error_class: each.number for each in failures.by_class(failures.parked(project))} == {
        "server_error": 1,
        "bad_request": 1,
    }
    failures.put_back(failures.parked(project).filter(error_class="server_error"), actor=None)
    jobs.carry_out(jobs.prepare(project, "collect"))
    prompt.refresh_from_db()
    other.refresh_from_db()
    assert (prompt.state, prompt.failed_call, other.state) == ("to_filter", None, "parked")


def test_a_page_costs_the_same_however_many_failed(project, django_assert_num_queries, django_assert_max_num_queries):
    manager = factories.client(factories.member(project, "manager"))
    run, url = factories.run(project), f"/p/{project.slug}/failed/"
    parked(project, "timeout", run=run)
    manager.get(url)
    with django_assert_max_num_queries(16) as before:
        manager.get(url)
    for error_class in ("timeout", "connection", "bad_request"):
        parked(project, error_class, run=run, teacher=factories.teacher())
    with django_assert_num_queries(len(before)):
        manager.get(url)
