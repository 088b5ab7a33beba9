"""The page that withdraws by list: what of it is found and what is not, then the reason, then one run."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from curation.models import Run, State, Withdrawal
from pipeline import jobs
from pipeline.forms_withdrawing import ListForm
from tests import factories
from tests.pages import text
from tests.withdrawals import about, hold, withdraw

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def workers(valkey, monkeypatch):
    """A queue, and somebody who would take its jobs."""
    monkeypatch.setattr(jobs, "workers_alive", lambda: 1)


@pytest.fixture
def prompts(project):
    found = [about(project, "10.1000/a"), about(project, "10.1000/a", domain="optics"), about(project, "10.1000/b")]
    hold(factories.release(project, counts={"rows": 3}), *found)
    return found


@pytest.fixture
def url(project):
    return f"/p/{project.slug}/releases/withdraw/list/"


def a_file(content, name="list.csv"):
    return SimpleUploadedFile(name, content.encode())


def test_it_says_what_is_found_and_what_is_not_and_nothing_happens(people, project, prompts, url):
    withdraw(project, "source", "10.1000/b")
    manager = people["manager"]
    assert "Show what it names" in text(manager.get(url))
    table = "Title,DOI\nOne,10.1000/A\nTwo,10.1000/none<b>\nThree,10.1000/b\n"
    page = manager.post(url, {"kind": "source", "file": a_file(table)})
    said = text(page)
    assert page.status_code == 200
    assert "3 lines: 1 found , 1 withdrawn before, 1 that names nothing of this project." in said
    assert "10.1000/none&lt;b&gt;" in page.content.decode()
    assert "2 prompts : 2 accepted." in said
    assert "Withdraw 1 source" in said
    assert Withdrawal.objects.count() == 1


def test_what_was_found_is_confirmed_with_a_reason_and_goes_on_as_one_run(people, project, prompts, url):
    manager = people["manager"]
    page = manager.post(url, {"kind": "source", "text": "10.1000/a\n10.1000/none\nhttps://doi.org/10.1000/b"})
    found = {"kind": "source", "text": page.context["values"]}
    assert found["text"] == "10.1000/a\nhttps://doi.org/10.1000/b"
    refused = manager.post(url, found | {"reason": " "})
    assert refused.status_code == 409
    assert "Say why" in text(refused)
    assert not Withdrawal.objects.exists()
    done = manager.post(url, found | {"reason": "Retracted."})
    run = Run.objects.get(stage="withdraw")
    assert (done.status_code, done.url) == (302, f"/p/{project.slug}/runs/{run.pk}/")
    assert jobs.carry_out(run) == "ended"
    assert project.prompts.in_state(State.REJECTED).count() == 3
    page = manager.get(done.url)
    assert "The withdrawals" in text(page)
    assert "withdrawals" not in page.context["parameters"]
    again = manager.post(url, found)
    assert "There is nothing left to withdraw." in text(again)
    assert "withdraw-start" not in again.content.decode()
    assert "was withdrawn before" in text(manager.post(url, found | {"reason": "Retracted."}))


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({}, "one of the two"),
        ({"text": "10.1000/a", "file": ("10.1000/a", "l.txt")}, "one of the two"),
        ({"file": ("a,b\n1,2\n", "l.csv")}, "There are: a, b."),
        ({"file": ("PK\x03\x04", "l.csv")}, "save it as text or CSV"),
        ({"text": "# a remark"}, "The list names nothing"),
        ({"kind": "licence", "text": "MIT"}, "Select a valid choice"),
    ],
)
def test_what_is_no_list_is_said(people, project, prompts, url, wish, said):
    wish = {"kind": "source"} | wish
    if "file" in wish:
        wish["file"] = a_file(*wish["file"])
    page = people["manager"].post(url, wish)
    assert page.status_code == 409
    assert said in text(page)


def test_a_list_that_is_too_large_is_refused(people, prompts, url, monkeypatch):
    monkeypatch.setattr("pipeline.forms_withdrawing.MOST_BYTES", 5)
    page = people["manager"].post(url, {"kind": "source", "file": a_file("10.1000/a\n", "l.txt")})
    assert "larger than 5" in text(page)


def test_without_workers_or_without_the_right_nothing_begins(people, project, prompts, url, monkeypatch):
    wish = {"kind": "source", "text": "10.1000/a", "reason": "Retracted."}
    assert people["reviewer"].post(url, wish).status_code == 403
    checked = Client(enforce_csrf_checks=True)
    checked.cookies = people["manager"].cookies
    assert checked.post(url, wish).status_code == 403
    monkeypatch.setattr(jobs, "workers_alive", lambda: 0)
    assert people["manager"].post(url, wish).status_code == 409
    assert not Withdrawal.objects.exists()


def test_a_withdrawal_names_the_one_that_took_its_prompts_before(people, project, prompts):
    former = withdraw(project, "licence", "CC0-1.0")
    second = withdraw(project, "source", "10.1000/a")
    page = people["manager"].get(f"/p/{project.slug}/releases/withdraw/{second.pk}/")
    assert "2 more prompts of it had been withdrawn before, by Licence CC0-1.0" in text(page)
    assert f"/releases/withdraw/{former.pk}/" in page.content.decode()
    assert "No release held them" not in text(page)


def test_the_form_takes_a_text_or_a_file():
    form = ListForm({"kind": "row", "text": "abc\n"})
    assert form.is_valid()
    assert [line.text for line in form.cleaned_data["lines"]] == ["abc"]
