"""Changes of many prompts, and what others do to the same prompts at the same moment or in between."""

import json

import pytest

from curation import annotations, changing, tallies
from curation.changing import bulk, fitting, fixing, undoing
from curation.models import Annotation, Assignment, ChangeItem
from curation.reviewing import Choice, assigning, claims, submit
from tests import factories

TEXT = "It is important to note that the film is dense."
EDITED = "The film is dense."


@pytest.fixture
def manager(project):
    return factories.member(project, "manager", name="manager")


def do(project, by, name, prompts, **wish):
    detail = {"keys": [prompt.key for prompt in prompts], "reason": "Once more."} | wish
    change = changing.begin(project, name, detail, by)
    while bulk.go_on(change):
        pass
    return change


def undo(change, by):
    while undoing.take_back(change, by):
        pass


@pytest.mark.django_db
def test_what_another_manager_assigns_meanwhile_is_no_part_of_the_change(project, manager, ada, monkeypatch):
    prompt, bea = factories.prompt(project, "to_review"), factories.member(project, "reviewer", name="bea")
    assign = assigning.assign

    def both(project, prompts, person, by):
        assign(project, [prompt.pk], bea, manager)
        return assign(project, prompts, person, by)

    monkeypatch.setattr(assigning, "assign", both)
    change = do(project, manager, "assign", [prompt], people=[ada.pk])
    assert ChangeItem.objects.get(change=change).after == {"assigned": ada.pk}
    undo(change, manager)
    assert Assignment.objects.get().reviewer == bea


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["ada", "bea"])
def test_imported_decisions_stand_where_a_change_is_taken_back(project, manager, ada, name, tmp_path, settings):
    settings.REVIEW_UNDO_SECONDS = 0
    who = {"ada": ada, "bea": factories.member(project, "reviewer", name="bea")}[name]
    project.reviews_required = 2
    project.save()
    prompt = factories.prompt(project, "accepted")
    factories.annotation(prompt.current_response, ada, "accept")
    change = do(project, manager, "reopen", [prompt])
    row = {"task_type": prompt.task_type, "context": prompt.context, "teacher_output": prompt.current_response.text}
    path = tmp_path / "labels.jsonl"
    path.write_text(json.dumps(row | {"action": "reject", "timestamp": "2025-03-01T12:00:00"}))
    assert annotations.bring(project, path, who).stored == 1
    undo(change, manager)
    prompt.refresh_from_db()
    item = change.items.get()
    assert (item.undone, item.after["since"]) == (False, "somebody has decided on it since")
    assert (prompt.state, prompt.given) == ("to_review", 1)
    assert (tallies.states(project), tallies.decisions(project)) == tallies.counted(project)


def edited(project, person):
    prompt = factories.prompt(project, "to_review", answer=TEXT)
    choice = Choice(prompt.current_response_id, "accept", (), EDITED)
    return submit(project, person, [choice], idempotency_key=f"edit-{prompt.pk}").annotations[0]


@pytest.mark.django_db
def test_nothing_is_added_to_a_fix_that_was_taken_back_meanwhile(project, ada, settings, monkeypatch):
    settings.REVIEW_UNDO_SECONDS = 30
    row = edited(project, ada)
    for _ in range(2):
        factories.prompt(project, "to_review", answer=TEXT)
    choices = [Choice(f.response.pk, "accept", (), f.text, "", f.version) for f in fitting.fits(project, ada, row)]
    fixing.take(project, ada, row, choices[0])
    change, open_prompt = fixing.change_of(row), claims.open_prompt

    def press_in_another_window(*args):
        fixing.take_back_all(change, ada)
        return open_prompt(*args)

    monkeypatch.setattr(claims, "open_prompt", press_in_another_window)
    with pytest.raises(fixing.NotTaken, match="taken back"):
        fixing.take(project, ada, row, choices[1])
    assert not Annotation.objects.filter(change=change, current=True).exists()
    assert change.items.count() == 1
