"""Runs and the queue: start, work, cancel, recover. The only module that imports django_rq."""

import gc
import logging
import time
from contextlib import contextmanager

import django_rq
import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry as ConnectionRetry

from curation import searching, upkeep
from curation.models import Run

from . import inline, stages, uploads, workers
from .outages import LOST, outlast
from .quotes import quote
from .stages import again, batching, deduplicate, indexing, working
from .starting import CannotStart, CapRefused, prepare, where_they_are

# Pages and commands need this module alone to start a run, told beforehand what it takes.
__all__ = [
    "CannotStart",
    "CapRefused",
    "cancel",
    "carry_out",
    "enqueue",
    "index_search",
    "look_at_batches",
    "prepare",
    "queue_trouble",
    "quote",
    "recover",
    "start",
    "where_they_are",
    "work",
    "workers_alive",
]

logger = logging.getLogger(__name__)

QUEUE = "default"
MAX_JOBS = 4  # jobs of one run, where so many workers are alive
SEND_PAST_THE_GATE = ("filter", "judge", "regenerate", "pipeline")  # after which near-duplicates are looked for


def queue_trouble():
    """What is wrong with the queue, in one sentence; "" when it answers."""
    try:
        connection = django_rq.get_queue(QUEUE).connection
        connection.connection_pool.connection_kwargs["retry"] = ConnectionRetry(NoBackoff(), 0)
        connection.ping()
    except redis.RedisError as error:
        return f"The queue does not answer ({error}): start it with `python manage.py serve`."
    return ""


def workers_alive():
    """How many workers were heard of lately; 0 where the queue does not answer."""
    return 0 if queue_trouble() else len(workers.living_workers(django_rq.get_queue(QUEUE)))


def start(project, stage, parameters=None, by=None):
    """Create a run over what waits for `stage` and put it into the queue after commit.

    Raises CannotStart where nothing could come of it: no teacher, no judges, nothing waiting, no queue.
    """
    trouble = queue_trouble()
    if trouble:
        raise CannotStart(trouble)
    run = prepare(project, stage, parameters, by)
    enqueue(run)
    return run


def enqueue(run):
    """Put the run's jobs into the queue once the transaction around is committed."""
    alone = run.stage in stages.WHOLE or inline.by_batches(run)
    parallel = 1 if alone else max(1, min(MAX_JOBS, workers_alive()))
    for _ in range(parallel):
        django_rq.get_queue(QUEUE).enqueue(
            work, run.pk, job_timeout=-1, retry=workers.RETRY_AFTER_DEATH, result_ttl=3600, description=str(run)
        )


def work(run_id):
    """The job: work on the run until it ends; asked to stop, go back into the queue and go on later."""
    gc.freeze()  # what was loaded stays: a tenth of a collecting job's time went into looking at it for garbage
    with workers.stop_on_signal() as stop:
        run = outlast(lambda: Run.objects.select_related("project").get(pk=run_id), stop.is_set)
        if inline.by_batches(run):
            outcome = outlast(lambda: look_at_batches(run, stop.is_set), stop.is_set)
            outcome = look_for_near_duplicates(run, outcome, stop.is_set)
            outcome = make_searchable(outcome, stop.is_set)
        else:
            outcome = carry_out(run, stop.is_set)
    if outcome == "waiting":  # between two looks at its batches no worker is occupied
        # Where two jobs came to look at the same run, one of them is enough.
        return outcome if run_id in _awaited() else workers.retry_in(settings.BATCH_POLL_SECONDS)
    return workers.RETRY_AFTER_STOP if outcome == "stopped" else outcome


def carry_out(run, should_stop=lambda: False):
    """Work on a run in this process to its end, through outages of the database; returns "ended" or "stopped"."""
    try:
        outcome = outlast(lambda: _carry_out(run, should_stop), should_stop)
    except LOST as error:
        if not should_stop():
            run.end(Run.State.FAILED, error=f"The database: {error}")
        raise
    return make_searchable(look_for_near_duplicates(run, outcome, should_stop), should_stop)


def make_searchable(outcome, should_stop=lambda: False):
    """Bring the search index, and what SQLite knows of its tables, up to date behind a run; returns its outcome.

    Uploads that nobody came back to are cleared away at the same time.
    """
    if outcome == "ended":
        outlast(lambda: indexing.bring_up_to_date(should_stop), should_stop)
        outlast(upkeep.learn_sizes, should_stop)
        outlast(uploads.clear_forgotten, should_stop)
    return outcome


