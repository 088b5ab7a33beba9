"""A run of the filters by several jobs, stopped, killed and begun again: nothing is measured twice, nothing is lost."""

import os
import signal

import pytest

from curation.models import Event, FilterResult, Prompt, Run, State
from pipeline import jobs
from pipeline.stages import filtering, recalling, working
from tests import factories
from tests.services import PATIENCE_SECONDS, wait_until
from tests.threads import together

pytestmark = pytest.mark.django_db(transaction=True)

PROMPTS = 60
SHORT = "Heat it, then it will grow."


@pytest.fixture
def project():
    """Sixty answers, every third too short; one in ten has a second candidate that is long enough."""
    made = factories.project(paired=False)
    factories.ruleset(made, body={"min_char_length": 120})
    for number in range(PROMPTS):
        prompt = factories.prompt(made, State.TO_FILTER, answer=SHORT if number % 3 == 0 else None)
        if number % 10 == 0:
            factories.response(prompt, attempt=1, candidate=1, current=False)
    return made


def work(run):
    """A job in a thread of its own."""
    return lambda: working.work(Run.objects.select_related("project").get(pk=run.pk), [filtering])


def everything_is_measured_once(project, run):
    run.refresh_from_db()
    assert (run.state, run.done, run.total) == (Run.State.FINISHED, PROMPTS, PROMPTS)
    assert FilterResult.objects.count() == PROMPTS + PROMPTS // 10
    assert Event.objects.filter(kind="filtered").count() == PROMPTS
    assert run.counters["filters_passed"] + run.counters["filters_failed"] == PROMPTS
    assert run.counters["filters_failed"] == 18  # of 20 short ones, two have a longer candidate
    assert dict(project.prompts.state_counts())["to_regenerate"] == 18
    assert not run.prompts.exists()


def test_two_jobs_share_a_run(project):
    run = jobs.prepare(project, "filter", {"batch_size": 7})
    assert together(work(run), work(run), work(run)) == ["ended"] * 3
    everything_is_measured_once(project, run)


def test_a_job_that_is_stopped_leaves_the_rest_to_the_next(project):
    run = jobs.prepare(project, "filter", {"batch_size": 7})
    asked = iter([False] * 4 + [True] * 9)
    assert working.work(run, [filtering], lambda: next(asked)) == "stopped"
    run.refresh_from_db()
    assert run.state == Run.State.RUNNING
    assert 0 < run.done < PROMPTS
    assert work(run)() == "ended"
    everything_is_measured_once(project, run)


def test_a_run_that_is_cancelled_ends_with_the_rest_waiting(project):
    run = jobs.prepare(project, "filter", {"batch_size": 7})
    run.begin()
    run.cancel()
    assert work(run)() == "ended"
    run.refresh_from_db()
    assert run.state == Run.State.CANCELLED
    assert set(project.prompts.values_list("state", "run")) == {(State.TO_FILTER, None)}


def test_what_a_dead_job_had_in_hand_is_taken_up_when_its_claim_lapses(project, settings):
    settings.LEASE_SECONDS = 1
    run = jobs.prepare(project, "filter", {"batch_size": 7})
    ids, others = run.claim(run.prompts.in_state(State.TO_FILTER), "dead", 7, 1)
    assert (len(ids), others) == (7, False)
    assert work(run)() == "ended"
    everything_is_measured_once(project, run)


def test_a_job_that_stood_still_changes_nothing_that_another_did(project):
    run = jobs.prepare(project, "filter", {"batch_size": 7})
    waiting = run.prompts.in_state(State.TO_FILTER)
    slow, _ = run.claim(waiting, "slow", 7, 0)
    assert work(run)() == "ended"
    filtering.save_ids(run, slow)
    everything_is_measured_once(project, run)


def test_claims_of_jobs_never_overlap(project):
    run = jobs.prepare(project, "filter")
    waiting = run.prompts.in_state(State.TO_FILTER)
    first, _ = run.claim(waiting, "a", 20, 60)
    second, others = run.claim(waiting, "b", 20, 60)
    again, _ = run.claim(waiting, "a", 60, 60)
    assert others
    assert len(first) == len(second) == 20
    assert set(first).isdisjoint(second)
    assert set(again) == set(waiting.values_list("pk", flat=True)) - set(second)


def test_two_jobs_share_what_is_measured_where_it_stands(project, monkeypatch):
    monkeypatch.setattr(recalling, "BATCH", 7)
    work(jobs.prepare(project, "filter"))()
    reviewer = factories.member(project, "reviewer")
    for prompt in project.prompts.all():
        factories.annotation(prompt.current_response, reviewer)
    before = dict(project.prompts.values_list("pk", "state"))
    factories.ruleset(project, body={"min_char_length": 10})
    run = jobs.prepare(project, "filter")
    assert (run.total, FilterResult.objects.filter(run=run).count()) == (PROMPTS, 0)
    together(work(run), work(run))
    run.refresh_from_db()
    assert (run.state, run.done) == (Run.State.FINISHED, PROMPTS)
    assert run.counters["measured_where_they_stand"] == FilterResult.objects.filter(run=run).count() == PROMPTS
    flips = FilterResult.objects.filter(run=run, flips=True)
    assert run.counters["would_flip"] == flips.count() == 18
    assert all(flip.passed for flip in flips)
    assert dict(project.prompts.values_list("pk", "state")) == before
    assert not Prompt.objects.exclude(lease_until=None).exists()


def test_rules_that_hold_again_bring_back_what_others_had_sent_away(project):
    work(jobs.prepare(project, "filter"))()
    before = dict(project.prompts.values_list("pk", "state"))
    for least in (10_000, 120):
        factories.ruleset(project, body={"min_char_length": least})
        work(jobs.prepare(project, "filter"))()
    assert dict(project.prompts.values_list("pk", "state")) == before
    assert Event.objects.filter(kind="filtered").count() == 3 * PROMPTS


@pytest.mark.slow
def test_a_killed_worker_loses_no_verdict(project, start_worker):
    run = jobs.prepare(project, "filter", {"batch_size": 1})
    jobs.enqueue(run)
    victim = start_worker()
    wait_until(lambda: FilterResult.objects.exists(), "the first verdict is there", PATIENCE_SECONDS)
    children = os.popen(f"pgrep -P {victim.pid}").read().split()
    for pid in [victim.pid, *map(int, children)]:
        os.kill(pid, signal.SIGKILL)
    victim.wait()
    start_worker()

    def ended():
        run.refresh_from_db()
        return not run.is_live

    wait_until(ended, "the run ends", 4 * PATIENCE_SECONDS)
    everything_is_measured_once(project, run)
