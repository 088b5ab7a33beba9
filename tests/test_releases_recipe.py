"""Recipes: which rows go in, which stay out and why, and what a wrong recipe is told."""

import json

import pyarrow.parquet as pq
import pytest

from curation.models import SplitAssignment, State, TeacherResponse
from pipeline import jobs
from pipeline.releasing import checking, choosing, recipe
from tests import factories, running

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def unchecked(monkeypatch):
    """The files are looked at in tests of their own."""
    monkeypatch.setattr(checking, "check", lambda *_, **__: checking.Report())


@pytest.fixture
def project():
    return factories.project("Films", split_seed="a seed", paired=False)


def release(project, **wanted):
    return running.release(project, recipe=wanted)


def keys_of(made):
    tables = [entry["path"] for entry in made.files if entry.get("format") == "messages"]
    tables = [path for path in tables if path.endswith(".parquet")]
    return {key for path in tables for key in pq.read_table(made.directory / path)["prompt_key"].to_pylist()}


def keys(*prompts):
    return {prompt.key for prompt in prompts}


def left_out(made):
    path = made.directory / "left_out.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    assert lines == sorted(lines, key=lambda line: line["row_id"])
    return {line["prompt_key"]: line["why"] for line in lines}


@pytest.mark.parametrize(
    ("wanted", "inside"),
    [
        ({}, "abc"),
        ({"domains": ["optics"]}, "ab"),
        ({"domains": ["optics", "botany"]}, "ab"),
        ({"not_domains": ["optics"]}, "c"),
        ({"task_types": ["methodology"]}, "b"),
        ({"domains": ["optics"], "task_types": ["hypothesis"]}, "a"),
    ],
)
def test_domains_and_task_types(project, wanted, inside):
    prompts = {
        "a": factories.accepted(project, domain="optics"),
        "b": factories.accepted(project, domain="optics", task_type="methodology"),
        "c": factories.accepted(project, domain="acoustics"),
    }
    assert keys_of(release(project, **wanted)) == keys(*(prompts[name] for name in inside))


def test_the_newest_score_counts_and_what_has_none_stays_out(project):
    high, fell, none = (factories.accepted(project) for _ in range(3))
    factories.gate_result(high.current_response, score=80)
    factories.gate_result(fell.current_response, score=95)
    newer = factories.ruleset(project, "gate", {"judge_f_threshold": 70, "judge_r_threshold": 70})
    factories.gate_result(fell.current_response, ruleset=newer, score=79.9)
    made = release(project, min_score=80)
    assert keys_of(made) == keys(high)
    assert left_out(made) == {fell.key: "below_score", none.key: "below_score"}
    assert made.counts["below_score"] == 2


def test_agreement_is_the_share_of_deciding_people_who_accepted(project):
    people = [factories.member(project, "reviewer") for _ in range(3)]
    all_three, two, policy, adjudicated = (factories.prompt(project, State.ACCEPTED) for _ in range(4))
    for prompt, actions in ((all_three, ["accept"] * 3), (two, ["accept", "accept", "reject"])):
        for person, action in zip(people, actions, strict=True):
            factories.annotation(prompt.current_response, person, action)
        factories.resolution(prompt.current_response)
    # Came later, changed nothing, and is not counted.
    factories.annotation(all_three.current_response, factories.member(project, "reviewer"), "reject", surplus=True)
    factories.resolution(policy.current_response, by="policy")
    factories.resolution(adjudicated.current_response, by="adjudicator")
    assert keys_of(release(project, min_agreement=0.6)) == keys(all_three, two, adjudicated)
    assert keys_of(release(project, min_agreement=0.7)) == keys(all_three, adjudicated)


def test_caps_take_the_same_rows_again_and_pairs_whole():
    project = factories.project("Pairs", split_seed="a seed")
    pairs = [factories.pair(project, State.ACCEPTED, domain="optics") for _ in range(5)]
    for pair in pairs:
        factories.resolution(pair.hypothesis.current_response)
        factories.resolution(pair.methodology.current_response)
    first = release(project, cap_per_domain=5)
    inside = keys_of(first)
    assert len(inside) == 4
    assert all(
        ({pair.hypothesis.key, pair.methodology.key} & inside) in (set(), keys(pair.hypothesis, pair.methodology))
        for pair in pairs
    )
    assert first.counts["over_cap"] == 6
    assert set(left_out(first).values()) == {"over_cap"}
    assert keys_of(release(project, domain_caps={"optics": 0, "chemistry": 2}, formats=["messages"])) <= inside


