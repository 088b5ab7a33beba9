"""Prompt templates: every version readable, an edit is a new version."""

import pytest

from curation.models import Event, PromptTemplate
from pipeline import prompts
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def address(project):
    return f"/p/{project.slug}/templates/hypothesis/"


def test_the_shipped_text_is_shown_until_the_first_edit(people, project, address):
    page = people["manager"].get(address)
    assert page.context["form"]["body"].value() == prompts.shipped("hypothesis")
    listed = people["manager"].get(f"/p/{project.slug}/templates/").content.decode()
    assert "as shipped" in listed
    assert "judge_factuality" in listed


def test_an_edit_is_a_new_version_and_the_old_one_stays(people, project, address):
    first = factories.template(project, body="One: {{context}}")
    people["manager"].post(address, {"body": "Two:\r\n{{context}} \\frac{a}{b}"})
    newest = PromptTemplate.current(project, "hypothesis")
    assert (newest.version, newest.body) == (2, "Two:\n{{context}} \\frac{a}{b}")
    first.refresh_from_db()
    assert first.body == "One: {{context}}"
    assert Event.objects.get(project=project, kind="template").detail == {"name": "hypothesis", "version": 2}
    assert "One: {{context}}" in people["manager"].get(f"{address}?version=1").content.decode()


def test_the_same_text_makes_no_version(people, project, address):
    factories.template(project, body="One: {{context}}")
    page = people["manager"].post(address, {"body": "One: {{context}}"}, follow=True).content.decode()
    assert "Nothing changed" in page
    assert PromptTemplate.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "said"), [("{{contxt}}", "Unknown placeholder: {{contxt}}"), (" \n", "This field is required")]
)
def test_a_wrong_text_is_refused_and_kept(people, project, address, body, said):
    response = people["manager"].post(address, {"body": body})
    assert response.status_code == 422
    assert not PromptTemplate.objects.exists()
    page = response.content.decode()
    assert said in page or "needs a text" in page
    assert body.strip() in page


def test_a_text_is_tried_on_a_prompt_without_saving(people, project, address):
    factories.prompt(project, context="Dust <b>on</b> snow.")
    page = people["manager"].post(address, {"body": "About {{context}} and {{reasons}}", "preview": "1"})
    assert "About Dust &lt;b&gt;on&lt;/b&gt; snow. and ‹reasons›" in page.content.decode()
    assert not PromptTemplate.objects.exists()


def test_a_task_type_without_a_template_is_named(people, project):
    factories.prompt(project, task_type="summary")
    page = people["manager"].get(f"/p/{project.slug}/templates/").content.decode()
    assert "Rows of this task type" in page
    address = f"/p/{project.slug}/templates/summary/"
    assert people["manager"].post(address, {"body": "Sum up: {{context}}"}).status_code == 302
    assert PromptTemplate.current(project, "summary").body == "Sum up: {{context}}"


def test_a_name_that_nobody_asks_for_is_not_found(people, project):
    assert people["manager"].get(f"/p/{project.slug}/templates/nonsense/").status_code == 404


def test_each_shipped_template_says_what_it_is_for(project, people):
    page = people["manager"].get(f"/p/{project.slug}/templates/").content.decode()
    assert "The system message of every first question." in page
    page = people["manager"].get(f"/p/{project.slug}/templates/system_regen/").content.decode()
    assert "<title>Prompt template system_regen" in page
    assert "where an answer was sent back" in page
