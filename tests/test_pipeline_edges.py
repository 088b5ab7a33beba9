"""The flow at its edges: no judge any more, limits with pairs, attempts, answers that come back, many prompts."""

import json

import pytest

from curation.models import Event, Prompt, State, TeacherResponse
from pipeline import jobs, orders
from pipeline.regenerating import record_recipes, shipped
from tests import factories, teacher_replies
from tests.running import run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def teacher(teacher_server, settings):
    settings.RETRY_PAUSE_SECONDS = 0.01
    return factories.teacher(base_url=teacher_server.url, concurrency=2)


@pytest.fixture
def project(teacher):
    return factories.project(teacher=teacher, regen_teacher=teacher, paired=False)


def state_of(prompt):
    return Prompt.objects.get(pk=prompt.pk).state


def test_prompts_that_wait_for_judges_who_are_gone_hold_nobody_up(project):
    waiting = [factories.prompt(project, State.TO_JUDGE) for _ in range(3)]
    new = factories.prompt(project)
    ended = run(project, "pipeline")
    assert (ended.state, state_of(new)) == ("finished", State.TO_REVIEW)
    assert {state_of(prompt) for prompt in waiting} == {State.TO_REVIEW}


def test_each_attempt_is_asked_anew_though_the_same_failed_answer_came_back(project, teacher_server):
    record_recipes(project, shipped() | {"stop_after_same_reason": None})
    prompt = factories.prompt(project)
    teacher_server.script(teacher_replies.refusal_in_words(), always=True)
    run(project, "collect")
    for _ in range(3):
        run(project, "filter")
        run(project, "regenerate")
    prompt.refresh_from_db()
    assert (prompt.attempts, state_of(prompt)) == (3, State.REJECTED)
    assert len(teacher_server.requests) == 3
    assert TeacherResponse.objects.values("call").distinct().count() == 3


def test_a_method_asked_for_a_new_hypothesis_stays_so_after_it_was_parked(teacher, teacher_server):
    project = factories.project(teacher=teacher, regen_teacher=teacher, paired=True, attempt_limit=1)
    pair = factories.pair(project, State.TO_REVIEW)
    Prompt.objects.filter(project=project).update(attempts=1)
    Prompt.objects.filter(pk=pair.hypothesis.pk).hypothesis_changed()
    teacher_server.script(teacher_replies.bad_request())
    run(project, "regenerate")
    assert state_of(pair.methodology) == State.PARKED
    Prompt.objects.filter(pk=pair.methodology.pk).unpark(actor=None)
    run(project, "regenerate")
    pair.methodology.refresh_from_db()
    assert (pair.methodology.state, pair.methodology.attempts) == (State.TO_FILTER, 1)


def test_a_limit_is_not_filled_with_methods_that_must_wait(teacher):
    project = factories.project(teacher=teacher, paired=True)
    for _ in range(4):
        factories.pair(project)
    asked = [run(project, "collect", limit=2).done for _ in range(2)]
    assert asked == [2, 2]
    with pytest.raises(jobs.CannotStart, match="hypothes"):
        jobs.prepare(project, "collect", {"limit": 2})


def test_a_method_that_answers_a_former_hypothesis_is_asked_again(teacher, teacher_server, monkeypatch):
    """Its hypothesis got a new answer while the method was being written."""
    project = factories.project(teacher=teacher, paired=True)
    pair = factories.pair(project, State.TO_REVIEW, methodology_state=State.TO_COLLECT)
    former = pair.hypothesis.current_response
    from pipeline.stages import collect

    save, newer = collect.save, []

    def late(run, works):
        if not newer:
            newer.append(
                TeacherResponse.objects.create(
                    prompt=pair.hypothesis,
                    attempt=2,
                    teacher=teacher,
                    text="If X is doubled then Y halves.",
                    sent_user="?",
                )
            )
            Prompt.objects.filter(pk=pair.hypothesis.pk).update(current_response=newer[0])
        return save(run, works)

    monkeypatch.setattr(collect, "save", late)
    run(project, "collect")
    pair.methodology.refresh_from_db()
    assert former != newer[0]
    assert pair.methodology.current_response.hypothesis == newer[0]
    assert newer[0].text in pair.methodology.current_response.sent_user


def test_each_event_tells_of_its_own_prompt_where_one_of_them_had_moved(project):
    first, second = (factories.prompt(project, State.TO_FILTER) for _ in range(2))
    first.go(State.TO_REVIEW, "filtered", source=State.TO_FILTER)
    detail = {first.pk: {"failed": ["a"]}, second.pk: {"failed": ["b"]}}
    Prompt.objects.filter(pk__in=detail).move(State.TO_JUDGE, "filtered", source=State.TO_FILTER, detail=detail)
    assert Event.objects.get(prompt=second, to_state=State.TO_JUDGE).detail == {"failed": ["b"]}


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85", "\x1c"])
def test_orders_read_lines_as_json_lines_has_them(project, tmp_path, character):
    prompt = factories.prompt(project, State.TO_REVIEW, answer=f"One line{character}and more of it.")
    row = {
        "task_type": prompt.task_type,
        "context": prompt.context,
        "teacher_output": prompt.current_response.text,
        "action": "reject",
    }
    text = json.dumps(row, ensure_ascii=False).replace("\\u001c", "\\u001c")
    (tmp_path / "rejected.jsonl").write_text(text + "\r\n", encoding="utf-8")
    report = orders.order_regeneration(project, tmp_path / "rejected.jsonl")
    assert (report.ordered, report.problems) == (1, [])


def test_an_order_on_a_parked_prompt_leaves_no_error_behind(project, tmp_path):
    prompt = factories.prompt(project, State.PARKED, answer="A parked answer.", parked_from=State.TO_REGENERATE)
    row = {"task_type": prompt.task_type, "context": prompt.context, "teacher_output": "A parked answer."}
    (tmp_path / "rejected.jsonl").write_text(json.dumps(row | {"action": "reject"}), encoding="utf-8")
    assert orders.order_regeneration(project, tmp_path / "rejected.jsonl").ordered == 1
    prompt.refresh_from_db()
    assert (prompt.state, prompt.parked_from, prompt.error_class) == (State.TO_REGENERATE, "", "")


def test_one_accepted_answer_without_text_does_not_stop_a_release(project):
    good = factories.prompt(project, State.ACCEPTED)
    empty = factories.prompt(project, State.ACCEPTED, answer="")
    TeacherResponse.objects.filter(prompt=empty).update(text="")
    ended = run(project, "package")
    assert ended.state == "finished", ended.error
    assert project.releases.get().counts["rows"] == 1
    assert good
