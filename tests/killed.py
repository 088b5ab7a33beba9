"""Work in a process of its own that is killed (-9) when it comes to a certain place."""

import signal
import subprocess
import sys

from tests.services import PRODUCT_DIR, product_environment

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
    script = SCRIPT.format(where=where, calls=calls, work=work)
    command, environment = [sys.executable, "-c", script], product_environment()
    ended = subprocess.run(command, cwd=PRODUCT_DIR, env=environment, check=False, capture_output=True)
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr.decode()
    return ended.returncode != 0
