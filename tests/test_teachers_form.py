"""The form of a teacher: every field by table, the profile key by key, and what workers learn meanwhile."""

import datetime
import json
from decimal import Decimal

import pytest
from django.utils import timezone

from curation.forms_teacher import TeacherForm
from curation.models import Teacher
from tests import factories

pytestmark = pytest.mark.django_db
GOOD = {
    **{"name": "Local", "kind": "endpoint", "base_url": "http://127.0.0.1:8000/v1", "model": "m"},
    **{"structure": "text", "timeout_seconds": 60, "concurrency": 4},
}
LESSON = {
    "at": "2026-01-02",
    "part": "temperature",
    "from": "Unsupported parameter: 'temperature'",
    "changed": {"omit": ["temperature"]},
}


def as_sent(teacher, **changed):
    """What a browser sends for `teacher` when only `changed` is typed: the hidden fields too."""
    form, sent = TeacherForm(instance=teacher), {}
    for field in form:
        value = field.value()
        sent[field.html_name] = "" if value is None else str(value)
        if field.field.show_hidden_initial:
            sent[field.html_initial_name] = sent[field.html_name]
    return sent | changed


def made(**changed):
    form = TeacherForm(GOOD | changed)
    assert form.is_valid(), form.errors
    teacher = form.save()
    teacher.refresh_from_db()
    return teacher


PROFILE = [
    ("token_parameter", "max_completion_tokens", "max_completion_tokens"),
    ("most_tokens", "4096", 4096),
    ("sampling", "true", True),
    ("sampling", "false", False),
    ("sampling", "temperature", "temperature"),
    ("system_role", "developer", "developer"),
    ("reasoning_effort", "low", "low"),
    ("omit", "top_p, seed ,", ["top_p", "seed"]),
    ("tool_choice", "auto", "auto"),
    ("strict", "false", False),
    ("schema_without", "maxItems", ["maxItems"]),
    ("answer_schema", '{"max_length": {"statement": 300}}', {"max_length": {"statement": 300}}),
    ("judge_schema", '{"leave_out": ["notes"]}', {"leave_out": ["notes"]}),
]


@pytest.mark.parametrize(("name", "typed", "stored"), PROFILE)
def test_the_profile_is_edited_key_by_key_and_comes_back(name, typed, stored):
    teacher = made(**{name: typed})
    assert teacher.profile == {name: stored}
    form = TeacherForm(as_sent(teacher), instance=teacher)
    assert form.is_valid(), form.errors
    assert form.save().profile == {name: stored}
    form = TeacherForm(as_sent(teacher, **{name: ""}), instance=teacher)
    assert form.is_valid(), form.errors
    assert form.save().profile == {}


WRONG = [
    ("parameters", "{temperature: 1}", "This is not valid JSON: Expecting property name enclosed in double quotes"),
    ("parameters", '{"a": 1,\n"b" 2}', "line 2, column 5"),
    ("parameters", "[1]", "Give a JSON object, such as"),
    ("parameters", '{"temperature": NaN}', "NaN is no number of JSON"),
    ("parameters", '{"seed": 1e999}', "A number is too large"),
    ("parameters", '{"stop": "\\u0000"}', "NUL or half a character"),
    ("parameters", '{"stop": ["\\ud800"]}', "NUL or half a character"),
    ("parameters", '{"seed": 1, "seed": 2}', "“seed” stands there twice"),
    ("parameters", "[" * 5000, "This is not valid JSON"),
    ("parameters", '{"messages": []}', "“messages” is set by the program"),
    ("parameters", '{"stream": true}', "“stream” is set by the program"),
    ("parameters", '{"n": 3}', "“n” must be 1"),
    ("parameters", '{"max_tokens": "800"}', "“max_tokens” must be a whole number above 0"),
    ("parameters", '{"max_tokens": 8, "max_completion_tokens": 8}', "not both"),
    ("parameters", '{"temperature": 7}', "“temperature” must be a number from 0 to 2"),
    ("parameters", '{"top_p": "a"}', "“top_p” must be a number from 0 to 1"),
    ("answer_schema", '{"lengths": 1}', "“answer_schema” must be an object with"),
    ("judge_schema", "{", "This is not valid JSON"),
    ("most_tokens", "0", "greater than or equal to 1"),
    ("sampling", "perhaps", "Select a valid choice"),
    ("system_role", "king", "Select a valid choice"),
    ("requests_per_minute", "0", "greater than or equal to 1"),
    ("input_tokens_per_minute", "-1", "greater than or equal to 1"),
    ("output_tokens_per_minute", "many", "whole number"),
    ("concurrency", "0", "greater than or equal to 1"),
    ("timeout_seconds", "0", "greater than or equal to 1"),
    ("input_price", "-1", "greater than or equal to 0"),
    ("cached_input_price", "cheap", "Enter a number"),
    ("batch_price_share", "1.5", "less than or equal to 1"),
    ("prices_of", "yesterday", "Enter a valid date"),
    ("prices_of", "2999-01-01", "today at the latest"),
    ("base_url", "embedded:smollm2", "choose its kind"),
]


