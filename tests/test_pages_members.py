"""The people of a project and the one-time links that invite them."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from curation.models import Event, Invitation, LastManager, Membership
from tests import factories

pytestmark = pytest.mark.django_db
NEW = {
    "username": "newcomer",
    "email": "n@example.org",
    "password1": "a long phrase 42",
    "password2": "a long phrase 42",
}


@pytest.fixture
def ada(project):
    return factories.member(project, "manager", name="ada")


def invite(browser, project, **fields):
    """The path of a new link, read from the page that shows it."""
    page = browser.post(f"/p/{project.slug}/invitations/", {"role": "reviewer", "days": 7} | fields)
    assert page["Cache-Control"] == "no-store"
    return re.search(r'value="http://testserver(/invitation/[^"]+)"', page.content.decode()).group(1)


def test_the_link_is_shown_once_and_not_stored(browser, project):
    link = invite(browser, project, note="the postdoc")
    token = link.strip("/").split("/")[-1]
    later = browser.get(f"/p/{project.slug}/members/").content.decode()
    assert "the postdoc" in later
    assert token not in later
    assert not Invitation.objects.filter(token_sha256=token).exists()


def test_a_wrong_invitation_says_so_and_makes_none(browser, project):
    response = browser.post(f"/p/{project.slug}/invitations/", {"role": "owner", "days": 900, "note": "kept"})
    assert response.status_code == 422
    assert "kept" in response.content.decode()
    assert not Invitation.objects.exists()


def test_a_new_person_signs_up_with_the_link_and_is_logged_in(browser, project, client):
    link = invite(browser, project, role="reviewer", can_resolve="on")
    assert "ada invites you as reviewer" in client.get(link).content.decode()
    assert client.post(link, NEW).url == f"/p/{project.slug}/"
    member = Membership.objects.get(project=project, user__username="newcomer")
    assert (member.role, member.can_resolve) == ("reviewer", True)
    assert client.get(f"/p/{project.slug}/").status_code == 200


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"password1": "short", "password2": "short"}, "too short"),
        ({"password1": "password1", "password2": "password1"}, "too common"),
        ({"password2": "another phrase 42"}, "match"),
        ({"username": "ada"}, "already exists"),
    ],
)
def test_a_sign_up_that_is_wrong_keeps_the_link_open(browser, project, client, changed, said):
    link = invite(browser, project)
    response = client.post(link, NEW | changed)
    assert response.status_code == 422
    assert said in response.content.decode()
    assert Invitation.objects.open().count() == 1


def test_who_has_an_account_joins_with_it(browser, project):
    link = invite(browser, project, role="viewer")
    ben = factories.user("ben")
    page = factories.client(ben).get(link).content.decode()
    assert "Join as ben" in page
    assert factories.client(ben).post(link).status_code == 302
    assert Membership.objects.get(project=project, user=ben).role == "viewer"


def test_a_link_never_lowers_a_role(browser, project, ada):
    link = invite(browser, project, role="viewer")
    browser.post(link)
    assert Membership.objects.get(project=project, user=ada).role == "manager"


def test_a_used_link_opens_nothing_and_leaves_no_account(browser, project, client):
    link = invite(browser, project)
    factories.client(factories.user("ben")).post(link)
    assert client.get(link).status_code == 410
    assert client.post(link, NEW).status_code == 410
    assert not get_user_model().objects.filter(username="newcomer").exists()


def test_a_link_taken_by_another_while_i_type_leaves_no_account(browser, project, client, monkeypatch):
    link = invite(browser, project)
    monkeypatch.setattr(Invitation, "take", lambda self, user: False)
    assert client.post(link, NEW).status_code == 410
    assert not get_user_model().objects.filter(username="newcomer").exists()


def test_an_expired_or_withdrawn_link_is_gone(browser, project, client):
    old, withdrawn = invite(browser, project), invite(browser, project)
    first, second = Invitation.objects.order_by("created_at")
    Invitation.objects.filter(pk=first.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    browser.post(f"/p/{project.slug}/invitations/{second.pk}/withdraw/")
    assert client.get(old).status_code == 410
    assert client.get(withdrawn).status_code == 410
    assert Event.objects.filter(project=project, kind="invitation_withdrawn").count() == 1


def test_a_made_up_link_is_gone(client, project):
    assert client.get("/invitation/made-up/").status_code == 410


def test_a_role_is_changed_with_an_event(browser, project):
    ben = factories.member(project, "viewer", name="ben")
    pk = project.memberships.get(user=ben).pk
    browser.post(f"/p/{project.slug}/members/{pk}/", {"role": "reviewer", "can_resolve": "on"})
    member = project.memberships.get(user=ben)
    assert (member.role, member.can_resolve) == ("reviewer", True)
    assert Event.objects.filter(project=project, kind="member", detail__user="ben").exists()


@pytest.mark.parametrize("how", ["", "remove/"])
def test_the_last_manager_stays(browser, project, ada, how):
    pk = project.memberships.get(user=ada).pk
    page = browser.post(f"/p/{project.slug}/members/{pk}/{how}", {"role": "viewer"}, follow=True).content.decode()
    assert "ada is the last manager" in page
    assert project.memberships.get(user=ada).is_manager


def test_with_another_manager_one_may_go(browser, project, ada):
    factories.member(project, "manager")
    pk = project.memberships.get(user=ada).pk
    assert "no longer sees" in browser.get(f"/p/{project.slug}/members/{pk}/remove/").content.decode()
    assert browser.post(f"/p/{project.slug}/members/{pk}/remove/").url == "/"
    assert browser.get(f"/p/{project.slug}/").status_code == 404


@pytest.mark.parametrize("how", ["removed", "demoted", "still a manager"])
def test_who_manages_no_more_has_no_way_back_in(browser, project, how):
    grace = factories.member(project, "manager")
    _, token = Invitation.issue(project, "manager", by=grace)
    member = project.memberships.get(user=grace)
    if how == "removed":
        browser.post(f"/p/{project.slug}/members/{member.pk}/remove/")
    else:
        role = "reviewer" if how == "demoted" else "manager"
        browser.post(f"/p/{project.slug}/members/{member.pk}/", {"role": role})
    assert (Invitation.find(token) is not None) is (how == "still a manager")
    assert project.events.filter(kind="invitation_withdrawn").exists() is (how != "still a manager")


def test_removing_leaves_decisions_in_place(browser, project):
    ben = factories.member(project, "reviewer", name="ben")
    prompt = factories.prompt(project, "to_review")
    factories.annotation(prompt.current_response, ben)
    pk = project.memberships.get(user=ben).pk
    browser.post(f"/p/{project.slug}/members/{pk}/remove/")
    assert not project.memberships.filter(user=ben).exists()
    assert prompt.current_response.annotations.count() == 1


def test_the_model_itself_keeps_a_manager(project, ada):
    with pytest.raises(LastManager):
        project.change_member(ada, "reviewer")
    with pytest.raises(LastManager):
        project.remove_member(ada)
