"""Releases and what resembles: one of each cluster, near-duplicates in one split, nothing that leaks."""

import json

import pyarrow.parquet as pq
import pytest
from django.core.management import call_command

from curation.models import Fingerprint, Prompt, Release, Resolution, Run, SplitAssignment, State
from pipeline import jobs, splits
from pipeline.resemblance import leaks
from tests import factories
from tests.running import release
from tests.test_resemblance_clusters import changed, text_of

pytestmark = pytest.mark.django_db
BASE = text_of(250)
SHARES = {"train": 0.5, "validation": 0.0, "test": 0.5}


@pytest.fixture
def project(db):
    return factories.project(paired=False, near_duplicate_percent=80)


def accepted(project, answer, by=Resolution.By.CONSENSUS, score=None, **fields):
    prompt = factories.prompt(project, State.ACCEPTED, answer=answer, **fields)
    factories.resolution(prompt.current_response, by=by)
    if score is not None:
        factories.gate_result(prompt.current_response, score=score)
    return prompt


def rows_of(release):
    """{prompt key: row} of a release."""
    files = [release.directory / each["path"] for each in release.files if each["path"].endswith(".parquet")]
    return {row["prompt_key"]: row for file in files for row in pq.read_table(file).to_pylist()}


def keys(*prompts):
    return {prompt.key for prompt in prompts}


# -- one of each cluster --------------------------------------------------------------------------------------------


def test_accepted_by_people_comes_before_the_policy_and_score_decides_among_equals(project):
    policy = accepted(project, changed(BASE, 1, 0), Resolution.By.POLICY, score=99)
    low = accepted(project, changed(BASE, 1, 1), score=70)
    high = accepted(project, changed(BASE, 1, 2), Resolution.By.ADJUDICATOR, score=80)
    alone = accepted(project, text_of(250, 3))
    made = release(project)
    assert rows_of(made).keys() == keys(high, alone)
    assert made.counts["near_duplicates"] == made.manifest["counts"]["near_duplicates"] == 2
    assert made.counts["rows"] == 2
    assert not {policy.key, low.key} & rows_of(made).keys()


def test_equal_scores_are_decided_by_the_row(project):
    prompts = [accepted(project, changed(BASE, 1, n)) for n in range(4)]
    (chosen,) = rows_of(release(project)).values()
    assert chosen["id"] == min(_row_id(prompt) for prompt in prompts)


def _row_id(prompt):
    from pipeline import formats

    return formats.row_id(prompt.key, prompt.current_response.text)


def test_what_was_released_stays_in_before_a_better_score(project):
    first = accepted(project, changed(BASE, 1, 0), score=60)
    assert rows_of(release(project)).keys() == keys(first)
    accepted(project, changed(BASE, 1, 1), score=90)
    assert rows_of(release(project)).keys() == keys(first)
    # The same rows again are the same release.
    assert Release.objects.filter(project=project).count() == 1


def test_unreviewed_rows_are_compared_too_and_come_last(project):
    people = accepted(project, changed(BASE, 1, 0), score=60)
    waiting = factories.prompt(project, State.TO_JUDGE, answer=changed(BASE, 1, 1))
    alone = factories.prompt(project, State.TO_JUDGE, answer=text_of(250, 9))
    for prompt in (waiting, alone):
        factories.filter_result(prompt.current_response)
    project.refresh_from_db()
    assert rows_of(release(project, include="filtered")).keys() == keys(people, alone)


def test_a_pair_is_taken_whole_or_not_at_all():
    project = factories.project(paired=True, near_duplicate_percent=80)
    pairs = []
    for n in range(3):
        pair = factories.pair(project, State.ACCEPTED)
        for half, text in ((pair.hypothesis, text_of(250, 50 + n)), (pair.methodology, changed(BASE, 1, n))):
            type(half.current_response).objects.filter(pk=half.current_response_id).update(text=text)
            factories.resolution(half.current_response, text=text)
        factories.gate_result(pair.hypothesis.current_response, score=[10, 90, 50][n])
        pairs.append(pair)
    made = release(project)
    assert rows_of(made).keys() == keys(pairs[1].hypothesis, pairs[1].methodology)
    assert made.counts["near_duplicates"] == 4


