"""filter_pairs tells what other rules would do before they hold, and gives back those that hold."""

import pytest
import yaml
from django.core.management import CommandError, call_command

from curation.models import Event, FilterResult, Ruleset, Run, State
from pipeline import filters
from tests import factories
from tests.running import run

pytestmark = pytest.mark.django_db(transaction=True)

SHORT = "Heat it, then it will grow."
OFF = {setting.key: setting.off for rule in filters.RULES.values() for setting in rule.settings[:1]}


@pytest.fixture
def project():
    """Three answers, two of them long enough, judged by rules that want ten characters."""
    made = factories.project(slug="films", paired=False)
    factories.ruleset(made, body={"min_char_length": 10})
    for answer in (SHORT, factories.HYPOTHESIS, factories.HYPOTHESIS + " It will."):
        factories.prompt(made, State.TO_FILTER, answer=answer)
    run(made, "filter")
    return made


def rules_file(tmp_path, **body):
    path = tmp_path / "other.yaml"
    path.write_text(yaml.safe_dump(OFF | body), encoding="utf-8")
    return path


def filter_pairs(capsys, *options):
    call_command("filter_pairs", "--project", "films", *map(str, options))
    return capsys.readouterr().out


def rows():
    return [model.objects.count() for model in (Ruleset, Run, Event, FilterResult)]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"min_char_length": 120}, ["Now 3 pass; then 2 would.", "1 would flip: 0 to passing, 1 to failing.", SHORT]),
        ({"min_char_length": 9}, ["Now 3 pass; then 3 would.", "0 would flip"]),
        ({"min_char_length": 100_000}, ["3 would flip: 0 to passing, 3 to failing.", "limit 100000"]),
        ({"require_action_verb": True}, ["would fail", filters.RULES["require_action_verb"].label]),
    ],
)
def test_a_report_tells_what_other_rules_would_flip_and_writes_nothing(project, tmp_path, capsys, body, told):
    before = rows()
    out = filter_pairs(capsys, "--config", rules_file(tmp_path, **body), "--dry-run", "--report")
    assert [each for each in told if each not in out] == []
    assert "all 3 answers" in out
    assert rows() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.yaml"]


def test_what_people_decided_is_counted_apart(project, tmp_path, capsys):
    short = project.prompts.get(current_response__text=SHORT)
    factories.annotation(short.current_response, factories.member(project, "reviewer"))
    out = filter_pairs(capsys, "--config", rules_file(tmp_path, min_char_length=120), "--dry-run", "--report")
    assert "People have decided 1 of those: they would not move." in out
    assert "decided by people" in out


def test_the_report_can_be_a_file(project, tmp_path, capsys):
    report = tmp_path / "report.txt"
    config = rules_file(tmp_path, min_char_length=120)
    filter_pairs(capsys, "--config", config, "--dry-run", "--report", report)
    assert "1 would flip" in report.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("body", "options", "said"),
    [
        (None, ("--dry-run", "--report"), "--config FILE"),
        ({"min_chars": 3}, ("--dry-run", "--report"), "min_chars: unknown key"),
        ({"min_char_length": "many"}, ("--dry-run", "--report"), "min_char_length: 'many' is wrong"),
    ],
)
def test_what_cannot_be_tried_is_refused(project, tmp_path, capsys, body, options, said):
    config = ("--config", rules_file(tmp_path, **body)) if body else ()
    with pytest.raises(CommandError, match=said):
        filter_pairs(capsys, *config, *options)


def test_a_dry_run_without_report_says_how_many_wait(project, capsys):
    factories.prompt(project, State.TO_FILTER)
    assert filter_pairs(capsys, "--dry-run") == "Would filter 1 answers.\n"


def test_the_rules_in_force_come_out_as_they_went_in(project, tmp_path, capsys):
    path = tmp_path / "filters.yaml"
    assert "Filters v1 of films" in filter_pairs(capsys, "--write-config", path)
    written = filters.load_rules(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert filters.rules_to_mapping(written) == filters.rules_to_mapping(filters.stored_rules({"min_char_length": 10}))
    assert Run.objects.count() == 1


def test_a_dry_run_writes_no_rules(project, tmp_path, capsys):
    path = tmp_path / "filters.yaml"
    assert "Would write" in filter_pairs(capsys, "--write-config", path, "--dry-run")
    assert not path.exists()


def test_before_the_first_rules_the_shipped_ones_come_out(tmp_path, capsys):
    factories.project(slug="films")
    path = tmp_path / "filters.yaml"
    assert "The shipped rules" in filter_pairs(capsys, "--write-config", path)
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["min_char_length"] == 120
