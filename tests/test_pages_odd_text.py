"""A NUL in a form or an address: PostgreSQL takes it in no column, so it is left out before anything reads it."""

import pytest
from django.urls import reverse

from curation.models import Draft, Flag, Prompt, SavedView
from tests.access_table import TABLE, World

pytestmark = pytest.mark.django_db
NUL = "a\0b"


@pytest.fixture
def world(project, people):
    return World(project, people)


def post(world, page, who, **fields):
    kwargs, data = world.request(TABLE[page])
    return world.people[who].post(reverse(page, kwargs=kwargs), data | fields)


def test_a_view_keeps_its_name_and_words(world):
    post(world, "view_save", "manager", name=NUL, query=f"q={NUL}")
    assert SavedView.objects.values_list("name", "query").get() == ("ab", "q=ab")


def test_a_draft_keeps_what_was_typed_around_it(world):
    assert post(world, "draft_save", "reviewer", comment=NUL).json()["kept"]
    assert Draft.objects.get().body == {"comment": ["ab"]}


def test_a_flag_is_cleared_with_the_rest_of_the_answer(world):
    post(world, "talk_flag_clear", "manager", answer=NUL)
    assert Flag.objects.get().answer == "ab"


@pytest.mark.parametrize(
    ("name", "who", "field"),
    [
        ("review_submit", "reviewer", "key"),
        ("review_submit", "reviewer", "response"),
        ("resolve_submit", "resolver", "text"),
        ("fix_take", "reviewer", "text"),
        ("prompt_gold", "manager", "note"),
        ("prompt_queue", "manager", "member"),
        ("change_new", "manager", "key"),
        ("change_new", "manager", "reason"),
        ("talk_say", "reviewer", "text"),
    ],
)
def test_no_form_falls_over_it(world, name, who, field):
    response = world.own.response
    action = "reopen" if name == "change_new" else "accept"
    fields = {"action": action, f"r{response}-action": "accept", "confirmed": "1"}
    assert post(world, name, who, **fields | {field: NUL, f"r{response}-{field}": NUL}).status_code < 500


def test_an_address_with_one_is_nobodys(world):
    assert Prompt.objects.filter(key=world.own.prompt).exists()
    address = reverse("prompt_detail", args=[world.own.slug, world.own.prompt])
    assert world.people["viewer"].get(address.replace(world.own.prompt, "a%00b")).status_code == 404
    listed = reverse("prompt_list", args=[world.own.slug])
    assert world.people["viewer"].get(f"{listed}?q=a%00b&after=%00&domain=%00").status_code == 200
