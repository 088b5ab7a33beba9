"""Answers written elsewhere become first attempts of the prompts that wait for them."""

import pytest

from curation.importing import import_answers, import_file
from curation.models import State, Teacher
from tests import factories
from tests.import_files import jsonl_text, write

PASSAGES = [{"text": f"Passage {n}.", "locator": f"demo:{n}"} for n in range(3)]


@pytest.fixture
def teacher(db):
    return Teacher.objects.create(name="sample answers", kind=Teacher.Kind.IMPORTED, model="sample answers")


@pytest.fixture
def waiting(project, tmp_path):
    import_file(project, write(tmp_path, "passages.jsonl", jsonl_text(PASSAGES)))
    return project


def answer(number, task_type, text=None, **more):
    return {"locator": f"demo:{number}", "task_type": task_type, "text": text or f"{task_type} {number}"} | more


def test_an_answer_is_the_first_attempt_of_its_prompt(waiting, teacher):
    rows = [answer(1, "methodology", "1. Measure\n2. Repeat"), answer(1, "hypothesis", sample="good", note="Demo.")]

    report = import_answers(waiting, rows, teacher, render=lambda prompt: (f"About {prompt.context}", "Be brief."))

    assert (report.imported, report.unchanged, report.problems) == (2, 0, [])
    pair = waiting.pairs.get(document__locator="demo:1")
    hypothesis, methodology = pair.hypothesis.current_response, pair.methodology.current_response
    assert (hypothesis.text, hypothesis.attempt, hypothesis.form) == ("hypothesis 1", 1, "imported")
    assert (hypothesis.teacher, hypothesis.model_id, hypothesis.call) == (teacher, "sample answers", None)
    assert (hypothesis.sent_user, hypothesis.sent_system) == ("About Passage 1.", "Be brief.")
    assert hypothesis.metadata == {"sample": "good", "note": "Demo."}
    assert methodology.text == "1. Measure\n2. Repeat"
    assert methodology.hypothesis == hypothesis
    assert {pair.hypothesis.state, pair.methodology.state} == {State.TO_FILTER}
    assert pair.hypothesis.attempts == 1
    event = pair.hypothesis.events.get()
    assert (event.kind, event.from_state, event.to_state) == ("answer_imported", "to_collect", "to_filter")
    assert waiting.prompts.filter(state=State.TO_COLLECT).count() == 4


def test_a_methodology_is_rendered_after_its_hypothesis_was_stored(waiting, teacher):
    def render(prompt):
        known = prompt.pair.hypothesis.current_response
        return f"Test this: {known.text if known else '-'}", ""

    import_answers(
        waiting, [answer(n, t) for n in range(3) for t in ("methodology", "hypothesis")], teacher, render=render
    )

    sent = waiting.prompts.filter(task_type="methodology").values_list("current_response__sent_user", flat=True)
    assert list(sent) == [f"Test this: hypothesis {n}" for n in range(3)]


def test_again_changes_nothing(waiting, teacher):
    rows = [answer(0, "hypothesis"), answer(1, "hypothesis")]
    import_answers(waiting, rows, teacher)
    prompt = waiting.prompts.get(document__locator="demo:0", task_type="hypothesis")
    prompt.go(State.TO_REVIEW, "filters_passed")

    report = import_answers(waiting, [answer(0, "hypothesis", "other text"), *rows[1:]], teacher)

    assert (report.imported, report.unchanged, report.problems) == (0, 2, [])
    prompt.refresh_from_db()
    assert (prompt.state, prompt.responses.get().text) == (State.TO_REVIEW, "hypothesis 0")


def test_rows_without_a_prompt_are_told(waiting, teacher, tmp_path):
    import_file(waiting, write(tmp_path, "a.jsonl", jsonl_text([{"text": "Another.", "locator": "demo:2"}])))
    parked = waiting.prompts.get(document__locator="demo:1", task_type="hypothesis")
    parked.park("server", "HTTP 500")
    held = waiting.prompts.filter(document__locator="demo:1", task_type="methodology")
    held.update(run=factories.run(waiting, state="running"))
    rows = [
        answer(7, "hypothesis"),
        answer(0, "review"),
        answer(2, "hypothesis"),
        answer(1, "hypothesis"),
        answer(1, "methodology"),
        answer(0, "hypothesis", " "),
        answer(0, "hypothesis", "a\0b"),
        "text",
    ]

    report = import_answers(waiting, rows, teacher)

    assert (report.imported, report.unchanged) == (0, 0)
    wrong = [
        "answer 1: locator: no prompt of type 'hypothesis' about 'demo:7'; exactly one is expected",
        "answer 2: locator: no prompt of type 'review' about 'demo:0'; exactly one is expected",
        "answer 3: locator: several prompts of type 'hypothesis' about 'demo:2'; exactly one is expected",
        "answer 4: locator: the prompt about 'demo:1' is in work; it must wait to be collected",
        "answer 5: locator: the prompt about 'demo:1' is in work; it must wait to be collected",
        "answer 6: text: empty; text is expected",
        "answer 7: text: a NUL character; text without NUL characters and lone surrogates is expected",
        "answer 8: a str; an object with locator, task_type, text is expected",
    ]
    assert sorted(report.problems) == wrong


def test_another_projects_prompts_are_not_touched(waiting, teacher):
    report = import_answers(factories.project(), [answer(0, "hypothesis")], teacher)

    assert report.imported == 0
    assert not waiting.prompts.exclude(state=State.TO_COLLECT).exists()
