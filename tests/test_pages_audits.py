"""Audits on their pages: rows one after the other, the result with its bound, and the override."""

import pytest

from curation.models import Audit, Resolution
from tests import factories
from tests.pages import text
from tests.running import run as work

pytestmark = pytest.mark.django_db


@pytest.fixture
def audit(project):
    project.paired = False
    project.save()
    responses = [factories.accepted(project).current_response for _ in range(3)]
    return factories.audit(project, *responses, rows=60, size=3, allowed=1)


@pytest.fixture
def at(project, audit):
    """A function: an address of the audit."""
    return lambda rest="": f"/p/{project.slug}/releases/audits/{audit.pk}/{rest}"


def ids(audit):
    return list(audit.items.values_list("row_id", flat=True))


def say(client, at, row_id, **said):
    return client.post(at(f"rows/{row_id}/"), said)


def test_a_project_without_audits_says_what_one_is(people, project):
    page = text(people["manager"].get(f"/p/{project.slug}/releases/audits/"))
    assert "No rows are looked at before a release." in page
    assert "An audit looks once more at rows drawn by chance" in page


def test_the_list_names_what_was_found(people, project, audit):
    audit.look(audit.items.first(), True, by=None)
    page = text(people["viewer"].get(f"/p/{project.slug}/releases/audits/"))
    assert f"Audit {audit.pk} Being looked at 60 3 1 1 1" in page


def test_a_row_stands_beside_its_source(people, audit, at):
    item = audit.items.first()
    page = text(people["reviewer"].get(at(f"rows/{item.row_id}/")))
    assert "Audit: row 1 of 3" in page
    assert item.response.text in page
    assert item.prompt.context in page


def test_a_verdict_brings_the_next_row_and_the_last_one_the_result(people, audit, at):
    one, two, three = ids(audit)
    client = people["reviewer"]
    assert client.get(at("next/")).url == at(f"rows/{one}/")
    assert say(client, at, two, bad="good").url == at(f"rows/{three}/")
    assert say(client, at, three, bad="bad", note="No control").url == at(f"rows/{one}/")
    assert say(client, at, one, bad="good").url == at()
    audit.refresh_from_db()
    assert audit.state == "passed"
    page = text(client.get(at()))
    assert "1 bad of 3 looked at : 33.3 %. With 95 % certainty at most 86.5 % of all 60 rows are bad: 51 rows." in page
    assert "No control" in page


def test_where_every_row_was_looked_at_nothing_is_estimated(people, audit, at):
    Audit.objects.update(rows=3)
    for item in audit.items.all():
        audit.look(item, False, by=None)
    assert "0 bad of 3 looked at : 0.0 %. Every row was looked at." in text(people["viewer"].get(at()))


@pytest.mark.parametrize(
    ("said", "words"),
    [({}, "Say whether the row is good or bad."), ({"bad": "so so", "note": "Kept."}, "Select a valid choice")],
)
def test_a_wrong_verdict_is_refused_and_the_note_stays(people, audit, at, said, words):
    refused = say(people["reviewer"], at, ids(audit)[0], **said)
    assert refused.status_code == 422
    assert words in text(refused)
    assert said.get("note", "") in text(refused)
    assert audit.found()["looked"] == 0


def test_a_row_that_changed_since_it_was_drawn_has_no_verdict(people, audit, at):
    item = audit.items.first()
    Resolution.objects.filter(response=item.response).update(text="Another text.", edited=True)
    assert "This row has changed since it was drawn" in text(people["reviewer"].get(at(f"rows/{item.row_id}/")))
    refused = say(people["reviewer"], at, item.row_id, bad="good")
    assert refused.status_code == 409
    assert audit.found()["looked"] == 0


def test_nothing_is_said_once_a_release_stands_on_it(people, project, audit, at):
    factories.release(project, audit=audit)
    refused = say(people["reviewer"], at, ids(audit)[0], bad="bad")
    assert refused.status_code == 409
    assert "a release stands on it" in text(refused)


def test_the_other_half_of_a_pair_is_shown(people, project):
    pair = factories.pair(project, "accepted")
    audit = factories.audit(project, pair.methodology.current_response, size=1)
    page = text(people["reviewer"].get(f"/p/{project.slug}/releases/audits/{audit.pk}/rows/{ids(audit)[0]}/"))
    assert "the pair’s other half" in page
    assert pair.hypothesis.current_response.text in page


def test_an_override_needs_a_written_reason(people, audit, at):
    refused = people["manager"].post(at("override/"), {"reason": " "})
    assert refused.status_code == 422
    assert "Write why the release may pass" in text(refused)
    done = people["manager"].post(at("override/"), {"reason": "Only the layout is wrong."}, follow=True)
    assert "The audit is overridden" in text(done)
    assert "Only the layout is wrong." in text(done)
    assert people["manager"].post(at("override/"), {"reason": "Again."}).status_code == 409


def test_an_audit_that_holds_leads_to_the_release_by_its_recipe(people, project, audit, at):
    Audit.objects.update(state="passed", recipe={"include": "accepted", "domains": ["optics"], "paired": False})
    assert f"new/?audit={audit.pk}" in people["manager"].get(at()).content.decode()
    page = people["manager"].get(f"/p/{project.slug}/releases/new/?audit={audit.pk}").content.decode()
    assert f"what audit {audit.pk} was drawn for" in page
    assert ">\noptics</textarea>" in page


def test_a_release_waits_for_its_audit_and_is_then_built(people, project):
    project.paired, project.audit_sample = False, 2
    project.save()
    for _ in range(4):
        factories.accepted(project)
    run = work(project, "package")
    audit = project.audits.get()
    assert (run.state, run.versions) == ("failed", {"audit": audit.pk})
    assert not project.releases.exists()
    page = people["manager"].get(f"/p/{project.slug}/runs/{run.pk}/")
    assert f"Audit {audit.pk} comes first: 2 of the 2 rows drawn from 4" in text(page)
    assert f"/releases/audits/{audit.pk}/" in page.content.decode()
    for item in audit.items.all():
        audit.look(item, False, by=None)
    assert work(project, "package").state == "finished"
    release = project.releases.get()
    assert (release.version, release.audit) == (1, audit)
    assert f"Audit {audit.pk} : 0 bad of 2" in text(people["viewer"].get(f"/p/{project.slug}/releases/1/"))


def test_the_list_of_releases_says_that_rows_wait(people, project, audit):
    assert "Rows wait" not in text(people["viewer"].get(f"/p/{project.slug}/releases/"))
    project.audit_sample = 3
    project.save()
    assert "Rows wait for their audit" in text(people["viewer"].get(f"/p/{project.slug}/releases/"))
