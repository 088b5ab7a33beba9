"""A licence takes what is known to be under it, and what nobody knows a licence of is said and can be taken too."""

import io
import json

import pytest
from django.core.management import call_command

from curation import withdrawing
from curation.importing import import_file
from curation.models import Prompt, State, Withdrawal
from tests import factories
from tests.withdrawals import about, state_of, withdraw

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return factories.project("Films")


def bring(project, tmp_path, **row):
    """Import one row of a prompt without a source text."""
    path = tmp_path / "inputs.jsonl"
    rows = [{"user_prompt": f"What is {n}?", "task_type": "hypothesis"} | row for n in range(2)]
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    return import_file(project, path)


@pytest.mark.parametrize("column", ["licence", "license"])
def test_a_prompt_without_a_source_keeps_the_licence_of_its_row_and_is_found_by_it(project, tmp_path, column):
    bring(project, tmp_path, **{column: "CC-BY-NC-4.0", "doi": "10.1/x", "title": "On films"})
    free = about(project, "10.1/free", licence="CC0-1.0")
    assert Prompt.objects.filter(document=None).first().metadata == {
        "licence": "CC-BY-NC-4.0",
        "locator": "10.1/x",
        "title": "On films",
    }
    withdraw(project, "licence", "cc-by-nc-4.0")
    assert set(project.prompts.filter(document=None).values_list("state", flat=True)) == {State.REJECTED}
    assert state_of(free) == State.ACCEPTED
    again = bring(project, tmp_path, **{column: "CC-BY-NC-4.0", "task_type": "methodology"})
    assert (again.imported, again.rejected) == (0, 2)


@pytest.mark.parametrize("metadata", [{"licence": "Lost"}, {"license": "lost"}, {"license": "LOST", "licence": None}])
def test_a_licence_in_the_metadata_counts_where_the_source_has_none(project, metadata):
    document = factories.document(project, locator="10.1/a", licence="")
    mine = factories.prompt(project, State.ACCEPTED, document=document, metadata=metadata)
    other = factories.prompt(project, State.ACCEPTED, document=document, domain="optics", metadata={"licence": "MIT"})
    stated = about(project, "10.1/b", licence="MIT")
    Prompt.objects.filter(pk=stated.pk).update(metadata=metadata)
    withdraw(project, "licence", "Lost")
    assert [state_of(each) for each in (mine, other, stated)] == [State.REJECTED, State.ACCEPTED, State.ACCEPTED]


def test_what_nobody_knows_a_licence_of_is_taken_by_that(project):
    silent = about(project, "10.1/a", licence="")
    bare = factories.prompt(project, State.ACCEPTED, document=None, metadata={"licence": ""})
    known = about(project, "10.1/b", licence="CC0-1.0")
    in_row = factories.prompt(project, State.ACCEPTED, document=None, metadata={"license": "MIT"})
    assert set(withdrawing.without_licence(project)) == {silent, bare}
    withdraw(project, "licence", "(Not stated)")
    assert Withdrawal.objects.get().value == withdrawing.UNKNOWN
    states = [state_of(each) for each in (silent, bare, known, in_row)]
    assert states == [State.REJECTED, State.REJECTED, State.ACCEPTED, State.ACCEPTED]


def test_a_wrong_licence_names_those_there_are_and_what_has_none(project):
    about(project, "10.1/a", licence="CC0-1.0")
    factories.prompt(project, document=None, metadata={"licence": "MIT"})
    factories.prompt(project, document=None)
    with pytest.raises(withdrawing.WrongWish, match=r"there are: CC0-1.0, MIT\. Of 1 prompts none is known: \(not sta"):
        withdrawing.begin(project, "licence", "GPL", "x")


def test_the_page_and_the_command_say_which_have_none(project):
    about(project, "10.1/a", licence="CC0-1.0")
    silent = factories.prompt(project, document=None)
    browser = factories.clients(project)["manager"]
    page = browser.get(f"/p/{project.slug}/releases/withdraw/").content.decode()
    assert "Of 1 prompt of this project no licence is known" in page
    page = browser.get(f"/p/{project.slug}/releases/withdraw/?kind=licence&value=(not+stated)").content.decode()
    assert f"/prompts/{silent.key}/" in page
    out = io.StringIO()
    call_command("withdraw", "licence", "CC0-1.0", project=project.slug, dry_run=True, stdout=out)
    assert "Of 1 prompts no licence is known, so no licence takes them" in out.getvalue()
    out = io.StringIO()
    call_command("withdraw", "licence", "(not stated)", project=project.slug, dry_run=True, stdout=out)
    assert silent.key[:12] in out.getvalue()
