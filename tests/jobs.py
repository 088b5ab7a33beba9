"""Jobs that the tests of the workers queue: real ones run in a worker's own process, so they are imported by name."""

import os
import time
from pathlib import Path

from pipeline.workers import RETRY_AFTER_STOP, stop_on_signal


def count(path, steps, seconds=0.1):
    """Write a line a step and go on where an earlier try left off; a line holds the step and the writing process."""
    path = Path(path)
    with stop_on_signal() as stop:
        done = len(path.read_text().splitlines()) if path.exists() else 0
        for step in range(done, steps):
            if stop.is_set():
                return RETRY_AFTER_STOP
            with path.open("a") as file:
                file.write(f"{step} {os.getpid()}\n")
            time.sleep(seconds)
    return "counted"


def hold(path, seconds):
    """Keep a worker busy until the file is deleted, and no longer than this, deaf to every wish to stop."""
    Path(path).touch()
    deadline = time.monotonic() + seconds
    while Path(path).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
