"""Withdrawal in a real browser: readable in every look, by keyboard from the wish to the run, without scripts too."""

import os

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from curation.models import Event, Run
from pipeline import jobs
from tests import factories
from tests.looks import LOOKS, faults
from tests.withdrawals import about, hold, withdraw

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PICTURES = os.environ.get("PICTURES")  # a folder: every page is kept there as a picture
BELOW = "/p/films/releases/"
LONG = "https://publisher.example/articles/" + "a-very-long-address-" * 6


@pytest.fixture
def project(transactional_db, valkey, monkeypatch):
    monkeypatch.setattr(jobs, "workers_alive", lambda: 1)
    project = factories.project("Films", slug="films")
    counts = {"rows": 5, "groups": 5, "splits": {"train": 5}}
    prompts = [about(project, locator) for locator in ("10.1000/a", "10.1000/a", "10.1000/b", LONG, "10.1000/c")]
    for version in (1, 2):
        files = [{"path": "data/train-00000-of-00001.parquet", "bytes": 4, "rows": 5, "sha256": "a" * 64}]
        release = factories.release(project, version=version, semver=f"1.{version}.0", counts=counts, files=files)
        hold(release, *prompts)
    factories.release(project, version=3, semver="1.2.1", base=release, counts=counts, files=files)
    upload = project.data_dir / "uploads" / "a" / "abstracts.jsonl"
    upload.parent.mkdir(parents=True)
    upload.write_text("{}\n")
    return project


@pytest.fixture
def mia(project):
    return factories.member(project, "manager", name="mia")


def a_purged_one(project, mia):
    """A withdrawal with all that a purge may say, of a release that gets its patch by hand, and a patch that failed."""
    factories.prompt(project, document=None)
    counts = {"rows": 5, "groups": 5, "splits": {"train": 5}, "halves": 3}
    files = [{"path": "rows.parquet", "bytes": 4, "sha256": "a" * 64}]
    release = factories.release(project, version=4, semver="2.0.0", counts=counts, files=files)
    (release.directory / "rows.parquet").parent.mkdir(parents=True, exist_ok=True)
    (release.directory / "rows.parquet").write_bytes(b"abcd")
    hold(release, about(project, "10.1000/d"), about(project, "10.1000/e"))
    withdrawal = factories.withdrawal(project, "10.1000/d", purged_at=timezone.now(), purged_by=mia)
    release.tombstones.create(withdrawal=withdrawal, row_id="d" * 64)
    factories.release(project, version=5, state="failed", base=release, error="OSError: no room")
    said = {
        "copies": ["uploads/a/book.xlsx"],
        "sha256": {"uploads/a/book.xlsx": "b" * 64},
        "unread": ["uploads/p.pdf: PDF"],
    }
    said |= {
        "stay": ["evaluation/questions.jsonl"],
        "untold": 2,
        "left": ["uploads/a/abstracts.jsonl"],
        "left_number": 1,
    }
    said |= {"sources": 1, "calls": 2, "releases": [{"version": 4, "files": ["data/train-00000-of-00001.parquet"]}]}
    Event.objects.create(project=project, kind="purged", detail=said | {"withdrawal": withdrawal.pk})
    return withdrawal


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_fit_to_be_read(open_as, project, mia, look):
    first = withdraw(project, "source", LONG, "The publisher retracted it: figures were drawn. " + "w" * 90, mia)
    unfinished = factories.withdrawal(project, "10.1000/c", run=factories.run(project, "withdraw", "cancelled"))
    purged = a_purged_one(project, mia)
    page, wrong = open_as(mia, BELOW, **LOOKS[look]), []

    for path in (
        *("", "withdraw/", "withdraw/?kind=source&value=10.1000/a", "withdraw/?kind=row&value=abc", "1/", "1/notice/"),
        *(f"withdraw/?kind=source&value={LONG}", f"withdraw/{first.pk}/", f"withdraw/{unfinished.pk}/"),
        *(
            f"withdraw/{first.pk}/purge/",
            "withdraw/?kind=licence&value=(not+stated)",
            "4/",
            f"withdraw/{purged.pk}/",
            "5/",
        ),
    ):
        page.goto(BELOW + path)
        wrong += faults(page, path)
        if PICTURES:
            name = "".join(letter if letter.isalnum() else "-" for letter in path or "list")[:40]
            page.screenshot(path=f"{PICTURES}/{name}-{look.split()[0]}.png", full_page=True)
    assert wrong == []


def withdraw_by_keyboard(page):
    page.goto("/p/films/releases/withdraw/")
    page.get_by_label("Which").focus()
    page.keyboard.type("doi:10.1000/A")
    page.keyboard.press("Enter")
    expect(page.locator("#withdraw-preview")).to_contain_text("2 prompts")
    page.get_by_label("Reason").focus()
    page.keyboard.type("Retracted by its authors.")
    page.keyboard.press("Tab")
    expect(page.locator("#withdraw-start")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/*/")


def test_by_keyboard_from_the_wish_to_the_run_and_the_notice_before_the_files(open_as, project, mia):
    page = open_as(mia, BELOW)
    withdraw_by_keyboard(page)
    assert jobs.carry_out(Run.objects.get(stage="withdraw")) == "ended"
    page.goto("/p/films/releases/1/")
    expect(page.locator("#release-notice")).to_contain_text("2 of its rows were withdrawn")
    page.goto("/p/films/releases/1/files/data/train-00000-of-00001.parquet")
    expect(page.get_by_role("heading", level=1)).to_have_text("Rows of v1 were withdrawn")
    page.get_by_role("link", name="Source doi:10.1000/A").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2).first).to_have_text("2 prompts rejected for good")


def test_without_javascript_it_is_the_same(open_as, project, mia):
    page = open_as(mia, BELOW, java_script_enabled=False)
    withdraw_by_keyboard(page)
    assert Run.objects.get(stage="withdraw").created_by == mia


def test_a_purge_is_begun_only_when_it_is_ticked(open_as, project, mia):
    withdrawal = withdraw(project, "source", "10.1000/a")
    page = open_as(mia, BELOW)
    page.goto(f"/p/films/releases/withdraw/{withdrawal.pk}/")
    page.get_by_role("link", name="Purge the texts…").click()
    page.locator("#purge").click()
    assert not Run.objects.filter(stage="purge").exists()
    page.get_by_label("I know that these texts cannot be brought back").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/*/")
    assert Run.objects.get(stage="purge").parameters == {"withdrawal": withdrawal.pk}
