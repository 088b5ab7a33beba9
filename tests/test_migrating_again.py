"""Interrupted anywhere, the migration is begun again and comes to the same end."""

import pytest
from django.core.management import call_command

from curation.models import Annotation, Project, TeacherResponse
from pipeline.migrating import attempts, labels, looking, moving
from tests import old_scripts

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


class Killed(Exception):
    """The process ended here."""


def migrate(root, project="distill"):
    config = root / "configs/distill_config.yaml"
    call_command("migrate_from_scripts", config=config, project=project, report=root / "report")


def held(slug):
    """What a project holds, without ids and times of storing."""
    project = Project.objects.get(slug=slug)
    prompts = project.prompts.values_list("key", "state", "attempts", "current_response__text")
    answers = TeacherResponse.objects.filter(prompt__project=project)
    words = Annotation.objects.filter(response__prompt__project=project)
    return {
        "prompts": sorted(map(str, prompts)),
        "answers": sorted(answers.values_list("prompt__key", "attempt", "candidate", "text", "parent__text")),
        "words": sorted(words.values_list("response__text", "action", "current", "version", "created_at")),
    }


@pytest.mark.parametrize(
    ("module", "name", "deaths"),
    [(moving, "take", 5), (labels.Labels, "_store", 3), (attempts, "_repair", 3), (labels.Labels, "_keep_former", 1)],
    ids=lambda each: getattr(each, "__name__", str(each)),
)
def test_interrupted_before_each_step_and_begun_again(tmp_path, monkeypatch, module, name, deaths):
    old_scripts.make(tmp_path)
    migrate(tmp_path, "whole")
    kept, left = getattr(module, name), []

    def dies(*arguments, **options):
        if not left:
            raise Killed
        left.pop()
        return kept(*arguments, **options)

    monkeypatch.setattr(module, name, dies)
    for done in range(20):
        left[:] = [None] * done
        try:
            migrate(tmp_path)
        except Killed:
            continue
        break

    assert done >= deaths
    assert held("distill") == held("whole")


@pytest.mark.parametrize(("key", "found"), [({}, ["asked_nan"]), ({"prompt_key": "ab" * 32}, [])])
def test_an_empty_prompt_is_no_fault_in_a_file_that_the_project_wrote(key, found):
    row = {"user_prompt": None, "context": "Zinc was heated.", "teacher_output": "If so, then so."} | key
    mapping = {"prompt": "user_prompt", "context": "context", "output": "teacher_output"}

    assert [code for code, _ in looking.faults_of_prompt(row, mapping, answered=True)] == found
