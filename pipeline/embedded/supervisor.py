"""Starts the processes of an all-in-one installation, watches them, and ends every one of them with itself."""

import fcntl
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.embedded import ServiceError
from pipeline.embedded.logs import last_lines, open_log
from pipeline.embedded.tied import ALREADY_RUNNING, tied_command

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.05
RESTART_SECONDS, LONGEST_RESTART_SECONDS = 1, 30
SETTLED_SECONDS = 10  # a child that lived this long is started again after the short delay


@dataclass(eq=False)
class Child:
    """One supervised process; `group` is what it was started as, and what it is stopped together with."""

    name: str
    group: str
    command: list[str]
    log: Path
    env: dict[str, str]
    cwd: Path | None
    restart: bool
    grace_seconds: float
    process: subprocess.Popen | None = None
    started_at: float = 0
    restart_at: float = 0
    delay: float = RESTART_SECONDS

    def spawn(self) -> None:
        with open_log(self.log) as output:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=os.environ | {"PYTHONUNBUFFERED": "1"} | self.env,
                cwd=self.cwd,
                # A session of its own: Ctrl-C in the terminal reaches the supervisor alone, which stops in order.
                start_new_session=True,
            )
        self.started_at = time.monotonic()

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def send(self, signum: int) -> None:
        if self.is_running():
            self.process.send_signal(signum)

    def sweep(self) -> None:
        """Kill what is left of its process group, after it ended."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process = None


class Supervisor:
    """A context manager that owns child processes; use it in the main thread.

        with Supervisor(settings.DATA_DIR) as supervisor:
            supervisor.start("worker", [sys.executable, "manage.py", "rqworker"], count=2, restart=True)
            supervisor.wait()

    When the block ends, in whatever way, the children end in reverse order: SIGTERM, and SIGKILL after their grace.
    SIGTERM, SIGHUP or Ctrl-C raises KeyboardInterrupt in the block; a second one cuts the grace short. Should the
    supervisor be killed, the kernel kills the children. One data directory has one supervisor at a time.
    """

    def __init__(self, data_dir: Path):
        self.data_dir = data_dir
        self.logs = data_dir / "logs"
        self.children: list[Child] = []
        self._asked_to_stop = self._hurry = self._busy = self._stopping = False

    def __enter__(self):
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("A Supervisor belongs in the main thread: its children end with the thread it runs in.")
        self.logs.mkdir(parents=True, exist_ok=True)
        self._lock = _take_lock(self.data_dir)
        signals = [each for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP) if _is_heeded(each)]
        self._former_handlers = {each: signal.signal(each, self._on_signal) for each in signals}
        return self

    def __exit__(self, *exc_info):
        try:
            self.stop()
        except KeyboardInterrupt:  # came at this very moment, and comes only once
            self.stop()
            raise
        finally:
            for signum, handler in self._former_handlers.items():
                signal.signal(signum, handler)
            os.close(self._lock)

    def start(
        self,
        name: str,
        argv,
        *,
        count: int = 1,
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
        lock: Path | None = None,
        restart: bool = False,
        grace_seconds: float = 8,
        death_signal: int = signal.SIGKILL,
        ready: Callable[[], bool] | None = None,
        ready_seconds: float = 60,
    ) -> list[Child]:
        """Start `count` processes that log to DATA_DIR/logs/NAME.log, and wait until `ready()` is true.

        `restart` starts them again when they end; one that is not restarted ends the whole, see check().
        `death_signal` is what the kernel sends them when this process is killed: SIGTERM lets a program that has
        processes of its own end those first. `lock` is a file that the process holds while it lives.
        Raises ServiceError with the log's last lines when one ends before it is ready.
        """
        names = [name] if count == 1 else [f"{name}-{number}" for number in range(1, count + 1)]
        command = tied_command(argv, lock=lock, signum=death_signal)
        # Said in full, since a relative DATA_DIR would mean another one in a child's own working directory.
        env = {"DATA_DIR": str(self.data_dir)} | (env or {})
        started = [
            Child(each, name, command, self.logs / f"{each}.log", env, cwd, restart, grace_seconds) for each in names
        ]
        with _Undisturbed(self):
            for child in started:
                child.spawn()
                self.children.append(child)
        self._wait_until_ready(started, ready, ready_seconds)
        return started

    def pids(self) -> set[int]:
        """Return the process ids of the children that were started and did not end yet, as far as check() knows."""
        return {child.process.pid for child in self.children if child.process is not None}

    def check(self) -> None:
        """Start again what ended and may be; raise ServiceError for what ended and must not. Call it often."""
        with _Undisturbed(self):
            for child in self.children:
                if child.process is not None and not child.is_running():
                    self._note_end(child)
                elif child.process is None and time.monotonic() >= child.restart_at:
                    child.spawn()

    def wait(self, until: Callable[[], object] = lambda: False, poll_seconds: float = 0.2) -> bool:
        """Watch the children until `until()` is true (returns True) or a signal asks for the end (returns False)."""
        try:
            while not until():
                self.check()
                time.sleep(poll_seconds)
        except KeyboardInterrupt:
            return False
        return True

    def stop(self) -> None:
        """End all children, the last started group first, with whatever they started in turn."""
        self._stopping = True
        for group in dict.fromkeys(child.group for child in reversed(self.children)):
            self._stop_group([child for child in self.children if child.group == group])
        self.children.clear()

    def _stop_group(self, group):
        for child in group:
            child.send(signal.SIGTERM)
        deadline = time.monotonic() + max(child.grace_seconds for child in group)
        while any(child.is_running() for child in group) and time.monotonic() < deadline and not self._hurry:
            time.sleep(POLL_SECONDS)
        for child in group:
            if child.is_running():
                logger.warning("%s did not stop within %g s: killed", child.name, child.grace_seconds)
                child.process.kill()
                child.process.wait()
            child.sweep()

    def _note_end(self, child):
        status = child.process.returncode
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        child.sweep()
        if not child.restart:
            child.restart_at = float("inf")
            raise ServiceError(f"{child.name} ended {how}. {child.log} says:\n{last_lines(child.log)}")
        settled = time.monotonic() - child.started_at >= SETTLED_SECONDS
        delay = RESTART_SECONDS if settled else child.delay
        child.delay = min(delay * 2, LONGEST_RESTART_SECONDS)
        child.restart_at = time.monotonic() + delay
        logger.warning("%s ended %s: starts again in %g s; see %s", child.name, how, delay, child.log)

    def _wait_until_ready(self, started, ready, seconds):
        deadline = time.monotonic() + seconds
        while ready is not None and not ready():
            for child in started:
                if not child.is_running():
                    locked = child.process.returncode == ALREADY_RUNNING
                    why = "another process holds its lock file" if locked else "it ended"
                    raise ServiceError(f"{child.name} did not start: {why}. {child.log} says:\n{last_lines(child.log)}")
            if time.monotonic() > deadline:
                log = started[0].log
                raise ServiceError(f"{started[0].group} is not ready after {seconds} s. {log} says:\n{last_lines(log)}")
            time.sleep(POLL_SECONDS)

    def _on_signal(self, signum, frame):
        self._hurry = self._asked_to_stop
        self._asked_to_stop = True
        if not (self._busy or self._stopping or self._hurry):
            raise KeyboardInterrupt


class _Undisturbed:
    """Holds a stop signal back while children are being started, so that none is started and forgotten."""

    def __init__(self, supervisor):
        self.supervisor = supervisor

    def __enter__(self):
        self.supervisor._busy = True

    def __exit__(self, kind, *rest):
        self.supervisor._busy = False
        if self.supervisor._asked_to_stop and kind is None:
            raise KeyboardInterrupt


def _is_heeded(signum):
    """Respect nohup: a signal that this process was told to ignore stays ignored."""
    return signal.getsignal(signum) is not signal.SIG_IGN


def _take_lock(data_dir):
    handle = os.open(data_dir / "supervisor.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(handle, 20).decode().strip() or "unknown"
        os.close(handle)
        raise ServiceError(
            f"Nexa Distill already runs in {data_dir} (process {holder}): stop it first, or set DATA_DIR to another "
            "folder."
        ) from None
    os.truncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
    return handle
