"""Does a release hold what its readers need? Looked at in the files as written, before anybody gets them.

The work is done in a child process: what readers such as `datasets` bring along and keep in memory ends with it, and
they find no network.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LOOKS = 0.05  # seconds between two looks at the child
ASKS = 1.0  # seconds between two questions whether to stop
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_TOKEN": ""}


class Stopped(Exception):
    """The run was cancelled, or its worker has to go, while the files were looked at."""


class NotChecked(RuntimeError):
    """The checks themselves broke; nothing is known of the files."""


@dataclass
class Report:
    """`problems` keep a release a draft, `remarks` do not; both are sentences. `figures` are for pages and cards."""

    problems: list = field(default_factory=list)
    remarks: list = field(default_factory=list)
    figures: dict = field(default_factory=dict)


def check(directory, *, targets=None, should_stop=lambda: False):
    """Look at the finished files of a release; returns a Report. Raises Stopped, or NotChecked.

    `targets` are {name: limit in tokens} of the recipe: what a named target asks of its files becomes a problem.
    `should_stop` is asked at once, then about once a second; it may raise an exception of its own, which ends the
    child too.
    """
    directory = Path(directory).absolute()
    cache = directory.with_name(f".{directory.name.strip('.')}.check")  # a killed one's leavings are found again here
    shutil.rmtree(cache, ignore_errors=True)
    cache.mkdir(parents=True)
    try:
        return Report(**_in_a_child(directory, cache, targets or {}, should_stop))
    finally:
        shutil.rmtree(cache, ignore_errors=True)


def begin(asked, environment, output, errors):
    """The child process, at work."""
    command = [sys.executable, "-m", "pipeline.releasing.checking", *asked]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=errors, stdin=subprocess.DEVNULL)


def _in_a_child(directory, cache, targets, should_stop):
    environment = os.environ | OFFLINE | {"HF_HOME": str(cache), "HF_DATASETS_CACHE": str(cache / "datasets")}
    asked = [str(directory), str(cache), json.dumps(targets), str(os.getpid())]
    with open(cache / "found.json", "wb") as found, open(cache / "said.txt", "wb") as said:
        child = begin(asked, environment, found, said)
        try:
            asked_at = time.monotonic() - ASKS  # the first time at once
            while child.poll() is None:
                time.sleep(LOOKS)
                if time.monotonic() - asked_at >= ASKS:
                    asked_at = time.monotonic()
                    if should_stop():
                        raise Stopped
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
    if child.returncode:
        last = (cache / "said.txt").read_text(errors="replace").strip().splitlines()[-1:] or ["nothing was said"]
        raise NotChecked(f"The files could not be checked: {last[0]}")
    return json.loads((cache / "found.json").read_text(encoding="utf-8"))