def test_at_0_per_cent_everything_goes_in():
    project = factories.project(paired=False, near_duplicate_percent=0)
    for n in range(3):
        accepted(project, changed(BASE, 1, n))
    made = release(project)
    assert (made.counts["rows"], made.counts["near_duplicates"]) == (3, 0)
    assert not Fingerprint.objects.exists()


# -- leaks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("include", "rows", "left_out"), [(False, 1, 1), (True, 2, 0)])
def test_what_leaks_stays_out_unless_asked(project, include, rows, left_out):
    accepted(project, text_of(60, 1))
    accepted(project, text_of(60, 2))
    leaks.keep(project, "held", [text_of(60, 1)], 13)
    made = release(project, include_leaks=include)
    assert (made.counts["rows"], made.counts["leaks"]) == (rows, left_out)
    assert made.recipe["include_leaks"] is include


def test_what_a_person_wrote_into_an_answer_is_held_against_the_sets_too(project):
    """The teacher's answers share nothing; one was edited, one of another project was as well."""
    for each, text in ((project, text_of(60, 1)), (project, text_of(60, 3)), (factories.project(), text_of(60, 1))):
        prompt = factories.prompt(each, State.ACCEPTED, answer=text_of(60, 2))
        factories.resolution(prompt.current_response, text=text, edited=True)
    leaks.keep(project, "held", [text_of(60, 1)], 13)
    made = release(project)
    assert (made.counts["rows"], made.counts["leaks"]) == (1, 1)
    assert release(project, include_leaks=True).counts["leaks"] == 0


def test_where_everything_stays_out_there_is_no_release(project):
    accepted(project, text_of(60, 1))
    leaks.keep(project, "held", [text_of(60, 1)], 13)
    run = jobs.prepare(project, "package")
    jobs.carry_out(run)
    run.refresh_from_db()
    assert run.state == Run.State.FAILED
    assert run.error == "The only row stays out (1 leaks), so there is nothing to release."


def test_ngrams_that_are_gone_end_a_release_in_a_sentence_until_their_file_is_given_again(project):
    accepted(project, text_of(60, 2))
    held = leaks.keep(project, "held", [text_of(60, 1)], 13)
    leaks.path_of(held).unlink()
    manager = factories.client(factories.member(project, "manager"))
    page = manager.get(f"/p/{project.slug}/releases/new/").content.decode()
    assert "The n-grams of the evaluation set held are missing" in page
    run = jobs.prepare(project, "package")
    jobs.carry_out(run)
    run.refresh_from_db()
    assert (run.state, run.error[:51]) == (Run.State.FAILED, "The n-grams of the evaluation set held are missing ")
    leaks.keep(project, "held", [text_of(60, 1)], 13)
    assert release(project).counts["rows"] == 1


def test_the_command_says_what_stayed_out(project, capsys, tmp_path, monkeypatch):
    accepted(project, text_of(60, 1))
    accepted(project, text_of(60, 2))
    leaks.keep(project, "held", [text_of(60, 1)], 13)
    call_command("to_sft", project=project.slug, inline=True)
    assert "left out, leaks: 1" in capsys.readouterr().out
    call_command("to_sft", project=project.slug, inline=True, include_leaks=True)
    assert "Release 2: 2 rows" in capsys.readouterr().out