def index_search():
    """The job: what other processes wrote, or an update of the program marked, comes into the search index."""
    with workers.stop_on_signal() as stop:
        return make_searchable("ended", stop.is_set)


def look_for_near_duplicates(run, outcome, should_stop=lambda: False):
    """Bring clusters and leaks up to date behind a run that sent answers past the gate; returns its outcome.

    The run has ended by then and stays as it ended: what goes wrong here is logged and said on it, and the next run or
    release looks again. Jobs of one run may do it at the same time. Asked to stop, it is gone on with later.
    """
    if outcome != "ended" or run.stage not in SEND_PAST_THE_GATE:
        return outcome
    try:
        outlast(lambda: deduplicate.bring_up_to_date(run.project, should_stop), should_stop)
    except deduplicate.Stopped:
        return "stopped"
    except Exception as error:
        logger.exception("Looking for near-duplicates after %s", run)
        run.refresh_from_db(fields=["notice"])
        run.say(f"{run.notice} Near-duplicates were not looked for: {type(error).__name__}: {error}".strip())
    return outcome


def _carry_out(run, should_stop):
    if inline.by_batches(run):
        return _follow_batches(run, should_stop)
    with _ended_by_what_goes_wrong(run):
        if run.stage in stages.WHOLE:
            return stages.WHOLE[run.stage](run, should_stop)
        if not again.put_back(run, should_stop):
            return "stopped"
        return working.work(run, stages.PLANS[run.stage], should_stop)


@contextmanager
def _ended_by_what_goes_wrong(run):
    """End the run as failed by an exception, with its words. A stage that knows better has ended it by then."""
    try:
        yield
    except LOST:
        raise  # no failure of the run's: whoever called waits for the database and calls again
    except Exception as error:
        run.end(Run.State.FAILED, error=f"{type(error).__name__}: {error}")
        raise


def look_at_batches(run, should_stop=lambda: False):
    """One look at a run's batches; returns "ended", "stopped" or "waiting"."""
    with _ended_by_what_goes_wrong(run):
        if not again.put_back(run, should_stop):
            return "stopped"
        return batching.work(run, stages.PLANS[run.stage][0], should_stop)


def _follow_batches(run, should_stop):
    """Look at a run's batches again and again, as the queue's scheduler has it done."""
    while (outcome := look_at_batches(run, should_stop)) == "waiting":
        until = time.monotonic() + settings.BATCH_POLL_SECONDS
        while (left := until - time.monotonic()) > 0 and not should_stop():
            run.seen()
            time.sleep(min(left, 1))
        if should_stop():
            return "stopped"
    return outcome


def _awaited():
    """The runs that have a job in the queue, or one that is to come into it."""
    queue = django_rq.get_queue(QUEUE)
    return _runs_of(queue, queue.get_job_ids() + queue.scheduled_job_registry.get_job_ids())


def _runs_of(queue, job_ids):
    return {job.args[0] for job in map(queue.fetch_job, job_ids) if job and job.args}


def recover():
    """Take up again the runs whose jobs are no longer in the queue; returns them. Called when workers start."""
    queue = django_rq.get_queue(QUEUE)
    queued = _awaited() | _runs_of(queue, queue.started_job_registry.get_job_ids())
    for run in Run.objects.live().filter(parameters__has_key="command").select_related("project"):
        if inline.is_abandoned(run):
            inline.take_over(run, None)
    # A run without a queue belongs to the command that works on it.
    live = Run.objects.live().exclude(parameters__has_key="command").order_by("pk")
    lost = [run for run in live if run.pk not in queued]
    for run in lost:
        enqueue(run)
    outlast(uploads.clear_forgotten)
    if searching.unread():
        queue.enqueue(index_search, job_timeout=-1, result_ttl=0, failure_ttl=3600)
    return lost


def cancel(run, by=None):
    """Ask a run to stop; what is under way is still stored. Returns False if it had ended."""
    asked = run.cancel(by=by)
    if asked and "command" in run.parameters and inline.is_abandoned(run) and not queue_trouble():
        enqueue(inline.take_over(run, None))
    return asked
