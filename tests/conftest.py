"""Fixtures that many tests share; what builds rows is in factories.py, what starts servers in services.py."""

import os
import shutil
import signal
import sys
from pathlib import Path

import hypothesis
import pytest
import redis
from django.conf import settings as django_settings
from whitenoise.middleware import WhiteNoiseMiddleware

from pipeline.releasing import checking
from tests import factories
from tests.emptying import Emptying
from tests.forking import Forks
from tests.migrated import Making, copied
from tests.teacher_server import TeacherServer

pytest_plugins = ["tests.services", "tests.people"]

# A machine that stands still for some seconds makes no example wrong, nor the making of one.
hypothesis.settings.register_profile(
    "suite", hypothesis.settings(), deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("suite")

# A shell starts what runs in the background with Ctrl-C ignored, and every process of a test would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Some surroundings forbid Python to keep what it compiled; each of the many processes would compile it all again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

DATABASE_FIXTURES = {"db", "transactional_db", "django_db_setup", "live_server"}


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item):
    """What asks for no database is marked `pure`: it says the same on every database, and runs on one."""
    if item.get_closest_marker("django_db") is None and DATABASE_FIXTURES.isdisjoint(item.fixturenames):
        item.add_marker("pure")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Browser tests come last: Playwright leaves an event loop running in this thread, where others start theirs."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(autouse=True)
def data_dir(settings):
    """DATA_DIR, the same for the whole run as its worker processes know no other; emptied of projects after a test."""
    yield settings.DATA_DIR
    shutil.rmtree(settings.DATA_DIR / "projects", ignore_errors=True)


making = []  # in the process that hands tests out to others: who makes the database that they copy


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    """Another process will run tests: let it know of the migrated database, and have that made meanwhile."""
    if not making:
        making.append(Making())
    node.workerinput["migrated"] = (making[0].name, making[0].lock)


def pytest_unconfigure():
    """Leave no migrated database behind."""
    for each in making:
        each.end()


@pytest.fixture(scope="session")
def migrated_elsewhere(request):
    """The database is copied from the one that was migrated for all processes of the run, where there are several."""
    if hasattr(request.config, "workerinput"):
        copied(*request.config.workerinput["migrated"])


@pytest.fixture(scope="session")
def django_db_setup(migrated_elsewhere, django_db_setup, django_db_blocker):
    """The database of the run, emptied after tests that commit by what is given here."""
    with django_db_blocker.unblock():
        yield Emptying()


@pytest.fixture(scope="session", autouse=True)
def begin_check():
    """What begins the child of a release's check outside of the tests; in them it is forked off one that has loaded."""
    home = {"HF_HOME": str(Path(django_settings.DATA_DIR, "readers"))}
    loaded = [f"{checking.__name__}.{part}" for part in ("files", "schemas", "loading")]
    forks = Forks(["datasets", *loaded], checking.ROOT, os.environ | checking.OFFLINE | home, tied_already=True)

    def fork(asked, environment, output, errors):
        return forks.start(["-m", checking.__name__, *asked], environment, output, errors)

    begin, checking.begin = checking.begin, fork
    yield begin
    checking.begin = begin
    forks.end()


@pytest.fixture(scope="session", autouse=True)
def static_files_once():
    """Every client of a test brings middleware of its own, which would look through all static files once more."""
    look, found = WhiteNoiseMiddleware.add_files_from_finders, {}

    def add_files(middleware):
        if middleware.static_prefix not in found:
            others, middleware.files = middleware.files, {}
            look(middleware)
            found[middleware.static_prefix], middleware.files = middleware.files, others
        middleware.files.update(found[middleware.static_prefix])

    WhiteNoiseMiddleware.add_files_from_finders = add_files
    yield
    WhiteNoiseMiddleware.add_files_from_finders = look


@pytest.fixture(scope="session")
def counted_limits(valkey_server):
    """A client of the Valkey that teachers' limits are counted in, open for the whole run."""
    with redis.Redis(unix_socket_path=valkey_server) as client:
        yield client


@pytest.fixture(autouse=True)
def no_limits_left(counted_limits):
    """Keys of teachers repeat from test to test, and what one was asked must not hold up the next."""
    counted = counted_limits.keys("nexa:limits:*")
    if counted:
        counted_limits.delete(*counted)


@pytest.fixture
def project(db):
    """A project without people in it."""
    return factories.project()


@pytest.fixture
def people(project):
    """One client per role, by name: anonymous, outsider, viewer, reviewer, resolver, manager, superuser."""
    return factories.clients(project)


@pytest.fixture(scope="session")
def _teacher_server():
    with TeacherServer() as server:
        yield server


@pytest.fixture
def teacher_server(_teacher_server):
    """The stand-in teacher, answering well until the test scripts it otherwise; its counts begin at 0."""
    _teacher_server.reset()
    return _teacher_server
