"""`manage.py failed_calls`: what it lists, puts back and writes."""

import csv
import io
import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests import factories
from tests.test_failed_ledger import parked

pytestmark = pytest.mark.django_db


def told(project, *words):
    out = io.StringIO()
    call_command("failed_calls", "--project", project.slug, *words, stdout=out)
    return out.getvalue()


@pytest.fixture
def filled(project):
    run = factories.run(project, state="finished")
    return {
        "run": run,
        "slow": parked(project, "timeout", teacher=factories.teacher("Weak"), run=run, detail="No answer in 5 s."),
        "long": parked(project, "context_too_long", teacher=factories.teacher("Strong"), detail="Too many tokens."),
    }


def test_it_counts_by_class(project, filled):
    said = told(project)
    assert "1  timeout: No answer came" in said
    assert "Too many tokens." in said
    assert filled["slow"].key[:12] not in said


@pytest.mark.parametrize("words", [["--class", "timeout"], ["--teacher", "Weak"], ["--run", "{run}"]])
def test_it_lists_the_prompts_of_what_is_named(project, filled, words):
    said = told(project, *(word.format(run=filled["run"].pk) for word in words))
    assert filled["slow"].key[:12] in said
    assert filled["long"].key[:12] not in said


def test_a_class_is_put_back_with_the_command_that_takes_it_up(project, filled):
    said = told(project, "--class", "timeout", "--retry")
    assert f"1 wait again; `python manage.py collect_teacher --project {project.slug}`" in said
    assert {p.pk for p in project.prompts.in_state("to_collect")} == {filled["slow"].pk}
    assert "Nothing to put back." in told(project, "--class", "timeout", "--retry")


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_it_writes_all_that_is_named(project, filled, tmp_path, form):
    path = tmp_path / f"failed.{form}"
    assert f"2 failed calls in {path}" in told(project, "--export", str(path))
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file)) if form == "csv" else [json.loads(line) for line in file]
    assert [row["key"] for row in rows] == [filled["slow"].key, filled["long"].key]
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--class", "tiemout"], "There is no class 'tiemout'; there are: context_too_long, timeout."),
        (["--teacher", "Nobody"], "No call to 'Nobody' failed here; teachers that failed: Strong, Weak."),
        (["--export", "failed.xlsx"], "name a file that ends in .jsonl or .csv"),
        (["--export", "/nowhere/failed.csv"], "No such file or directory"),
    ],
)
def test_wrong_words_are_refused_with_the_right_ones(project, filled, words, said):
    with pytest.raises(CommandError, match=said):
        told(project, *words)


def test_a_project_without_failures_says_so(project):
    assert "nothing is parked" in told(project)


def test_an_unknown_project_is_named(db):
    with pytest.raises(CommandError, match="There is no project 'x'"):
        call_command("failed_calls", "--project", "x")
