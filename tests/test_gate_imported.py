"""Judge columns of imported files: taken as they are, never bought again, and unreadable ones kept with the reason."""

import json
import math

import pyarrow as pa
import pytest

from curation.importing import import_file
from curation.models import JudgeScore, Prompt, State, Teacher
from pipeline import jobs, quotes
from pipeline.stages.importing import answer_reader, read_scores
from tests import factories
from tests.import_files import content, parquet_bytes, write
from tests.running import run

pytestmark = pytest.mark.django_db(transaction=True)

GOOD = {"score": 91, "flags": [], "requires_human_review": False, "rationale": "It follows from the source."}
LOW = GOOD | {"score": 41}
FLAGGED = GOOD | {"flags": ["safety_dual_use"]}


def rows(*judged, names=("judge_f_response", "judge_r_response"), task_type="hypothesis"):
    """A row of teacher outputs for each (judge_f, judge_r)."""
    return [
        {
            "domain": "chemistry",
            "template_name": task_type,
            "user_prompt": f"Write about sample {number}.",
            "context": f"Sample {number} was heated to {300 + number} K.",
            "teacher_output": f"If sample {number} is heated to 400 K, then its length will increase by 2 %.",
            "model_id": "gpt-4o-mini",
            names[0]: f,
            names[1]: r,
        }
        for number, (f, r) in enumerate(judged)
    ]


def imported(project, tmp_path, data, suffix=".jsonl"):
    path = write(tmp_path, f"judged{suffix}", data if isinstance(data, bytes) else content(data, suffix))
    report = import_file(project, path, read_answer=answer_reader(project), read_scores=read_scores)
    assert (report.rejected, report.answers) == (0, project.prompts.count())
    Prompt.objects.filter(project=project).update(state=State.TO_JUDGE)
    return list(project.prompts.order_by("pk"))


def judged(project):
    """[(state, reasons)] by prompt after a run of the gate."""
    run(project, "judge")
    found = project.prompts.order_by("pk").values_list("state", "current_response__gate_results__reasons")
    return [(state, sorted(reasons or ())) for state, reasons in found]


@pytest.fixture
def project():
    return factories.project(on_gate_fail="rejected", auto_accept_percent=99)


def as_text(value):
    return json.dumps(value) if isinstance(value, dict) else value


STRUCT = pa.struct(
    [
        ("score", pa.float64()),
        ("flags", pa.list_(pa.string())),
        ("requires_human_review", pa.bool_()),
        ("rationale", pa.string()),
    ]
)


def struct_parquet(made):
    kinds = [(name, STRUCT if name.startswith("judge") else pa.string()) for name in made[0]]
    return parquet_bytes(made, pa.schema(kinds))


@pytest.mark.parametrize("names", [("judge_f_response", "judge_r_response"), ("judge_f", "judge_r")])
@pytest.mark.parametrize("form", ["parquet of structs", "parquet of texts", "jsonl", "jsonl of texts", "csv", "pandas"])
def test_every_form_is_gated_without_a_judge(project, tmp_path, names, form):
    cases = [(GOOD, GOOD), (LOW, GOOD), (GOOD, FLAGGED), (GOOD, None), (None, None)]
    texts = [tuple(map(as_text, case)) for case in cases]
    made = rows(*(texts if "text" in form or form == "csv" else cases), names=names)
    if form == "parquet of structs":
        imported(project, tmp_path, struct_parquet(made), ".parquet")
    elif form == "parquet of texts":
        imported(project, tmp_path, made, ".parquet")
    elif form == "pandas":
        pandas = pytest.importorskip("pandas")
        imported(project, tmp_path, pandas.DataFrame(made).to_csv(index=False).encode(), ".csv")
    else:
        imported(project, tmp_path, made, ".csv" if form == "csv" else ".jsonl")
    assert judged(project) == [
        (State.TO_REVIEW, []),  # imported answers are for people, also in the accept band
        (State.REJECTED, ["judge_f_low_score"]),
        (State.TO_REVIEW, ["safety_critical_flag"]),
        (State.TO_REVIEW, ["missing_dual_judge"]),
        (State.TO_REVIEW, []),  # nobody read it at all
    ]
    assert {(s.rubric_version, s.judge.kind, s.call) for s in JudgeScore.objects.select_related("judge")} == {
        (JudgeScore.IMPORTED, Teacher.Kind.IMPORTED, None)
    }
    assert JudgeScore.objects.count() == 7


