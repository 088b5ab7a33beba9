"""Patch releases: the same files without the withdrawn rows, made of the base's files; the base stays as it is."""

import json
import signal

import pyarrow.parquet as pq
import pytest

from curation.models import Release, State, Withdrawal
from pipeline import formats, jobs
from pipeline.releasing import leaving_out, patching, verifying
from tests import factories
from tests.killed import run_script
from tests.running import run as run_stage
from tests.withdrawals import withdraw

pytestmark = pytest.mark.django_db
ALL = list(formats.FORMATS)


def accepted_pair(project, number):
    pair = factories.pair(project, State.ACCEPTED, locator=f"10.1000/{number}", text=f"Text of {number}.")
    for half in (pair.hypothesis, pair.methodology):
        refused = factories.response(half, f"A refused answer to {half.key}.", current=False)
        factories.filter_result(refused, failed=["ban_citations"])
        text = f"{half.current_response.text} {number}" if number % 2 else ""
        factories.resolution(half.current_response, **({"text": text, "edited": True} if text else {}))
    return pair


@pytest.fixture
def project():
    project = factories.project("Films", split_seed="a seed", paired=True)
    for number in range(14):
        accepted_pair(project, number)
    return project


@pytest.fixture
def base(project):
    run_stage(project, "package", formats=ALL)
    return Release.objects.get()


def bytes_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_newest_release_is_patched_and_stays_as_it_was(project, base):
    before, row = bytes_of(base.directory), Release.objects.values().get(pk=base.pk)
    withdraw(project, "source", "10.1000/3")
    assert bytes_of(base.directory) == before
    assert Release.objects.values().get(pk=base.pk) == row
    patch = Release.objects.get(base=base)
    assert (patch.state, patch.version, patch.semver, patch.problems) == ("published", 2, "1.0.1", [])
    assert patch.counts["rows"] == base.counts["rows"] - 2 == patch.rows.count()
    assert verifying.verify(patch.directory) is None
    gone = set(base.tombstones.values_list("row_id", flat=True))
    assert len(gone) == 2
    for name, content in bytes_of(patch.directory).items():
        if name != "tombstones.json" and not name.endswith(".parquet"):
            assert not any(row_id.encode() in content for row_id in gone), name
            assert b"10.1000/3" not in content, name
    tombstones = json.loads((patch.directory / "tombstones.json").read_text())
    assert {row["row_id"] for row in tombstones["rows"]} == gone
    assert {(row["kind"], row["value"], row["reason"]) for row in tombstones["rows"]} == {
        ("source", "10.1000/3", "Retracted by its authors.")
    }
    manifest = json.loads((patch.directory / "manifest.json").read_text())
    assert (manifest["version"], manifest["base"], manifest["withdrawn"]) == ("1.0.1", "1.0.0", 2)


def test_a_patch_has_the_very_files_that_a_release_without_the_rows_would_have(project, base):
    withdraw(project, "source", "10.1000/3")
    patch = Release.objects.get(base=base)
    ended = run_stage(project, "package", formats=ALL)  # by the same recipe, of what is left
    assert ended.versions == {"release": patch.version, "unchanged": True}
    Release.objects.filter(pk__in=(patch.pk, base.pk)).update(state="failed")
    run_stage(project, "package", formats=ALL)
    rebuilt = Release.objects.get(state="published")
    made = {entry["path"]: entry["sha256"] for entry in patch.files if entry.get("split")}
    fresh = {entry["path"]: entry["sha256"] for entry in rebuilt.files if entry.get("split")}
    assert made == fresh
    assert patch.report == rebuilt.report
    assert {name: n for name, n in patch.counts.items() if name != "withdrawn"} == rebuilt.counts
    kept = ("filters_sha256", "gate_sha256", "recipes_sha256", "source_hash", "content_hash", "versions", "seed")
    assert {name: patch.manifest[name] for name in kept} == {name: rebuilt.manifest[name] for name in kept}


