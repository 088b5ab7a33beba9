"""Does a release hold what its readers need? Looked at in the files as written, before anybody gets them.

The work is done in child processes: what readers such as `datasets` bring along and keep in memory ends with them, and
they find no network.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CHECKS = ("files", "schemas", "loading")  # in the order in which their problems are told
TWO_SHARES = (("schemas",), ("files", "loading"))  # about half of the work each
WORTH_TWO = 150_000_000  # bytes of files; below, the start of a second process costs more than it gains
LOOKS = 0.05  # seconds between two looks at the children
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
    children too.
    """
    directory = Path(directory).absolute()
    cache = directory.with_name(f".{directory.name.strip('.')}.check")  # a killed one's leavings are found again here
    shutil.rmtree(cache, ignore_errors=True)
    cache.mkdir(parents=True)
    try:
        found = _in_children(directory, cache, targets or {}, should_stop)
        return _together(found[name] for name in CHECKS)
    finally:
        shutil.rmtree(cache, ignore_errors=True)


def _together(reports):
    """One Report of all."""
    whole = Report()
    for each in reports:
        whole.problems += each.problems
        whole.remarks += each.remarks
        whole.figures |= each.figures
    return whole


def begin(asked, environment, output, errors):
    """A child process, at work."""
    command = [sys.executable, "-m", "pipeline.releasing.checking", *asked]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=errors, stdin=subprocess.DEVNULL)


def _in_children(directory, cache, targets, should_stop):
    """{name of a check: its Report}; all made by one child, or by two where there are cores and rows for them."""
    environment = os.environ | OFFLINE | {"HF_HOME": str(cache), "HF_DATASETS_CACHE": str(cache / "datasets")}
    asked = [str(directory), str(cache), json.dumps(targets), str(os.getpid())]
    children = []
    with ExitStack() as files:
        try:
            for number, names in enumerate(_shares(directory)):
                outputs = [files.enter_context(open(_said_in(cache, what, number), "wb")) for what in ("found", "said")]
                children.append(begin([*asked, *names], environment, *outputs))
            _wait_for(children, should_stop)
        finally:
            for child in children:
                if child.poll() is None:
                    child.kill()
                    child.wait()
    found = {}
    for number, child in enumerate(children):
        found |= _reports(cache, number, child)
    return found


def _shares(directory):
    """The names of the checks that each child makes; two children where the start of a second is worth it."""
    size = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
    return TWO_SHARES if size >= WORTH_TWO and os.cpu_count() > 1 else (CHECKS,)


def _wait_for(children, should_stop):
    """Until all have ended."""
    asked_at = time.monotonic() - ASKS  # the first time at once
    while any(child.poll() is None for child in children):
        time.sleep(LOOKS)
        if time.monotonic() - asked_at >= ASKS:
            asked_at = time.monotonic()
            if should_stop():
                raise Stopped


def _reports(cache, number, child):
    if child.returncode:
        said = _said_in(cache, "said", number).read_text(errors="replace")
        last = said.strip().splitlines()[-1:] or ["nothing was said"]
        raise NotChecked(f"The files could not be checked: {last[0]}")
    found = json.loads(_said_in(cache, "found", number).read_text(encoding="utf-8"))
    return {name: Report(**each) for name, each in found.items()}


def _said_in(cache, what, number):
    return cache / f"{what}-{number}.txt"
