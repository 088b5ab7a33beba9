"""`manage.py import_inputs` as a user types it."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from curation.models import Project
from tests import factories
from tests.import_files import jsonl_text, stored, write

ROWS = [{"text": f"Text {n}."} for n in range(4)]


def run(*words):
    """(what it printed, what it printed to stderr)."""
    out, err = io.StringIO(), io.StringIO()
    call_command("import_inputs", *map(str, words), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


@pytest.fixture
def rows(tmp_path):
    return write(tmp_path, "rows.jsonl", jsonl_text(ROWS))


def test_it_reports_each_file(project, rows, tmp_path):
    notes = write(tmp_path, "notes.md", "# Notes\n\nIron helps.")

    out, _ = run(rows, notes, "--project", project.slug)

    assert "rows.jsonl: imported 8, unchanged 0, differs 0, rejected 0 (4 rows" in out
    assert "notes.md: imported 2, unchanged 0, differs 0, rejected 0 (1 rows" in out
    out, _ = run(rows, "--project", project.slug)
    assert "rows.jsonl: imported 0, unchanged 8, differs 0, rejected 0" in out


def test_options(project, tmp_path):
    row = {"q": "Why?", "about": "Iron.", "area": "chemistry", "ref": "10.1/x", "kind": "explanation", "domain": "no"}
    path = write(tmp_path, "rows.jsonl", jsonl_text([row, row | {"q": "How?"}]))
    maps = ["prompt=q", "context=about", "locator=ref", "task_type=kind", "domain="]

    run(path, "--project", project.slug, "--limit", 1, *(word for m in maps for word in ("--map", m)))

    prompt = project.prompts.get()
    assert (prompt.user_prompt, prompt.context, prompt.task_type, prompt.domain) == ("Why?", "Iron.", "explanation", "")
    assert prompt.document.locator == "10.1/x"
    assert prompt.metadata == {"area": "chemistry", "domain": "no"}


def test_presets_and_task_types(project, tmp_path):
    both = {"user_prompt": "U", "prompt": "P", "context": "C", "template_name": "hypothesis", "task_type": "review"}
    path = write(tmp_path, "rows.jsonl", jsonl_text([both]))

    run(path, "--project", project.slug, "--preset", "legacy")
    assert project.prompts.get().user_prompt == "P"

    texts = write(tmp_path, "texts.jsonl", jsonl_text(ROWS))
    run(texts, "--project", project.slug, "--task-types", "hypothesis, summary")
    assert project.prompts.filter(task_type="summary").count() == 4


def test_the_project_is_made_only_when_asked(db, rows):
    factories.project(slug="other")
    with pytest.raises(CommandError, match=r"no project 'new-one'; there are: other\. --create makes it"):
        run(rows, "--project", "new-one")

    run(rows, "--project", "new-one", "--create")

    assert Project.objects.get(slug="new-one").name == "New one"
    run(rows, "--project", "new-one", "--create")


@pytest.mark.parametrize("slug", ["no good", "x" * 61, ""])
def test_a_slug_that_is_none(db, rows, slug):
    with pytest.raises(CommandError, match="slug"):
        run(rows, "--project", slug, "--create")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--limit", "0"], "0 rows is nothing to do; leave --limit out for all"),
        (["--limit", "-3"], "-3 rows is nothing to do"),
        (["--map", "colour=text"], "--map colour=text: write FIELD=COLUMN, where FIELD is one of prompt, context"),
        (["--map", "text"], "--map text: write FIELD=COLUMN"),
        (["--map", "text=text", "--map", "text=id"], "mapped to 'text' already"),
        (["--map", "text=txt"], "expected 'txt'; found 'text'"),
        (["--task-types", ","], "Name at least one task type"),
        (["--passage-chars", "7"], "use 200 or more"),
        (["--preset", "modern"], "invalid choice"),
        (["--preset", "code"], "expected 'prompt_text', 'context', 'task_type'; found 'text'"),
    ],
)
def test_wrong_options_are_named(project, rows, words, said):
    with pytest.raises(CommandError) as caught:
        run(rows, "--project", project.slug, *words)

    assert said in str(caught.value)
    assert stored(project) == (0, 0, 0)


def test_one_bad_file_holds_back_the_good_ones(project, rows, tmp_path):
    first, second = write(tmp_path, "a.csv", "question\nWhy?\n"), write(tmp_path, "b.parquet", "no")

    with pytest.raises(CommandError) as caught:
        run(rows, first, second, "--project", project.slug)

    assert all(part in str(caught.value) for part in ("a.csv: ", "b.parquet: ", "Nothing was imported."))
    assert stored(project) == (0, 0, 0)


def test_rejected_rows_are_told_and_written(project, tmp_path):
    (tmp_path / "a").mkdir()
    paths = [write(folder, "rows.jsonl", jsonl_text(ROWS) + "{broken\n") for folder in (tmp_path, tmp_path / "a")]

    _, err = run(*paths, "--project", project.slug)

    assert "rows.jsonl, line 5: broken JSON" in err
    written = sorted((project.data_dir / "imports").iterdir())
    assert [path.name for path in written] == ["rows.jsonl.1.rejects.jsonl", "rows.jsonl.2.rejects.jsonl"]
    assert all(str(path) in err for path in written)
    assert json.loads(written[0].read_text())["row"] == "{broken"
