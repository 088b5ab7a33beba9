"""Commands say what they would take, keep to their cap, and ask again what was bought before only when told to."""

from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from curation.models import Call, Project, Run, Teacher
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
PRICE = {"input_price": Decimal("0.15"), "output_price": Decimal("0.6"), "parameters": {"max_tokens": 500}}


@pytest.fixture
def project(teacher_server):
    teacher = factories.teacher("Stand-in", base_url=teacher_server.url, **PRICE)
    project = factories.project(
        "Films", teacher=teacher, regen_teacher=teacher, judge_factuality=teacher, judge_reasoning=teacher
    )
    for _ in range(4):
        factories.prompt(project)
    return project


def call(name, *more):
    call_command(name, "--project", "films", "--inline", *more)


def rows(model):
    return list(model.objects.order_by("pk").values())


@pytest.mark.parametrize(
    ("command", "state", "said"),
    [
        ("collect_teacher", "to_collect", "4 of 4 waiting prompts"),
        ("sample_gate", "to_judge", "1 of 1 waiting prompts"),
        ("regenerate_bad", "to_regenerate", "1 of 1 waiting prompts"),
        ("run_pipeline", "to_filter", "5 of 5 waiting prompts"),
    ],
)
def test_the_quote_is_a_table_and_does_nothing(project, teacher_server, capsys, command, state, said):
    if state != "to_collect":
        factories.prompt(project, state)
    before = [rows(model) for model in (Project, Teacher, Run, Call)]
    call(command, "--quote")
    out = capsys.readouterr().out
    assert said in out
    for name in ("p10", "p50", "p90", "Calls", "Tokens in", "Tokens out", "Price, USD", "Prices", "Time", "Basis"):
        assert name in out
    is_new = state == "to_collect"
    assert ("an estimate: no answers of this project yet" in out) is is_new
    assert ("Stand-in gave too few of them in this project yet" in out) is not is_new
    assert [rows(model) for model in (Project, Teacher, Run, Call)] == before
    assert not project.templates.exists()
    assert teacher_server.requests == []


def test_a_quote_with_another_system_prompt_leaves_the_projects_own(project, tmp_path, capsys):
    (tmp_path / "system.txt").write_text("Be brief. " * 4000, "utf-8")
    call("collect_teacher", "--quote", "--system-prompt", str(tmp_path / "system.txt"))
    tokens_in = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("Tokens in"))
    assert int(tokens_in.split()[3].replace(",", "")) > 4 * 10_000
    assert not project.templates.exists()


def test_nothing_to_do_is_said_in_a_sentence(project, capsys):
    call("regenerate_bad", "--quote")
    assert "No prompt waits for this." in capsys.readouterr().out


def test_a_cap_is_for_the_whole_command_and_what_does_not_fit_waits(project, capsys):
    call("run_pipeline", "--cap", "0.0011")
    run = Run.objects.get()
    assert run.cap_usd == Decimal("0.0011")
    assert 0 < run.cost <= run.cap_usd
    assert "cap" in run.notice
    assert project.prompts.in_state("to_collect", "to_judge").exists()


def test_what_an_earlier_run_of_the_command_spent_is_off_the_cap_of_the_next(project, teacher_server, capsys):
    project.judge_factuality = project.judge_reasoning = None
    project.save()
    project.prompts.all().delete()
    factories.prompt(project)
    factories.prompt(project, "to_regenerate")
    call("run_pipeline", "--regenerate", "--cap", "0.00078")
    assert len(teacher_server.requests) == 1
    assert "is less than one call may cost" in capsys.readouterr().err
    assert project.prompts.in_state("to_regenerate").count() == 1


@pytest.mark.parametrize("command", ["collect_teacher", "run_pipeline"])
@pytest.mark.parametrize(
    ("said", "why"),
    [
        (["--cap", "much"], "no amount of USD"),
        (["--cap", "0"], "leaves nothing to ask"),
        (["--cap-tokens", "-1"], "leaves nothing to ask"),
        (["--cap", "0.000001"], "is less than one call may cost"),
    ],
)
@pytest.mark.parametrize("quote", [[], ["--quote"]])
def test_a_wrong_cap_is_refused_before_anything_is_asked(project, teacher_server, command, said, why, quote):
    with pytest.raises(CommandError, match=why):
        call(command, *said, *quote)
    assert teacher_server.requests == []
    assert not Run.objects.exists()


def test_what_other_projects_bought_is_used_again_unless_it_is_to_be_fresh(project, teacher_server, capsys):
    call("collect_teacher", "--max-samples", "4")
    other = factories.project("Other", teacher=project.teacher)
    for prompt in project.prompts.order_by("pk"):
        factories.prompt(other, context=prompt.context)
    bought = len(teacher_server.requests)
    call_command("collect_teacher", "--project", "other", "--quote")
    assert "4 answered before: not bought again" in capsys.readouterr().out
    call_command("collect_teacher", "--project", "other", "--quote", "--fresh")
    assert "Calls                      4" in capsys.readouterr().out
    call_command("collect_teacher", "--project", "other", "--inline")
    assert len(teacher_server.requests) == bought


def test_fresh_buys_them_again(project, teacher_server):
    call("collect_teacher")
    other = factories.project("Other", teacher=project.teacher)
    for prompt in project.prompts.order_by("pk"):
        factories.prompt(other, context=prompt.context)
    bought = len(teacher_server.requests)
    call_command("collect_teacher", "--project", "other", "--inline", "--fresh")
    assert len(teacher_server.requests) == bought + 4
