"""The pages of withdrawal: what it would take, the run, the notice before files, the purge."""

import pytest

from curation import withdrawing
from curation.models import ReleaseRow, Run, State, Withdrawal
from pipeline import jobs
from tests import factories
from tests.pages import text
from tests.withdrawals import about, hold, withdraw

pytestmark = pytest.mark.django_db
FILE = "data/train-00000-of-00001.parquet"


@pytest.fixture(autouse=True)
def workers(valkey, monkeypatch):
    """A queue, and somebody who would take its jobs."""
    monkeypatch.setattr(jobs, "workers_alive", lambda: 1)


@pytest.fixture
def held(project):
    """Two prompts about one paper and one about another, in a release with a file."""
    prompts = [about(project, "10.1000/a"), about(project, "10.1000/a", domain="optics"), about(project, "10.1000/b")]
    files = [{"path": FILE, "sha256": "0" * 64, "bytes": 3, "rows": 3, "split": "train", "format": "messages"}]
    release = factories.release(project, files=files, counts={"rows": 3, "splits": {"train": 3}})
    (release.directory / FILE).parent.mkdir(parents=True)
    (release.directory / FILE).write_bytes(b"abc")
    hold(release, *prompts)
    return release


def url(project, rest):
    return f"/p/{project.slug}/releases/{rest}"


def test_first_it_says_what_it_would_take_and_nothing_happens(people, project, held):
    page = people["manager"].get(url(project, "withdraw/?kind=source&value=https://doi.org/10.1000/A"))
    assert "2 prompts : 2 accepted." in text(page)
    assert "v1" in text(page)
    assert not Withdrawal.objects.exists()
    assert project.prompts.in_state(State.ACCEPTED).count() == 3


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("kind=source&value=10.1000/none", "No prompt of this project is about"),
        ("kind=row&value=abc", "at least the first 12 characters"),
        ("kind=licence&value=MIT", "there are: CC0-1.0"),
        ("kind=author&value=ada", "Select a valid choice"),
        ("kind=source&value=", "This field is required"),
    ],
)
def test_what_cannot_be_withdrawn_is_said_at_its_field(people, project, held, query, said):
    page = people["manager"].get(url(project, f"withdraw/?{query}"))
    assert said in text(page)
    assert page.context["form"].errors


def test_confirmed_with_a_reason_it_goes_on_as_a_run(people, project, held):
    wish = {"kind": "source", "value": "10.1000/a"}
    refused = people["manager"].post(url(project, "withdraw/"), wish)
    assert refused.status_code == 409
    assert "Say why" in text(refused)
    assert not Withdrawal.objects.exists()
    done = people["manager"].post(url(project, "withdraw/"), wish | {"reason": "Retracted."})
    run = Run.objects.get(stage="withdraw")
    assert (done.status_code, done.url) == (302, f"/p/{project.slug}/runs/{run.pk}/")
    assert jobs.carry_out(run) == "ended"
    withdrawal = Withdrawal.objects.get()
    assert f"/withdraw/{withdrawal.pk}/" in people["manager"].get(done.url).content.decode()
    page = people["manager"].get(url(project, f"withdraw/{withdrawal.pk}/"))
    assert "2 prompts rejected for good" in text(page)
    again = people["manager"].get(url(project, "withdraw/?kind=source&value=doi:10.1000/a"))
    assert "This was withdrawn" in text(again)
    assert "withdraw-start" not in again.content.decode()


def test_without_workers_it_is_not_begun(people, project, held, monkeypatch):
    monkeypatch.setattr(jobs, "workers_alive", lambda: 0)
    wish = {"kind": "source", "value": "10.1000/a", "reason": "Retracted."}
    people["manager"].post(url(project, "withdraw/"), wish)
    assert not Withdrawal.objects.exists()


def test_a_cancelled_one_is_gone_on_with(people, project, held):
    withdrawal = factories.withdrawal(project, "10.1000/a", run=factories.run(project, "withdraw", "cancelled"))
    page = people["manager"].get(url(project, f"withdraw/{withdrawal.pk}/"))
    assert "2 prompts of it are not withdrawn yet" in text(page)
    people["manager"].post(url(project, f"withdraw/{withdrawal.pk}/again/"))
    run = Run.objects.filter(stage="withdraw", state="queued").get()
    assert jobs.carry_out(run) == "ended"
    assert project.prompts.exclude(withdrawal=None).count() == 2


