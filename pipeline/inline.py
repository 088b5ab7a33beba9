"""Runs that a command works on in its own process: alive, killed, or taken over by another."""

import os
from pathlib import Path

from django.db import transaction

from curation.models import Event, Run

from . import quotes
from .stages import batching


def by_batches(run):
    """Whether the run hands its calls over in batches."""
    return run.parameters.get("mode") == "batch" and run.stage in batching.STAGES


def under_way(run):
    """Whether the run has batches at an endpoint, which outlive whatever worked on it here."""
    return by_batches(run) and batching.open_batches(run).exists()


def this_process():
    """What an inline run says of the command that works on it."""
    return {"host": os.uname().nodename, "pid": os.getpid()}


def is_alive(run):
    """Whether the command that works on the run was heard of lately and, on this host, is a process."""
    command = run.parameters["command"]
    here = command["host"] == os.uname().nodename
    return not (run.is_stalled or (here and not Path(f"/proc/{command['pid']}").exists() and Path("/proc").exists()))


def is_abandoned(run):
    """Whether the command was killed while an endpoint works on the run's batches."""
    return under_way(run) and not is_alive(run)


def end_those_of_the_dead(project):
    """End runs whose command was killed: no job takes them up, and their prompts must not wait for it.

    Returns those that live on, as an endpoint still works on their batches.
    """
    left = []
    for run in Run.objects.live().filter(project=project, parameters__has_key="command"):
        if is_alive(run):
            continue
        if under_way(run):
            left.append(run)
        else:
            run.end(Run.State.FAILED, error="The command that worked on it was killed; start it again to go on.")
    return left


@transaction.atomic
def take_over(run, command, parameters=None):
    """Go on with a run whose command was killed while its batches were under way, by `command` or by the queue.

    With the `parameters` of a new start, what waits by them joins it, under the cap that it has.
    """
    run.parameters = {key: value for key, value in run.parameters.items() if key != "command"}
    run.parameters |= {"command": command} if command else {}
    if parameters is not None:  # project and prompts before the run's row
        run.enlist(quotes.wanted(run.stage, parameters), parameters.get("limit"))
    run.save(update_fields=["parameters"])
    run.seen()
    Event.objects.create(project=run.project, run=run, kind="run_taken_over", detail={"command": command or {}})
    return run
