"""Writing many rows at once, each by one prepared statement.

`bulk_create` and `bulk_update` build a new statement over all rows every time, which costs several times the writing.
"""

from functools import lru_cache
from itertools import chain

from django.db import DEFAULT_DB_ALIAS, connection, connections, models, transaction

PLAIN = frozenset([str, int, bool, type(None)])
JSON = frozenset([type(None)])
WORTH_A_COPY = 500  # rows for which PostgreSQL's COPY pays its temporary table
AT_ONCE = 200  # rows whose values one statement takes as parameters
DOZENS = 50  # rows that SQLite takes in one prepared statement; more gain nothing


def insert_rows(rows, returning=()):
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


def insert_values(model, names, rows, **constants):
    """Insert `rows`, tuples in the order of the attnames `names`; returns how many were new.

    A row that a unique constraint knows is left out. `constants` are the same for every row; a field that neither
    names gets its default. The rows' values are as the database keeps them: JSON as text.
    """
    if not rows:
        return 0
    fields = {field.attname: field for field in model._meta.concrete_fields if not field.primary_key}
    rest = {name: _constant(field, constants) for name, field in fields.items() if name not in names}
    columns = ", ".join(_name(fields[name].column) for name in (*names, *rest))
    table = _name(model._meta.db_table)
    if connection.vendor == "sqlite":
        return _insert_dozens(f"INSERT INTO {table} ({columns}) VALUES", len(names), list(rows), list(rest.values()))
    complete = (tuple(row) + tuple(rest.values()) for row in rows)
    if len(rows) >= WORTH_A_COPY:
        return _copy(table, columns, complete)
    places = ", ".join(["%s"] * (len(names) + len(rest)))
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places}) ON CONFLICT DO NOTHING", complete)
        return cursor.rowcount


def insert_for_each(model, source, ids, taken, **constants):
    """Insert one row for each row of the model `source` among `ids`, which must be there and stay: all in the database.

    `taken` are {attname: attname of `source` that it takes its value from}; `constants` as in `insert_values`.
    """
    fields = {field.attname: field for field in model._meta.concrete_fields if not field.primary_key}
    rest = {name: _constant(field, constants) for name, field in fields.items() if name not in taken}
    columns = ", ".join(_name(fields[name].column) for name in (*taken, *rest))
    chosen = [_name(source._meta.get_field(name).column) for name in taken.values()]
    chosen += [f"CAST(%s AS {fields[name].cast_db_type(connection)})" for name in rest]
    condition, among = source.objects.filter(pk__among=ids).values("pk").query.sql_with_params()
    statement = f"INSERT INTO {_name(model._meta.db_table)} ({columns}) SELECT {', '.join(chosen)} FROM"
    statement += f" {_name(source._meta.db_table)} WHERE {_name(source._meta.pk.column)} IN ({condition})"
    with connection.cursor() as cursor:
        cursor.execute(statement, [*rest.values(), *among])


def _insert_dozens(into, width, rows, constants):
    """Insert rows into SQLite, some dozens a statement: half the time of one by one. Returns how many were new."""
    places = ", ".join(f"?{place}" for place in range(1, len(constants) + 1))
    new = 0
    with connection.cursor() as cursor, connection.wrap_database_errors:
        raw = cursor.connection.cursor()  # the statement is in SQLite's own words: constants are given once
        for start in range(0, len(rows), DOZENS):
            part = rows[start : start + DOZENS]
            raw.execute(_values_of(into, width, len(part), len(constants), places), [*constants, *chain(*part)])
            new += raw.rowcount
    return new


@lru_cache(maxsize=200)
def _values_of(into, width, number, constants, places):
    ends = f", {places})" if places else ")"
    values = (
        "(" + ", ".join(f"?{constants + row * width + place}" for place in range(1, width + 1)) + ends
        for row in range(number)
    )
    return f"{into} {', '.join(values)} ON CONFLICT DO NOTHING"


def _constant(field, constants):
    value = constants[field.attname] if field.attname in constants else field.get_default()
    return field.get_db_prep_save(value, connection)


@transaction.atomic(savepoint=False)  # the table ends with its transaction: without one, before the first row
def _copy(table, columns, rows):
    """COPY into a table of this transaction alone, then one INSERT from there."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE incoming ON COMMIT DROP AS SELECT {columns} FROM {table} LIMIT 0")
        with cursor.copy(f"COPY incoming ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM incoming ON CONFLICT DO NOTHING")
        new = cursor.rowcount
        cursor.execute("DROP TABLE incoming")
        return new


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
