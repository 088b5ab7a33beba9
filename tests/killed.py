"""Work in a process of its own that is killed (-9) when it comes to a certain place."""

import signal
import tempfile

from tests.services import product_environment, start_process

SCRIPT = """
import importlib, os, signal, sys
import django
django.setup()

def at(path):
    parts = path.split(".")
    for number in range(len(parts) - 1, 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:number]))
        except ImportError:
            continue
        for part in parts[number:-1]:
            found = getattr(found, part)
        return found, parts[-1]

owner, name = at({where!r})
kept, left = getattr(owner, name), [{calls}]

def die(*args, **kwargs):
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    return kept(*args, **kwargs)

setattr(owner, name, die)
{work}
"""


def killed_at(where, work, calls=0):
    """Run `work`, lines of Python, and kill it as it calls `where` for the time after `calls` times.

    Returns whether it came so far; what ends otherwise than well or by the kill fails the test.
    """
    status, said = run_script(SCRIPT.format(where=where, calls=calls, work=work))
    assert status in (0, -signal.SIGKILL), said
    return status != 0


def run_script(script):
    """Run a script in a process of its own, on this test's database; returns its exit status and all that it said."""
    with tempfile.TemporaryFile() as output:
        status = start_process(["-c", script], product_environment(), output, output).wait()
        output.seek(0)
        return status, output.read().decode()
