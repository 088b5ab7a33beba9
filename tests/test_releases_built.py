"""Releases as they are built: every format from one pass, labels, and what happens in between."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation import reviewing
from curation.models import Audit, Prompt, Release, Run, State
from pipeline import formats, jobs, orders, splits
from pipeline.releasing import building, checking, choosing, verifying, writing
from pipeline.stages import package
from tests import factories, running

pytestmark = pytest.mark.django_db


@pytest.fixture
def unchecked(monkeypatch):
    monkeypatch.setattr(checking, "check", lambda *_, **__: checking.Report())


@pytest.fixture
def project():
    return factories.project("Films", split_seed="a seed", paired=False)


def run_of(project, **wanted):
    return running.run(project, "package", recipe=wanted)


def release(project, **wanted):
    return running.release(project, recipe=wanted)


def rows(made, name):
    tables = [entry["path"] for entry in made.files if entry.get("format") == name]
    paths = [made.directory / path for path in tables if path.endswith(".parquet")]
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


def pairs(project, number):
    made = [factories.pair(project, State.ACCEPTED, locator=f"doc:{n}", text=f"Text of {n}.") for n in range(number)]
    for pair in made:
        factories.resolution(pair.hypothesis.current_response)
        factories.resolution(pair.methodology.current_response)
    return made


def refused_and_accepted(project, reasons, **fields):
    """A prompt with a refused first answer and an accepted second one."""
    prompt = factories.prompt(project, State.TO_REVIEW, **fields)
    first = prompt.current_response
    if "filter" in reasons:
        factories.filter_result(first, failed=reasons["filter"])
    if "gate" in reasons:
        factories.gate_result(first, reasons=reasons["gate"])
    if "reviewer" in reasons:
        factories.resolution(first, "regenerate", reasons=reasons["reviewer"])
    second = factories.response(prompt, "If iron is added, then the overpotential decreases by 30 mV.")
    factories.resolution(second)
    Prompt.objects.filter(pk=prompt.pk).update(state=State.ACCEPTED)
    return prompt


def test_a_release_of_every_format_holds_to_its_manifest_and_its_readers():
    project = factories.project("All", split_seed="a seed")
    pairs(project, 12)
    refused_and_accepted(project, {"filter": ["ban_citations"]})
    edited = factories.prompt(project, State.ACCEPTED)
    factories.resolution(edited.current_response, text="Edited by a person.", edited=True, reasons=["vague"])
    made = release(project, formats=list(formats.FORMATS), system=True)
    assert (made.state, made.problems) == (Release.State.PUBLISHED, [])
    assert made.counts["formats"].keys() == formats.FORMATS.keys()
    assert made.counts["formats"]["messages"] == made.counts["splits"]
    assert sum(made.counts["formats"]["pairs"].values()) == 12
    verifying.verify(made.directory)
    assert made.report["shared_groups"] == 0
    groups = {}
    for row in rows(made, "messages"):
        groups.setdefault(row["group"], set()).add(row["split"])
    assert all(len(splits) == 1 for splits in groups.values())
    assert json.loads((made.directory / "manifest.json").read_text()) == made.manifest


def test_reasons_of_filters_gate_and_people_stand_with_what_was_refused(project, unchecked):
    cases = {
        "filters": {"filter": ["ban_citations", "min_char_length"]},
        "gate": {"gate": ["low_factuality"]},
        "people": {"reviewer": ["vague"]},
        "all": {"filter": ["refusal"], "gate": ["flagged"], "reviewer": ["unsafe"]},
    }
    prompts = {refused_and_accepted(project, reasons).key: name for name, reasons in cases.items()}
    # An unlucky candidate that nobody refused is no worse answer.
    other = factories.accepted(project)
    factories.response(other, "Another answer that passed.", attempt=1, candidate=1, current=False)
    found = {prompts[row["prompt_key"]]: row["reasons"] for row in rows(release(project), "preference")}
    assert found == {
        "filters": ["filter:ban_citations", "filter:min_char_length"],
        "gate": ["gate:low_factuality"],
        "people": ["reviewer:vague"],
        "all": ["filter:refusal", "gate:flagged", "reviewer:unsafe"],
    }


def test_what_a_file_of_annotations_sent_back_is_refused(project, tmp_path, unchecked):
    first = factories.prompt(project, State.TO_REVIEW)
    second = factories.prompt(project, State.TO_REVIEW)
    lines = [
        {"action": "reject", "reasons": ["No control", "by my own words"]},
        {"action": "regenerate"},
    ]
    path = tmp_path / "rejected.jsonl"
    with path.open("w") as stream:
        for prompt, line in zip((first, second), lines, strict=True):
            said = {"task_type": prompt.task_type, "context": prompt.context}
            said["teacher_output"] = prompt.current_response.text
            stream.write(json.dumps(said | line) + "\n")
    assert orders.order_regeneration(project, path).ordered == 2
    for prompt in (first, second):
        factories.resolution(factories.response(prompt, "If iron is added, then the overpotential decreases by 30 mV."))
        Prompt.objects.filter(pk=prompt.pk).update(state=State.ACCEPTED)
    found = {row["prompt_key"]: row["reasons"] for row in rows(release(project), "preference")}
    assert found == {first.key: ["reviewer:no_control", "reviewer:other"], second.key: []}


def test_a_method_for_another_hypothesis_is_no_worse_answer(unchecked):
    project = factories.project("Pairs", split_seed="a seed")
    (pair,) = pairs(project, 1)
    method = pair.methodology
    factories.filter_result(method.current_response, failed=["refusal"])
    newer = factories.response(pair.hypothesis, "A new hypothesis: if heated, then it will grow by 5 nm.")
    second = factories.response(method, "1. A method of its own, long enough.", hypothesis=newer)
    for response in (newer, second):
        factories.resolution(response)
    made = release(project)
    assert "preference" not in made.counts["formats"]
    assert made.counts["formats"]["pairs"] == {"train": 1}


def test_large_tables_come_in_shards_of_whole_row_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "ROW_GROUP", 4)
    schema = pa.schema([pa.field("id", pa.string(), nullable=False)])
    names = [f"{number:02}" for number in range(10)]
    written = []
    for sizes in ((10,), (1, 2, 3, 4), (5, 5)):
        folder = tmp_path / f"{sizes}"
        table, rest = writing.Table(folder, "data/train-{shard}-of-{shards}.parquet", schema, shard_bytes=1), names
        for size in sizes:
            table.add(pa.table({"id": rest[:size]}, schema=schema))
            rest = rest[size:]
        written.append(table.close(split="train"))
        assert pq.read_table(folder / "data")["id"].to_pylist() == names
    assert written[0] == written[1] == written[2]
    assert [(entry["path"], entry["rows"], entry["split"]) for entry in written[0]] == [
        (f"data/train-0000{n}-of-00003.parquet", rows, "train") for n, rows in enumerate((4, 4, 2))
    ]


def test_lines_and_columns_say_the_same_whatever_the_batch(project, unchecked, monkeypatch):
    for n in range(7):
        refused_and_accepted(project, {"filter": ["refusal"]}, domain=["optics", ""][n % 2])
    once = {entry["path"]: entry["sha256"] for entry in release(project).files}
    monkeypatch.setattr("pipeline.releasing.reading.Reader.batches", _by_two(building.Reader.batches))
    Release.objects.all().delete()
    assert {entry["path"]: entry["sha256"] for entry in release(project).files} == once


def _by_two(batches):
    return lambda self, rows, size=2: batches(self, rows, 2)


# -- labels ---------------------------------------------------------------------------------------------------------


def test_labels_say_what_changed(project, unchecked):
    prompts = [factories.accepted(project) for _ in range(3)]
    assert release(project).semver == "1.0.0"
    factories.accepted(project)
    assert release(project).semver == "1.1.0"
    reviewing.reopen(prompts[0], factories.member(project, "manager"), "a second look")
    assert release(project).semver == "1.1.1"
    prompts[1].current_response.resolutions.update(text="Another text, written by a person.", edited=True)
    assert release(project).semver == "1.2.0"
    assert release(project, min_agreement=0).semver == "2.0.0"
    assert release(project).semver == "3.0.0"
    assert run_of(project).versions["unchanged"] is True


def test_a_draft_is_no_release_to_compare_with(project, monkeypatch):
    factories.accepted(project)
    monkeypatch.setattr(checking, "check", lambda *_, **__: checking.Report(problems=["Something is wrong."]))
    assert release(project).state == Release.State.DRAFT
    factories.accepted(project)
    monkeypatch.setattr(checking, "check", lambda *_, **__: checking.Report(remarks=["Something is odd."]))
    made = release(project)
    assert (made.version, made.semver, made.state) == (2, "1.0.0", Release.State.PUBLISHED)
    assert made.report["remarks"] == ["Something is odd."]
    assert made.rows.count() == 2


# -- in between -----------------------------------------------------------------------------------------------------


def test_a_text_that_changes_while_it_is_built_is_chosen_anew(project, unchecked, monkeypatch):
    prompt = factories.accepted(project)
    factories.accepted(project)
    _before(monkeypatch, choosing, "choose", lambda: None, after=lambda: _edit(prompt))
    made = release(project)
    assert "Changed in the meantime, by a person." in [row["messages"][1]["content"] for row in rows(made, "messages")]


def test_a_prompt_that_is_reopened_while_it_is_built_is_not_in(project, unchecked, monkeypatch):
    prompt, other = factories.accepted(project), factories.accepted(project)
    manager = factories.member(project, "manager")
    done = []

    def reopen():
        done or done.append(reviewing.reopen(prompt, manager, "a second look"))

    _before(monkeypatch, building, "check", reopen)
    made = release(project)
    assert [row["prompt_key"] for row in rows(made, "messages")] == [other.key]
    assert not list(made.directory.parent.glob(".*"))


def test_what_changes_again_and_again_is_left_to_somebody(project, unchecked, monkeypatch):
    prompt = factories.accepted(project)
    _before(monkeypatch, choosing, "choose", lambda: None, after=lambda: _edit(prompt, again=True))
    run = run_of(project)
    assert run.state == Run.State.FAILED
    assert "release again in a moment" in run.error
    assert Release.objects.get().state == Release.State.FAILED


def test_a_verdict_that_changes_while_it_is_built_locks_it_again(project, unchecked, monkeypatch):
    project.audit_sample = 2
    project.save()
    for _ in range(3):
        factories.accepted(project)
    assert run_of(project).state == Run.State.FAILED
    audit, ada = Audit.objects.get(), factories.user("ada")
    for item in audit.items.all():
        audit.look(item, False, by=ada)
    _before(monkeypatch, building, "check", lambda: audit.look(audit.items.first(), True, by=ada))
    run = run_of(project)
    assert (run.state, run.versions) == (Run.State.FAILED, {"audit": audit.pk})
    assert f"Audit {audit.pk} found 1 bad" in run.error
    assert not Release.objects.exists()
    assert not list((project.data_dir / "releases").iterdir())


def test_two_that_are_built_at_once_are_one_release(project, unchecked, monkeypatch):
    factories.accepted(project)
    others = []

    def build_another():
        if not others:
            others.append(None)
            others[0] = release(project)

    _before(monkeypatch, building, "check", build_another)
    run = run_of(project)
    assert run.versions == {"release": others[0].version, "unchanged": True}
    assert Release.objects.get().semver == "1.0.0"


def test_two_of_different_recipes_that_are_built_at_once_have_labels_of_their_own(project, unchecked, monkeypatch):
    factories.accepted(project)
    others = []

    def build_another():
        if not others:
            others.append(None)
            others[0] = release(project, min_agreement=0)

    _before(monkeypatch, building, "check", build_another)
    made = release(project)
    assert (others[0].semver, made.semver, made.manifest["version"]) == ("1.0.0", "2.0.0", "2.0.0")
    verifying.verify(made.directory)


def _before(monkeypatch, module, name, before, after=lambda: None):
    work = getattr(module, name)

    def around(*args, **options):
        before()
        try:
            return work(*args, **options)
        finally:
            after()

    monkeypatch.setattr(module, name, around)


def _edit(prompt, again=False):
    held = prompt.current_response.resolutions.get()
    text = f"{held.text}." if again else "Changed in the meantime, by a person."
    prompt.current_response.resolutions.update(text=text, edited=True)


@pytest.mark.parametrize("when", ["write", "describe", "check"])
def test_a_cancelled_release_leaves_nothing(project, monkeypatch, when):
    factories.accepted(project)
    run = jobs.prepare(project, "package")
    _before(monkeypatch, building, when, lambda: Run.objects.filter(pk=run.pk).update(state="cancelling"))
    monkeypatch.setattr(package._Watch, "next", 0, raising=False)
    jobs.carry_out(run)
    run.refresh_from_db()
    made = Release.objects.get()
    assert (run.state, made.state, made.error) == ("cancelled", "failed", "Cancelled.")
    assert not made.directory.exists()
    assert not list(made.directory.parent.glob("*")) + list(made.directory.parent.glob(".*"))


def test_a_release_whose_worker_died_begins_anew_in_its_place(project, unchecked, monkeypatch):
    for _ in range(3):
        factories.accepted(project)
    run = jobs.prepare(project, "package")
    with monkeypatch.context() as patch:
        patch.setattr(building, "describe", lambda *_: (_ for _ in ()).throw(SystemExit))
        patch.setattr(package.shutil, "rmtree", lambda *_, **__: None)  # it had no time to tidy up
        with pytest.raises(SystemExit):
            jobs.carry_out(run)
    release = Release.objects.get()
    assert list(release.directory.parent.glob(".v1.part/data/*"))
    jobs.carry_out(run)
    made = Release.objects.get()
    assert (made.pk, made.state, made.rows.count()) == (release.pk, Release.State.PUBLISHED, 3)
    verifying.verify(made.directory)
    assert [path.name for path in made.directory.parent.iterdir()] == ["v1"]


def test_progress_counts_rows(project, unchecked, monkeypatch):
    for _ in range(5):
        factories.accepted(project)
    run = run_of(project)
    assert (run.total, run.done) == (5, 5)


def test_a_writer_that_fails_behind_is_heard(project, unchecked, monkeypatch):
    factories.accepted(project)

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipeline.releasing.writing.File.write", fail)
    run = jobs.prepare(project, "package")
    with pytest.raises(OSError, match="No space left"):
        jobs.carry_out(run)
    made = Release.objects.get()
    assert made.state == Release.State.FAILED
    assert "No space left on device" in made.error
    assert not made.directory.exists()


@pytest.mark.django_db(transaction=True)
def test_many_new_groups_are_frozen_outside_of_a_transaction():
    """As a worker does it: PostgreSQL once lost its temporary table between two statements."""
    project = factories.project(split_seed="a seed")
    groups = {f"group {number}": "optics|hypothesis" for number in range(1000)}
    assert splits.freeze(project, groups).keys() == groups.keys()
