"""Fixtures of people at a project of the test's own, and of what stands in for the rest of an installation."""

import pytest

from pipeline import jobs
from tests import factories


@pytest.fixture
def ada(project):
    """A reviewer of `project`."""
    return factories.member(project, "reviewer", name="ada")


@pytest.fixture
def bob(project):
    """Another reviewer of `project`."""
    return factories.member(project, "reviewer", name="bob")


@pytest.fixture
def browser(ada):
    """The client in which ada is logged in."""
    return factories.client(ada)


@pytest.fixture
def a_worker(valkey, monkeypatch):
    """As if a worker were alive: what it would do is another test's matter."""
    monkeypatch.setattr(jobs, "workers_alive", lambda: 1)


@pytest.fixture
def quick_retries(settings):
    """A refused call is sent again at once."""
    settings.RETRY_PAUSE_SECONDS = 0.01
