"""Releases that are made at the same moment: each is whole, and no group lies in two splits."""

import pytest

from curation.models import Release, SplitAssignment
from pipeline import jobs, splits
from pipeline.releasing import verifying
from pipeline.stages import package
from tests import factories
from tests.kept_true import broken
from tests.threads import together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project():
    return factories.project("Films", split_seed="a seed", paired=False)


@pytest.mark.slow
def test_two_at_once_are_one_after_the_other(project, monkeypatch):
    monkeypatch.setattr("pipeline.releasing.building.check", lambda *_: None)
    for _ in range(12):
        factories.accepted(project)
    recipes = [{"formats": ["alpaca"]}, {"formats": ["sharegpt"]}]
    runs = [jobs.prepare(project, "package", {"recipe": each}) for each in recipes]
    together(*[lambda run=run: jobs.carry_out(run) for run in runs])
    made = list(Release.objects.filter(state="published"))
    assert [run.state for run in project.runs.all()] == ["finished"] * 2
    assert {each.semver for each in made} == {"1.0.0", "2.0.0"}
    assert [verifying.verify(each.directory) for each in made] == [None] * 2
    places = [dict(each.rows.values_list("row_id", "split")) for each in made]
    assert places[0] == places[1]
    assert broken(project) == []


def test_two_jobs_of_one_run_build_one(project, monkeypatch):
    monkeypatch.setattr("pipeline.releasing.building.check", lambda *_: None)
    factories.accepted(project)
    run = jobs.prepare(project, "package")
    opened = together(*[lambda: package._open(run).pk] * 4)
    assert len(set(opened)) == 1


def test_groups_that_another_one_froze_meanwhile_are_chosen_anew(project):
    since, tied = splits.newest(project), {"a": "a", "b": "a"}
    splits.freeze(project, {"a": "s", "c": "s"})
    with pytest.raises(splits.FrozenMeanwhile):
        splits.freeze(project, {"a": "s", "b": "s"}, tied, since=since)
    placed = splits.freeze(project, {"a": "s", "b": "s"}, tied, since=splits.newest(project))
    assert placed["a"] == placed["b"] == SplitAssignment.objects.get(group_key="a").split
    splits.freeze(project, {"d": "s"}, {}, since=since)


def test_the_same_groups_frozen_at_once_lie_where_the_first_said(project):
    groups = {f"{number:03}": "s" for number in range(60)}
    placed = together(*[lambda: splits.freeze(project, groups)] * 4)
    assert all(each == placed[0] for each in placed)
    assert dict(SplitAssignment.objects.values_list("group_key", "split")) == placed[0]
