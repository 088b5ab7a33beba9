"""Writing many rows at once, each by one prepared statement.

`bulk_create` and `bulk_update` build a new statement over all rows every time, which costs several times the writing.
"""

from django.db import DEFAULT_DB_ALIAS, connection, connections, models

PLAIN = frozenset([str, int, bool, type(None)])
JSON = frozenset([type(None)])
AT_ONCE = 200  # rows whose values one statement takes as parameters


def insert_new(rows, returning=()):
    """Insert `rows`, all of one model; one that a unique constraint knows is left out. Sets no primary keys.

    Returns the columns `returning` of those that went in, [] where none are asked for.
    """
    if not rows:
        return []
    fields = [field for field in rows[0]._meta.concrete_fields if not field.primary_key]
    columns = ", ".join(_name(field.column) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    into = f"INSERT INTO {_name(rows[0]._meta.db_table)} ({columns}) VALUES"
    values = _values(fields, rows)
    if not returning:
        _execute(f"{into} ({places}) ON CONFLICT DO NOTHING", values)
        return []
    found, wanted = [], ", ".join(map(_name, returning))
    with connection.cursor() as cursor:
        for start in range(0, len(rows), AT_ONCE):
            part = values[start : start + AT_ONCE]
            all_places = ", ".join([f"({places})"] * len(part))
            statement = f"{into} {all_places} ON CONFLICT DO NOTHING RETURNING {wanted}"
            cursor.execute(statement, [value for row in part for value in row])
            found += cursor.fetchall()
    return found


def update_rows(rows, names):
    """Write the fields `names` of `rows`, all of one model, as they stand."""
    if not rows:
        return
    meta = rows[0]._meta
    fields = [meta.get_field(name) for name in names]
    sets = ", ".join(f"{_name(field.column)} = %s" for field in fields)
    _execute(
        f"UPDATE {_name(meta.db_table)} SET {sets} WHERE {_name(meta.pk.column)} = %s",
        [[*values, row.pk] for values, row in zip(_values(fields, rows), rows, strict=True)],
    )


def _name(name):
    return connection.ops.quote_name(name)


def _execute(statement, rows):
    with connection.cursor() as cursor:
        cursor.executemany(statement, rows)


def _values(fields, rows):
    """What the database takes for these fields of each row; None, texts and numbers go as they are, but not in JSON."""
    real = connections[DEFAULT_DB_ALIAS]  # the proxy looks it up at every use
    plan = [(field.attname, JSON if isinstance(field, models.JSONField) else PLAIN, field) for field in fields]
    return [
        [
            value if type(value := getattr(row, name)) in plain else field.get_db_prep_save(value, real)
            for name, plain, field in plan
        ]
        for row in rows
    ]