@pytest.mark.parametrize("version", ["9", "x", "99999999999999999999", "-1"])
def test_a_patch_is_made_only_of_what_held_it(people, project, held, version):
    withdrawal = withdraw(project, "source", "10.1000/a")
    sent = people["manager"].post(url(project, f"withdraw/{withdrawal.pk}/again/"), {"release": version})
    assert sent.status_code == 404


# -- the notice ------------------------------------------------------------------------------------------------------


def test_everybody_reads_the_notice_and_only_managers_get_the_files(people, project, held):
    file = url(project, f"1/files/{FILE}")
    assert people["viewer"].get(file).status_code == 200
    withdraw(project, "source", "10.1000/a", "Retracted by its authors.")
    for role in ("viewer", "reviewer", "manager"):
        assert "2 withdrawn" in text(people[role].get(url(project, "")))
        page = text(people[role].get(url(project, "1/")))
        assert "2 of its rows were withdrawn" in page
        assert "Retracted by its authors." in page
    for path in (file, url(project, "1/all.zip")):
        for role in ("viewer", "reviewer", "resolver"):
            assert people[role].get(path).status_code == 403
        assert people["outsider"].get(path).status_code == 404
        sent = people["manager"].get(path)
        assert sent.status_code == 302
        assert sent.url.startswith(url(project, "1/notice/?next="))


def test_behind_the_notice_a_manager_gets_the_files_until_more_is_withdrawn(people, project, held):
    withdraw(project, "source", "10.1000/a")
    manager, file = people["manager"], url(project, f"1/files/{FILE}")
    page = manager.get(manager.get(file).url)
    assert "Rows of v1 were withdrawn" in text(page)
    assert f'value="{file}"' in page.content.decode()
    assert manager.post(url(project, "1/notice/"), {"next": file}).url == file
    assert b"".join(manager.get(file).streaming_content) == b"abc"
    assert people["superuser"].get(file).status_code == 302
    withdraw(project, "source", "10.1000/b")
    assert manager.get(file).status_code == 302


@pytest.mark.parametrize(
    "next_",
    [
        *("https://elsewhere.example/", "//elsewhere.example/x", "/\\\\elsewhere.example", "javascript:alert(1)", ""),
        *("home", "2026", "no page", "\r\nX: 1"),
    ],
)
def test_the_notice_leads_nowhere_else(people, project, held, next_):
    withdraw(project, "source", "10.1000/a")
    assert people["manager"].post(url(project, "1/notice/"), {"next": next_}).url == url(project, "1/")


def test_a_release_without_withdrawn_rows_has_no_notice(people, project, held):
    assert people["manager"].get(url(project, "1/notice/")).url == url(project, "1/")
    assert "withdrawn" not in text(people["viewer"].get(url(project, "1/")))


# -- purge -----------------------------------------------------------------------------------------------------------


def test_a_purge_says_what_goes_and_begins_when_it_is_meant(people, project, held):
    (held.directory / FILE).unlink()
    upload = project.data_dir / "uploads" / "a" / "rows.jsonl"
    upload.parent.mkdir(parents=True)
    upload.write_text("{}\n")
    withdrawal = withdraw(project, "source", "10.1000/a")
    address = url(project, f"withdraw/{withdrawal.pk}/purge/")
    page = text(people["manager"].get(address))
    assert "The texts of 2 prompts are blanked" in page
    assert "uploads/a/rows.jsonl" in page
    assert people["manager"].post(address).status_code == 409
    assert not Run.objects.filter(stage="purge").exists()
    people["manager"].post(address, {"sure": "on"})
    run = Run.objects.get(stage="purge")
    assert jobs.carry_out(run) == "ended"
    page = text(people["manager"].get(url(project, f"withdraw/{withdrawal.pk}/")))
    assert "Blanked" in page
    assert "2 sources" in page


def test_a_purge_waits_for_other_runs(people, project, held):
    withdrawal = withdraw(project, "source", "10.1000/a")
    live = factories.run(project, "collect", "running")
    page = people["manager"].get(url(project, f"withdraw/{withdrawal.pk}/purge/"))
    assert f"{live} may hold texts of it" in text(page)
    people["manager"].post(url(project, f"withdraw/{withdrawal.pk}/purge/"), {"sure": "on"})
    assert not Run.objects.filter(stage="purge").exists()


