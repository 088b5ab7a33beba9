"""Decisions as accepted.jsonl and rejected.jsonl, with the keys of the user's annotation files."""

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from curation.exporting import export_annotations
from curation.models import Resolution, State
from tests import factories


def read(directory):
    return {
        name: [json.loads(line) for line in (directory / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
        for name in ("accepted", "rejected")
    }


def test_a_row_says_what_was_decided_on_what_by_whom_and_why(project, tmp_path):
    anna, ben = factories.user("anna"), factories.user("ben")
    prompt = factories.prompt(project, State.TO_REGENERATE, context="Iron é\nhelps.", answer="Too vague.")
    response = prompt.current_response
    for person in (anna, ben):
        factories.annotation(response, person, "regenerate", reasons=["too_vague"])
    factories.annotation(response, factories.user("carl"), "regenerate", surplus=True)
    factories.resolution(
        response,
        "regenerate",
        reasons=["too_vague"],
        comment="Name the cell line.",
        created_at=datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC),
    )

    assert export_annotations(project, tmp_path / "labels") == {"accepted.jsonl": 0, "rejected.jsonl": 1}

    assert read(tmp_path / "labels")["rejected"] == [
        {
            "index": 0,
            "task_type": "hypothesis",
            "context": "Iron é\nhelps.",
            "teacher_output": "Too vague.",
            "action": "regenerate",
            "timestamp": "2024-05-06T07:08:09",
            "reviewer": "anna, ben",
            "reasons": ["too_vague"],
            "comment": "Name the cell line.",
            "edited_text": None,
            "prompt_key": prompt.key,
        }
    ]


def test_an_adjudicator_and_an_edited_text(project, tmp_path):
    prompt = factories.prompt(project, State.ACCEPTED, answer="As it came.")
    for action in ("accept", "reject"):
        factories.annotation(prompt.current_response, factories.user(), action)
    factories.resolution(
        prompt.current_response, by="adjudicator", decided_by=factories.user("dora"), text="Edited.", edited=True
    )

    export_annotations(project, tmp_path)

    [row] = read(tmp_path)["accepted"]
    assert (row["reviewer"], row["teacher_output"], row["edited_text"]) == ("dora", "As it came.", "Edited.")


def test_only_what_people_decided_and_what_holds_is_written(project, tmp_path):
    kept = [factories.prompt(project, State.REJECTED, answer="No.") for _ in range(2)]
    for prompt, action in zip(kept, ("reject", "regenerate"), strict=True):
        factories.resolution(prompt.current_response, action)
    factories.accepted(project)
    factories.resolution(factories.prompt(project, State.ACCEPTED).current_response, by=Resolution.By.POLICY)
    factories.resolution(factories.prompt(project, State.TO_REVIEW).current_response, current=False)
    later = timezone.now() + timedelta(seconds=30)
    taken_back = factories.prompt(project, State.TO_REVIEW).current_response
    factories.resolution(taken_back, "reject", effective_at=later, applied_at=None)
    answered_again = factories.prompt(project, State.TO_FILTER, answer="First.")
    factories.resolution(answered_again.current_response, "regenerate")
    factories.response(answered_again, "Second.")
    factories.accepted(factories.project())

    assert export_annotations(project, tmp_path) == {"accepted.jsonl": 1, "rejected.jsonl": 2}
    assert [row["prompt_key"] for row in read(tmp_path)["rejected"]] == [prompt.key for prompt in kept]
    assert sorted(row["index"] for rows in read(tmp_path).values() for row in rows) == [0, 1, 2]


def test_files_are_replaced_whole(project, tmp_path):
    factories.accepted(project)
    export_annotations(project, tmp_path)
    project.prompts.update(state=State.TO_REVIEW)
    Resolution.objects.update(current=False)

    export_annotations(project, tmp_path)

    assert read(tmp_path) == {"accepted": [], "rejected": []}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["accepted.jsonl", "rejected.jsonl"]


def test_a_failed_export_leaves_the_old_files(project, tmp_path, monkeypatch):
    factories.accepted(project)
    export_annotations(project, tmp_path)
    before = read(tmp_path)
    monkeypatch.setattr("curation.exporting.row", lambda index, resolution: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        export_annotations(project, tmp_path)

    assert read(tmp_path) == before


def test_the_command_settles_what_is_due(project, tmp_path):
    response = factories.prompt(project, State.TO_REVIEW).current_response
    due = timezone.now() - timedelta(seconds=1)
    factories.annotation(response, factories.user(), "reject")
    factories.resolution(response, "reject", effective_at=due, applied_at=None)
    out = io.StringIO()

    call_command("export_annotations", project=project.slug, labels=str(tmp_path / "labels"), stdout=out)

    assert "rejected.jsonl: 1" in out.getvalue()
    response.prompt.refresh_from_db()
    assert response.prompt.state == State.REJECTED


def test_the_command_tells_of_decisions_that_are_not_final(project, tmp_path):
    response = factories.prompt(project, State.TO_REVIEW).current_response
    factories.resolution(response, "reject", effective_at=timezone.now() + timedelta(seconds=30), applied_at=None)
    err = io.StringIO()

    call_command("export_annotations", project=project.slug, labels=str(tmp_path), stdout=io.StringIO(), stderr=err)

    assert "Left out: 1 made just now" in err.getvalue()


@pytest.mark.parametrize(
    ("slug", "labels", "said"), [("nope", "labels", "no project 'nope'"), (None, "file", "name a")]
)
def test_the_command_says_what_is_wrong(project, tmp_path, slug, labels, said):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(CommandError, match=said):
        call_command("export_annotations", project=slug or project.slug, labels=str(tmp_path / labels))


def test_what_was_withdrawn_is_in_neither_file(project, tmp_path):
    kept, gone = factories.accepted(project), factories.accepted(project)
    gone.withdrawal = factories.withdrawal(project)
    gone.save()
    assert export_annotations(project, tmp_path) == {"accepted.jsonl": 1, "rejected.jsonl": 0}
    assert [row["prompt_key"] for row in read(tmp_path)["accepted"]] == [kept.key]