def test_a_patch_counts_the_versions_behind_what_is_left(project):
    """Rules that held once and hold again have two versions of one sha256; what judges read later is not counted."""
    body, kinds = {"min_char_length": 10}, ("hypothesis", "methodology")
    first = factories.ruleset(project, body=body)
    factories.ruleset(project, body={"min_char_length": 20})
    again, judge = factories.ruleset(project, body=body), factories.teacher("A judge")
    used = {name: {"version": 1, "sha256": "a" * 64} for name in kinds}  # two names, one text
    responses = [prompt.current_response for prompt in project.prompts.order_by("pk")]
    for number, response in enumerate(responses):
        factories.filter_result(response, ruleset=first if number % 4 < 2 else again)
        factories.judge_score(response, judge=judge)
        type(response).objects.filter(pk=response.pk).update(templates=used)
    run_stage(project, "package")
    base = Release.objects.get()
    factories.judge_score(responses[2], judge=factories.teacher("A judge of later"))
    withdraw(project, "source", "10.1000/1")
    patch = Release.objects.get(base=base)
    assert verifying.verify(patch.directory) is None
    numbers = {name: [each["rows"] for each in entries] for name, entries in patch.manifest["versions"].items()}
    assert numbers == {"filters": [14, 12], "gate": [], "rubrics": [26], "templates": [26, 26]}


@pytest.mark.parametrize("name", ALL)
def test_no_format_keeps_a_line_that_stands_on_a_withdrawn_row(project, base, name):
    withdraw(project, "source", "10.1000/4")
    patch = Release.objects.get(base=base)
    ids = set(patch.rows.values_list("row_id", flat=True))
    rows, lines = 0, 0
    for entry in patch.files:
        if entry.get("format") == name and entry["path"].endswith(".parquet"):
            columns = pq.read_table(patch.directory / entry["path"]).to_pydict()
            rows += len(columns["id"])
            assert all(set(each) <= ids for each in formats.FORMATS[name].row_ids(columns))
        elif entry.get("format") == name and entry["path"].count(".") == 1:
            lines += len((patch.directory / entry["path"]).read_text().splitlines())
    assert rows == lines > 0


def test_a_second_withdrawal_patches_the_patch(project, base):
    withdraw(project, "source", "10.1000/3")
    withdraw(project, "source", "10.1000/5")
    first, second = Release.objects.exclude(pk=base.pk).order_by("version")
    assert (second.base, second.semver) == (first, "1.0.2")
    assert second.counts["rows"] == base.counts["rows"] - 4
    assert base.tombstones.count() == 4
    assert verifying.verify(second.directory) is None


def test_a_release_that_holds_none_of_it_needs_no_patch(project, base):
    withdraw(project, "source", "10.1000/3")
    withdraw(project, "source", "10.1000/3", "")
    assert Release.objects.count() == 2
    accepted_pair(project, 20)
    run_stage(project, "package", formats=ALL)
    newest = Release.objects.order_by("-version").first()
    assert newest.semver == "1.1.0"
    withdraw(project, "source", "10.1000/20")
    assert Release.objects.get(base=newest).semver == "1.1.1"


def test_an_older_release_is_patched_by_name(project, base):
    accepted_pair(project, 20)
    run_stage(project, "package", formats=ALL)
    withdrawal = withdraw(project, "source", "10.1000/3")
    assert not Release.objects.filter(base=base).exists()
    run = jobs.prepare(project, "withdraw", {"withdrawal": withdrawal.pk, "release": base.version})
    assert jobs.carry_out(run) == "ended"
    assert Release.objects.get(base=base).semver == "1.0.1"


def test_where_nothing_is_left_there_is_no_patch_and_it_is_said(project, base):
    project.documents.update(licence="Lost")
    withdraw(project, "licence", "Lost")
    assert Release.objects.count() == 1
    assert "nothing left for a patch" in project.runs.get(stage="withdraw").notice
    assert base.tombstones.count() == base.counts["rows"]


def test_a_draft_says_what_was_withdrawn_and_has_no_patch(project, monkeypatch):
    from pipeline.releasing import checking

    with monkeypatch.context() as patch:
        patch.setattr(checking, "check", lambda *_, **__: checking.Report(problems=["Something is wrong."]))
        run_stage(project, "package", formats=["messages"])
    draft = Release.objects.get(state="draft")
    manager = factories.member(project, "manager")
    address = f"/p/{project.slug}/releases/{draft.version}/files/README.md"
    assert factories.client(manager).get(address).status_code == 200
    withdrawal = withdraw(project, "source", "10.1000/3")
    assert draft.tombstones.count() == 2
    assert factories.client(manager).get(address).status_code == 302  # to the notice
    run = run_stage(project, "withdraw", withdrawal=withdrawal.pk, release=draft.version)
    assert (run.state, run.notice) == (
        "finished",
        f"Release {draft.version} was not published: there is nothing to patch, release anew instead.",
    )
    assert Release.objects.get() == draft


