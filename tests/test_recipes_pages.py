"""Recipes on their pages: read, searched, changed, taken back; an edit is a new version, and none is lost."""

import html

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from curation.models import Event, Ruleset
from pipeline.regenerating import record_recipes, shipped
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(db):
    return factories.project(slug="films")


@pytest.fixture
def browser(project):
    return factories.client(factories.member(project, "manager", name="mia"))


def page(browser, name, *args, query="", status=200):
    response = browser.get(reverse(name, args=["films", *args]) + query)
    assert response.status_code == status
    return html.unescape(response.content.decode())


def edit(browser, source="reviewer", code="no_control", *, version=1, **fields):
    said = {"addendum": "", "temperature": "", "max_tokens": "", "others": "", "version": version} | fields
    return browser.post(reverse("recipe_edit", args=["films", source, code]), said, follow=True)


def newest(project):
    project.refresh_from_db()
    return project.recipe_ruleset


def test_every_reason_stands_there_with_what_is_said_about_it(browser, project):
    text = page(browser, "recipe_list")
    assert "they become version 1 at their first use or edit" in text
    for each in shipped()["recipes"].values():
        assert each["addendum"] in text
    assert "Filters: wording" in text
    assert not Ruleset.objects.exists()  # reading writes nothing


@pytest.mark.parametrize(
    ("query", "found", "not_found"),
    [
        ("?q=control+group", "No control", "Too vague"),
        ("?q=reviewer:too_vague", "Too vague", "No control"),
        ("?q=TEMPERATURE", "Invented number", "No control"),
        ("?q=xyzzy", "No reason holds these words", "No control"),
        ("?own=on", "No reason holds these words", "No control"),
    ],
)
def test_they_are_searched(browser, query, found, not_found):
    text = page(browser, "recipe_list", query=query).split('id="recipes"')[1]
    assert found in text
    assert not_found not in text


def test_an_edit_is_a_new_version_and_the_shipped_ones_are_the_first(browser, project):
    teacher = factories.teacher("Strong one")
    response = edit(
        browser,
        addendum="  Name the control.\nTwice. ",
        temperature="0.2",
        max_tokens="800",
        others='{"top_p": 0.9}',
        **{"rung-0": teacher.name},
    )
    assert "Version 2 holds from the next attempt on." in response.content.decode()
    assert newest(project).body["recipes"]["reviewer:no_control"] == {
        "addendum": "Name the control. Twice.",
        "parameters": {"temperature": 0.2, "max_tokens": 800, "top_p": 0.9},
        "ladder": ["Strong one"],
    }
    first = project.rulesets.get(version=1)
    assert first.body == shipped()
    assert newest(project).created_by.get_username() == "mia"
    assert Event.objects.get(kind="recipes").detail["version"] == 2
    text = page(browser, "recipe_list", query="?own=on")
    assert "Name the control. Twice." in text
    assert "changed" in text


def test_saving_what_holds_makes_no_version(browser, project):
    recipe = shipped()["recipes"]["reviewer:no_control"]
    response = edit(browser, addendum=recipe["addendum"])
    assert "Nothing changed" in response.content.decode()
    assert newest(project).version == 1


def test_back_to_the_shipped_one(browser, project):
    edit(browser, addendum="Mine.")
    edit(browser, version=2, addendum="What stands in the form is not looked at.", temperature="nonsense", shipped="1")
    assert newest(project).body == shipped()
    assert newest(project).version == 3


