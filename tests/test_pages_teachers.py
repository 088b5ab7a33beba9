"""Endpoints: only site administrators, and never the key itself."""

import pytest

from curation.models import Teacher
from tests import factories

pytestmark = pytest.mark.django_db
GOOD = {
    **{"name": "Local", "kind": "endpoint", "base_url": "http://127.0.0.1:8000/v1", "model": "m", "api_key_env": ""},
    **{"structure": "text", "parameters": '{"temperature": 0.2}', "profile": "{}", "timeout_seconds": 60},
    **{"concurrency": 4},
}


@pytest.fixture
def root():
    return factories.client(factories.user(superuser=True))


def test_an_endpoint_is_added_and_changed(root):
    assert root.post("/teachers/new/", GOOD).url.startswith("/teachers/")
    teacher = Teacher.objects.get(name="Local")
    assert teacher.parameters == {"temperature": 0.2}
    assert root.post(f"/teachers/{teacher.pk}/edit/", GOOD | {"model": "n"}).status_code == 302
    teacher.refresh_from_db()
    assert teacher.model == "n"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("api_key_env", "SECRET_KEY", "ends in _API_KEY"),
        ("api_key_env", "sk-abcdefghijkl", "ends in _API_KEY"),
        ("api_key_env", "DATABASE_URL", "ends in _API_KEY"),
        ("base_url", "file:///etc/passwd", "Give an address such as"),
        ("base_url", "https://user:word@example.org/v1", "Give an address such as"),
        ("base_url", "http://127.0.0.1:99999/v1", "Its port is a number from 0 to 65535"),
        ("base_url", "", "An endpoint needs an address"),
        ("parameters", "[1]", "Give a JSON object"),
        ("parameters", "{temperature: 1}", "valid JSON"),
        ("concurrency", "0", "greater than or equal to 1"),
    ],
)
def test_a_wrong_field_is_named_and_the_input_kept(root, field, value, said):
    response = root.post("/teachers/new/", GOOD | {"name": "Kept name", field: value})
    assert response.status_code == 422
    page = response.content.decode()
    assert said in page
    assert "Kept name" in page
    assert not Teacher.objects.exists()


@pytest.mark.parametrize(("value", "said"), [("sk-very-secret", "✓ SOME_API_KEY"), ("", "SOME_API_KEY is not set")])
def test_whether_the_key_is_set_is_said_and_its_value_never(root, monkeypatch, value, said):
    monkeypatch.setenv("SOME_API_KEY", value)
    teacher = factories.teacher(api_key_env="SOME_API_KEY")
    page = root.get("/teachers/").content.decode()
    assert said in page
    assert "very-secret" not in page + root.get(f"/teachers/{teacher.pk}/").content.decode()


def test_unknown_prices_are_a_word(root):
    factories.teacher()
    assert "unknown" in root.get("/teachers/").content.decode()


def test_managers_do_not_define_endpoints(people):
    teacher = factories.teacher()
    for path in ("/teachers/", "/teachers/new/", f"/teachers/{teacher.pk}/"):
        assert people["manager"].get(path).status_code == 403
        assert people["manager"].post(path, GOOD).status_code in (403, 405)
