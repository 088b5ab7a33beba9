"""docs/old-defects.md is whole, and its tests exist; here are those that have no other place."""

import json
import re

import pyarrow.parquet as pq
import pytest
from django.core.management import call_command

from curation.models import Project, Prompt, State
from pipeline import jobs
from tests import factories
from tests.services import PRODUCT_DIR

LIST = (PRODUCT_DIR / "docs" / "old-defects.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| (\d+) \| (.*) \|$", LIST, re.M))


def test_every_defect_has_its_line():
    assert [int(number) for number in ROWS] == list(range(1, 26))


@pytest.mark.parametrize("number", ROWS)
def test_every_named_test_exists(number):
    for file, test in re.findall(r"`(test_\w+\.py)(?:::(\w+))?`", ROWS[number]):
        text = (PRODUCT_DIR / "tests" / file).read_text(encoding="utf-8")
        assert not test or re.search(rf"^ *def {test}\(", text, re.M), f"{file} has no {test}"


@pytest.fixture
def six(db, settings, teacher_server):
    """Six prompts p1 to p6 with answers; the filters passed p1, p3 and p5, and people have p3 and p5 before them."""
    settings.RETRY_PAUSE_SECONDS = 0.01
    settings.REVIEW_UNDO_SECONDS = 0
    teacher = factories.teacher(base_url=teacher_server.url)
    project = factories.project("Six", paired=False, teacher=teacher, regen_teacher=teacher, split_seed="six")
    for number in range(1, 7):
        passed = number in (1, 3, 5)
        prompt = factories.prompt(
            project,
            State.TO_REVIEW if passed else State.REJECTED,
            user_prompt=f"Question {number}?",
            answer=f"{factories.HYPOTHESIS} This is answer {number}.",
        )
        if passed:
            factories.filter_result(prompt.current_response)
    return project


def ship(project):
    """{question: text} of what a release holds."""
    run = jobs.prepare(project, "package")
    jobs.carry_out(run)
    run.refresh_from_db()
    release = project.releases.get(version=run.versions["release"])
    found = {}
    for entry in release.files:
        if entry["path"].startswith("data/") and entry["path"].endswith(".parquet"):
            for row in pq.read_table(release.directory / entry["path"]).to_pylist():
                user, assistant = row["messages"]
                found[user["content"].split("\n")[0]] = assistant["content"]
    return found


def label(project, tmp_path, actions):
    """A labels file as the review page of the scripts wrote it, read in as orders."""
    path = tmp_path / "labels.jsonl"
    rows = []
    for number, action in actions.items():
        prompt = project.prompts.get(user_prompt=f"Question {number}?")
        answer = prompt.current_response.text
        # The position is the scripts' own, of the filtered file: it must not matter.
        rows.append({"index": 0, "task_type": prompt.task_type, "context": prompt.context, "teacher_output": answer})
        rows[-1] |= {"action": action, "timestamp": "2025-01-01T00:00:00"}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.django_db(transaction=True)
def test_what_was_flagged_is_repaired_and_nothing_else(six, tmp_path):
    """The case in which the scripts lost the good p1, and shipped p5's refused text beside its new one."""
    before = {prompt.user_prompt: prompt.current_response.text for prompt in six.prompts.all()}
    labels = label(six, tmp_path, {3: "regenerate", 5: "regenerate"})
    call_command("regenerate_bad", "--project", six.slug, "--annotations", str(labels), "--inline")
    assert set(six.prompts.filter(current_response__attempt=2).values_list("user_prompt", flat=True)) == {
        "Question 3?",
        "Question 5?",
    }
    six.prompts.filter(state=State.TO_FILTER).move(State.TO_REVIEW, "test", source=State.TO_FILTER)
    waiting = six.prompts.filter(state=State.TO_REVIEW)
    for prompt in waiting:
        factories.resolution(prompt.current_response)
    waiting.move(State.ACCEPTED, "test", source=State.TO_REVIEW)
    shipped = ship(six)
    assert shipped.keys() == {"Question 1?", "Question 3?", "Question 5?"}
    assert shipped["Question 1?"] == before["Question 1?"]
    for question in ("Question 3?", "Question 5?"):
        new = Prompt.objects.get(project=six, user_prompt=question).current_response
        assert (new.attempt, new.parent.text) == (2, before[question])
        assert shipped[question] == new.text != before[question]


@pytest.mark.django_db(transaction=True)
def test_reject_is_not_regenerate(six):
    """What people rejected is neither asked again nor shipped; what they accepted is shipped."""
    person = factories.member(six, "reviewer")
    for prompt, action, target in zip(
        six.prompts.filter(state=State.TO_REVIEW).order_by("pk"),
        ("accept", "reject", "accept"),
        (State.ACCEPTED, State.REJECTED, State.ACCEPTED),
        strict=True,
    ):
        factories.annotation(prompt.current_response, person, action)
        factories.resolution(prompt.current_response, action)
        prompt.go(target, "test")
    assert ship(six).keys() == {"Question 1?", "Question 5?"}
    assert not Project.objects.get(pk=six.pk).prompts.filter(state=State.TO_REGENERATE).exists()


def test_dry_run_text_passes_no_filter():
    from pipeline import filters

    rules = filters.load_rules({})
    for task_type in ("hypothesis", "methodology"):
        answer = filters.Answer(f"[DRY RUN] {factories.HYPOTHESIS}", task_type=task_type)
        assert "ban_leftovers" in filters.failed(filters.check(answer, rules))
