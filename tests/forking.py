"""What `datasets` brings along is loaded once for a whole test run: its process forks for each check of a release.

What runs after that is the product's own. `python -m tests.forking SOCKET` is that process: it ends when nobody holds
the other end of its socket, and its forks end with it.
"""

import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import traceback

from pipeline.embedded import tied

LOADED = ("datasets", "pipeline.releasing.checking.files", "pipeline.releasing.checking.schemas")
LOADED += ("pipeline.releasing.checking.loading",)
MOST = 200_000  # bytes of a request, which holds an environment


class Forks:
    """The process that forks, there from the first fork on; each runs `module`, as `python -m module` would."""

    def __init__(self, module, cwd, environment):
        self.module, self.cwd, self.environment = module, cwd, environment
        self._starting = threading.Lock()
        self._way = self._process = None

    def start(self, arguments, environment, output, errors):
        """A fork at work, with the face of a Popen."""
        with self._starting:
            if self._process is None:
                self._load()
        own, other = socket.socketpair()
        asked = json.dumps([self.module, arguments, dict(environment)]).encode()
        with other:
            socket.send_fds(self._way, [asked], [other.fileno(), output.fileno(), errors.fileno()])
        return Fork(own)

    def _load(self):
        self._way, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            command = [sys.executable, "-m", "tests.forking", str(other.fileno())]
            self._process = subprocess.Popen(
                command, cwd=self.cwd, env=self.environment, stdin=subprocess.DEVNULL, pass_fds=[other.fileno()]
            )

    def end(self):
        """End the process, if there is one, and with it all that it forked."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._way.close()


class Fork:
    """One fork. It holds the other end of a socket, says its id and its exit status there, and closes it by its end."""

    def __init__(self, connection):
        self._said = connection.makefile("r")
        self._connection = connection
        self.returncode = None
        first = self._said.readline()
        if not first:
            raise RuntimeError("The process that forks has ended: see what it said above.")
        self.pid = int(first)

    def poll(self):
        """Its exit status, or None while it runs."""
        if self.returncode is None:
            self._connection.settimeout(0)
            try:
                ready = self._connection.recv(1, socket.MSG_PEEK) is not None
            except BlockingIOError:
                ready = False
            self._connection.settimeout(None)
            if ready:
                self.wait()
        return self.returncode

    def wait(self):
        """Wait for its end; returns its exit status."""
        if self.returncode is None:
            said = self._said.readline()
            self.returncode = int(said) if said else -signal.SIGKILL
            self._said.close()
            self._connection.close()
        return self.returncode

    def kill(self):
        """End it at once."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


def main(own):
    """Load what is loaded once, and fork for each request until nobody is there to ask."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the test run, whose end is seen here
    for name in LOADED:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for forks here
    requests, forker = socket.socket(fileno=own), os.getpid()
    while True:
        asked, handles, _, _ = socket.recv_fds(requests, MOST, 3)
        if not asked:
            return
        if os.fork() == 0:
            requests.close()
            _become(forker, *handles, *json.loads(asked))
        for handle in handles:
            os.close(handle)


def _become(forker, connection, output, errors, module, arguments, environment):
    """What a new process would be: its environment, its files, its arguments; never returns."""
    tied.die_with_parent(forker)
    tied.die_with_parent = lambda parent: None  # which is done by the line above
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with socket.socket(fileno=connection) as way:
        way.sendall(f"{os.getpid()}\n".encode())
        os.environ.clear()
        os.environ.update(environment)
        for handle, standard in ((os.open(os.devnull, os.O_RDONLY), 0), (output, 1), (errors, 2)):
            os.dup2(handle, standard)
            os.close(handle)
        sys.argv = [module, *arguments]
        status = 0
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except SystemExit as ended:
            status = ended.code or 0
        except BaseException:
            traceback.print_exc()
            status = 1
        sys.stdout.flush()
        sys.stderr.flush()
        way.sendall(f"{status}\n".encode())
        os._exit(status)


if __name__ == "__main__":
    main(int(sys.argv[1]))
