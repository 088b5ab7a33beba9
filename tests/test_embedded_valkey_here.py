"""A command that works without a queue has a Valkey all the same, and leaves none behind."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import redis

from pipeline.embedded import ServiceError, valkey, valkey_here
from pipeline.embedded.valkey_here import ensure_server
from tests.services import PRODUCT_DIR, wait_until

OTHER_COMMAND = """
import sys, django
from django.conf import settings
django.setup()
settings.DATA_DIR, settings.VALKEY_SOCKET = __import__("pathlib").Path(sys.argv[1]), sys.argv[2]
from pipeline.embedded.valkey_here import ensure_server
with ensure_server():
    print("there", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def socket(settings):
    with tempfile.TemporaryDirectory(prefix="nexa-valkey-") as name:  # short: a socket's path has little room
        settings.DATA_DIR, settings.EMBEDDED_VALKEY = Path(name), True
        settings.VALKEY_SOCKET = str(Path(name, "valkey", "valkey.sock"))
        yield settings.VALKEY_SOCKET


def test_it_starts_one_and_ends_it(socket):
    with ensure_server():
        assert valkey.serving_pid(socket)
    assert valkey.serving_pid(socket) is None


def test_it_leaves_a_running_one_alone(socket, settings):
    process = valkey.start(settings.DATA_DIR / "valkey", socket)
    with ensure_server():
        assert valkey.serving_pid(socket) == process.pid
    assert process.poll() is None
    process.terminate()
    process.wait()


def test_a_named_server_is_nobodys_to_start(socket, settings):
    settings.EMBEDDED_VALKEY = False
    with ensure_server():
        assert valkey.serving_pid(socket) is None


def test_it_goes_on_when_the_other_commands_server_ends(socket, settings, monkeypatch):
    monkeypatch.setattr(valkey_here, "LOOK_SECONDS", 0.05)
    command = [sys.executable, "-c", OTHER_COMMAND, str(settings.DATA_DIR), socket]
    other = subprocess.Popen(command, cwd=PRODUCT_DIR, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    other.stdout.readline()
    with ensure_server():
        with redis.Redis(unix_socket_path=socket) as client:
            client.set("kept", "yes")
        first = valkey.serving_pid(socket)
        other.communicate(b"")
        wait_until(lambda: valkey.serving_pid(socket) not in (first, None), "another server answers")
        with redis.Redis(unix_socket_path=socket) as client:
            assert client.get("kept") == b"yes"
    assert valkey.serving_pid(socket) is None


def test_what_hinders_it_is_told_at_the_beginning(socket, monkeypatch):
    monkeypatch.setattr(valkey, "find_spec", lambda name: None)
    with pytest.raises(ServiceError, match="pip install"), ensure_server():
        pytest.fail("it must not begin")
