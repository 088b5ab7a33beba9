"""Runs and the queue: start, work, cancel, recover. The only module that imports django_rq."""

import os
import time
from pathlib import Path

import django_rq
import redis
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from redis.backoff import NoBackoff
from redis.retry import Retry as ConnectionRetry

from curation.models import Event, Prompt, Run, State, Teacher
from curation.reviewing import settle

from . import stages, workers
from .stages import again, batching, package, working
from .stages import importing as import_stage
from .stages.sending import HANDLES

QUEUE = "default"
MAX_JOBS = 4  # jobs of one run, where so many workers are alive


# Stages whose rules have versions: what an older version measured is measured again.
RECALLS = {"filter": stages.filtering, "judge": stages.judge}


class CannotStart(Exception):
    """A run that would be refused or could do nothing; the message says what to do instead."""


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


def waiting(project, stage):
    """The prompts that a run of `stage` would take up now."""
    prompts = Prompt.objects.filter(project=project).in_state(*HANDLES[stage]).free()
    if stage not in RECALLS or (stage == "judge" and not project.judges):
        return prompts
    recalled = RECALLS[stage].undecided(project).free()
    return Prompt.objects.filter(Q(pk__in=prompts.values("pk")) | Q(pk__in=recalled.values("pk")))


def quote(project, stage, parameters=None):
    """What a start would touch: {prompts, waiting, sentence}, without writing anything."""
    if stage not in HANDLES:
        return {"prompts": 0, "waiting": 0, "sentence": ""}
    prompts = waiting(project, stage).count()
    limit = (parameters or {}).get("limit")
    asked = min(prompts, limit) if limit else prompts
    if stage == "judge" and not project.judges:
        sentence = "This project has no judges: choose them in its settings."
    elif not prompts:
        sentence = "No prompt waits for this."
    else:
        sentence = f"{asked:,} of {prompts:,} waiting prompts; {_calls(project, stage, asked)}."
    return {"prompts": asked, "waiting": prompts, "sentence": sentence}


def _calls(project, stage, prompts):
    calls = {"filter": 0, "judge": len(project.judges), "pipeline": 1 + len(project.judges)}.get(stage, 1) * prompts
    return "no calls" if not calls else f"up to {calls:,} calls"


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


@transaction.atomic
def prepare(project, stage, parameters=None, by=None):
    """The run of `start`, not in the queue: for commands that work in their own process."""
    parameters = {key: value for key, value in (parameters or {}).items() if value is not None}
    if stage not in Run.Stage.values:
        raise CannotStart(f"{stage!r} is no stage; stages are {', '.join(Run.Stage.values)}.")
    _refuse_impossible(project, stage, parameters)
    _end_runs_of_dead_commands(project)
    settle(project)
    run = Run.objects.create(project=project, stage=stage, parameters=parameters, created_by=by)
    measured = RECALLS[stage].call_back(project, run) if stage in RECALLS else 0
    enlisted = run.enlist(_wanted(stage, parameters), parameters.get("limit")) if stage in HANDLES else 0
    if stage in HANDLES and not (enlisted or measured or "again" in parameters):
        # Leaving the transaction by an exception takes the empty run back.
        held = waiting(project, stage).count() if parameters.get("limit") else 0
        why = f"; {held:,} of them wait for their hypotheses" if held else ""
        raise CannotStart(f"No prompt waits for this: {where_they_are(project)}{why}.")
    Event.objects.create(project=project, run=run, actor=by, kind="run_started", detail={"stage": stage})
    return run


def this_process():
    """What an inline run says of the command that works on it."""
    return {"host": os.uname().nodename, "pid": os.getpid()}


def _end_runs_of_dead_commands(project):
    """Runs without a queue whose command was killed: no job takes them up, and their prompts must not wait for it."""
    for run in Run.objects.live().filter(project=project, parameters__has_key="command"):
        command = run.parameters["command"]
        here = command["host"] == os.uname().nodename
        if run.is_stalled or (here and not Path(f"/proc/{command['pid']}").exists() and Path("/proc").exists()):
            run.end(Run.State.FAILED, error="The command that worked on it was killed; start it again to go on.")


def _wanted(stage, parameters):
    prompts = Prompt.objects.in_state(*HANDLES[stage])
    if "again" in parameters:
        return prompts.none()  # the run chooses its prompts when it begins: see stages/again.py
    if parameters.get("limit") and stage in ("collect", "regenerate"):
        prompts = prompts.partner_ready()  # those that must wait would fill the limit, again and again
    only = parameters.get("only")
    if only == "hypotheses_in_the_way":
        return prompts.hold_up_their_partner()
    imported = Q(current_response__teacher__kind=Teacher.Kind.IMPORTED)
    if only == "imported_answers":
        return prompts.filter(imported)
    return prompts.exclude(imported) if only == "own_answers" else prompts