def test_the_prompt_says_that_it_was_withdrawn_and_offers_no_way_back(people, project, held):
    prompt = ReleaseRow.objects.first().prompt
    withdraw(project, "source", "10.1000/a", "Retracted by its authors.")
    page = people["manager"].get(f"/p/{project.slug}/prompts/{prompt.key}/")
    assert "Retracted by its authors." in text(page)
    assert "prompt_reopen" not in page.content.decode()
    assert "/reopen/" not in page.content.decode()
    said = people["manager"].post(f"/p/{project.slug}/prompts/{prompt.key}/reopen/", {"reason": "x"}, follow=True)
    assert "It stays rejected: Source 10.1000/a was withdrawn" in text(said)


# -- patches ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def patchable(held):
    """The release, with the files that a patch is made of."""
    held.files = [{"path": "rows.parquet", "sha256": "0" * 64, "bytes": 3}, *held.files]
    held.save()
    (held.directory / "rows.parquet").write_bytes(b"abc")
    return held


def failing(monkeypatch):
    def fail(*args):
        raise OSError("no room")

    monkeypatch.setattr("pipeline.releasing.leaving_out.write", fail)


def test_a_failed_patch_is_asked_for_again_on_both_pages(people, project, patchable, monkeypatch):
    failing(monkeypatch)
    withdrawal = withdrawing.begin(project, "source", "10.1000/a", "Retracted.")
    run = jobs.prepare(project, "withdraw", {"withdrawal": withdrawal.pk})
    with pytest.raises(OSError, match="no room"):
        jobs.carry_out(run)
    patch = project.releases.get(base=patchable)
    assert patch.state == "failed"
    for rest in (f"withdraw/{withdrawal.pk}/", "1/"):
        page = people["manager"].get(url(project, rest))
        assert "Make a patch" in text(page), rest
        assert f"/withdraw/{withdrawal.pk}/again/" in page.content.decode()
    assert "v1 offers to make its patch again" in text(people["manager"].get(url(project, f"{patch.version}/")))
    assert "Make a patch" not in text(people["viewer"].get(url(project, "1/")))
    people["manager"].post(url(project, f"withdraw/{withdrawal.pk}/again/"), {"release": "1"})
    assert Run.objects.filter(stage="withdraw", state="queued").get().parameters["release"] == 1
    page = text(people["manager"].get(url(project, "1/")))
    assert "A run is under way that may make it." in page
    assert "Make a patch" not in page
    assert "Make a patch" not in text(people["manager"].get(url(project, f"withdraw/{withdrawal.pk}/")))


def test_an_older_release_offers_its_patch_and_one_that_has_it_does_not(people, project, patchable, monkeypatch):
    monkeypatch.setattr("pipeline.releasing.patching.newest_affected", lambda project: None)
    withdraw(project, "source", "10.1000/b")
    assert "Make a patch" in text(people["manager"].get(url(project, "1/")))
    patch = factories.release(project, version=5, base=patchable, manifest={"withdrawn": 1})
    assert "Make a patch" not in text(people["manager"].get(url(project, "1/")))
    tombstone = patchable.tombstones.get()
    patch.tombstones.create(withdrawal=tombstone.withdrawal, row_id="f" * 64)
    assert "More was withdrawn since" in text(people["manager"].get(url(project, "1/")))
    factories.release(project, version=6, base=patch, manifest={"withdrawn": 1})
    assert "Make a patch" not in text(people["manager"].get(url(project, "1/")))


def test_a_release_of_before_rows_parquet_says_that_it_gets_no_patch(people, project, held):
    withdrawal = withdraw(project, "source", "10.1000/a")
    for rest in ("1/", f"withdraw/{withdrawal.pk}/"):
        page = text(people["manager"].get(url(project, rest)))
        assert "Release 1 was made before releases had rows.parquet: release anew instead." in page, rest
        assert "Make a patch" not in page
    assert "made before releases had rows.parquet" in text(people["viewer"].get(url(project, "1/")))
    assert not project.releases.filter(base=held).exists()
