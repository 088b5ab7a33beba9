"""The supervisor: what it starts runs, starts again where that is wanted, and ends with it in every case."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pipeline.embedded import ServiceError
from pipeline.embedded.supervisor import Supervisor
from tests.services import PATIENCE_SECONDS, PRODUCT_DIR, has_ended, wait_until

SLEEPER = [sys.executable, "-c", "import time; print('hello', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)",
]
WITH_CHILD = [
    sys.executable,
    "-c",
    f"import subprocess, time; print(subprocess.Popen({SLEEPER!r}).pid, flush=True); time.sleep(600)",
]

# A whole process with a supervisor in it: it says which children it has, and watches them until it is stopped.
ALL_IN_ONE = """
import json, signal, sys
from contextlib import suppress
from pathlib import Path
from pipeline.embedded.supervisor import Supervisor
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # a suite that was started with nohup has it ignored in every child
with suppress(KeyboardInterrupt), Supervisor(Path(sys.argv[1])) as supervisor:
    for name, argv in json.loads(sys.argv[2]).items():
        supervisor.start(name, argv, restart=True, grace_seconds=1)
    print(json.dumps({child.name: child.process.pid for child in supervisor.children}), flush=True)
    supervisor.wait()
print("left in good order", flush=True)
"""


@pytest.fixture
def supervisor(tmp_path):
    with Supervisor(tmp_path) as supervisor:
        yield supervisor


@pytest.fixture
def start_all_in_one(tmp_path):
    """A function that starts the process and returns it with the pids of its children."""
    processes = []

    def start(children):
        command = [sys.executable, "-c", ALL_IN_ONE, str(tmp_path), json.dumps(children)]
        process = subprocess.Popen(command, cwd=PRODUCT_DIR, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        return process, json.loads(process.stdout.readline())

    yield start
    for process in processes:
        process.kill()
        process.wait()


def log_of(supervisor, name):
    path = supervisor.logs / f"{name}.log"
    return path.read_text() if path.exists() else ""


def test_a_killed_supervisor_leaves_nothing_behind(start_all_in_one):
    process, pids = start_all_in_one({"sleeper": SLEEPER, "stubborn": STUBBORN})
    process.kill()
    process.wait()
    wait_until(lambda: all(has_ended(pid) for pid in pids.values()), "the children end")


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stopped_supervisor_stops_all_in_good_order(start_all_in_one, signum):
    process, pids = start_all_in_one({"sleeper": SLEEPER, "stubborn": STUBBORN})
    process.send_signal(signum)
    said, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert said == "left in good order\n"
    assert process.returncode == 0
    assert all(has_ended(pid) for pid in pids.values())


def test_an_error_in_the_block_stops_all(tmp_path):
    pids = []

    def fail():
        with Supervisor(tmp_path) as supervisor:
            pids.append(supervisor.start("sleeper", SLEEPER)[0].process.pid)
            raise ValueError("something else went wrong")

    with pytest.raises(ValueError, match="something else"):
        fail()
    assert has_ended(pids[0])


def test_children_end_in_reverse_order(tmp_path):
    order = tmp_path / "order"
    script = (
        "import pathlib, signal, sys, time\n"
        "def end(*_):\n"
        f"    open({str(order)!r}, 'a').write(sys.argv[1] + ' ')\n"
        "    sys.exit()\n"
        "signal.signal(15, end)\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)"
    )
    with Supervisor(tmp_path) as supervisor:
        for name in ("queue", "worker", "web"):
            command = [sys.executable, "-c", script, name]
            supervisor.start(name, command, ready=lambda name=name: "ready" in log_of(supervisor, name))
    assert order.read_text() == "web worker queue "


def test_a_childs_own_children_end_with_it(tmp_path):
    with Supervisor(tmp_path) as supervisor:
        supervisor.start("parent", WITH_CHILD, ready=lambda: log_of(supervisor, "parent").strip())
        grandchild = int(log_of(supervisor, "parent").split()[0])
    wait_until(lambda: has_ended(grandchild), "it ends")


def test_a_child_that_ends_starts_again(supervisor):
    child = supervisor.start("sleeper", SLEEPER, restart=True)[0]
    first = child.process.pid
    os.kill(first, signal.SIGKILL)
    assert supervisor.wait(lambda: child.is_running() and child.process.pid != first)


def test_a_child_that_must_not_end_ends_the_whole_and_is_quoted(supervisor):
    supervisor.start("web", [sys.executable, "-c", "raise SystemExit('port 8000 is taken')"])
    with pytest.raises(ServiceError, match=r"web ended with status 1[\s\S]*port 8000 is taken"):
        supervisor.wait()


def test_a_child_that_ends_before_it_is_ready_is_quoted(supervisor):
    with pytest.raises(ServiceError, match=r"queue did not start[\s\S]*out of order"):
        supervisor.start("queue", [sys.executable, "-c", "raise SystemExit('out of order')"], ready=lambda: False)


def test_a_program_that_does_not_exist_is_named(supervisor):
    with pytest.raises(ServiceError, match="/no/such/program cannot be run"):
        supervisor.start("queue", ["/no/such/program"], ready=lambda: False)


def test_a_lock_is_held_while_the_child_lives(supervisor, tmp_path):
    lock = tmp_path / "queue.lock"
    first = supervisor.start("first", SLEEPER, lock=lock, ready=lambda: "hello" in log_of(supervisor, "first"))[0]
    with pytest.raises(ServiceError, match="another process holds its lock file"):
        supervisor.start("second", SLEEPER, lock=lock, ready=lambda: "hello" in log_of(supervisor, "second"))
    first.process.kill()
    first.process.wait()
    supervisor.start("third", SLEEPER, lock=lock, ready=lambda: "hello" in log_of(supervisor, "third"))


def test_a_child_elsewhere_has_the_same_data_directory(supervisor, tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_DIR", "somewhere/relative")
    tell = [sys.executable, "-c", "import os, time; print(os.environ['DATA_DIR'], flush=True); time.sleep(600)"]
    supervisor.start("child", tell, cwd=PRODUCT_DIR, ready=lambda: log_of(supervisor, "child"))
    assert log_of(supervisor, "child") == f"{tmp_path}\n"


def test_several_children_of_one_kind_are_numbered(supervisor):
    started = supervisor.start("worker", SLEEPER, count=2)
    assert [child.name for child in started] == ["worker-1", "worker-2"]
    wait_until(lambda: all("hello" in log_of(supervisor, name) for name in ("worker-1", "worker-2")), "both log")


def test_a_directory_has_one_supervisor_at_a_time(supervisor, tmp_path):
    with pytest.raises(ServiceError, match=rf"already runs in .* \(process {os.getpid()}\)"), Supervisor(tmp_path):
        pass


def test_a_directory_is_free_again_after_a_kill(start_all_in_one, tmp_path):
    process, _ = start_all_in_one({"sleeper": SLEEPER})
    process.kill()
    process.wait()
    with Supervisor(tmp_path):
        pass


def test_it_wants_the_main_thread(tmp_path):
    """The kernel ends the children with the thread that started them."""
    errors = []

    def enter():
        try:
            Supervisor(tmp_path).__enter__()
        except RuntimeError as error:
            errors.append(str(error))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert "main thread" in errors[0]


def test_a_large_log_makes_room(supervisor):
    log: Path = supervisor.logs / "sleeper.log"
    log.write_bytes(b"x" * (11 * 1024 * 1024))
    supervisor.start("sleeper", SLEEPER, ready=lambda: log_of(supervisor, "sleeper") == "hello\n")
    assert (supervisor.logs / "sleeper.log.1").stat().st_size == 11 * 1024 * 1024