@pytest.mark.parametrize(
    ("f", "r", "reasons", "errors"),
    [
        ("{broken", json.dumps(GOOD), ["invalid_judge_f_json"], 1),
        (json.dumps(GOOD), "nonsense", ["invalid_judge_r_json"], 1),
        (json.dumps({"verdict": "good"}), "[1]", ["invalid_judge_f_schema", "invalid_judge_r_schema"], 2),
        (json.dumps(GOOD | {"score": 850}), json.dumps(LOW), ["invalid_judge_f_schema", "judge_r_low_score"], 1),
        (json.dumps(GOOD | {"flags": None}), json.dumps(GOOD | {"requires_human_review": None}), [], 0),
        (json.dumps(GOOD), json.dumps(GOOD | {"requires_human_review": True}), ["safety_flag_human_review"], 0),
        (json.dumps(GOOD | {"flags": "safety_x, vague"}), json.dumps(GOOD), ["safety_critical_flag"], 0),
    ],
)
def test_what_cannot_be_read_goes_to_people_with_the_reason(project, tmp_path, f, r, reasons, errors):
    imported(project, tmp_path, rows((f, r)))
    assert judged(project) == [(State.TO_REVIEW, reasons)]
    wrong = JudgeScore.objects.filter(score=None)
    assert [each.error.split(":")[0] in reasons for each in wrong] == [True] * errors


@pytest.mark.parametrize("empty", [None, math.nan, "", "nan", {"score": None, "flags": None}])
def test_nothing_in_the_column_is_no_score_and_no_error(project, tmp_path, empty):
    imported(project, tmp_path, [row for row in rows((empty, GOOD))])
    assert [(s.rubric, s.score) for s in JudgeScore.objects.all()] == [("reasoning", 91)]


def test_judges_are_asked_for_what_the_file_does_not_say_alone(project, tmp_path, teacher_server, settings):
    settings.RETRY_PAUSE_SECONDS = 0.01
    judge = factories.teacher(base_url=teacher_server.url)
    project.judge_factuality = project.judge_reasoning = judge
    project.save()
    imported(project, tmp_path, rows((GOOD, None), (None, None), (LOW, GOOD)))
    assert quotes.quote(project, "judge").calls.mid == 3
    assert [state for state, _ in judged(project)] == [State.TO_REVIEW, State.TO_REVIEW, State.REJECTED]
    assert len(teacher_server.requests) == 3
    bought = JudgeScore.objects.exclude(rubric_version=JudgeScore.IMPORTED)
    assert sorted(bought.values_list("response__prompt__user_prompt", "rubric")) == [
        ("Write about sample 0.", "reasoning"),
        ("Write about sample 1.", "factuality"),
        ("Write about sample 1.", "reasoning"),
    ]


def test_the_filters_send_on_to_the_gate_where_scores_were_imported(project, tmp_path):
    imported(project, tmp_path, rows((GOOD, GOOD)))
    Prompt.objects.filter(project=project).update(state=State.TO_FILTER)
    project.filter_ruleset = factories.ruleset(project, body={"min_char_length": 1})
    run(project, "filter")
    assert set(project.prompts.values_list("state", flat=True)) == {State.TO_JUDGE}


def test_without_judges_and_scores_the_gate_says_so(project):
    factories.prompt(project, State.TO_JUDGE)
    with pytest.raises(jobs.CannotStart, match="no judges"):
        jobs.prepare(project, "judge")


def test_the_same_file_again_adds_nothing(project, tmp_path):
    made = rows((GOOD, LOW))
    imported(project, tmp_path, made)
    path = write(tmp_path, "again.jsonl", content(made, ".jsonl"))
    import_file(project, path, read_answer=answer_reader(project), read_scores=read_scores)
    assert JudgeScore.objects.count() == 2
    assert Teacher.objects.filter(kind=Teacher.Kind.IMPORTED).count() == 2  # the teacher, and the judge


def test_another_gate_goes_by_the_imported_scores(project, tmp_path):
    imported(project, tmp_path, rows((LOW, GOOD)))
    assert judged(project) == [(State.REJECTED, ["judge_f_low_score"])]
    factories.ruleset(project, "gate", {"judge_f_threshold": 40})
    project.refresh_from_db()
    run(project, "judge")
    assert set(project.prompts.values_list("state", flat=True)) == {State.TO_REVIEW}