def test_caps_by_domain_come_before_the_cap_of_all(project):
    for domain in ("optics", "acoustics", "botany"):
        for _ in range(4):
            factories.accepted(project, domain=domain)
    made = release(project, cap_per_domain=2, domain_caps={"optics": 3, "botany": 0})
    assert made.counts["domains"] == {"acoustics": 2, "optics": 3}


def test_shares_and_seed_are_for_new_groups_alone(project):
    for _ in range(6):
        factories.accepted(project)
    release(project, shares={"train": 0.5, "test": 0.5})
    before = dict(SplitAssignment.objects.values_list("group_key", "split"))
    assert sorted(before.values()) == ["test"] * 3 + ["train"] * 3
    factories.accepted(project)
    made = release(project, shares={"validation": 1}, seed="another")
    assert before.items() <= dict(SplitAssignment.objects.values_list("group_key", "split")).items()
    assert made.counts["splits"] == {"train": 3, "validation": 1, "test": 3}
    assert (made.seed, made.recipe["seed"]) == ("another", "another")


def test_what_was_withdrawn_is_in_no_release(project):
    kept, gone = factories.accepted(project), factories.accepted(project)
    type(gone).objects.filter(pk=gone.pk).update(withdrawal=factories.withdrawal(project))
    assert keys_of(release(project)) == keys(kept)


def test_an_accepted_text_of_spaces_stays_out(project):
    blank, kept = factories.accepted(project), factories.accepted(project)
    blank.current_response.resolutions.update(text=" \n")
    made = release(project)
    assert keys_of(made) == keys(kept)
    assert left_out(made) == {blank.key: "empty"}


def test_an_answer_to_no_question_stays_out(project):
    inside, outside = factories.accepted(project), factories.accepted(project)
    TeacherResponse.objects.filter(pk=outside.current_response_id).update(sent_user="")
    made = release(project)
    assert keys_of(made) == keys(inside)
    assert left_out(made) == {outside.key: "empty"}


def test_the_stored_copy_is_complete_and_makes_the_same_again(project):
    factories.accepted(project)
    made = release(project, formats=["alpaca"])
    assert made.recipe["formats"] == ["messages", "alpaca"]
    assert made.recipe["shares"] == project.split_shares
    type(project).objects.update(split_shares={"train": 1, "validation": 0, "test": 0})
    project.refresh_from_db()
    assert release(project, **{**made.recipe}) == made


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"domain": "optics"}, "domain is no key of a recipe; keys are include, include_leaks, formats"),
        ({"formats": ["parquet"]}, "formats: parquet: unknown; formats are messages, prompt_completion, pairs"),
        ({"include": "all"}, "include: Input should be 'accepted' or 'filtered'"),
        ({"shares": {"train": 0.8, "test": 0.1}}, "shares: the shares (train 0.8, test 0.1) sum to 0.9; they must"),
        ({"shares": {"dev": 1}}, "shares.dev"),
        ({"min_agreement": 80}, "min_agreement: Input should be less than or equal to 1"),
        ({"cap_per_domain": 0}, "cap_per_domain: Input should be greater than or equal to 1"),
        ({"domain_caps": {"optics": -1}}, "domain_caps.optics"),
        ({"targets": {"llama": "many"}}, "targets.llama"),
        ([], "A recipe is a mapping such as {include: accepted}, not list."),
    ],
)
def test_a_wrong_recipe_is_told_what_is_right(body, said):
    with pytest.raises(recipe.WrongRecipe) as wrong:
        recipe.read(body)
    assert said in str(wrong.value)


def test_a_run_by_a_wrong_recipe_does_not_start(project):
    with pytest.raises(jobs.CannotStart, match="min_score"):
        jobs.prepare(project, "package", {"recipe": {"min_score": 200}})
    with pytest.raises(jobs.CannotStart, match="include"):
        jobs.prepare(project, "package", {"include": "everything"})


def test_where_all_stays_out_it_is_said_why(project):
    factories.accepted(project)
    with pytest.raises(choosing.NothingToRelease, match=r"The only row stays out \(1 below score\)"):
        choosing.choose(project, recipe.read({"min_score": 1}))


def test_a_cap_that_takes_no_pair_says_what_pairs_count():
    project = factories.project("Pairs", split_seed="a seed")
    for _ in range(2):
        factories.pair(project, State.ACCEPTED, domain="optics")
    with pytest.raises(choosing.NothingToRelease, match=r"All 4 rows stay out \(4 over cap\).* counts two"):
        choosing.choose(project, recipe.read({"cap_per_domain": 1}))
