"""What a database must be told now and then."""

from django.db import connection

LOOKED_AT = 400  # rows of each index; seconds for tables of any size


def learn_sizes():
    """Let SQLite look how large its tables are, as PostgreSQL does by itself.

    Without that it takes every index for a good one, and reads all that a person ever decided to find one decision.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA analysis_limit = {LOOKED_AT}")
            cursor.execute("ANALYZE")
