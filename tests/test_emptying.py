"""What a test committed is gone before the next one, and what migrating wrote stays."""

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import TransactionTestCase

from curation import searching
from curation.models import Prompt, State
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

WRITTEN_BY_MIGRATING = {"auth_permission", "django_content_type", "django_migrations"}


def filled():
    """Tables that hold rows, without SQLite's own and those that its search keeps the index in."""
    with connection.cursor() as cursor:
        own = ("curation_search_", "sqlite_")
        names = [name for name in connection.introspection.table_names(cursor) if not name.startswith(own)]
        for name in [*names, "curation_search_mark"]:
            cursor.execute(f"SELECT count(*) FROM {name}")
            if cursor.fetchone()[0]:
                yield name


@pytest.fixture
def some_rows():
    project = factories.project()
    factories.clients(project)
    factories.resolution(factories.prompt(project, State.ACCEPTED).current_response)
    searching.catch_up()
    factories.prompt(project)
    Prompt.objects.last().delete()


@pytest.mark.usefixtures("some_rows")
def test_nothing_is_left_but_what_migrating_wrote(django_db_setup):
    assert {"curation_prompt", "curation_search", "curation_search_mark", "auth_user"} < set(filled())
    django_db_setup.empty()
    assert set(filled()) == WRITTEN_BY_MIGRATING


@pytest.mark.usefixtures("some_rows")
@pytest.mark.parametrize(
    "change",
    [
        lambda: Permission.objects.first().delete(),
        lambda: ContentType.objects.create(app_label="curation", model="none"),
    ],
)
def test_what_migrating_wrote_is_written_again_when_a_test_changed_it(django_db_setup, change):
    before = Permission.objects.count(), ContentType.objects.count()
    change()
    django_db_setup.after(TransactionTestCase("run"))
    assert (Permission.objects.count(), ContentType.objects.count()) == before
    assert set(filled()) - {"curation_search", "curation_search_mark"} == WRITTEN_BY_MIGRATING
