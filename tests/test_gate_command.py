"""SampleGate from the configuration and the command line: readings, bands, and a warning where judges are kin."""

from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from curation.models import GateResult, JudgeScore, Project, Ruleset, State
from pipeline.config import load_config
from pipeline.config_errors import ConfigError
from pipeline.setup import project_for
from tests import factories, teacher_replies

JUDGING = """
project: films
collection: {teacher_model: gpt-4o-mini}
judging:
  judge_f_model: gpt-4o-mini
  judge_r_model: o3-mini
  more_judge_models: [claude-sonnet-4]
  judge_repeats: 2
  judge_f_threshold: 60
  accept_f_from: 90
  accept_r_from: 95
  max_spread: 25
"""

pytestmark = pytest.mark.django_db


@pytest.fixture
def config(tmp_path):
    def made(text=JUDGING):
        path = tmp_path / "distill_config.yaml"
        path.write_text(text)
        return load_config(path)

    return made


def test_the_configuration_names_judges_repeats_and_bands(config):
    project = project_for(config())
    assert (project.judge_factuality.model, project.judge_reasoning.model) == ("gpt-4o-mini", "o3-mini")
    assert [judge.model for judge in project.more_judges.all()] == ["claude-sonnet-4"]
    assert len(project.readers) == 8
    body = project.gate_ruleset.body
    assert body | {"judge_f_threshold": 60, "accept_f_from": 90, "accept_r_from": 95, "max_spread": 25} == body
    project_for(config())
    assert Ruleset.objects.filter(project=project, kind="gate").count() == 1


def test_what_the_configuration_leaves_out_stays(config):
    project = project_for(config())
    Project.objects.filter(pk=project.pk).update(judge_repeats=3)
    project_for(config("project: films\njudging: {judge_f_model: gpt-4o-mini}\n"))
    project.refresh_from_db()
    assert (project.judge_repeats, project.more_judges.count()) == (3, 1)
    assert project.gate_ruleset.body["accept_f_from"] == 90


@pytest.mark.parametrize(
    ("judging", "named"),
    [
        ("judge_repeats: 0", "judging.judge_repeats"),
        ("judge_repeats: 10", "judging.judge_repeats"),
        ("accept_f_from: 101", "judging.accept_f_from"),
        ("max_spread: wide", "judging.max_spread"),
        ("more_judge_models: gpt-4o", "judging.more_judge_models"),
        ("accept_from: 90", "judging.accept_from is not a known key"),
    ],
)
def test_wrong_values_are_refused_by_name(config, judging, named):
    with pytest.raises(ConfigError, match=named):
        config(f"judging: {{{judging}}}\n")


def test_an_accept_band_below_the_threshold_is_refused(config):
    with pytest.raises(ConfigError, match="gate.accept_f_from"):
        project_for(config("judging: {judge_f_model: a, accept_f_from: 70}\n"))


@pytest.fixture
def project(teacher_server, settings):
    settings.RETRY_PAUSE_SECONDS = 0.01
    teacher = factories.teacher("Writer", base_url=teacher_server.url, model="gpt-4o-mini")
    judge = factories.teacher("Referee", base_url=teacher_server.url, model="openai/gpt-4.1")
    return factories.project(slug="films", teacher=teacher, judge_factuality=judge, judge_reasoning=judge)


def gate(*options):
    out, said = StringIO(), StringIO()
    call_command("sample_gate", "--project", "films", "--inline", *options, stdout=out, stderr=said)
    return out.getvalue(), said.getvalue()


@pytest.mark.django_db(transaction=True)
class TestCommand:
    @pytest.fixture(autouse=True)
    def elsewhere(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)

    def test_bands_repeats_and_spread(self, project, teacher_server):
        for _ in range(2):
            factories.prompt(project, State.TO_JUDGE)
        options = ("--accept-f-from", "95", "--accept-r-from", "90", "--max-spread", "30", "--repeats", "2")
        teacher_server.script(teacher_replies.Reply(fields={"score": 92}), always=True)
        out, said = gate(*options, "--output", "passed.parquet")
        project.refresh_from_db()
        body = project.gate_ruleset.body
        assert (body["accept_f_from"], body["accept_r_from"], body["max_spread"]) == (95, 90, 30)
        assert (project.judge_repeats, JudgeScore.objects.count()) == (2, 8)
        assert "| judged | 2 | 100.0% |" in out
        assert pd.read_parquet("passed.parquet")["judge_f_score"].tolist() == [92, 92]
        assert not GateResult.objects.filter(audit=True).exists()  # between the threshold and the accept band

    def test_a_judge_of_its_teachers_family_is_said_on_standard_error(self, project):
        factories.prompt(project, State.TO_JUDGE)
        out, said = gate()
        assert "Referee judges answers of Writer, of the same family (GPT)" in said
        assert "family" not in out

    @pytest.mark.parametrize(
        ("option", "value", "words"),
        [
            ("--repeats", "0", "give 1 to 9"),
            ("--accept-f-from", "50", "gate.accept_f_from"),
            ("--max-spread", "-1", "gate.max_spread"),
        ],
    )
    def test_wrong_options_are_refused(self, project, option, value, words):
        factories.prompt(project, State.TO_JUDGE)
        with pytest.raises(CommandError, match=words):
            gate(option, value)
        assert not JudgeScore.objects.exists()


def test_the_shipped_configuration_reads_as_before():
    config = load_config(Path(__file__).parent.parent / "configs" / "distill_config.yaml")
    assert (config.judging.judge_f_model, config.judging.judge_repeats) == (None, None)
