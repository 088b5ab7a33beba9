"""`manage.py validate`: what it looks at in a project and in a file, what it prints, and the status it ends with."""

import json

import pytest
from django.core.management import CommandError, call_command

from curation.models import Prompt
from pipeline import filters
from pipeline.stages import filtering
from tests import factories

pytestmark = pytest.mark.django_db
DOMAINS = ("biology", "materials", "physics")
KNOWN = (
    "It has been shown that iron lowers the overpotential of cobalt oxide films in alkaline electrolytes by 30 mV, " * 2
)


def run(capsys, *arguments):
    """(exit status, standard output) of the command."""
    status = 0
    try:
        call_command("validate", *map(str, arguments))
    except SystemExit as ended:
        status = ended.code
    return status, capsys.readouterr().out


def checks(capsys, *arguments):
    """(exit status, {check: its outcome}, the whole of the JSON)."""
    status, printed = run(capsys, *arguments, "--json")
    told = json.loads(printed)
    assert told["passes"] is (status == 0)
    return status, {check["id"]: check["outcome"] for check in told["checks"]}, told


def fill(project, each=1, **answers):
    """`each` answered prompts of each domain and task type."""
    for domain in DOMAINS:
        for task in ("hypothesis", "methodology"):
            for _ in range(each):
                text = answers.get(task)
                text = text and f"{text} {Prompt.objects.count()}."
                factories.prompt(project, "to_review", task_type=task, domain=domain, answer=text)


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def rows(**changes):
    """Rows of teacher inputs with answers that pass in everything but their number."""
    texts = {"hypothesis": factories.HYPOTHESIS, "methodology": factories.METHODOLOGY}
    return [
        {
            "domain": domain,
            "template_name": task,
            "user_prompt": f"State a {task} on {domain}.",
            "teacher_output": f"{text} This is said of {domain}.",
            **changes,
        }
        for domain in DOMAINS
        for task, text in texts.items()
    ]


def test_a_good_project_passes_with_a_warning_on_thin_cells(project, capsys):
    fill(project)
    status, found, told = checks(capsys, "--project", project.slug)
    assert status == 0
    assert [id for id, outcome in found.items() if outcome != "pass"] == ["cells", "repeated"]
    assert len(told["cells"]) == 6
    assert told["limits"]["min_falsifiable"] == 60


def test_the_table_says_what_is_wrong_and_what_is_right(project, capsys):
    fill(project, hypothesis=KNOWN)
    status, printed = run(capsys, "--project", project.slug)
    assert status == 1
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    assert "FAILED Falsifiable hypotheses 0.0 % of 3 at least 60 %" in lines
    assert "0 of 3: 60 % or more are wanted." in printed
    assert "ok       Domains" in printed
    assert printed.rstrip().endswith(f"{project.slug} does not pass: 1 of 10 checks failed, 2 warnings.")


@pytest.mark.parametrize(
    ("answers", "failed"),
    [
        ({"hypothesis": KNOWN}, {"falsifiable"}),
        ({"methodology": "We will measure the films and compare them with a control. " * 8}, {"method", "form"}),
        ({"hypothesis": "Iron."}, {"falsifiable", "form", "empty"}),
    ],
)
def test_answers_that_teach_the_wrong_thing_fail(project, capsys, answers, failed):
    fill(project, **answers)
    status, found, _ = checks(capsys, "--project", project.slug)
    assert status == 1
    assert {id for id, outcome in found.items() if outcome == "fail"} == failed


def test_only_current_answers_count_and_prompts_without_one_are_told(project, capsys):
    fill(project)
    for prompt in list(project.prompts.filter(task_type="hypothesis")):
        factories.response(prompt, KNOWN, current=False)
    factories.prompt(project)
    status, _, told = checks(capsys, "--project", project.slug)
    assert status == 0
    assert told["checks"][0]["found"] == "6 of 7"


def test_stored_verdicts_are_believed_and_gaps_are_measured(project, capsys, monkeypatch):
    fill(project)
    ruleset = filtering.adopt(project)
    hypotheses = list(project.prompts.filter(task_type="hypothesis"))
    for prompt in hypotheses[:2]:
        factories.filter_result(prompt.current_response, failed=["require_claim"], ruleset=ruleset)
    measured = []
    rule = filters.RULES["require_claim"].measure
    spied = filters.RULES | {
        "require_claim": filters.Rule(
            **vars(filters.RULES["require_claim"]) | {"measure": lambda a: measured.append(a) or rule(a)}
        )
    }
    monkeypatch.setattr("pipeline.filters.ruleset.RULES", spied)
    status, found, told = checks(capsys, "--project", project.slug)
    assert (status, found["falsifiable"]) == (1, "fail")
    assert next(c["found"] for c in told["checks"] if c["id"] == "falsifiable") == "33.3 % of 3"
    assert len(measured) == 1


