"""What takes long to load is loaded once for a whole test run, by a process that forks for each that is wanted.

What runs in a fork is the product's own. `python -m tests.forking SOCKET MODULE...` is that process: it ends when
nobody holds the other end of its socket, and its forks end with it.
"""

import atexit
import contextlib
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback

from pipeline.embedded import tied

MOST = 200_000  # bytes of a request, which holds an environment


class Forks:
    """The process that forks, there from the first fork on; it loads the modules named and runs on `environment`.

    `tied_already`: what is forked asks by itself to end with its parent, which this process sees to.
    """

    def __init__(self, loaded, cwd, environment, *, tied_already=False):
        self.loaded, self.cwd, self.environment, self.tied_already = loaded, cwd, environment, tied_already
        self._starting = threading.Lock()
        self._way = self._process = None

    def start(self, words, environment, output, errors):
        """A fork that does what `python WORDS` would (a script, `-m MODULE` or `-c CODE`), with the face of a Popen."""
        with self._starting:
            if self._process is None:
                self._load()
        own, other = socket.socketpair()
        asked = json.dumps([[str(word) for word in words], dict(environment), self.tied_already]).encode()
        with other:
            socket.send_fds(self._way, [asked], [other.fileno(), output.fileno(), errors.fileno()])
        return Fork(own)

    def _load(self):
        self._way, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            command = [sys.executable, "-m", "tests.forking", str(other.fileno()), *self.loaded]
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
    """One fork. The process that forks says its id, then its exit status, on a socket, and closes that."""

    def __init__(self, connection):
        self._connection = connection
        self._said = connection.makefile("rb", buffering=0)  # nothing is read ahead: what is left can be waited for
        self.returncode = None
        first = self._said.readline()
        if not first:
            raise RuntimeError("The process that forks has ended: see what it said above.")
        self.pid = int(first)

    def poll(self):
        """Its exit status, as a Popen tells it, or None while it runs."""
        if self.returncode is None and select.select([self._connection], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout=None):
        """Wait for its end; returns its exit status."""
        if self.returncode is None:
            if not select.select([self._connection], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(f"fork {self.pid}", timeout)
            said = self._said.readline()
            self.returncode = int(said) if said else -signal.SIGKILL
            self._said.close()
            self._connection.close()
        return self.returncode

    def send_signal(self, signum):
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, signum)

    def terminate(self):
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self):
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def main(own, *loaded):
    """Load what is loaded once, and fork for each request until nobody is there to ask."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the test run, whose end is seen here
    for name in loaded:
        importlib.import_module(name)
    requests, forker, ways = socket.socket(fileno=own), os.getpid(), {}
    ended, ends = socket.socketpair()
    ended.setblocking(False)
    ends.setblocking(False)
    signal.set_wakeup_fd(ends.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([requests, ended], [], [])
        if ended in ready:
            ended.recv(4096)
            _tell(ways)
        if requests in ready:
            asked, handles, _, _ = socket.recv_fds(requests, MOST, 3)
            if not asked:
                return
            way, *files = handles
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                for each in (requests, ended, ends, *ways.values()):
                    each.close()
                os.close(way)
                _become(forker, *files, *json.loads(asked))
            ways[pid] = socket.socket(fileno=way)
            ways[pid].sendall(f"{pid}\n".encode())
            for handle in files:
                os.close(handle)


def _tell(ways):
    """Tell of the forks that have ended how they did."""
    while ways:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with ways.pop(pid) as way, contextlib.suppress(BrokenPipeError):  # nobody may want to know
            way.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _become(forker, output, errors, words, environment, tied_already):
    """What a new process would be: its environment, its files, its arguments; never returns."""
    tied.die_with_parent(forker)
    if tied_already:
        tied.die_with_parent = lambda parent: None  # which is done by the line above
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    for handle, standard in ((os.open(os.devnull, os.O_RDONLY), 0), (output, 1), (errors, 2)):
        os.dup2(handle, standard)
        os.close(handle)
    status = 0
    try:
        _run(*words)
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if status and not isinstance(ended.code, int):
            print(ended.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        status = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _run(first, *rest):
    """What Python does with the words after its name."""
    if first == "-m":
        sys.argv = list(rest)
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif first == "-c":
        code, *arguments = rest
        sys.argv = ["-c", *arguments]
        exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv = [first, *rest]
        runpy.run_path(first, run_name="__main__")


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
