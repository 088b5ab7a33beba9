"""Commands with wrong input end with a sentence that says what is right, before anything is asked."""

import pytest
from django.core.management import CommandError, call_command

from curation.models import Project, Teacher
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def config(tmp_path, monkeypatch, teacher_server):
    monkeypatch.setenv("OPENAI_BASE_URL", teacher_server.url)
    (tmp_path / "inputs.csv").write_text("context\nA passage about 5 nm films of zinc.\n", encoding="utf-8")
    path = tmp_path / "distill_config.yaml"
    path.write_text(
        f"storage: {{raw_dataset: {tmp_path}/inputs.csv, collected_dataset: {tmp_path}/out.parquet}}\n", "utf-8"
    )
    return path


def collect(config, *more):
    call_command("collect_teacher", "--config", str(config), "--inline", *more)


@pytest.mark.parametrize("value", ["abc", "0", "-5", "2.5", "99999"])
def test_a_wrong_number_of_workers_is_refused_by_name(config, monkeypatch, teacher_server, value):
    monkeypatch.setenv("OPENAI_MAX_WORKERS", value)
    with pytest.raises(CommandError, match="OPENAI_MAX_WORKERS"):
        collect(config)
    assert teacher_server.requests == []


@pytest.mark.parametrize("value", ["not-an-address", "http://me:swordfish@127.0.0.1:9/v1", "https://api.test/v1?k=v"])
def test_a_wrong_address_is_refused_and_a_password_in_it_is_stored_nowhere(config, monkeypatch, value):
    monkeypatch.setenv("OPENAI_BASE_URL", value)
    with pytest.raises(CommandError, match="OPENAI_BASE_URL") as refused:
        collect(config)
    assert "swordfish" not in str(refused.value)
    assert not Teacher.objects.exists()


def test_a_file_that_is_not_there_leaves_no_project_and_no_teachers_behind(config, tmp_path):
    with pytest.raises(CommandError, match="no such file"):
        collect(config, "--src", str(tmp_path / "none.parquet"))
    assert not Project.objects.exists()
    assert not Teacher.objects.exists()


@pytest.mark.parametrize("number", ["0", "21", "99", "two"])
def test_more_answers_than_the_settings_allow_are_refused(config, teacher_server, number):
    with pytest.raises(CommandError, match="number from 1 to 20"):
        collect(config, "--samples", number)
    assert teacher_server.requests == []


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_system_prompt_that_cannot_be_read_is_refused(config, tmp_path, content):
    path = tmp_path / "system.txt"
    if content:
        path.write_bytes(content)
    with pytest.raises(CommandError, match="system.txt"):
        collect(config, "--system-prompt", str(path))


def test_a_place_that_cannot_be_written_is_named(config, tmp_path):
    (tmp_path / "file").write_text("no folder", "utf-8")
    with pytest.raises(CommandError, match="file"):
        collect(config, "--dst", str(tmp_path / "file" / "out.parquet"))


def test_a_named_project_with_prompts_goes_on_where_the_configured_file_is_absent(config, tmp_path, capsys):
    project = factories.project("Films")
    factories.prompt(project, "accepted")
    (tmp_path / "inputs.csv").unlink()
    collect(config, "--project", "films")
    assert "films goes on with the prompts it has" in capsys.readouterr().err
    assert (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
@pytest.mark.parametrize("said", [(), ("--project", "films"), ("--src", "nowhere.csv")])
def test_an_absent_file_is_named_with_its_place(config, tmp_path, said, dry):
    factories.project("Films")
    (tmp_path / "inputs.csv").unlink()
    with pytest.raises(CommandError, match="(inputs|nowhere).csv: there is no such file"):
        collect(config, *said, *dry)


def test_a_dry_run_refuses_a_file_that_the_import_would_refuse(config, tmp_path):
    (tmp_path / "inputs.csv").write_text("number\n12\n", "utf-8")
    with pytest.raises(CommandError, match="inputs.csv.*number"):
        collect(config, "--dry-run")