# -- splits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alike", ["sources", "answers"])
def test_near_duplicates_of_other_documents_share_a_split(alike):
    project = factories.project(paired=False, near_duplicate_percent=80, split_shares=SHARES, split_seed="seed")
    prompts = []
    for n in range(12):
        family, k = divmod(n, 3)
        text = changed(text_of(250, 20 + family), 1, k)
        fields = {"context": text} if alike == "sources" else {}
        prompts.append(accepted(project, text if alike == "answers" else text_of(90, 500 + n), **fields))
    made = release(project)
    placed = dict(SplitAssignment.objects.values_list("group_key", "split"))
    if alike == "sources":
        assert len(rows_of(made)) == 12
        for family in range(4):
            assert len({placed[prompt.group_key] for prompt in prompts[family * 3 : family * 3 + 3]}) == 1
        assert set(placed.values()) == {"train", "test"}
    else:
        assert (len(rows_of(made)), made.counts["near_duplicates"]) == (4, 8)


def in_split(project, prompt, split):
    SplitAssignment.objects.create(project=project, group_key=prompt.group_key, split=split)


def sources(project, number=3):
    """Prompts whose sources resemble each other, each of its own document."""
    return [accepted(project, text_of(90, 700 + n), context=changed(BASE, 1, n)) for n in range(number)]


@pytest.mark.parametrize("split", ["train", "test"])
def test_what_resembles_a_frozen_group_follows_it(project, split):
    known, new, other = sources(project)
    in_split(project, known, split)
    found = rows_of(release(project))
    assert {found[prompt.key]["split"] for prompt in (known, new, other)} == {split}


def test_a_group_whose_row_was_withdrawn_still_decides(project):
    known, new, _ = sources(project)
    in_split(project, known, "test")
    Prompt.objects.filter(pk=known.pk).update(state=State.REJECTED)
    assert rows_of(release(project))[new.key]["split"] == "test"


def test_a_row_that_ties_two_splits_stays_out_and_is_counted(project):
    one, two, tying = sources(project)
    far = accepted(project, text_of(90, 800), context=text_of(250, 31))
    Prompt.objects.filter(pk=tying.pk).update(state=State.TO_REVIEW)
    # Released before the threshold found them alike: each in a split of its own.
    type(project).objects.update(near_duplicate_percent=0)
    in_split(project, one, "train")
    in_split(project, two, "test")
    project.refresh_from_db()
    assert len(rows_of(release(project))) == 3
    type(project).objects.update(near_duplicate_percent=80)
    project.refresh_from_db()
    Prompt.objects.filter(pk=tying.pk).update(state=State.ACCEPTED)
    made = release(project)
    found = rows_of(made)
    assert found.keys() == keys(one, two, far)
    assert (found[one.key]["split"], found[two.key]["split"]) == ("train", "test")
    assert made.counts["split_conflicts"] == 1
    assert json.loads((made.directory / "manifest.json").read_text())["counts"]["split_conflicts"] == 1


def test_a_new_row_of_a_frozen_group_that_ties_stays_out(project):
    one, two, _ = sources(project)
    in_split(project, one, "train")
    in_split(project, two, "test")
    alone = accepted(project, text_of(90, 800), context=text_of(250, 31))
    made = release(project)
    assert made.counts["split_conflicts"] == 3
    assert rows_of(made).keys() == keys(alone)


@pytest.mark.parametrize(
    ("groups", "frozen", "tied", "together"),
    [
        ({"a": "s", "b": "s"}, {}, {"a": "a", "b": "a"}, [("a", "b")]),
        ({"b": "s", "c": "s"}, {}, {"a": "a", "b": "a", "c": "a"}, [("b", "c")]),
        ({"b": "s"}, {"a": ("test", "s")}, {"a": "a", "b": "a"}, [("b", "=test")]),
        ({"b": "s", "c": "t"}, {}, {}, []),
    ],
)
def test_tied_groups_are_assigned_as_one(groups, frozen, tied, together):
    placed = splits.assign_tied(groups, frozen, tied, "seed", SHARES)
    assert placed.keys() == groups.keys() - frozen.keys()
    for one, other in together:
        assert placed[one] == (other[1:] if other.startswith("=") else placed[other])
