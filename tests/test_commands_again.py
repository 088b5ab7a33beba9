"""`collect_teacher --again` on the command line: quote first, a yes or --yes, and nothing where nothing changed."""

import sys

import pytest
from django.core.management import CommandError, call_command

from curation.models import PromptTemplate, Run
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
CONFIG = """
project: again
collection:
  teacher_model: "gpt-4o-mini"
  system_prompt_path: system.txt
storage:
  collected_dataset: "out.parquet"
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch, teacher_server):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_BASE_URL", teacher_server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-test")
    (tmp_path / "system.txt").write_text("You are a rigorous assistant.\n")
    (tmp_path / "config.yaml").write_text(CONFIG)
    return tmp_path


@pytest.fixture
def project(teacher_server):
    made = factories.project(slug="asked", teacher=factories.teacher(base_url=teacher_server.url))
    for _ in range(3):
        factories.prompt(made)
    call_command("collect_teacher", "--project", "asked", "--inline")
    return made


def again(*arguments):
    call_command("collect_teacher", "--project", "asked", "--inline", "--again", *arguments)


def test_nothing_changed_asks_nothing_and_says_so(project, teacher_server, capsys):
    again()
    said = capsys.readouterr()
    assert "3 prompts are chosen: 0 would be asked again" in said.out
    assert "Nothing is asked" in said.err
    assert len(teacher_server.requests) == 3
    assert Run.objects.count() == 1


def test_a_new_system_prompt_is_quoted_without_being_kept_then_asked(project, teacher_server, home, capsys):
    (home / "new.txt").write_text("You are another assistant.\n")
    again("--system-prompt", "new.txt", "--dry-run")
    assert "3 would be asked again" in capsys.readouterr().out
    assert PromptTemplate.objects.filter(project=project, name="system_toolproto").count() == 1
    again("--system-prompt", "new.txt", "--yes")
    assert len(teacher_server.requests) == 6
    assert teacher_server.requests[-1]["messages"][0]["content"].startswith("You are another assistant.")
    again("--yes")
    assert len(teacher_server.requests) == 6


def test_without_a_terminal_it_needs_a_yes(project, teacher_server):
    factories.template(project, "system_toolproto", "Another.")
    with pytest.raises(CommandError, match="--yes"):
        again("state=to_filter")
    assert len(teacher_server.requests) == 3


@pytest.mark.parametrize(("answer", "requests"), [("y", 6), ("n", 3), ("", 3)])
def test_in_a_terminal_it_asks(project, teacher_server, monkeypatch, answer, requests):
    factories.template(project, "system_toolproto", "Another.")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: answer)
    if requests == 3:
        with pytest.raises(CommandError, match="Nothing was asked"):
            again()
    else:
        again()
    assert len(teacher_server.requests) == requests


def test_a_wrong_filter_or_value_is_named(project, capsys):
    with pytest.raises(CommandError, match="known are state"):
        again("stat=to_judge")
    again("domain=astrology")
    assert "there are: chemistry" in capsys.readouterr().err


def test_a_changed_file_of_the_configuration_counts_and_a_quote_changes_nothing(home, teacher_server, capsys):
    config = ("--config", "config.yaml", "--inline")
    (home / "in.jsonl").write_text('{"text": "Dust made snow melt.", "domain": "earth"}\n')
    call_command("collect_teacher", *config, "--src", "in.jsonl", "--task-types", "hypothesis")
    assert len(teacher_server.requests) == 1
    (home / "system.txt").write_text("You are somebody else.\n")
    call_command("collect_teacher", *config, "--again", "--dry-run")
    assert "1 would be asked again" in capsys.readouterr().out
    assert PromptTemplate.objects.filter(name="system_toolproto").count() == 1
    call_command("collect_teacher", *config, "--again", "--yes")
    assert len(teacher_server.requests) == 2
    assert (home / "out.parquet").exists()


def test_it_imports_nothing(project):
    with pytest.raises(CommandError, match="import and collect --src first"):
        again("--src", "in.jsonl")
