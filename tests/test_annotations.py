"""Decisions out and in again: whole, in three formats, matched by content and never repeated."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation import annotations
from curation.annotations.rows import COLUMNS
from curation.models import Annotation, State
from curation.reviewing import Choice, submit
from tests import factories

pytestmark = pytest.mark.django_db
LONG_AGO = datetime(2025, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def project(settings):
    settings.REVIEW_UNDO_SECONDS = 0
    return factories.project("Oxides", paired=False, reviews_required=1)


@pytest.fixture
def reviewed(project, ada):
    """Three prompts: accepted with an edit, refused for two reasons, and one that nobody has decided."""
    prompts = [
        factories.prompt(project, "to_review", answer=f"Answer {number}:\n1. Mix.\n2. Measure.") for number in (1, 2, 3)
    ]
    for prompt in prompts:
        factories.filter_result(prompt.current_response, failed=["ban_citations"])
        factories.gate_result(prompt.current_response, score=71.5)
        factories.judge_score(prompt.current_response, score=80)
        factories.judge_score(prompt.current_response, score=90, repeat=1)
    choices = [
        Choice(prompts[0].current_response_id, "accept", edited_text="=Answer 1 with 5 g.", comment="+better"),
        Choice(prompts[1].current_response_id, "reject", reasons=("no_control", "too_vague")),
    ]
    for number, choice in enumerate(choices):
        submit(project, ada, [choice], idempotency_key=f"k{number}", seconds=20 + number)
    factories.annotation(prompts[0].current_response, factories.member(project, "reviewer"), purpose="gold")
    return prompts


def all_rows(project, **options):
    return list(annotations.rows(annotations.decisions(project, **options)))


def lines(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def label(prompt, action="accept", **more):
    """A row as the scripts' label files have it: white space flattened, time without a zone."""
    text = " ".join(prompt.current_response.text.split())
    row = {"index": 7, "task_type": prompt.task_type, "context": prompt.context, "teacher_output": text}
    return row | {"action": action, "timestamp": "2025-03-01T12:00:00"} | more


def test_a_row_says_who_what_why_on_which_text_by_which_scores_and_when(project, reviewed):
    first, second = all_rows(project)
    assert list(first) == [column.name for column in COLUMNS]
    assert (first["reviewer"], first["action"], first["edited_text"]) == ("ada", "accept", "=Answer 1 with 5 g.")
    assert (first["teacher_output"], first["prompt_key"]) == (reviewed[0].current_response.text, reviewed[0].key)
    assert (first["gate_score"], first["judge_f_score"], first["judge_r_score"]) == (71.5, 85, None)
    assert (first["failed_rules"], first["seconds"], first["resolution"]) == (["ban_citations"], 20, "accept")
    assert (second["reasons"], second["current"], second["resolved_by"]) == (
        ["no_control", "too_vague"],
        True,
        "consensus",
    )
    assert [row["purpose"] for row in all_rows(project, checks=True)] == ["review", "review", "gold"]


def test_three_formats_hold_the_same(project, reviewed, tmp_path):
    expected = all_rows(project)
    for kind in annotations.FORMATS:
        assert annotations.write(tmp_path / f"out.{kind}", iter(expected)) == 2
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.to_pylist() == expected
    kept = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row | {"timestamp": datetime.fromisoformat(row["timestamp"])} for row in kept] == expected
    cells = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text())))
    assert [row["teacher_output"] for row in cells] == [row["teacher_output"] for row in expected]
    assert cells[1]["reasons"] == "no_control; too_vague"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_of_a_spreadsheet_is_a_formula(project, ada, tmp_path, text):
    prompt = factories.prompt(project, "to_review", answer=text)
    submit(project, ada, [Choice(prompt.current_response_id, "reject", comment=text)], idempotency_key="k")
    annotations.write(tmp_path / "out.csv", annotations.rows(annotations.decisions(project)))
    (row,) = csv.DictReader(io.StringIO((tmp_path / "out.csv").read_bytes().decode()))
    assert row["teacher_output"].startswith("'")
    assert row["comment"].startswith("'")
    assert row["seconds"] == "0"


