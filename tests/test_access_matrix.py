"""Who may reach what: every address of the site, from the URL configuration itself, by method, role and project.

A new address must get a row in tests/access_table.py; until it has one, this test fails.
"""

import re
from functools import partial
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.db import transaction
from django.urls import URLPattern, get_resolver, reverse

from tests import factories
from tests.access_table import (
    ANYBODY,
    LOGGED_IN,
    ROLES,
    SITE_ADMIN,
    TABLE,
    World,
)

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ANSWERS = {200, 204, 302, 303, 400, 409, 422, 503}  # it was let in, whatever it thinks of an empty form
HOME_OF_THE_TABLE = "Add a row to TABLE in tests/access_table.py: its role, methods and the objects in the address."


def addresses(patterns=None, prefix="", namespace=""):
    """Every (full name, route) below `patterns`, of the whole site by default."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield (f"{namespace}{pattern.name}" if pattern.name else None), route
        else:
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from addresses(pattern.url_patterns, route, inner)


ADDRESSES = list(addresses())
OURS = {name: route for name, route in ADDRESSES if not route.startswith("admin/")}
ADMIN = sorted({route for _, route in ADDRESSES if route.startswith("admin/")})
FOREIGN = sorted(
    name
    for name in OURS
    if name in TABLE and ({"slug"} < set(TABLE[name].objects) or ("slug" in TABLE[name].objects and TABLE[name].posted))
)
THROUGH_THE_PROJECT = "Look every object up through the project: get_object_or_404(project.runs, pk=pk)."


def test_every_address_has_a_name_of_its_own_and_a_row():
    names = [name for name, route in ADDRESSES if not route.startswith("admin/")]
    twice = sorted({name or "(none)" for name in names if name is None or names.count(name) > 1})
    assert twice == [], "Every address needs a name of its own, or this test would pass it over."
    assert sorted(set(names) - set(TABLE)) == [], HOME_OF_THE_TABLE


def test_the_table_speaks_of_no_address_that_is_gone():
    assert sorted(set(TABLE) - set(OURS)) == [], "Take these rows out of TABLE in tests/access_table.py."


@pytest.fixture
def world(project, people, valkey):
    return World(project, people)


def expected(page, method, role):
    """The statuses that `role` must get for `method` on an object of its own project."""
    if role == "anonymous" and page.role != ANYBODY:
        return {302}
    if method not in page.methods:
        return {405}
    if page.role in (ANYBODY, LOGGED_IN):
        return ANSWERS
    if page.role == SITE_ADMIN:
        return ANSWERS if role == "superuser" else {403, 404}
    if role == "outsider":
        return {404}
    return ANSWERS if ROLES.index(role) >= ROLES.index(page.role) else {403}


def ask(client, method, url, data=None, then=lambda response: None):
    """The response to a request with this form; after `then`, whatever it did to the database is undone."""
    session = dict(client.cookies)
    with transaction.atomic():
        response = client.generic(method, url, urlencode(data or {}), "application/x-www-form-urlencoded")
        then(response)
        transaction.set_rollback(True)
    client.cookies.clear()
    client.cookies.update(session)
    return response


@pytest.mark.parametrize("name", sorted(name for name in OURS if name))
def test_roles(world, name):
    assert name in TABLE, HOME_OF_THE_TABLE
    page, wrong = TABLE[name], []
    kwargs, form = world.request(page)
    url = reverse(name, kwargs=kwargs)
    for role, client in world.people.items():
        for method in METHODS:
            response = ask(client, method, url, form)
            wanted = expected(page, method, role)
            if response.status_code not in wanted:
                wrong.append(f"{method} {url} as {role}: {response.status_code}, not {sorted(wanted)}")
            elif wanted == {302} and not response.url.startswith(reverse(settings.LOGIN_URL)):
                wrong.append(f"{method} {url} as {role}: sent to {response.url} and not to the log-in")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", FOREIGN)
def test_objects_of_a_foreign_project(world, name):
    """An own project in the address opens no door to another one: its objects are not found, shown or changed."""
    page, wrong = TABLE[name], []
    kwargs, form = world.request(page, foreign=True)
    url, before = reverse(name, kwargs=kwargs), world.foreign_rows()
    in_address = len(kwargs) > 1

    def look(role, method, response):
        allowed = {404} | (expected(page, method, role) - (ANSWERS if in_address else set()))
        if response.status_code not in allowed:
            wrong.append(f"{method} {url} as {role}: {response.status_code}. {THROUGH_THE_PROJECT}")
        if role not in ("outsider", "superuser") and world.foreign.slug.encode() in response.getvalue():
            wrong.append(f"{method} {url} as {role}: shows something of the foreign project")
        if world.foreign_rows() != before:
            wrong.append(f"{method} {url} as {role}: changed something in the foreign project")

    for role in ROLES:
        for method in page.methods:
            ask(world.people[role], method, url, form, partial(look, role, method))
    assert not wrong, "\n".join(wrong)


def test_rows_name_the_parameters_of_their_address():
    wrong = {
        name: (sorted(page.objects), sorted(parameters))
        for name, page in TABLE.items()
        if name in OURS and set(page.objects) != (parameters := set(re.findall(r"<(?:\w+:)?(\w+)>", OURS[name])))
    }
    assert wrong == {}, "Each parameter of an address needs its object: (those in the row, those in the address)."


@pytest.fixture
def no_staff(project):
    """Clients of those who have nothing to do with the admin, by role."""
    manager = factories.member(project, "manager")
    outsider = factories.client(factories.user())
    return {"anonymous": factories.client(), "outsider": outsider, "manager": factories.client(manager)}


@pytest.mark.parametrize("route", ADMIN)
def test_admin_is_for_staff(no_staff, route):
    """The admin's own pages: nobody without the staff flag gets further than a log-in page."""
    url = "/" + "".join(_fill(piece) for piece in route.split("/"))
    kept_out = {302, 403, 404, 405} | ({200} if route == "admin/login/" else set())
    for role, client in no_staff.items():
        for method in METHODS:
            response = ask(client, method, url)
            assert response.status_code in kept_out, f"{method} {url} as {role}: {response.status_code}"


def _fill(piece):
    """A piece of an address with something in place of its parameter; patterns of the admin's own are as good."""
    return "1/" if re.search(r"[<(^*]", piece) else f"{piece}/" * bool(piece)
