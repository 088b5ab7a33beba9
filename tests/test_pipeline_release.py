"""Releases: what gets in, which split, and the same bytes for the same content."""

import json

import pyarrow.parquet as pq
import pytest

from curation import reviewing
from curation.models import Prompt, Release, Resolution, SplitAssignment, State
from pipeline import formats, splits
from pipeline.stages.package import candidates
from tests import factories
from tests.running import run

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return factories.project("Films", split_seed="a seed")


def accept(prompt, text=None):
    """Make `prompt` accepted with an authoritative text."""
    Resolution.objects.create(
        response=prompt.current_response,
        by="consensus",
        action="accept",
        text=text or prompt.current_response.text,
        edited=bool(text),
        applied_at=prompt.created_at,
    )


def accepted_pairs(project, number):
    pairs = [factories.pair(project, State.ACCEPTED, locator=f"doc:{n}", text=f"Text of {n}.") for n in range(number)]
    for pair in pairs:
        accept(pair.hypothesis)
        accept(pair.methodology)
    return pairs


def lines(path):
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_a_release_holds_what_was_accepted_in_both_formats(project):
    accepted_pairs(project, 10)
    factories.pair(project, State.TO_REVIEW)
    run(project, "package")
    release = Release.objects.get()
    folder = release.directory
    assert release.state == "published"
    assert release.counts["rows"] == 20
    assert sum(release.counts["splits"].values()) == 20
    for split, number in release.counts["splits"].items():
        table = pq.read_table(folder / "data" / f"{split}-00000-of-00001.parquet")
        assert table.schema.equals(formats.RELEASE_SCHEMA)
        messages = [line["messages"] for line in lines(folder / "jsonl" / "messages" / f"{split}.jsonl")]
        assert table.column("messages").to_pylist() == messages
        assert len(messages) == number
        assert [m["role"] for m in messages[0]] == ["user", "assistant"]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["row_count"] == 20
    for entry in manifest["files"]:
        assert formats.file_sha256(folder / entry["path"]) == entry["sha256"]


def test_no_document_is_in_two_splits_and_new_rows_move_none(project):
    accepted_pairs(project, 12)
    run(project, "package")
    before = dict(SplitAssignment.objects.values_list("group_key", "split"))
    assert set(before.values()) == {"train", "validation", "test"}
    for number in range(12, 40):
        pair = factories.pair(project, State.ACCEPTED, locator=f"doc:{number}", text=f"Text of {number}.")
        accept(pair.hypothesis)
        accept(pair.methodology)
    run(project, "package")
    after = dict(SplitAssignment.objects.values_list("group_key", "split"))
    assert before.items() <= after.items()
    release = Release.objects.order_by("version").last()
    groups = {}
    for split in release.counts["splits"]:
        for group in pq.read_table(release.directory / "data" / f"{split}-00000-of-00001.parquet")["group"].to_pylist():
            groups.setdefault(group, set()).add(split)
    assert len(groups) == 40
    assert all(len(found) == 1 for found in groups.values())


def test_the_same_content_gives_the_same_bytes_whatever_the_order_of_import(settings, tmp_path):
    digests = []
    for order in (range(12), reversed(range(12))):
        project = factories.project("Films", split_seed="a seed")
        for number in order:
            pair = factories.pair(
                project, State.ACCEPTED, locator=f"doc:{number}", text=f"Text of {number}.", title=f"Title {number}"
            )
            accept(pair.hypothesis)
            accept(pair.methodology)
        run(project, "package")
        release = Release.objects.get(project=project)
        digests.append({f["path"]: f["sha256"] for f in release.files})
    assert digests[0] == digests[1]


def test_a_second_release_of_the_same_content_is_the_first_one(project):
    accepted_pairs(project, 3)
    run(project, "package")
    again = run(project, "package")
    assert Release.objects.count() == 1
    assert again.versions == {"release": 1, "unchanged": True}


def test_the_authoritative_text_is_released(project):
    pair = accepted_pairs(project, 1)[0]
    Resolution.objects.filter(response=pair.hypothesis.current_response).update(text="Edited by a person.", edited=True)
    run(project, "package")
    rows = lines(Release.objects.get().directory / "jsonl" / "messages" / "train.jsonl")
    assert "Edited by a person." in [row["messages"][1]["content"] for row in rows]