def test_one_that_was_stopped_half_way_leaves_nothing_and_goes_on(project, base):
    withdrawal = Withdrawal.objects.create(project=project, kind="source", value="10.1000/3", reason="Retracted.")
    run = jobs.prepare(project, "withdraw", {"withdrawal": withdrawal.pk})
    looks = iter([False] * 8 + [True] * 1000)
    assert jobs.carry_out(run, lambda: next(looks)) == "stopped"
    assert not [path for path in base.directory.parent.iterdir() if path != base.directory]
    assert jobs.carry_out(run) == "ended"
    assert Release.objects.get(base=base).state == "published"
    assert Release.objects.count() == 2


def test_a_cancelled_one_says_so_and_can_be_asked_for_again(project, base, monkeypatch):
    withdrawal = Withdrawal.objects.create(project=project, kind="source", value="10.1000/3", reason="Retracted.")
    run = jobs.prepare(project, "withdraw", {"withdrawal": withdrawal.pk})
    write = leaving_out.write

    def cancel_then_write(*args):
        run.cancel()
        return write(*args)

    with monkeypatch.context() as patched:
        patched.setattr(leaving_out, "write", cancel_then_write)
        assert jobs.carry_out(run) == "ended"
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert Release.objects.get(base=base).state == "failed"
    withdraw(project, "source", "10.1000/3", "")
    assert Release.objects.get(base=base, state="published").semver == "1.0.1"


def test_what_is_withdrawn_while_a_release_is_built_is_not_in_it(project, monkeypatch):
    from pipeline.releasing import building

    check = building.check

    def withdraw_meanwhile(*args):
        withdraw(project, "source", "10.1000/3")
        return check(*args)

    monkeypatch.setattr(building, "check", withdraw_meanwhile)
    run_stage(project, "package", formats=["messages"])
    release = Release.objects.get()
    assert (release.state, release.counts["rows"]) == ("published", 26)
    assert not release.tombstones.exists()
    assert not release.rows.filter(prompt__document__locator="10.1000/3").exists()


def test_what_is_withdrawn_while_a_patch_is_made_is_not_in_it(project, base, monkeypatch):
    from curation import withdrawing

    describe, once = patching._describe, iter([True])

    def withdraw_meanwhile(*args):
        if next(once, False):
            second = withdrawing.begin(project, "source", "10.1000/4", "Retracted too.")
            while withdrawing.go_on(second):
                pass
        return describe(*args)

    monkeypatch.setattr(patching, "_describe", withdraw_meanwhile)
    withdraw(project, "source", "10.1000/3")
    patch = Release.objects.get(base=base)
    assert (patch.state, patch.semver, patch.counts["rows"]) == ("published", "1.0.1", base.counts["rows"] - 4)
    assert not patch.tombstones.exists()
    assert base.tombstones.count() == 4


def test_a_release_that_is_published_while_a_patch_is_made_keeps_its_label(project, base, monkeypatch):
    describe, once = patching._describe, iter([True])

    def publish_meanwhile(*args):
        if next(once, False):
            factories.release(project, version=9, semver="1.0.1")
        return describe(*args)

    monkeypatch.setattr(patching, "_describe", publish_meanwhile)
    withdraw(project, "source", "10.1000/3")
    patch = Release.objects.get(base=base)
    assert (patch.state, patch.semver, patch.manifest["version"]) == ("published", "1.0.2", "1.0.2")
    verifying.verify(patch.directory)


KILLED = """
import os, signal, sys
import django
django.setup()
from curation.models import Run
from pipeline import jobs
from pipeline.releasing import leaving_out, patching, withdrawing
from curation import withdrawing as deeds

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

{where} = die
jobs.carry_out(Run.objects.get(pk={run}))
"""


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "where", ["deeds.bury", "leaving_out._write_tombstones", "patching._describe", "patching._publish", "Run.end"]
)
def test_killed_half_way_its_successor_goes_on(project, base, where):
    withdrawal = Withdrawal.objects.create(project=project, kind="source", value="10.1000/3", reason="Retracted.")
    run = jobs.prepare(project, "withdraw", {"withdrawal": withdrawal.pk})
    script = KILLED.format(where=where, run=run.pk)
    status, said = run_script(script)
    assert status == -signal.SIGKILL, said
    assert jobs.carry_out(run) == "ended"
    run.refresh_from_db()
    assert run.state == "finished"
    assert run.counters["withdrawn"] == 2
    patch = Release.objects.get(base=base)
    assert (patch.state, patch.semver) == ("published", "1.0.1")
    assert verifying.verify(patch.directory) is None
    assert base.tombstones.count() == 2
    assert {path.name for path in base.directory.parent.iterdir()} == {"v1", "v2"}
