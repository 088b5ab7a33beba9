"""Runs and the queue: start, work, cancel, recover. The only module that imports django_rq."""

import gc
import logging
import os
import time
from pathlib import Path

import django_rq
import redis
from django.conf import settings
from django.db import transaction
from redis.backoff import NoBackoff
from redis.retry import Retry as ConnectionRetry

from curation import searching, tallies, upkeep
from curation.importing import ImportRefused
from curation.models import Event, Run, State, Teacher
from curation.reviewing import settle

from . import quotes, stages, workers
from .outages import LOST, outlast
from .regenerating import has_ladder
from .releasing import recipe
from .stages import again, batching, decontaminate, deduplicate, indexing, reparse, working
from .stages.sending import HANDLES

logger = logging.getLogger(__name__)

QUEUE = "default"
MAX_JOBS = 4  # jobs of one run, where so many workers are alive
BATCH_STAGES = batching.STAGES  # whose calls can be handed over in batches
SEND_PAST_THE_GATE = ("filter", "judge", "regenerate", "pipeline")  # after which near-duplicates are looked for


class CannotStart(Exception):
    """A run that would be refused or could do nothing; the message says what to do instead."""


class CapRefused(CannotStart):
    """A run whose cap nothing could keep to, or that could ask nothing under it."""


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


def quote(project, stage, parameters=None):
    """What a start would touch and cost, without writing anything: a `quotes.Quote`."""
    return quotes.quote(project, stage, parameters)


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


def prepare(project, stage, parameters=None, by=None):
    """The run of `start`, not in the queue: for commands that work in their own process."""
    parameters = {key: value for key, value in (parameters or {}).items() if value is not None}
    if stage not in Run.Stage.values:
        raise CannotStart(f"{stage!r} is no stage; stages are {', '.join(Run.Stage.values)}.")
    _refuse_impossible(project, stage, parameters)
    left = _end_runs_of_dead_commands(project)
    settle(project)
    for run in left:
        if run.stage == stage and parameters.get("mode") == "batch":
            return _take_over(run, parameters.get("command"), parameters)
    # Composing takes its time, so it is done before anything is locked.
    return _prepare(project, stage, parameters, by, _capped_and_quoted(project, stage, parameters))


def _capped_and_quoted(project, stage, parameters):
    """The fields of a run that say what it may cost and what it is expected to."""
    try:
        cap_usd, cap_tokens = quotes.read_caps(parameters)
        said = quote(project, stage, parameters)
        quotes.refuse_wrong(said, cap_usd, cap_tokens)
    except quotes.WrongCap as wrong:
        raise CapRefused(str(wrong)) from None
    return {"cap_usd": cap_usd, "cap_tokens": cap_tokens, "quote": said.as_json() if said.calls.high else {}}


@transaction.atomic
def _prepare(project, stage, parameters, by, fields):
    run = Run.objects.create(project=project, stage=stage, parameters=parameters, created_by=by, **fields)
    measured = quotes.RECALLS[stage].call_back(project, run) if stage in quotes.RECALLS else 0
    wanted = quotes.wanted(stage, parameters) if stage in HANDLES else None
    enlisted = run.enlist(wanted, parameters.get("limit")) if stage in HANDLES else 0
    if stage in HANDLES and not (enlisted or measured or "again" in parameters):
        # Leaving the transaction by an exception takes the empty run back.
        held = quotes.waiting(project, stage).count() if parameters.get("limit") else 0
        why = f"; {held:,} of them wait for their hypotheses" if held else ""
        other = Run.objects.live().filter(project=project, stage__in=HANDLES).exclude(pk=run.pk).first()
        why += f"; {other} has what it works on" if other else ""
        raise CannotStart(f"No prompt waits for this: {where_they_are(project)}{why}.")
    Event.objects.create(project=project, run=run, actor=by, kind="run_started", detail={"stage": stage})
    return run


def this_process():
    """What an inline run says of the command that works on it."""
    return {"host": os.uname().nodename, "pid": os.getpid()}


def _end_runs_of_dead_commands(project):
    """Runs without a queue whose command was killed: no job takes them up, and their prompts must not wait for it.

    Returns those that live on, as an endpoint still works on their batches.
    """
    left = []
    for run in Run.objects.live().filter(project=project, parameters__has_key="command"):
        if _command_is_alive(run):
            continue
        if under_way(run):
            left.append(run)
        else:
            run.end(Run.State.FAILED, error="The command that worked on it was killed; start it again to go on.")
    return left


def _command_is_alive(run):
    command = run.parameters["command"]
    here = command["host"] == os.uname().nodename
    return not (run.is_stalled or (here and not Path(f"/proc/{command['pid']}").exists() and Path("/proc").exists()))


@transaction.atomic
def _take_over(run, command, parameters=None):
    """Go on with a run whose command was killed while its batches were under way, by `command` or by the queue.

    With the `parameters` of a new start, what waits by them joins it, under the cap that it has.
    """
    run.parameters = {key: value for key, value in run.parameters.items() if key != "command"}
    run.parameters |= {"command": command} if command else {}
    run.save(update_fields=["parameters"])
    run.seen()
    if parameters is not None:
        run.enlist(quotes.wanted(run.stage, parameters), parameters.get("limit"))
    Event.objects.create(project=run.project, run=run, kind="run_taken_over", detail={"command": command or {}})
    return run