@pytest.mark.parametrize("state", [s for s in State.values if s != "accepted"])
def test_a_pair_is_released_whole_or_not_at_all(project, state):
    pair = accepted_pairs(project, 1)[0]
    Prompt.objects.filter(pk=pair.methodology.pk).update(state=state, parked_from="to_collect")
    assert not candidates(project).exists()
    project.paired = False
    assert candidates(project).count() == 1


def test_with_nothing_accepted_the_run_fails_and_says_so(project):
    factories.pair(project, State.TO_REVIEW)
    ended = run(project, "package")
    assert ended.state == "failed"
    assert "Nothing is accepted yet" in ended.error
    assert not Release.objects.get().directory.exists()


def test_filtered_rows_are_marked_unreviewed(project):
    pair = factories.pair(project, State.TO_REVIEW)
    for prompt in (pair.hypothesis, pair.methodology):
        factories.filter_result(prompt.current_response)
    run(project, "package", include="filtered")
    release = Release.objects.get()
    assert release.manifest["unreviewed"] == 2
    assert release.counts["statuses"] == {"unreviewed": 2}
    assert "not reviewed by a person" in (release.directory / "README.md").read_text()


def test_a_prompt_measured_by_several_versions_of_the_rules_is_one_row(project):
    pairs = [*accepted_pairs(project, 1), factories.pair(project, State.TO_REVIEW)]
    for least, failed in ((100, []), (110, ["refusal"]), (120, [])):
        rules = factories.ruleset(project, body={"min_char_length": least})
        for pair in pairs:
            for prompt in (pair.hypothesis, pair.methodology):
                factories.filter_result(prompt.current_response, ruleset=rules, failed=failed)
    project.refresh_from_db()
    assert [candidates(project, include).count() for include in ("accepted", "filtered")] == [2, 4]
    run(project, "package", include="filtered")
    assert Release.objects.get().counts["statuses"] == {"accepted": 2, "unreviewed": 2}


def test_datasets_loads_every_split(project, tmp_path):
    datasets = pytest.importorskip("datasets")
    accepted_pairs(project, 10)
    run(project, "package")
    release = Release.objects.get()
    loaded = datasets.load_dataset(str(release.directory), cache_dir=str(tmp_path))
    assert {split: len(loaded[split]) for split in loaded} == release.counts["splits"]
    assert loaded["train"][0]["messages"][0]["role"] == "user"


def test_a_taken_back_acceptance_is_not_released(project):
    pair = accepted_pairs(project, 1)[0]
    manager = factories.member(project, "manager")
    reviewing.reopen(pair.hypothesis, manager, "a second look")
    assert not candidates(project).exists()


class TestSplits:
    def groups(self, number, stratum="physics|hypothesis"):
        return {f"group {n}": stratum for n in range(number)}

    def test_shares_are_met_as_closely_as_groups_allow(self):
        placed = splits.assign(self.groups(200), {}, "seed", {"train": 0.8, "validation": 0.1, "test": 0.1})
        counts = [list(placed.values()).count(split) for split in splits.SPLITS]
        assert counts == [160, 20, 20]

    def test_small_strata_do_not_all_fill_the_largest_split(self):
        groups = {f"g{n}": f"domain {n % 8}|hypothesis" for n in range(16)}
        placed = splits.assign(groups, {}, "seed", {"train": 0.8, "validation": 0.1, "test": 0.1})
        assert set(placed.values()) == set(splits.SPLITS)

    def test_a_split_without_a_share_stays_empty(self):
        placed = splits.assign(self.groups(20), {}, "seed", {"train": 0.5, "validation": 0.5, "test": 0})
        assert set(placed.values()) == {"train", "validation"}

    def test_another_seed_places_otherwise(self):
        shares = {"train": 0.8, "validation": 0.1, "test": 0.1}
        assert splits.assign(self.groups(50), {}, "a", shares) != splits.assign(self.groups(50), {}, "b", shares)