def test_a_file_is_whole_or_not_there(project, reviewed, tmp_path):
    def stop(number):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        annotations.write(tmp_path / "out.parquet", iter(all_rows(project)), step=stop)
    with pytest.raises(ValueError, match=r"ends in \.jsonl, \.parquet, \.csv"):
        annotations.write(tmp_path / "out.xlsx", iter(()))
    assert list(tmp_path.iterdir()) == []


def test_no_decision_gives_an_empty_file_with_its_columns(project, tmp_path):
    for kind in annotations.FORMATS:
        assert annotations.write(tmp_path / f"out.{kind}", iter(())) == 0
    assert pq.read_table(tmp_path / "out.parquet").column_names == [column.name for column in COLUMNS]


def test_labels_of_the_scripts_decide_by_content_not_by_place(project, ada, tmp_path):
    prompts = [factories.prompt(project, "to_review", answer=f"Answer {n}:\n1. Mix.\n2. Measure.") for n in range(3)]
    path = lines(
        tmp_path / "labels.jsonl", label(prompts[2]), label(prompts[0], "reject", reasons=["too_vague", "dull"])
    )
    report = annotations.bring(project, path, ada)
    assert (report.stored, report.known, report.unmatched) == (2, 0, 0)
    for prompt in prompts:
        prompt.refresh_from_db()
    assert [prompt.state for prompt in prompts] == [State.REJECTED, State.TO_REVIEW, State.ACCEPTED]
    row = Annotation.objects.get(action="reject")
    assert (row.reasons, row.comment, row.created_at, row.reviewer) == (["too_vague"], "dull", LONG_AGO, ada)
    assert row.origin == "labels.jsonl, line 2"


def test_the_same_file_again_changes_nothing(project, ada, tmp_path):
    prompt = factories.prompt(project, "to_review")
    path = lines(tmp_path / "labels.jsonl", label(prompt))
    annotations.bring(project, path, ada)
    again = annotations.bring(project, path, ada)
    assert (again.stored, again.known, again.unmatched) == (0, 1, 0)
    assert Annotation.objects.count() == 1


def test_an_export_brought_in_again_makes_nothing_stand_that_was_taken_back(project, ada, tmp_path):
    type(project).objects.filter(pk=project.pk).update(reviews_required=2)
    project.refresh_from_db()
    prompt = factories.prompt(project, "to_review")
    first = Choice(prompt.current_response_id, "accept")
    submit(project, ada, [first], idempotency_key="a", at=LONG_AGO)
    again = Choice(prompt.current_response_id, "reject", version=1)
    submit(project, ada, [again], idempotency_key="b", at=LONG_AGO + timedelta(minutes=1))
    annotations.write(tmp_path / "out.jsonl", annotations.rows(annotations.decisions(project)))
    report = annotations.bring(project, tmp_path / "out.jsonl", ada)
    assert (report.stored, report.known, report.unmatched) == (0, 2, 0)
    assert list(Annotation.objects.order_by("pk").values_list("action", "current")) == [
        ("accept", False),
        ("reject", True),
    ]


def test_what_stands_no_more_is_not_made_to_stand_in_another_project(project, ada, tmp_path):
    prompt = factories.prompt(project, "to_review")
    path = lines(tmp_path / "out.jsonl", label(prompt, current=False), label(prompt, "reject", current=True))
    report = annotations.bring(project, path, ada)
    assert (report.stored, report.unmatched) == (1, 1)
    assert "it stands no more where it was exported" in report.problems[0]
    assert Annotation.objects.get().action == "reject"


def test_a_later_row_of_the_same_person_counts(project, ada, tmp_path):
    type(project).objects.filter(pk=project.pk).update(reviews_required=2)
    project.refresh_from_db()
    prompt = factories.prompt(project, "to_review")
    path = lines(tmp_path / "labels.jsonl", label(prompt, "reject"), label(prompt, "accept"))
    assert annotations.bring(project, path, ada).stored == 2
    assert list(Annotation.objects.filter(current=True).values_list("action", flat=True)) == ["accept"]