def test_a_reason_of_ones_own_has_what_is_said_about_any_until_it_gets_a_recipe(browser, project):
    project.reason_codes = [{"code": "no_units", "label": "No units", "help": "It gives numbers without units."}]
    project.save()
    text = page(browser, "recipe_edit", "reviewer", "no_units")
    assert "It has no recipe of its own" in text
    assert shipped()["otherwise"]["addendum"] in text
    edit(browser, code="no_units", addendum="Give every number its unit.")
    assert newest(project).body["recipes"]["reviewer:no_units"]["addendum"] == "Give every number its unit."
    edit(browser, code="no_units", version=2, shipped="1")
    assert "reviewer:no_units" not in newest(project).body["recipes"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"addendum": "x" * 2001}, "at most 2000 characters"),
        ({"temperature": "3"}, "less than or equal to 2"),
        ({"max_tokens": "0"}, "greater than or equal to 1"),
        ({"others": "{"}, "not valid JSON"),
        ({"others": '{"model": "x"}'}, "is set by the program"),
        ({"others": '{"max_completion_tokens": 5}', "max_tokens": "5"}, "not both"),
        ({"rung-1": "Strong one"}, "the ladder has no gap"),
        ({"rung-0": "Nobody"}, "not one of the available choices"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(browser, project, fields, said):
    factories.teacher("Strong one")
    response = edit(browser, **({"addendum": "Typed by me."} | fields))
    text = html.unescape(response.content.decode())
    assert response.status_code == 422
    assert said in text
    assert fields.get("addendum", "Typed by me.") in text
    assert not Ruleset.objects.exists()


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(browser, project):
    page(browser, "recipe_edit", "reviewer", "no_control")
    edit(browser, addendum="Ada's.")
    response = edit(browser, version=1, addendum="Ben's.")
    text = html.unescape(response.content.decode())
    assert response.status_code == 409
    assert "version 2 changed this meanwhile" in text
    assert "Ben's." in text
    assert newest(project).body["recipes"]["reviewer:no_control"]["addendum"] == "Ada's."
    edit(browser, version=1, code="too_vague", addendum="Another one.")  # what they changed is not this
    body = newest(project).body["recipes"]
    assert (body["reviewer:no_control"]["addendum"], body["reviewer:too_vague"]["addendum"]) == (
        "Ada's.",
        "Another one.",
    )


def test_what_holds_for_every_reason(browser, project):
    factories.teacher("First")
    factories.teacher("Second")
    said = {"version": 1, "rung-0": "First", "rung-1": "Second", "stop_after_same_reason": "", "otherwise": "Mend it."}
    response = browser.post(reverse("recipe_general", args=["films"]), said, follow=True)
    assert "First → Second" in " ".join(response.content.decode().split())
    body = newest(project).body
    assert (body["ladder"], body["stop_after_same_reason"]) == (["First", "Second"], None)
    assert body["otherwise"] == {"addendum": "Mend it."}
    assert body["recipes"] == shipped()["recipes"]


def test_versions_are_read_compared_used_again_and_downloaded(browser, project):
    edit(browser, addendum="Mine.")
    edit(browser, version=2, addendum="Mine, better.")
    text = page(browser, "recipe_versions")
    assert "Mine. → Mine, better." in text
    old = page(browser, "recipe_list", query="?version=2")
    assert "Version 2, to be read" in old
    assert "Mine." in old
    assert reverse("recipe_edit", args=["films", "reviewer", "no_control"]) not in old
    page(browser, "recipe_list", query="?version=9", status=404)
    browser.post(reverse("recipe_restore", args=["films"]), {"version": "2"})
    assert newest(project).version == 4
    assert newest(project).body == project.rulesets.get(version=2).body
    given = browser.get(reverse("recipes_yaml", args=["films"]) + "?version=3").content.decode()
    assert yaml.safe_load(given) == project.rulesets.get(version=3).body
    browser.post(reverse("recipe_restore", args=["films"]), {"version": "shipped"})
    assert newest(project).body == shipped()


def upload(browser, text):
    file = SimpleUploadedFile("mine.yaml", text if isinstance(text, bytes) else text.encode())
    return browser.post(reverse("recipe_upload", args=["films"]), {"file": file}, follow=True)


def test_a_file_is_taken_over_whole(browser, project):
    response = upload(browser, "recipes:\n  'reviewer:no_control': {addendum: From a file.}\n")
    assert "Version 2 holds" in response.content.decode()
    assert list(newest(project).body["recipes"]) == ["reviewer:no_control"]
    assert newest(project).origin == "mine.yaml"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("recipes: {'filter:no_such_rule': {}}", "filter:no_such_rule"),
        ("ladder: [Nobody]", "no teacher named"),
        ("- a list", "Not taken over"),
        ("{", "Not taken over"),
        (b"\xff\xfe\x00", "Not taken over"),
    ],
)
def test_a_wrong_file_is_refused_and_nothing_changes(browser, project, text, said):
    page_text = html.unescape(upload(browser, text).content.decode())
    assert said in page_text
    assert newest(project) is None or newest(project).version == 1


def test_a_teacher_that_is_gone_is_said_and_does_not_stop_the_page(browser, project):
    teacher = factories.teacher("Gone")
    record_recipes(project, shipped() | {"ladder": ["Gone"]})
    teacher.name = "Renamed"
    teacher.save()
    assert "Gone" in page(browser, "recipe_list")
    assert "Gone" in page(browser, "recipe_general")
    response = edit(browser, addendum="Mine.")
    assert "there is no teacher named 'Gone'" in html.unescape(response.content.decode())


def test_hundreds_of_reasons_cost_the_same_number_of_queries(browser, project, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    address = reverse("recipe_list", args=["films"])
    browser.get(address)
    with CaptureQueriesContext(connection) as before:
        browser.get(address)
    project.reason_codes = [{"code": f"reason_{n}", "label": f"Reason {n}", "retired": n > 50} for n in range(300)]
    project.save()
    with django_assert_num_queries(len(before)):
        assert browser.get(address).content.decode().count("<li>") > 300
