"""Runs as tests begin them: worked on in this process, or by workers that are killed."""

import os
import signal

from curation.models import Release
from pipeline import jobs


def run(project, stage="collect", **parameters):
    """Work on a stage in this process; returns the ended run."""
    made = jobs.prepare(project, stage, parameters)
    jobs.carry_out(made)
    made.refresh_from_db()
    return made


def release(project, **parameters):
    """The release that a run of `package` made, which must have ended well."""
    made = run(project, "package", **parameters)
    assert made.state == "finished", made.error
    return Release.objects.get(project=project, version=made.versions["release"])


def ended(run):
    """Whether a run has come to its end by now."""
    run.refresh_from_db()
    return not run.is_live


def kill_with_its_child(process):
    """kill -9 the worker and its work horse at one moment."""
    children = os.popen(f"pgrep -P {process.pid}").read().split()
    for pid in [process.pid, *map(int, children)]:
        os.kill(pid, signal.SIGKILL)
    process.wait()
