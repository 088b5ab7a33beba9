"""Accepted halves of pairs that wait for the other one: a release says how many of them are not in it."""

import json

import pytest

from curation.models import Release, State
from pipeline.releasing import checking
from tests import factories
from tests.running import run

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def unchecked(monkeypatch):
    """The files are looked at in tests of their own."""
    monkeypatch.setattr(checking, "check", lambda *_, **__: checking.Report())


def half_accepted(project, number=1, other=State.TO_REVIEW):
    for place in range(number):
        factories.pair(project, State.ACCEPTED, methodology_state=other, locator=f"half:{place}")


@pytest.fixture
def paired():
    project = factories.project("Films", split_seed="a seed", paired=True)
    for number in range(4):
        factories.pair(project, State.ACCEPTED, locator=f"doc:{number}", text=f"Text {number}.")
    return project


def test_a_release_says_how_many_halves_it_waits_for(paired):
    half_accepted(paired, 3)
    run(paired, "package")
    release = Release.objects.get()
    assert release.counts["halves"] == 3
    assert json.loads((release.directory / "manifest.json").read_text())["counts"]["halves"] == 3
    card = " ".join((release.directory / "README.md").read_text().split())
    assert "3 accepted answers are not in, since the other half of their pair was not ready" in card


def test_it_says_so_on_its_page_where_somebody_looks_for_what_is_missing(paired):
    half_accepted(paired, 1)
    run(paired, "package")
    release = Release.objects.get()
    page = factories.clients(paired)["viewer"].get(f"/p/{paired.slug}/releases/{release.version}/").content.decode()
    assert "1 accepted, whose other half of the pair was not ready" in " ".join(page.split())


def test_a_later_acceptance_does_not_change_what_a_release_says(paired):
    half_accepted(paired, 2)
    run(paired, "package")
    paired.prompts.filter(state=State.TO_REVIEW).update(state=State.ACCEPTED)
    assert Release.objects.get().counts["halves"] == 2


def test_with_unreviewed_ones_a_half_whose_other_passed_the_filters_is_in(paired):
    half_accepted(paired, 2)
    some = paired.prompts.filter(state=State.TO_REVIEW).first()
    factories.filter_result(some.current_response)
    run(paired, "package", include="filtered")
    release = Release.objects.get()
    assert (release.counts["rows"], release.counts["halves"]) == (10, 1)


@pytest.mark.parametrize("paired_", [True, False])
def test_where_nothing_waits_nothing_is_said(paired, paired_):
    paired.paired = paired_
    paired.save()
    run(paired, "package")
    release = Release.objects.get()
    assert release.counts.get("halves", 0) == 0
    assert ("halves" in release.counts) is paired_
    assert "other half of their pair" not in (release.directory / "README.md").read_text()


def test_the_page_that_makes_a_release_tells_them_apart_from_what_is_left_out(paired):
    half_accepted(paired, 2)
    page = factories.clients(paired)["manager"].get(f"/p/{paired.slug}/releases/new/")
    assert page.status_code == 200
    assert "2 accepted, whose other half of the pair is not" in " ".join(page.content.decode().split())
