"""What must not go on twice at a time: one process holds it, and lets go of it however it ends."""

import fcntl
import os
from contextlib import contextmanager


class Taken(Exception):
    """Another process is at it; its number is the message, as far as it is known."""


@contextmanager
def alone(path):
    """Hold the lock file at `path`; raises Taken while another process does. Killed, a process holds it no more."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Taken(os.read(handle, 20).decode().strip() or "unknown") from None
        os.truncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)
