"""Fixtures that many tests share; what builds rows is in factories.py, what starts servers in services.py."""

import importlib.util
import os
from pathlib import Path

import pytest

from tests import factories
from tests.teacher_server import TeacherServer

if importlib.util.find_spec("tests.services"):
    pytest_plugins = ["tests.services"]

REQUIRED = os.environ.get("CI", "").lower() in ("1", "true")


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    """Every test has a DATA_DIR of its own, so that releases and uploads of one are not seen by the next."""
    settings.DATA_DIR = Path(tmp_path)
    settings.MEDIA_ROOT = settings.DATA_DIR
    return settings.DATA_DIR


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
