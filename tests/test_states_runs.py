"""A run's row: it takes hold of prompts, counts, is cancelled and ends, whatever several jobs do at once."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from curation.models import Prompt, Run
from tests import factories
from tests.threads import together


def prompts(project, number):
    return [factories.prompt(project) for _ in range(number)]


def test_enlists_the_oldest_free_prompts(project):
    first, second, third, fourth = prompts(project, 4)
    other = factories.run(project)
    assert other.enlist(project.prompts.filter(pk=first.pk)) == 1
    run = factories.run(project)
    assert run.enlist(project.prompts.all(), limit=2) == 2
    assert list(run.prompts.all()) == [second, third]
    assert run.enlist(project.prompts.all()) == 1
    run.refresh_from_db()
    assert run.total == 3
    assert list(run.prompts.all()) == [second, third, fourth]


def test_takes_nothing_of_another_project(project):
    factories.prompt(factories.project())
    assert factories.run(project).enlist(Prompt.objects.all()) == 0


@pytest.mark.parametrize("state", ["finished", "failed", "cancelled"])
def test_prompts_of_an_ended_run_are_free(project, state):
    prompts(project, 1)
    Run.objects.filter(pk=(old := factories.run(project)).pk).update(state="queued")
    old.enlist(project.prompts.all())
    Run.objects.filter(pk=old.pk).update(state=state)
    assert factories.run(project).enlist(project.prompts.all()) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("limit", [None, 15])
def test_runs_that_enlist_at_once_share_no_prompt(limit):
    project = factories.project()
    prompts(project, 20)
    runs = [factories.run(project) for _ in range(4)]
    together(*[lambda run=run: run.enlist(project.prompts.all(), limit=limit) for run in runs])
    for run in runs:
        run.refresh_from_db()
    assert sum(run.total for run in runs) == 20
    assert [run.total for run in runs] == [run.prompts.count() for run in runs]


@pytest.mark.django_db(transaction=True)
def test_jobs_that_count_at_once_lose_nothing():
    run = factories.run(factories.project(), state="running")
    count = [
        lambda: Run.objects.get(pk=run.pk).count(done=2, cost=Decimal("0.5"), cost_unknown=1, answered=3, failed=1)
    ]
    together(*count * 8)
    run.refresh_from_db()
    assert (run.done, run.cost, run.cost_unknown) == (16, Decimal(4), 8)
    assert run.counters == {"answered": 24, "failed": 8}


def test_keeps_the_last_error_while_it_goes_on(project):
    run = factories.run(project, state="running")
    run.count(last_error="x" * 5000)
    run.count(done=1)
    run.refresh_from_db()
    assert run.last_error == "x" * 2000


def test_begins_once_and_later_jobs_join(project):
    run = factories.run(project)
    assert run.begin()
    started = run.started_at
    assert run.state == "running"
    assert Run.objects.get(pk=run.pk).begin()
    run.refresh_from_db()
    assert run.started_at == started


@pytest.mark.parametrize("state", ["finished", "failed", "cancelled"])
def test_an_ended_run_does_not_begin_again(project, state):
    assert not factories.run(project, state=state).begin()


def test_cancelled_before_it_began(project):
    prompt, run, manager = factories.prompt(project), factories.run(project), factories.user()
    run.enlist(project.prompts.all())
    assert run.cancel(by=manager)
    assert run.state == "cancelled"
    assert run.ended_at
    prompt.refresh_from_db()
    assert prompt.run is None
    assert run.events.get(kind="run_cancel_asked").actor == manager
    assert not run.begin()


def test_cancelled_while_it_works_ends_when_the_job_says_so(project):
    run = factories.run(project)
    run.begin()
    assert not run.seen()
    assert run.cancel()
    assert run.state == "cancelling"
    assert run.seen()
    assert run.begin()  # a job that is taken up again meanwhile ends the run properly
    assert run.end("cancelled")
    assert run.state == "cancelled"


@pytest.mark.parametrize("state", ["cancelling", "finished", "failed", "cancelled"])
def test_nothing_to_cancel(project, state):
    run = factories.run(project, state=state)
    assert not run.cancel()
    run.refresh_from_db()
    assert run.state == state
    assert not run.events.exists()


@pytest.mark.django_db(transaction=True)
def test_ends_once_and_lets_go_of_its_prompts():
    project = factories.project()
    run = factories.run(project, state="running")
    prompts(project, 3)
    run.enlist(project.prompts.all())
    project.prompts.lease(3, seconds=60)
    ends = [lambda state=state: Run.objects.get(pk=run.pk).end(state, error=state) for state in ("finished", "failed")]
    assert sorted(together(*ends * 3)) == [False] * 5 + [True]
    run.refresh_from_db()
    assert run.error == run.state
    assert [event.kind for event in run.events.all()] == [f"run_{run.state}"]
    assert set(project.prompts.values_list("run", "lease_until")) == {(None, None)}


@pytest.mark.django_db(transaction=True)
def test_cancelled_and_begun_at_the_same_moment():
    run = factories.run(factories.project())
    began, cancelled = together(Run.objects.get(pk=run.pk).begin, Run.objects.get(pk=run.pk).cancel)
    run.refresh_from_db()
    assert cancelled
    assert run.state == ("cancelling" if run.started_at else "cancelled")
    assert began or run.state == "cancelled"


def test_progress(project):
    run = factories.run(project)
    assert (run.percent, run.rate, run.seconds_left, run.seconds) == (None, None, None, 0)
    started = timezone.now() - timedelta(seconds=10)
    run = factories.run(project, state="finished", total=40, done=10, started_at=started)
    run.ended_at = started + timedelta(seconds=5)
    assert (run.percent, run.rate, run.seconds_left, run.seconds) == (25, 2, None, 5)
    run.state = "running"
    assert run.seconds_left == 15
    run.state = "cancelling"
    assert run.seconds_left is None


@pytest.mark.parametrize(
    ("state", "silent", "stalled"),
    [("running", 90, True), ("running", 5, False), ("queued", 90, True), ("finished", 90, False)],
)
def test_a_run_without_a_sign_of_life_is_stalled(project, state, silent, stalled):
    seen = timezone.now() - timedelta(seconds=silent)
    run = factories.run(project, state=state, created_at=seen, seen_at=None if state == "queued" else seen)
    assert run.is_stalled is stalled


@pytest.mark.parametrize(("state", "error"), [("cancelled", "Its run was cancelled."), ("failed", "No room.")])
def test_what_an_ended_run_was_building_is_built_no_more(project, state, error):
    run = factories.run(project, stage="package", state="running")
    half, made = factories.release(project, run=run, state="building"), factories.release(project, run=run, version=2)
    run.end(state, error="" if state == "cancelled" else error)
    half.refresh_from_db()
    made.refresh_from_db()
    assert (half.state, half.error, made.state) == ("failed", error, "published")


@pytest.mark.django_db(transaction=True)
def test_a_run_that_ends_and_one_of_its_workers_that_saves_never_wait_for_each_other():
    project = factories.project(paired=False)
    made = prompts(project, 40)
    for _ in range(5):
        run = factories.run(project, state="running")
        run.enlist(project.prompts.all())
        ids = [prompt.pk for prompt in made]

        def save(run=run, ids=ids):
            with transaction.atomic():
                Prompt.objects.filter(pk__in=ids[20:]).lock()
                run.count(done=1)
                Prompt.objects.filter(pk__in=ids[20:]).let_go()

        together(save, lambda run=run: run.end("failed", error="It failed."), save)
        assert not project.prompts.exclude(run=None).exists()
