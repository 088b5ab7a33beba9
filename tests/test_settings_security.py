"""What every response says to the browser, and what Django's own checks say of the settings."""

import subprocess

import pytest
from django.core.checks import run_checks
from django.urls import reverse

from distill_site.middleware import POLICY
from tests import factories
from tests.test_settings_environment import PRODUCTION, ROOT, run


@pytest.mark.parametrize("path", ["/login/", "/", "/admin/login/", "/no-such-page/"])
def test_headers(db, client, path):
    response = client.get(path)
    assert response.headers["Content-Security-Policy"] == POLICY
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"


def test_no_script_or_style_of_a_page_itself_may_run():
    rules = dict(rule.strip().split(" ", 1) for rule in POLICY.split(";"))
    assert "unsafe" not in POLICY
    assert (rules["default-src"], rules["script-src"], rules["object-src"]) == ("'self'", "'self'", "'none'")
    assert rules["frame-ancestors"] == "'none'"


def test_our_templates_carry_no_inline_script_or_style():
    words = ("<script>", "style=", " onclick", " onchange", " onsubmit", "hx-on", "javascript:")
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in sorted((ROOT / "templates").rglob("*.html"))
        for word in words
        if word in path.read_text()
    ]
    assert found == []


def test_no_page_loads_anything_from_elsewhere():
    found = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "templates").rglob("*.html"))
        if any(
            f'{name}="{scheme}' in path.read_text() for name in ("src", "href") for scheme in ("http:", "https:", "//")
        )
    ]
    assert found == []


def test_the_session_cookie_is_not_for_scripts(db, client):
    person = factories.user()
    response = client.post(reverse("login"), {"username": person.username, "password": factories.PASSWORD})
    assert response.cookies["sessionid"]["httponly"]
    assert response.cookies["sessionid"]["samesite"] == "Lax"


def test_a_post_without_the_pages_token_is_refused(db):
    browser = factories.client(factories.user())
    browser.handler.enforce_csrf_checks = True
    assert browser.post(reverse("project_create"), {"name": "Stolen"}).status_code == 403


def test_a_log_in_sends_nobody_to_another_site(db, client):
    person = factories.user()
    data = {"username": person.username, "password": factories.PASSWORD, "next": "https://elsewhere.example.org/"}
    assert client.post(reverse("login"), data).url == reverse("home")


def test_checks_have_nothing_to_say():
    assert run_checks() == []


def test_production_settings_pass_the_deployment_checks(tmp_path):
    code = "import django; django.setup(); from django.core.management import call_command as c; "
    done = run(f"{code}c('check', deploy=True, fail_level='WARNING')", tmp_path, **PRODUCTION)
    assert done.returncode == 0, done.stderr


def test_no_key_or_password_is_in_the_repository():
    words = ["-e", r"sk-[A-Za-z0-9]\{20,\}", "-e", "BEGIN [A-Z ]*PRIVATE KEY", "-e", "ghp_[A-Za-z0-9]*"]
    done = subprocess.run(["git", "grep", "-n", "-I", *words], cwd=ROOT, capture_output=True, text=True)
    if done.returncode > 1:
        pytest.skip("This is no git repository.")
    assert [line for line in done.stdout.splitlines() if "tests/test_settings_security.py" not in line] == []