def test_a_version_that_knew_no_such_rule_leaves_it_to_be_measured(project, capsys):
    fill(project)
    ruleset = factories.ruleset(project, body={"min_char_length": 120})
    for prompt in project.prompts.all():
        factories.filter_result(prompt.current_response, failed=["min_char_length"], ruleset=ruleset)
    _, found, told = checks(capsys, "--project", project.slug)
    assert (found["falsifiable"], found["method"], found["form"]) == ("pass", "pass", "fail")


def test_a_project_without_answers_fails(project, capsys):
    factories.prompt(project)
    status, found, _ = checks(capsys, "--project", project.slug)
    assert (status, found["answers"], found["falsifiable"]) == (1, "fail", "warn")
    for domain in DOMAINS:
        factories.prompt(project, domain=domain)
    assert checks(capsys, "--project", project.slug)[1]["domains"] == "pass"


def test_limits_are_options(project, capsys):
    fill(project)
    assert run(capsys, "--project", project.slug, "--min-domains", 4)[0] == 1
    assert run(capsys, "--project", project.slug, "--min-templates", 3)[0] == 1
    fill(factories.project("Loose"), hypothesis=KNOWN)
    assert run(capsys, "--project", "loose", "--min-falsifiable", 0)[0] == 0


@pytest.mark.parametrize(
    ("made", "status", "failed"),
    [
        (rows(), 0, set()),
        (rows(teacher_output=None), 1, {"answers"}),
        ([{k: v for k, v in row.items() if k != "teacher_output"} for row in rows()], 0, set()),
        (rows(teacher_output=""), 1, {"answers"}),
        ([*rows(), rows()[0]], 1, {"duplicates"}),
        ([*rows(), rows()[0] | {"template_name": ""}], 1, {"answers"}),
        (rows(domain="biology"), 1, {"domains"}),
        (rows(template_name="hypothesis"), 1, {"templates", "falsifiable", "form"}),
        ([row | {"teacher_output": "No."} for row in rows()], 1, {"empty", "falsifiable", "method", "form"}),
    ],
)
def test_a_file_is_held_to_the_same_and_nothing_is_written(tmp_path, capsys, made, status, failed):
    path = write(tmp_path / "rows.jsonl", made)
    ended, found, told = checks(capsys, path)
    assert {id for id, outcome in found.items() if outcome == "fail"} == failed
    assert ended == status
    assert told["data"] == "rows.jsonl"
    assert not Prompt.objects.exists()


def test_a_parquet_file_with_columns_of_its_own(tmp_path, capsys):
    import pandas as pd

    path = tmp_path / "rows.parquet"
    frame = pd.DataFrame(rows()).rename(columns={"teacher_output": "reply", "template_name": "kind"})
    frame.to_parquet(path)
    status, found, _ = checks(capsys, path, "--map", "output=reply", "--map", "task_type=kind")
    assert (status, found["falsifiable"], found["method"]) == (0, "pass", "pass")


def test_rules_of_a_file_or_of_a_project(tmp_path, project, capsys):
    path = write(tmp_path / "rows.jsonl", rows())
    strict = tmp_path / "filters.yaml"
    strict.write_text("min_char_length: 1000\n")
    assert checks(capsys, path, "--rules", strict)[1]["form"] == "fail"
    factories.ruleset(project, body={"min_char_length": 1000})
    assert checks(capsys, path, "--project", project.slug)[1]["form"] == "fail"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Name what to validate"),
        (["--project", "nowhere"], "There is no project 'nowhere'"),
        (["/nowhere/rows.jsonl"], "There is no such file."),
        (["rows.jsonl", "--map", "answer=x"], "write FIELD=COLUMN"),
        (["rows.jsonl", "--map", "output=x"], "Missing column: expected 'x'"),
        (["rows.jsonl", "--rules", "wrong.yaml"], "min_char_lenght"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "rows.jsonl", rows())
    (tmp_path / "wrong.yaml").write_text("min_char_lenght: 3\n")
    with pytest.raises(CommandError, match=words):
        call_command("validate", *arguments)