def test_what_matches_nothing_or_cannot_stand_is_told(project, ada, tmp_path):
    alike = [factories.prompt(project, "to_review", context="Same.", domain=d, answer="The same.") for d in ("a", "b")]
    waiting = factories.prompt(project, "to_filter")
    decided = factories.accepted(project)
    path = lines(
        tmp_path / "labels.jsonl",
        label(alike[0]),
        label(alike[1], prompt_key=alike[1].key),
        label(waiting),
        label(decided, "reject"),
        label(alike[0]) | {"teacher_output": "Something else."},
    )
    report = annotations.bring(project, path, ada)
    assert (report.stored, report.surplus, report.unmatched) == (2, 1, 3)
    assert [problem.partition(": ")[2] for problem in report.problems] == [
        "2 answers with this task type, context and teacher output; prompt_key tells them apart.",
        "its prompt is with the machines: bring it to review first.",
        "no answer with this task type, context and teacher output.",
    ]
    decided.refresh_from_db()
    assert decided.state == State.ACCEPTED


def test_an_answer_that_came_twice_is_the_one_that_stands(project, ada, tmp_path):
    prompt = factories.prompt(project, "to_review", answer="The same.")
    factories.response(prompt, "The same.", attempt=2)
    prompt.refresh_from_db()
    assert annotations.bring(project, lines(tmp_path / "a.jsonl", label(prompt)), ada).stored == 1
    assert Annotation.objects.get().response_id == prompt.current_response_id


def test_rows_name_their_reviewers(project, ada, tmp_path):
    bob = factories.member(project, "reviewer", name="bob")
    prompts = [factories.prompt(project, "to_review") for _ in range(3)]
    names = ("bob", "nobody here", None)
    rows = [label(prompt, reviewer=name) for prompt, name in zip(prompts, names, strict=True)]
    report = annotations.bring(project, lines(tmp_path / "a.jsonl", *rows), ada)
    assert list(Annotation.objects.order_by("pk").values_list("reviewer", flat=True)) == [bob.pk, ada.pk, ada.pk]
    assert dict(report.strangers) == {"nobody here": 1}


def test_an_export_comes_back_into_another_project(project, ada, reviewed, tmp_path):
    other = factories.project("Copy", paired=False, reviews_required=1)
    other.add_member(ada, "reviewer")
    for prompt in reviewed:
        factories.prompt(other, "to_review", context=prompt.context, answer=prompt.current_response.text)
    annotations.write(tmp_path / "out.jsonl", annotations.rows(annotations.decisions(project)))
    assert annotations.bring(other, tmp_path / "out.jsonl", ada).stored == 2
    own, copied = (all_rows(each) for each in (project, other))
    same = (
        "action",
        "reasons",
        "comment",
        "edited_text",
        "seconds",
        "timestamp",
        "reviewer",
        "resolution",
        "prompt_key",
    )
    assert [[row[name] for name in same] for row in copied] == [[row[name] for name in same] for row in own]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "is not an object"),
        ('{"task_type": "hypothesis", "teacher_output": "x"}', "has no text in action"),
        ('{"task_type": "h", "teacher_output": "x", "action": "maybe"}', "has the action 'maybe'"),
        ('{"task_type": "h", "teacher_output": "x", "action": "accept", "reasons": "r"}', "reasons that are no list"),
        (
            '{"task_type": "h", "teacher_output": "x", "action": "accept", "context": 3}',
            "has a context that is no text",
        ),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_wrong_line_refuses_the_whole_file(project, ada, tmp_path, line, said):
    prompt = factories.prompt(project, "to_review")
    path = tmp_path / "labels.jsonl"
    path.write_text(json.dumps(label(prompt)) + f"\n{line}\n")
    with pytest.raises(annotations.Refused, match=f"labels.jsonl, line 2: .*{said}"):
        annotations.bring(project, path, ada)
    assert not Annotation.objects.exists()


def test_a_time_to_come_is_not_believed(project, ada, tmp_path):
    prompt = factories.prompt(project, "to_review")
    tomorrow = (timezone.now() + timedelta(days=1)).isoformat()
    annotations.bring(project, lines(tmp_path / "a.jsonl", label(prompt, timestamp=tomorrow)), ada)
    assert Annotation.objects.get().created_at <= timezone.now()


NAMES = ("task_type", "context", "teacher_output", "action", "reasons", "comment", "reviewer", "timestamp", "seconds")
ANY_VALUE = st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=2)
ANY_ROW = st.dictionaries(st.sampled_from(NAMES), ANY_VALUE).map(json.dumps) | st.text(max_size=40)


