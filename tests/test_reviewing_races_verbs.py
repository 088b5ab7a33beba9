"""Every verb at once over pairs whose halves lie in either order: nobody waits for ever, and what is kept is true.

It goes on for RACES_SECONDS (a few, unless the environment says more), by chance as RACES_SEED says.
"""

import os
import time

import pytest
from django.db import connection

from curation.models import Annotation, Call
from tests import factories
from tests.all_verbs import Office
from tests.kept_true import broken
from tests.threads import together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
SECONDS = float(os.environ.get("RACES_SECONDS", 6))
SEED = os.environ.get("RACES_SEED") or str(time.time_ns())


def deadlocks():
    """How many PostgreSQL has found in this database; SQLite has one writer at a time."""
    if connection.vendor != "postgresql":
        return 0
    connection.close()  # what a connection counted is told when it ends
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]


@pytest.fixture
def office(settings, tmp_path, teacher_server, monkeypatch):
    settings.REVIEW_UNDO_SECONDS = 0.2
    settings.RETRY_PAUSE_SECONDS = 0.01
    # Files are looked at by a process that takes seconds to begin, and that no lock of these depends on.
    monkeypatch.setattr("pipeline.releasing.building.check", lambda *_: None)
    teacher = factories.teacher(base_url=teacher_server.url, concurrency=4, input_price=1, output_price=2)
    return Office(tmp_path, teacher, SEED, time.monotonic() + SECONDS)


def test_every_verb_at_once_leaves_what_is_kept_true(office, settings):
    print(f"RACES_SEED={SEED}")
    before = deadlocks()
    person, (first, second), machine = office.reviewers[0], office.managers, factories.member(office.project, "manager")
    manage = [office.say, office.change, office.resolve, office.audit]
    together(
        *[lambda user=user: office.work(user, [office.review, office.write]) for user in office.reviewers[1:]],
        lambda: office.work(person, [office.review, office.bring, office.bring_prompts]),
        lambda: office.work(first, manage),
        lambda: office.work(second, [*manage, office.withdraw]),
        *[lambda user=user: office.work(user, [office.run]) for user in (machine, *office.managers)],
    )
    office.finish()
    print(dict(sorted(office.done.items())))

    assert deadlocks() == before
    assert broken(office.project) == []
    assert office.sent
    assert office.done["run"]
    kept = dict(Annotation.objects.values_list("pk", "action"))
    assert [each for each in office.sent if kept.get(each[0]) != each[1]] == []
    assert not Call.objects.filter(maybe_paid_twice=True).exists()
