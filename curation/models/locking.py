"""Rows are locked in one order by everybody: see docs/architecture.md, "Locks"."""

from django.db import connection, transaction


def in_order(rows, *names):
    """`rows` as the ids that one UPDATE or DELETE is to touch: locked in the order of `names`, ascending ids without.

    PostgreSQL would take them in whatever order it finds them, and two who write the same rows wait for each other for
    ever. SQLite has one writer at a time. To be used within a transaction.
    """
    if not connection.features.has_select_for_update:
        return rows
    chosen = rows.select_for_update(no_key=True, of=("self",)).order_by(*(names or ("pk",)))
    return rows.model._base_manager.filter(pk__in=chosen.values("pk"))


@transaction.atomic
def update_in_order(rows, **values):
    """`rows.update(**values)`, each row locked in the order of ids; returns how many it were."""
    return in_order(rows).update(**values)


@transaction.atomic
def delete_in_order(rows):
    """`rows.delete()` of rows that nothing else points to, in the order of ids; returns how many it were."""
    return in_order(rows).delete()[0]