@pytest.mark.parametrize(("name", "typed", "said"), WRONG)
def test_a_wrong_value_is_named_at_its_field_and_what_was_typed_stays(name, typed, said):
    client = factories.client(factories.user(superuser=True))
    response = client.post("/teachers/new/", GOOD | {"name": "Kept", name: typed, "omit": "kept_name"})
    assert response.status_code == 422
    form = response.context["form"]
    at = "kind" if "choose its kind" in said else name
    assert said in " ".join(form.errors[at])
    assert set(form.errors) == {at}
    assert form[name].value() == typed
    page = response.content.decode()
    assert "kept_name" in page
    assert ('<details class="fold" open>' in page) == (name in (*form.TRAITS, *form.FITTINGS))
    assert not Teacher.objects.exists()


def test_everything_empty_that_may_be():
    teacher = made()
    assert (teacher.parameters, teacher.profile, teacher.requests_per_minute) == ({}, {}, None)
    assert (teacher.input_price, teacher.prices_of, teacher.batch_price_share) == (None, None, Decimal("0.5"))


def test_the_embedded_model_needs_no_address():
    assert made(kind="embedded", base_url="").base_url == "embedded:smollm2"


TODAY, LAST_YEAR = "today", "2025-11-01"


@pytest.mark.parametrize(
    ("before", "typed", "day"),
    [
        ({}, {"input_price": "0.15"}, TODAY),
        ({}, {"input_price": "0"}, TODAY),
        ({}, {"input_price": "0.15", "prices_of": LAST_YEAR}, LAST_YEAR),
        ({"input_price": "0.15", "prices_of": LAST_YEAR}, {"model": "n"}, LAST_YEAR),
        ({"input_price": "0.15", "prices_of": LAST_YEAR}, {"input_price": "0.2"}, TODAY),
        ({"input_price": "0.15", "prices_of": LAST_YEAR}, {"output_price": "3"}, TODAY),
        (
            {"input_price": "0.15", "prices_of": LAST_YEAR},
            {"input_price": "0.2", "prices_of": "2026-01-01"},
            "2026-01-01",
        ),
        ({"input_price": "0.15", "prices_of": LAST_YEAR}, {"prices_of": ""}, TODAY),
        ({"input_price": "0.15", "prices_of": LAST_YEAR}, {"input_price": ""}, None),
    ],
)
def test_prices_are_of_a_day(before, typed, day):
    teacher = made(**before)
    form = TeacherForm(as_sent(teacher, **typed), instance=teacher)
    assert form.is_valid(), form.errors
    teacher = form.save()
    expected = timezone.localdate() if day == TODAY else day and datetime.date.fromisoformat(day)
    assert teacher.prices_of == expected


def test_what_a_worker_learned_while_the_form_was_open_stays():
    teacher = made(structure="json_schema", system_role="system")
    sent = as_sent(teacher, model="n", most_tokens="500")
    learned = {"system_role": "user", "omit": ["temperature"], "learned": [LESSON]}
    Teacher.objects.update(structure="json_object", profile=learned)
    form = TeacherForm(sent, instance=Teacher.objects.get())
    assert form.is_valid(), form.errors
    saved = form.save()
    assert saved.structure == "json_object"
    assert saved.profile == learned | {"most_tokens": 500}


def test_a_save_that_changes_nothing_changes_nothing():
    profile = {name: json.loads(json.dumps(stored)) for name, _, stored in PROFILE} | {"learned": [LESSON]}
    teacher = factories.teacher(profile=profile, parameters={"stop": ["a", "ü"]}, input_price=Decimal("0.150000"))
    before = Teacher.objects.values().get()
    form = TeacherForm(as_sent(teacher), instance=Teacher.objects.get())
    assert form.is_valid(), form.errors
    form.save()
    after = Teacher.objects.values().get()
    assert after.pop("prices_of") == timezone.localdate()  # a price without its day
    before.pop("prices_of")
    assert after == before


def test_the_admin_takes_the_same_form():
    client = factories.client(factories.user(superuser=True))
    sent = GOOD | {"omit": "seed", "input_price": "0.15"}
    assert client.post("/admin/curation/teacher/add/", sent).status_code == 302
    teacher = Teacher.objects.get()
    assert (teacher.profile, teacher.prices_of) == ({"omit": ["seed"]}, timezone.localdate())
    url = f"/admin/curation/teacher/{teacher.pk}/change/"
    assert client.get(url).status_code == 200
    assert "This is not valid JSON" in client.post(url, sent | {"parameters": "{"}).content.decode()


def test_a_nul_that_was_pasted_is_left_out():
    client = factories.client(factories.user(superuser=True))
    assert client.post("/teachers/new/", GOOD | {"name": "Ke\0pt"}).status_code == 302
    assert Teacher.objects.filter(name="Kept").exists()