def _refuse_impossible(project, stage, parameters):
    _refuse_wrong_choices(project, stage, parameters)
    teacher = parameters.get("teacher") or parameters.get("teachers") or project.teacher_id
    if stage in ("collect", "pipeline") and not teacher:
        raise CannotStart("This project has no teacher: choose one in its settings.")
    if stage == "regenerate" and not (teacher or project.regen_teacher_id or has_ladder(project)):
        raise CannotStart("This project has no teacher for regeneration: choose one in its settings.")
    if stage == "judge" and not project.is_gated:
        raise CannotStart("This project has no judges: choose them in its settings.")
    if "again" in parameters:
        _refuse_wrong_again(stage, parameters["again"])
    if stage == "reparse" and not reparse.is_needed(project, everything=parameters.get("all", False)):
        raise CannotStart("Nothing to parse again: today's parser and renderer have read every stored reply.")
    _refuse_wrong_look(project, stage, parameters)
    if stage == "package":
        _refuse_wrong_recipe(parameters)
    limit = parameters.get("limit")
    if limit is not None and limit < 1:
        raise CannotStart("A limit of 0 prompts is nothing to do: give 1 or more, or leave it out for all.")


def _refuse_wrong_look(project, stage, parameters):
    if stage == "deduplicate" and not project.near_duplicate_percent:
        raise CannotStart("This project looks for no near-duplicates: say in its settings from how many per cent.")
    if stage == "decontaminate":
        if not parameters.get("against") and not project.evaluation_sets.exists():
            raise CannotStart("This project knows no evaluation set: name files to hold it against.")
        try:
            decontaminate.refuse_wrong(parameters)
        except (decontaminate.WrongWish, ImportRefused) as wrong:
            raise CannotStart(str(wrong)) from None


def _refuse_wrong_recipe(parameters):
    try:
        recipe.of_parameters(parameters)
    except recipe.WrongRecipe as wrong:
        raise CannotStart(str(wrong)) from None


def _refuse_wrong_choices(project, stage, parameters):
    """Where a start names teachers or a mode, they must be there and the stage must know them."""
    named = {*parameters.get("teachers", ()), *filter(None, [parameters.get("teacher")])}
    if named and Teacher.objects.filter(pk__in=named).exclude(kind=Teacher.Kind.IMPORTED).count() < len(named):
        raise CannotStart("There is no such teacher: choose one of those that are listed.")
    mode = parameters.get("mode", "online")
    if mode not in ("online", "batch"):
        raise CannotStart(f"{mode!r} is no mode: say online or batch.")
    if mode == "batch" and stage not in ("collect", "judge", "regenerate"):
        raise CannotStart("Batches are for collect, judge and regenerate: each waits up to a day for its answers.")


def _refuse_wrong_again(stage, wanted):
    if stage != "collect":
        raise CannotStart(f"Asking again is collecting: a {stage} run does not do it.")
    try:
        again.AgainFilter.from_json(wanted)
    except again.WrongFilter as wrong:
        raise CannotStart(str(wrong)) from None


def where_they_are(project):
    """How many prompts are in which state, in one line."""
    counts = tallies.states(project)
    named = [f"{number:,} {State(state).label.lower()}" for state, number in counts.items() if number]
    return ", ".join(named) or "the project has no prompts yet"


def enqueue(run):
    """Put the run's jobs into the queue once the transaction around is committed."""
    alone = run.stage in stages.WHOLE or by_batches(run)
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
        if by_batches(run):
            outcome = outlast(lambda: look_at_batches(run, stop.is_set), stop.is_set)
            outcome = look_for_near_duplicates(run, outcome, stop.is_set)
            outcome = make_searchable(outcome, stop.is_set)
        else:
            outcome = carry_out(run, stop.is_set)
    if outcome == "waiting":  # between two looks at its batches no worker is occupied
        # Where two jobs came to look at the same run, one of them is enough.
        return outcome if run_id in _awaited() else workers.retry_in(settings.BATCH_POLL_SECONDS)
    return workers.RETRY_AFTER_STOP if outcome == "stopped" else outcome


def by_batches(run):
    """Whether the run hands its calls over in batches."""
    return run.parameters.get("mode") == "batch" and run.stage in BATCH_STAGES


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
    """Bring the search index, and what SQLite knows of its tables, up to date behind a run; returns its outcome."""
    if outcome == "ended":
        outlast(lambda: indexing.bring_up_to_date(should_stop), should_stop)
        outlast(upkeep.learn_sizes, should_stop)
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
    if by_batches(run):
        return _follow_batches(run, should_stop)
    if run.stage in stages.WHOLE:
        return stages.WHOLE[run.stage](run, should_stop)
    if not again.put_back(run, should_stop):
        return "stopped"
    return working.work(run, stages.PLANS[run.stage], should_stop)


def under_way(run):
    """Whether the run has batches at an endpoint, which outlive whatever worked on it here."""
    return by_batches(run) and batching.open_batches(run).exists()


def look_at_batches(run, should_stop=lambda: False):
    """One look at a run's batches; returns "ended", "stopped" or "waiting"."""
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
        if under_way(run) and not _command_is_alive(run):
            _take_over(run, None)
    # A run without a queue belongs to the command that works on it.
    live = Run.objects.live().exclude(parameters__has_key="command").order_by("pk")
    lost = [run for run in live if run.pk not in queued]
    for run in lost:
        enqueue(run)
    if searching.unread():
        queue.enqueue(index_search, job_timeout=-1, result_ttl=0, failure_ttl=3600)
    return lost


def cancel(run, by=None):
    """Ask a run to stop; what is under way is still stored. Returns False if it had ended."""
    asked = run.cancel(by=by)
    if asked and "command" in run.parameters and under_way(run) and not _command_is_alive(run) and not queue_trouble():
        enqueue(_take_over(run, None))
    return asked
