"""How a test database is emptied after a test that committed: only what has rows, and nothing is made again.

Django's own way empties all tables and writes the content types and permissions anew, which takes longer than most
tests. Here those stay; should a test have changed them, the next one still gets what Django's way gives.
"""

from django.db import connection, transaction
from django.test import TransactionTestCase

KEPT = ("django_content_type", "auth_permission")  # written by migrating, for ever the same
SEARCH = ("curation_search_mark", "curation_search")  # no model's; in this order, as prompts that go leave marks
AS_KEPT = f"SELECT {', '.join(f'(SELECT count(*) FROM {name}), (SELECT max(id) FROM {name})' for name in KEPT)}"

_flush = TransactionTestCase._fixture_teardown


class Emptying:
    """Stands in for the teardown of Django's TransactionTestCase from the moment it is made, for one database."""

    def __init__(self):
        existing = connection.introspection.django_table_names(only_existing=True, include_views=False)
        self.tables = sorted(set(existing) - set(KEPT)) + list(SEARCH)
        self.kept = _row(AS_KEPT)
        TransactionTestCase._fixture_teardown = lambda case: self.after(case)

    def after(self, case):
        """Leave the database as it was before the first test."""
        if case.available_apps or case.serialized_rollback or not _may_ignore_keys() or _row(AS_KEPT) != self.kept:
            _flush(case)
            self.kept = _row(AS_KEPT)
        else:
            self.empty()

    def empty(self):
        """Delete all rows of all tables but those that stay."""
        with connection.constraint_checks_disabled(), transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                # What a killed process still has under way is waited for, else its rows would come afterwards.
                cursor.execute(f"LOCK TABLE {', '.join(self.tables)} IN ACCESS EXCLUSIVE MODE")
                cursor.execute("SET LOCAL session_replication_role = replica")  # neither foreign keys nor triggers
            asked = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in self.tables)
            cursor.execute(asked)
            filled = {name for (name,) in cursor.fetchall()} | {SEARCH[0]}
            for name in self.tables:
                if name in filled:
                    cursor.execute(f"DELETE FROM {name}")


def _row(query):
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()


def _may_ignore_keys():
    """On PostgreSQL only a superuser may, as the suite's own account is."""
    return connection.vendor != "postgresql" or _row("SELECT current_setting('is_superuser')") == ("on",)
