"""The page of a run while it works: where its prompts are, speed, money, errors, latency; and what a look costs."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from curation.models import Run
from pipeline import limits, watching
from tests import factories
from tests.pages import text

pytestmark = pytest.mark.django_db
QUOTE = {"price_usd": {"p10": "1.500000", "p50": "2.000000", "p90": "2.500000"}}
FULL = {
    "total": 500,
    "done": 340,
    "counters": {"parked": 4, "reused": 12, "maybe_paid_twice": 1, "calls_answered": 324, "calls_failed": 4},
    "cost": Decimal("0.42"),
    "held_usd": Decimal("0.05"),
    "cap_usd": Decimal(3),
    "saved_usd": Decimal("0.02"),
    "cost_unknown": 2,
    "input_tokens": 12_000,
    "output_tokens": 4_500,
    "quote": QUOTE,
    "errors": {
        "server_error": {"n": 3, "last": "HTTP 500 <b>", "at": "2026-01-02T03:04:05+00:00"},
        "odd_new_class": {"n": 1, "last": "Odd.", "at": "2026-01-02T03:04:05+00:00"},
    },
    "latencies": {"200": 30, "500": 250, "2000": 40, "more": 4},
    "notice": "The cap of 3.00 USD is reached: 160 prompts keep waiting.",
}


@pytest.fixture
def page(people, project, monkeypatch):
    """A function that gives the words of the page of a run with these fields; the teachers are at leisure."""
    monkeypatch.setattr(limits, "watch", lambda teacher: limits.Watch(known=True, concurrency=teacher.concurrency))
    project.teacher = factories.teacher("Stand-in", concurrency=16, requests_per_minute=500)
    project.save()

    def show(stage="collect", state="running", **fields):
        run = factories.run(project, stage, state, **fields)
        return text(people["viewer"].get(f"/p/{project.slug}/runs/{run.pk}/progress/"))

    return show


@pytest.mark.parametrize(
    "said",
    [
        "336 done 0 in flight 160 waiting 4 parked",
        "324 answered, 4 without an answer",
        "12 answers bought before: USD 0.0200 saved",
        "Maybe paid twice 1 call : sent again after a worker died",
        "USD 0.4200 spent (14 % of the cap) and 2 calls whose price or usage is unknown",
        "USD 0.0500 held for calls under way USD 2.53 left",
        "Cap USD 3.00 Quoted before USD 2.00 (USD 1.50 to USD 2.50)",
        "12,000 read, 4,500 written",
        "Server error 3 HTTP 500 &lt;b&gt;",
        "Odd new class 1 Odd.",
        "How long do answers take? (n = 324 calls)",
        "Half came within 0.5 s, nine of ten within 2 s.",
        "0.1 to 0.2 30 0.2 to 0.5 250 0.5 to 1 0 1 to 2 40",
        "more than 120 4 all 324",
        "The cap of 3.00 USD is reached",
        "Requests a minute 0 of 500 Input tokens a minute no limit not counted",
        "Requests at once 0 of 16",
    ],
)
def test_what_the_page_says(page, said):
    assert said in page(**FULL)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"quote": {"price_usd": None}}, "Quoted before unknown"),
        ({}, "Cap none"),
        (
            {"cap_tokens": 20_000, "input_tokens": 9_000, "held_tokens": 500},
            "9,000 tokens spent 500 held 10,500 left of",
        ),
        ({"cap_usd": 1, "cost": Decimal("1.2")}, "USD 0.00 left"),
        ({"latencies": {"more": 3}}, "More than half took longer than 120 s."),
        ({"latencies": {"500": 30}}, "Nine of ten came within 0.5 s."),
        ({"latencies": {"50": 6, "more": 4}}, "Half came within 0.05 s; the slowest tenth took longer than 120 s."),
    ],
)
def test_what_it_says_of_money_and_time(page, fields, said):
    assert said in page(**fields)


@pytest.mark.parametrize(
    ("role", "done", "state", "offered"),
    [
        ("manager", 7, "finished", True),
        ("manager", 7, "cancelled", True),
        ("manager", 9, "finished", False),
        ("manager", 7, "running", False),
        ("viewer", 7, "finished", False),
    ],
)
def test_what_is_left_waiting_can_be_taken_up(people, project, role, done, state, offered):
    run = factories.run(project, state=state, total=9, done=done)
    page = text(people[role].get(f"/p/{project.slug}/runs/{run.pk}/"))
    assert ("Start another run" in page) is offered


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ({"known": False}, "Stand-in Unknown: the server that keeps the limits does not answer."),
        ({"requests": 412, "in_flight": 7}, "Requests a minute 412 of 500"),
        ({"concurrency": 4}, "At most 4 at once instead of 16"),
        ({"paused_until": timezone.now()}, "The endpoint asked to wait until"),
        ({"down_until": timezone.now(), "failures": 9}, "The endpoint only fails (9 in a row): nothing is sent until"),
    ],
)
def test_why_it_is_slow(page, monkeypatch, seen, said):
    monkeypatch.setattr(limits, "watch", lambda teacher: limits.Watch(**({"known": True, "concurrency": 16} | seen)))
    assert said in page(total=9)


@pytest.mark.parametrize(
    ("stage", "names"),
    [
        ("collect", ["Weak", "Other"]),
        ("judge", ["Factual"]),
        ("regenerate", ["Strong"]),
        ("pipeline", ["Weak", "Other", "Factual"]),
        ("filter", []),
    ],
)
def test_every_teacher_that_is_asked_is_named(project, stage, names):
    weak, other, strong, judge = (factories.teacher(name) for name in ("Weak", "Other", "Strong", "Factual"))
    project.teacher, project.regen_teacher, project.judge_factuality = weak, strong, judge
    project.save()
    project.more_teachers.add(other)
    assert [t.name for t in watching.teachers_of(factories.run(project, stage, "running"))] == names


def test_a_run_without_a_teacher_still_has_its_page(page, project):
    project.teacher = None
    project.save()
    assert "Speed against the limits" not in page(total=9)


def test_a_filter_run_has_no_money(page):
    said = page("filter", total=9, done=3)
    assert "3 done" in said
    assert "Money" not in said


def test_only_live_leases_are_in_flight(page, project):
    run = factories.run(project, state="running", total=4, done=1)
    soon, past = timezone.now() + timedelta(seconds=20), timezone.now() - timedelta(seconds=1)
    for lease in (soon, past, None):
        factories.prompt(project, run=run, lease_until=lease)
    factories.prompt(project, run=factories.run(project), lease_until=soon)
    assert str(watching.parts(run)) == "1 done, 1 in flight, 2 waiting, 0 parked"
    run.end(Run.State.CANCELLED)
    assert str(watching.parts(run)) == "1 done, 0 in flight, 3 waiting, 0 parked"


def test_an_ended_run_asks_nobody_how_fast_it_is(people, project, monkeypatch):
    monkeypatch.setattr(limits, "watch", lambda teacher: pytest.fail("a page of the past looks at no limits"))
    project.teacher = factories.teacher()
    project.save()
    run = factories.run(project, state="finished", **FULL)
    said = text(people["viewer"].get(f"/p/{project.slug}/runs/{run.pk}/"))
    assert "160 left waiting" in said
    assert "held for calls that may have been billed" in said
    assert "What it parked" in said


def test_a_release_that_is_written_says_that_it_is_checked_and_not_that_no_time_is_left(people, project):
    started = timezone.now() - timedelta(seconds=30)
    run = factories.run(project, "package", "running", total=44, done=44, started_at=started, seen_at=timezone.now())
    page = text(people["manager"].get(f"/p/{project.slug}/runs/{run.pk}/"))
    assert "44 of 44 (100 %)" in page
    assert "Every row is taken in. The files are finished, read back and checked now, and then published." in page
    assert " left" not in page
    Run.objects.filter(pk=run.pk).update(done=11)
    page = text(people["manager"].get(f"/p/{project.slug}/runs/{run.pk}/"))
    assert "Every row is taken in" not in page
    assert " left" in page


def test_errors_lead_to_the_failed_ledger(people, project):
    run = factories.run(project, state="finished", **FULL)
    page = people["viewer"].get(f"/p/{project.slug}/runs/{run.pk}/").content.decode()
    assert f'href="/p/{project.slug}/failed/?error_class=server_error&amp;run={run.pk}"' in page
    assert f'href="/p/{project.slug}/failed/?run={run.pk}"' in page


def test_runs_lead_to_the_failed_ledger_where_something_is_parked(people, project):
    link = f'href="/p/{project.slug}/failed/"'
    assert link not in people["viewer"].get(f"/p/{project.slug}/runs/").content.decode()
    factories.prompt(project, "parked")
    assert link in people["viewer"].get(f"/p/{project.slug}/runs/").content.decode()


def test_the_batches_of_a_run_stand_on_its_page(people, project):
    run = factories.run(project, state="running", total=9, parameters={"mode": "batch"})
    run.batches.create(project=project, teacher=factories.teacher("Nightly"), requests=9)
    said = text(people["viewer"].get(f"/p/{project.slug}/runs/{run.pk}/"))
    assert "Batches" in said
    assert "Nightly" in said


def test_the_overview_leads_to_what_is_parked(people, project):
    factories.prompt(project, "parked")
    assert "Why 1 is parked, and the way back" in text(people["viewer"].get(f"/p/{project.slug}/"))


def test_a_look_costs_the_same_however_large_the_run(people, project, valkey):
    project.teacher = factories.teacher()
    project.save()
    run = factories.run(project, state="running", **FULL)
    url = f"/p/{project.slug}/runs/{run.pk}/progress/"
    people["viewer"].get(url)
    with CaptureQueriesContext(connection) as before:
        people["viewer"].get(url)
    for _ in range(20):
        factories.prompt(project, run=run, lease_until=timezone.now() + timedelta(seconds=20))
    with CaptureQueriesContext(connection) as after:
        people["viewer"].get(url)
    assert len(after) == len(before) <= 10
    assert "20 in flight" in text(people["viewer"].get(url))


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's own words on a plan")
def test_what_is_in_flight_is_found_by_an_index_alone(project):
    run = factories.run(project, state="running", total=10)
    assert "INDEX prompt_in_hand (run_id=? AND lease_until>?)" in run.prompts.in_hand().order_by().explain()
