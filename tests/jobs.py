"""Jobs that the tests of the workers queue: real ones run in a worker's own process, so they are imported by name."""

import os
import time
from pathlib import Path

from pipeline.workers import RETRY_AFTER_STOP, stop_on_signal


def count(path, steps):
    """Write a line a step and go on where an earlier try left off; a line holds the step and the writing process.

    Halfway it waits until the file `path`.go is there, so that a test has all the time it wants to disturb it.
    """
    path = Path(path)
    with stop_on_signal() as stop:
        done = len(path.read_text().splitlines()) if path.exists() else 0
        for step in range(done, steps):
            while step == steps // 2 and not path.with_suffix(".go").exists() and not stop.is_set():
                time.sleep(0.02)
            if stop.is_set():
                return RETRY_AFTER_STOP
            with path.open("a") as file:
                file.write(f"{step} {os.getpid()}\n")
    return "counted"


def hold(path, seconds):
    """Keep a worker busy until the file is deleted, and no longer than this, deaf to every wish to stop."""
    Path(path).touch()
    deadline = time.monotonic() + seconds
    while Path(path).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
