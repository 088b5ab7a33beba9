"""Saved views: one's own, or shared with the project."""

import pytest

from curation.models import SavedView
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def url(project):
    return f"/p/{project.slug}/prompts/"


def test_a_view_keeps_the_filters_and_leads_back_to_them(project, people, url):
    factories.prompt(project)
    done = people["viewer"].post(
        url + "views/save/", {"name": "  Cited  twice ", "query": "failed=ban_citations&sort=changed&after=7&q="}
    )
    assert done.url == url + "?failed=ban_citations&sort=changed"
    view = SavedView.objects.get()
    assert (view.name, view.query, view.shared) == ("Cited twice", "failed=ban_citations&sort=changed", False)
    page = people["viewer"].get(url).content.decode()
    assert f'href="{url}?failed=ban_citations&amp;sort=changed"' in page
    assert "Cited twice" not in people["reviewer"].get(url).content.decode()


def test_a_shared_view_is_everybodys_and_its_owners_or_a_managers_to_remove(project, people, url):
    factories.prompt(project)
    ada = factories.member(project, "viewer", name="ada")
    view = factories.saved_view(project, ada, shared=True)
    for role in ("viewer", "reviewer", "manager"):
        assert "of <" not in (page := people[role].get(url).content.decode())
        assert "Cited" in page
        assert "of ada" in page
        assert (f"views/{view.pk}/remove/" in page) == (role == "manager")
    assert people["reviewer"].post(f"{url}views/{view.pk}/remove/").status_code == 403
    assert people["manager"].post(f"{url}views/{view.pk}/remove/", follow=True).status_code == 200
    own = factories.saved_view(project, ada)
    assert people["manager"].post(f"{url}views/{own.pk}/remove/").status_code == 404
    factories.client(ada).post(f"{url}views/{own.pk}/remove/")
    assert not SavedView.objects.exists()


def test_the_same_name_again_replaces_what_it_stood_for(project, people, url):
    for query in ("state=accepted", "state=parked"):
        people["viewer"].post(url + "views/save/", {"name": "Mine", "query": query, "shared": "1"})
    view = SavedView.objects.get()
    assert (view.query, view.shared) == ("state=parked", True)
    people["reviewer"].post(url + "views/save/", {"name": "Mine", "query": "state=accepted"})
    assert SavedView.objects.count() == 2


@pytest.mark.parametrize(
    ("name", "query", "said"),
    [
        ("", "q=x", "Give the view a name"),
        ("n" * 81, "q=x", "Give the view a name"),
        ("Long", "q=" + "x" * 2100, "use fewer words"),
    ],
)
def test_what_cannot_be_saved_is_said(project, people, url, name, query, said):
    factories.prompt(project)
    page = people["viewer"].post(url + "views/save/", {"name": name, "query": query}, follow=True)
    assert said in page.content.decode()
    assert not SavedView.objects.exists()


def test_names_and_queries_are_text(project, people, url):
    factories.prompt(project)
    people["viewer"].post(url + "views/save/", {"name": "<b>x</b>", "query": 'q="><script>alert(1)</script>'})
    page = people["viewer"].get(url).content.decode()
    assert "<b>x</b>" not in page
    assert "<script>alert" not in page


def test_a_view_of_another_project_is_not_there(project, people, url):
    other = factories.project()
    view = factories.saved_view(other, factories.member(other, "viewer"), shared=True)
    assert people["manager"].post(f"{url}views/{view.pk}/remove/").status_code == 404
