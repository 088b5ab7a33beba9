"""The fastest way in that each database has, leaving out rows that are there already."""

from django.db import connection


def insert_new(model, names, rows, **constants):
    """Insert `rows`, tuples in the order of the attnames `names`; returns how many were new.

    A row that a unique constraint knows is left out. `constants` are the same for every row; a field that neither
    names gets its default. The rows' values are as the database keeps them: JSON as text.
    """
    if not rows:
        return 0
    fields = {field.attname: field for field in model._meta.concrete_fields if not field.primary_key}
    rest = {name: _constant(field, constants) for name, field in fields.items() if name not in names}
    columns = ", ".join(connection.ops.quote_name(fields[name].column) for name in (*names, *rest))
    complete = (tuple(row) + tuple(rest.values()) for row in rows)
    table = connection.ops.quote_name(model._meta.db_table)
    if connection.vendor == "postgresql":
        return _copy(table, columns, complete)
    places = ", ".join(["%s"] * (len(names) + len(rest)))
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places}) ON CONFLICT DO NOTHING", complete)
        return cursor.rowcount


def _constant(field, constants):
    value = constants[field.attname] if field.attname in constants else field.get_default()
    return field.get_db_prep_save(value, connection)


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
