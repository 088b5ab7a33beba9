"""A release names what made its rows: versions of rules, gate, rubrics and templates, in manifest, card and page."""

import hashlib
import json

import pytest

from curation.models import Release, Rubric, State, TeacherResponse
from pipeline.releasing import card, reading
from tests import factories
from tests.running import run

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return factories.project("Films", split_seed="a seed", paired=False)


def rows_of(versions, key):
    return [(entry["version"], entry["rows"]) for entry in versions[key]]


def released(project):
    run(project, "package")
    return Release.objects.get()


def test_the_newest_verdict_of_each_row_counts(project):
    prompts = [factories.accepted(project) for _ in range(4)]
    first = factories.ruleset(project)
    for prompt in prompts[:3]:
        factories.filter_result(prompt.current_response, ruleset=first)
    second = factories.ruleset(project, body={"min_char_length": 130})
    factories.filter_result(prompts[0].current_response, ruleset=second)
    versions = released(project).manifest["versions"]
    assert rows_of(versions, "filters") == [(1, 2), (2, 1), (None, 1)]
    assert [entry.get("in_force") for entry in versions["filters"]] == [False, True, None]
    assert versions["filters"][1]["sha256"] == second.sha256
    assert versions["gate"] == []


def test_rules_in_force_are_named_even_where_no_row_has_their_verdict(project):
    factories.accepted(project)
    factories.ruleset(project, "gate")
    assert rows_of(released(project).manifest["versions"], "gate") == [(1, 0), (None, 1)]


def test_readings_are_named_by_rubric_judge_and_template(project):
    template = factories.template(project, "judge_factuality", "Judge {{response}} by {{rubric}}")
    rubric = Rubric.record(project, "factuality", {"label": "F", "dimensions": []})
    asked_by = hashlib.sha256(f"{template.sha256}\n{rubric.sha256}".encode()).hexdigest()
    judge = factories.teacher("judge", model="judge-1")
    prompts = [factories.accepted(project) for _ in range(2)]
    for prompt in prompts:
        for repeat in range(2):
            factories.judge_score(prompt.current_response, judge=judge, repeat=repeat, rubric_version=asked_by)
    factories.judge_score(prompts[0].current_response, "reasoning", judge=judge, rubric_version="imported")
    factories.judge_score(prompts[0].current_response, "factuality", None, judge=judge, rubric_version="f" * 64)
    factuality, reasoning = released(project).manifest["versions"]["rubrics"]
    assert factuality == {
        "name": "factuality",
        "judge": "judge",
        "model": "judge-1",
        "version": 1,
        "sha256": rubric.sha256,
        "template_version": 1,
        "template_sha256": template.sha256,
        "rows": 2,
    }
    assert (reasoning["version"], reasoning["imported"], reasoning["rows"]) == (None, True, 1)


def test_templates_are_those_the_released_answers_were_asked_with(project):
    prompts = [factories.accepted(project) for _ in range(3)]
    factories.prompt(project, State.TO_REVIEW)
    used = {"hypothesis": {"version": 2, "sha256": "a" * 64}}
    TeacherResponse.objects.filter(prompt__in=prompts[:2]).update(templates=used)
    TeacherResponse.objects.filter(prompt=prompts[2]).update(templates={"hypothesis": "of old"})
    assert released(project).manifest["versions"]["templates"] == [
        {"name": "hypothesis", "version": 2, "sha256": "a" * 64, "rows": 2}
    ]


def test_many_rows_are_counted_in_portions(project, monkeypatch):
    monkeypatch.setattr(reading, "AT_ONCE", 2)
    for _ in range(5):
        factories.filter_result(factories.accepted(project).current_response)
    assert rows_of(released(project).manifest["versions"], "filters") == [(1, 5)]


def test_card_page_and_file_say_the_same(project):
    prompt = factories.accepted(project)
    factories.filter_result(prompt.current_response)
    factories.judge_score(prompt.current_response, judge=factories.teacher("a|b"), rubric_version="imported")
    release = released(project)
    sha256 = project.rulesets.get().sha256
    assert json.loads((release.directory / "manifest.json").read_text())["versions"] == release.manifest["versions"]
    text = (release.directory / "README.md").read_text()
    assert f"| Filter rules v1 | {sha256[:12]} | 1 |" in text
    assert "| Rubric factuality, read by a\\|b: came with the answer |  | 1 |" in text
    page = factories.client(factories.member(project, "viewer")).get(f"/p/{project.slug}/releases/1/")
    assert "Filter rules v1" in page.content.decode()
    assert sha256 in page.content.decode()


def test_a_release_of_before_names_none():
    assert card.made_with({}) == []
