"""Logging in and out, and passwords."""

import re

import pytest
from django.core import mail

from tests import factories

pytestmark = pytest.mark.django_db


def test_every_page_asks_for_a_log_in(client):
    response = client.get("/")
    assert response.status_code == 302
    assert response.url == "/login/?next=/"


def test_log_in_leads_to_the_page_asked_for(client):
    factories.user("ada")
    response = client.post("/login/?next=/projects/new/", {"username": "ada", "password": factories.PASSWORD})
    assert response.status_code == 302
    assert client.get("/").status_code == 200


def test_log_in_sends_nobody_to_another_site(client):
    factories.user("ada")
    data = {"username": "ada", "password": factories.PASSWORD, "next": "https://example.com/"}
    assert client.post("/login/", data).url == "/"


def test_a_wrong_password_says_so_and_keeps_the_name(client):
    factories.user("ada")
    page = client.post("/login/", {"username": "ada", "password": "wrong"}).content.decode()
    assert "correct username and password" in page
    assert 'value="ada"' in page


def test_log_out_needs_a_post(client):
    client.force_login(factories.user())
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/").status_code == 302
    assert client.get("/").status_code == 302


def test_a_forgotten_password_is_reset_by_mail(client):
    factories.user("ada")
    assert client.post("/password-reset/", {"email": "ada@example.org"}).url == "/password-reset/sent/"
    link = re.search(r"http://testserver(\S+)", mail.outbox[0].body).group(1)
    form = client.get(link, follow=True)
    new = {"new_password1": "a much better phrase 7", "new_password2": "a much better phrase 7"}
    assert client.post(form.request["PATH_INFO"], new).url == "/password-reset/complete/"
    assert client.login(username="ada", password="a much better phrase 7")
    used = factories.client().get(link, follow=True).content.decode()
    assert "has been used or has expired" in used


def test_an_unknown_address_gets_the_same_answer_and_no_mail(client):
    assert client.post("/password-reset/", {"email": "nobody@example.org"}).url == "/password-reset/sent/"
    assert mail.outbox == []


def test_a_password_is_changed_only_with_the_old_one(client):
    ada = factories.user("ada")
    client.force_login(ada)
    new = {"new_password1": "a much better phrase 7", "new_password2": "a much better phrase 7"}
    assert client.post("/password/", {"old_password": "wrong"} | new).status_code == 200
    assert client.post("/password/", {"old_password": factories.PASSWORD} | new).url == "/password/done/"
    ada.refresh_from_db()
    assert ada.check_password("a much better phrase 7")


@pytest.mark.parametrize("path", ["/login/", "/password-reset/", "/password-reset/sent/", "/password-reset/complete/"])
def test_pages_open_without_a_log_in(client, path):
    assert client.get(path).status_code == 200


def test_the_sign_of_the_site_is_where_browsers_look_for_it(client):
    """The admin, downloads and plain texts name none, and a browser then asks for this address."""
    response = client.get("/favicon.ico")
    assert response.status_code == 302
    sign = client.get(response.url)
    assert (sign.status_code, sign["Content-Type"]) == (200, "image/svg+xml")
