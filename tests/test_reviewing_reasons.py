"""A project's own reasons: read from lines, offered on the review page, and readable after they went."""

import pytest
from django import forms
from django.template import Context, Template
from django.urls import reverse

from curation.forms_reasons import MOST, ReasonListField, read_reasons
from curation.models import Annotation, Project, State
from curation.reviewing import REASONS, labels, reasons_of
from curation.reviewing.reasons import rows_of
from tests import factories

OWN = "units | Wrong units | A unit is missing or wrong.\nno_control | Control is missing"


@pytest.fixture
def project(db):
    return factories.project(slug="oxides", paired=False, reviews_required=1)


@pytest.fixture
def manager(project):
    return factories.client(factories.member(project, "manager", name="mia"))


def settings_form(manager, **changed):
    """The settings as a browser would send them back, with `changed`."""
    form = manager.get(reverse("project_settings", args=["oxides"])).context["form"]
    data = {
        field.html_name: field.value()
        for field in form
        if field.value() is not None and field.value() is not False and field.value() != []
    }
    return data | changed


def save(manager, **changed):
    return manager.post(reverse("project_settings", args=["oxides"]), settings_form(manager, **changed))


def test_lines_are_read():
    assert [tuple(reason) for reason in read_reasons(OWN + "\n\n")] == [
        ("units", "Wrong units", "A unit is missing or wrong."),
        ("no_control", "Control is missing", ""),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Wrong units", "Line 1: “Wrong units” is no code"),
        ("units", "units has no label"),
        ("ok | Fine\n\nunits | A | b\nunits | C", "Line 4: units stands there twice"),
        (f"units | {'x' * 61}", "60 characters at most"),
        (f"units | Units | {'x' * 201}", "its help 200"),
        ("\n".join(f"r{n} | R" for n in range(MOST + 1)), f"{MOST} at most"),
        ("| No code", "is no code"),
    ],
)
def test_a_wrong_line_is_named_and_what_is_right(text, said):
    with pytest.raises(forms.ValidationError) as raised:
        read_reasons(text)
    assert said in " ".join(raised.value.messages)


@pytest.mark.parametrize(("before", "text", "changed"), [
    ([], "", False),
    ([], "\n".join(" | ".join(reason) for reason in REASONS) + "\r\n", False),
    ([], OWN, True),
    ([{"code": "units", "label": "Units", "help": ""}], "units|Units", False),
    ([{"code": "units", "label": "Units", "help": ""}], "", True),
])  # fmt: skip
def test_only_another_list_is_a_change(before, text, changed):
    assert ReasonListField().has_changed(before, text) is changed


def test_the_settings_show_the_shipped_list_and_keep_it_as_the_shipped_one(project, manager):
    form = manager.get(reverse("project_settings", args=["oxides"])).context["form"]
    assert form["reason_codes"].value().splitlines()[0].startswith("not_falsifiable | Not falsifiable | ")
    assert save(manager).status_code == 302
    assert Project.objects.get().reason_codes == []
    assert not project.events.filter(kind="settings").exists()


def test_reviewers_choose_from_the_project_s_list(project, manager):
    assert save(manager, reason_codes=OWN).status_code == 302
    prompt = factories.prompt(project, State.TO_REVIEW)
    ada = factories.client(factories.member(project, "reviewer", name="ada"))
    page = ada.get(reverse("review", args=["oxides"])).content.decode()
    assert "Wrong units" in page
    assert "A unit is missing or wrong." in page
    assert "Not falsifiable" not in page
    pk = prompt.current_response_id
    sent = {"response": pk, "key": "k", f"r{pk}-action": "reject", f"r{pk}-reasons": ["units"]}
    assert ada.post(reverse("review_submit", args=["oxides"]), sent).status_code == 302
    assert Annotation.objects.get().reasons == ["units"]


def test_a_reason_that_went_stays_readable_and_a_form_that_was_open_can_be_sent(project, manager):
    save(manager, reason_codes=OWN)
    prompt = factories.prompt(project, State.TO_REVIEW)
    ada = factories.client(factories.member(project, "reviewer", name="ada"))
    assert save(manager, reason_codes="vague | Too vague").status_code == 302
    project.refresh_from_db()
    assert [reason.code for reason in reasons_of(project)] == ["vague"]
    pk = prompt.current_response_id
    sent = {"response": pk, "key": "k", f"r{pk}-action": "reject", f"r{pk}-reasons": ["units"]}
    assert ada.post(reverse("review_submit", args=["oxides"]), sent).status_code == 302
    assert labels(["units", "vague", "no_control", "never"], project) == [
        "Wrong units", "Too vague", "Control is missing", "never"
    ]  # fmt: skip
    shown = Template("{% load pages %}{{ codes|reasons:project }}").render(
        Context({"codes": ["units"], "project": project})
    )
    assert shown == "Wrong units"


def test_emptied_it_is_the_shipped_list_again_and_nothing_is_forgotten(project, manager):
    save(manager, reason_codes=OWN)
    save(manager, reason_codes="")
    project.refresh_from_db()
    assert reasons_of(project) == REASONS
    assert labels(["units", "no_control"], project) == ["Wrong units", "No control"]
    assert [row["code"] for row in project.reason_codes if row.get("retired")] == ["units"]


def test_a_reason_that_comes_back_is_on_offer_again(project):
    project.reason_codes = rows_of(project, read_reasons("units | Units"))
    project.reason_codes = rows_of(project, read_reasons("vague | Vague"))
    project.reason_codes = rows_of(project, read_reasons("units | Units again"))
    assert [tuple(reason) for reason in reasons_of(project)] == [("units", "Units again", "")]
    assert [row["code"] for row in project.reason_codes].count("units") == 1


def test_a_wrong_list_is_said_at_its_field_and_kept(project, manager):
    response = save(manager, reason_codes="Wrong units")
    assert response.status_code == 422
    page = response.content.decode()
    assert "is no code" in page
    assert "Wrong units</textarea>" in page