@given(st.lists(ANY_ROW, max_size=5).map(lambda rows: "\n".join(rows).encode("utf-8", "surrogatepass")) | st.binary())
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_any_file_is_read_or_refused_by_its_name(tmp_path, data):
    path = tmp_path / "labels.jsonl"
    path.write_bytes(data)
    try:
        rows = list(annotations.read(path, path.name))
    except annotations.Refused as refusal:
        rows, said = [], str(refusal)
    else:
        said = ""
    assert all(row["action"] in ("accept", "regenerate", "reject") for _, row in rows)
    assert not said or said.startswith("labels.jsonl")


def test_the_commands(project, ada, reviewed, tmp_path, capsys):
    call_command("export_annotations", project="oxides", out=tmp_path / "out.parquet", checks=True)
    assert pq.read_metadata(tmp_path / "out.parquet").num_rows == 3
    call_command("export_annotations", project="oxides", labels=str(tmp_path / "labels"))
    call_command("import_annotations", str(tmp_path / "labels" / "rejected.jsonl"), project="oxides", reviewer="ada")
    assert "0 decisions stored, 1 were here already, 0 not matched" in capsys.readouterr().out
    path = lines(tmp_path / "other.jsonl", label(reviewed[2], "regenerate"), label(reviewed[2]) | {"context": "No."})
    with pytest.raises(CommandError, match="1 rows were not stored; everything else was"):
        call_command("import_annotations", str(path), project="oxides", reviewer="ada")
    assert "1 decisions stored, 1 not matched" in capsys.readouterr().out
    for wrong, said in (
        ({"project": "oxides"}, "--out FILE"),
        ({"project": "none", "out": tmp_path / "x.csv"}, "no project 'none'"),
        ({"project": "oxides", "out": tmp_path / "x.doc"}, "ends in"),
    ):
        with pytest.raises(CommandError, match=said):
            call_command("export_annotations", **wrong)
    with pytest.raises(CommandError, match="'eve' may not review in oxides"):
        call_command("import_annotations", str(tmp_path), project="oxides", reviewer="eve")


# -- the checklist of a second attempt -------------------------------------------------------------------------------


@pytest.fixture
def ticked(project, ada):
    """A second attempt that had three complaints to mend: one found met, one not, one without a word."""
    prompt = factories.prompt(project, "to_review", answer="The first [1].")
    second = factories.response(prompt, "The second, better one.", attempt=2)
    wrong = [("filter", "ban_citations"), ("reviewer", "no_control"), ("gate", "low_factuality")]
    said = [factories.complaint(second, code, source=source) for source, code in wrong]
    met = {said[0].pk: True, said[1].pk: False}
    submit(project, ada, [Choice(second.pk, "reject", reasons=("no_control",), met=met)], idempotency_key="t")
    return prompt


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "csv"])
def test_ticks_of_the_checklist_are_in_every_format(project, ticked, tmp_path, kind):
    call_command("export_annotations", project=project.slug, out=tmp_path / f"out.{kind}")
    if kind == "parquet":
        (row,) = pq.read_table(tmp_path / "out.parquet").to_pylist()
    elif kind == "jsonl":
        row = json.loads((tmp_path / "out.jsonl").read_text())
    else:
        (row,) = csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text()))
    found = row["complaints_met"], row["complaints_not_met"]
    wanted = ["filter:ban_citations"], ["reviewer:no_control"]
    assert found == (("filter:ban_citations", "reviewer:no_control") if kind == "csv" else wanted)


def test_who_ticked_nothing_has_nothing_there(project, reviewed):
    assert [(row["complaints_met"], row["complaints_not_met"]) for row in all_rows(project)] == [([], []), ([], [])]


def test_a_row_says_whether_its_prompt_was_withdrawn(project, reviewed):
    assert [row["withdrawn"] for row in all_rows(project)] == [False, False]
    project.prompts.filter(pk=project.prompts.earliest("pk").pk).update(withdrawal=factories.withdrawal(project))
    assert [row["withdrawn"] for row in all_rows(project)] == [True, False]
