"""Queries that are put together once and asked again and again with other values.

Django takes many times as long to put a query together as the database takes to answer it; a page that asks fifty
times a request is made of that. What is asked, and what comes back, is the same.
"""

import inspect
import json
from datetime import UTC, datetime
from functools import update_wrapper

from django.db import connection
from django.db.models.query import FlatValuesListIterable, ModelIterable, get_related_populators

_NUMBER, _LIST, _YEAR = -1_900_000_001, -1_900_100_001, 1900  # stand-ins; no row has them


class Prepared:
    """`build(**values)` makes a queryset; calling this with the same names gives its rows as a list.

    How each value is used says its annotation: int, str, datetime, or list (of whole numbers, for `__among`); a row may
    stand for its number. They may be used anywhere in the query but in a slice, and more than once; `build` must do
    nothing else with them. A bool, and what is called `most`, which may be the end of a slice, shape the query: it is
    put together once for each.
    """

    def __init__(self, build):
        update_wrapper(self, build)
        self._build, self._made = build, {}
        self._kinds = {name: each.annotation for name, each in inspect.signature(build).parameters.items()}
        self._shapes = [name for name, kind in self._kinds.items() if _shapes(name, kind)]

    def __call__(self, **values):
        shape = (connection.vendor, *(values[name] for name in self._shapes))
        asked = self._made.get(shape)
        if asked is None:
            asked = self._made[shape] = _Statement(self._build, self._kinds, values)
        return asked.rows(values)

    def first(self, **values):
        """The first row, or None."""
        rows = self(**values)
        return rows[0] if rows else None


class _Statement:
    """One query in the words of the database that is in use."""

    def __init__(self, build, kinds, values):
        stand_ins = {name: _stand_in(kind, place) for place, (name, kind) in enumerate(kinds.items())}
        stand_ins |= {name: values[name] for name, kind in kinds.items() if _shapes(name, kind)}
        queryset = build(**stand_ins)
        compiler = queryset.query.get_compiler(connection=connection)
        self.sql, parameters = compiler.as_sql()
        named = {_given(stand_ins[name], kind): name for name, kind in kinds.items() if not _shapes(name, kind)}
        self.places = [(named.get(_hashable(value)), value) for value in parameters]
        unused = set(named.values()) - {name for name, _ in self.places}
        if unused:
            raise ValueError(f"{build.__qualname__}: {', '.join(unused)} is not in its query as it was given.")
        self.kinds = kinds
        self.converters = sorted(compiler.get_converters([each[0] for each in compiler.select]).items())
        self.made = _maker(queryset, compiler)

    def rows(self, values):
        given = [value if name is None else _given(values[name], self.kinds[name], plain=False)
                 for name, value in self.places]  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(self.sql, given)
            rows = cursor.fetchall()
        if self.converters and rows:
            rows = [self._converted(row) for row in rows]
        return [self.made(row) for row in rows] if self.made else rows

    def _converted(self, row):
        row = list(row)
        for place, (converters, expression) in self.converters:
            for convert in converters:
                row[place] = convert(row[place], expression, connection)
        return row


def _maker(queryset, compiler):
    """What makes of a row what the queryset would; None where it stays a tuple."""
    if issubclass(queryset._iterable_class, FlatValuesListIterable):
        return lambda row: row[0]
    if not issubclass(queryset._iterable_class, ModelIterable):
        return None
    found, alias = compiler.klass_info, connection.alias
    start, end = found["select_fields"][0], found["select_fields"][-1] + 1
    names = [each[0].target.attname for each in compiler.select[start:end]]
    related = get_related_populators(found, compiler.select, alias)

    def made(row):
        instance = found["model"].from_db(alias, names, row[start:end])
        for each in related:
            each.populate(row, instance)
        return instance

    return made


def _shapes(name, kind):
    return kind is bool or name == "most"


def _stand_in(kind, place):
    return {
        int: _NUMBER - place,
        list: [_LIST - place],
        str: f"stand-in {place}",
        datetime: datetime(_YEAR + place, 1, 1, tzinfo=UTC),
    }.get(kind)


def _given(value, kind, plain=True):
    """A value as the database takes it; `plain` as a key of a dict."""
    if kind is datetime:
        return connection.ops.adapt_datetimefield_value(value)
    if kind is not list:
        return _number(value) if kind is int else value
    value = [_number(each) for each in value]
    if connection.vendor == "postgresql":
        return _hashable(value) if plain else value
    return json.dumps(value)


def _number(value):
    return value if isinstance(value, int) else value.pk


def _hashable(value):
    return tuple(value) if isinstance(value, list) else value
