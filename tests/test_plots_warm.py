"""The first plot of a web process is drawn behind its first request, before anybody waits for one."""

import subprocess
import sys
import threading

from django.conf import settings
from django.test import RequestFactory

from curation import plots
from tests.services import PATIENCE_SECONDS

# What a server does that loads the application once and forks then; the child asks for a page and draws.
FORKING = """
import os, sys
from distill_site.wsgi import application
assert "altair" not in sys.modules, "loading the application must draw nothing"
if child := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
from django.test import RequestFactory
import threading
application(RequestFactory().get("/favicon.ico").environ, lambda *said: None)
[thread.join() for thread in threading.enumerate() if thread.name == "warming plots"]
assert "vl_convert" in sys.modules
from curation import plots
print(plots.bars([("a", 1)], title="After a fork", x="Answers")[:4])
"""


def test_the_first_request_begins_it_and_no_other():
    from distill_site.wsgi import warmed

    begun, done = [], threading.Event()

    def warm():
        begun.append(threading.current_thread())
        done.set()

    application = warmed(lambda environ, start_response: [b"a page"], warm)
    assert begun == []
    environ = RequestFactory().get("/").environ
    assert [application(environ, None) for _ in range(3)] == [[b"a page"]] * 3
    assert done.wait(PATIENCE_SECONDS)
    assert len(begun) == 1
    assert begun[0] is not threading.current_thread()


def test_warming_draws_and_keeps_nothing():
    plots.warm()
    assert "altair" in sys.modules
    assert "vl_convert" in sys.modules


def test_a_server_that_forks_after_loading_draws_in_its_children():
    run = subprocess.run(
        [sys.executable, "-c", FORKING], cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=300
    )
    assert (run.returncode, run.stdout.strip()) == (0, "<svg"), run.stderr