def _refuse_impossible(project, stage, parameters):
    teacher = parameters.get("teacher") or project.teacher_id
    if stage in ("collect", "pipeline") and not teacher:
        raise CannotStart("This project has no teacher: choose one in its settings.")
    if stage == "regenerate" and not (teacher or project.regen_teacher_id):
        raise CannotStart("This project has no teacher for regeneration: choose one in its settings.")
    if stage == "judge" and not project.judges:
        raise CannotStart("This project has no judges: choose them in its settings.")
    if "again" in parameters:
        _refuse_wrong_again(stage, parameters["again"])
    limit = parameters.get("limit")
    if limit is not None and limit < 1:
        raise CannotStart("A limit of 0 prompts is nothing to do: give 1 or more, or leave it out for all.")


def _refuse_wrong_again(stage, wanted):
    if stage != "collect":
        raise CannotStart(f"Asking again is collecting: a {stage} run does not do it.")
    try:
        again.AgainFilter.from_json(wanted)
    except again.WrongFilter as wrong:
        raise CannotStart(str(wrong)) from None


def where_they_are(project):
    """How many prompts are in which state, in one line."""
    counts = Prompt.objects.filter(project=project).state_counts()
    named = [f"{number:,} {State(state).label.lower()}" for state, number in counts.items() if number]
    return ", ".join(named) or "the project has no prompts yet"


def enqueue(run):
    """Put the run's jobs into the queue once the transaction around is committed."""
    alone = run.stage in ("import", "package", "filter") or by_batches(run)
    parallel = 1 if alone else max(1, min(MAX_JOBS, workers_alive()))
    for _ in range(parallel):
        django_rq.get_queue(QUEUE).enqueue(
            work, run.pk, job_timeout=-1, retry=workers.RETRY_AFTER_DEATH, result_ttl=3600, description=str(run)
        )


def work(run_id):
    """The job: work on the run until it ends; asked to stop, go back into the queue and go on later."""
    run = Run.objects.select_related("project").get(pk=run_id)
    with workers.stop_on_signal() as stop:
        outcome = _look_at_batches(run, stop.is_set) if by_batches(run) else carry_out(run, stop.is_set)
    if outcome == "waiting":  # between two looks at its batches no worker is occupied
        return workers.retry_in(settings.BATCH_POLL_SECONDS)
    return workers.RETRY_AFTER_STOP if outcome == "stopped" else outcome


def by_batches(run):
    """Whether the run hands its calls over in batches."""
    return run.parameters.get("mode") == "batch" and run.stage in batching.STAGES


def carry_out(run, should_stop=lambda: False):
    """Work on a run in this process to its end; returns "ended" or "stopped"."""
    if by_batches(run):
        return _follow_batches(run, should_stop)
    if run.stage == "import":
        return import_stage.work(run, should_stop)
    if run.stage == "package":
        return package.work(run, should_stop)
    if not again.put_back(run, should_stop):
        return "stopped"
    return working.work(run, stages.PLANS[run.stage], should_stop)


def _look_at_batches(run, should_stop):
    return batching.work(run, stages.PLANS[run.stage][0], should_stop)


def _follow_batches(run, should_stop):
    """Look at a run's batches again and again, as the queue's scheduler has it done."""
    while (outcome := _look_at_batches(run, should_stop)) == "waiting":
        until = time.monotonic() + settings.BATCH_POLL_SECONDS
        while (left := until - time.monotonic()) > 0 and not should_stop():
            run.seen()
            time.sleep(min(left, 1))
        if should_stop():
            return "stopped"
    return outcome


def recover():
    """Take up again the runs whose jobs are no longer in the queue; returns them. Called when workers start."""
    queued = set()
    queue = django_rq.get_queue(QUEUE)
    away = queue.started_job_registry.get_job_ids() + queue.scheduled_job_registry.get_job_ids()
    for job in queue.jobs + [queue.fetch_job(job_id) for job_id in away]:
        if job and job.args:
            queued.add(job.args[0])
    # A run without a queue belongs to the command that works on it.
    live = Run.objects.live().exclude(parameters__has_key="command").order_by("pk")
    lost = [run for run in live if run.pk not in queued]
    for run in lost:
        enqueue(run)
    return lost


def cancel(run, by=None):
    """Ask a run to stop; what is under way is still stored. Returns False if it had ended."""
    return run.cancel(by=by)
