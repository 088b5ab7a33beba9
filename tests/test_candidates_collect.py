"""Several answers to one prompt: what is asked, what is stored of an attempt, and what a failure or a crash leaves."""

from dataclasses import replace

import pytest
from django.core.management import call_command

from curation.models import Call, Event, Prompt, State, TeacherResponse
from pipeline import jobs
from pipeline.stages import collect
from tests import factories, teacher_replies
from tests.running import run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick_retries")]


@pytest.fixture
def teacher(teacher_server):
    return factories.teacher("First", base_url=teacher_server.url, concurrency=4)


@pytest.fixture
def strong(teacher_server):
    return factories.teacher("Second", base_url=teacher_server.url, model="stand-in-strong", concurrency=4)


@pytest.fixture
def project(teacher, strong):
    made = factories.project(teacher=teacher, regen_teacher=teacher, paired=False, samples=2)
    made.more_teachers.add(strong)
    return made


def stored(prompt):
    """[(candidate, teacher's name, sample)] of the prompt's answers."""
    rows = TeacherResponse.objects.filter(prompt=prompt).order_by("attempt", "candidate")
    return list(rows.values_list("candidate", "teacher__name", "call__sample_index"))


FOUR = [(0, "First", 0), (1, "First", 1), (2, "Second", 0), (3, "Second", 1)]


def test_every_teacher_is_asked_as_often_as_the_project_says(project, teacher_server):
    prompt = factories.prompt(project)
    ended = run(project, "collect")
    prompt.refresh_from_db()
    assert stored(prompt) == FOUR
    assert (prompt.state, prompt.attempts, prompt.current_response.candidate) == (State.TO_FILTER, 1, 0)
    assert {response.attempt for response in prompt.responses.all()} == {1}
    assert len(teacher_server.requests) == Call.objects.count() == 4
    assert Event.objects.get(prompt=prompt, kind="collected").detail == {"attempt": 1, "candidates": 4}
    assert ended.done == 1


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"samples": 1}, [(0, "First", 0), (1, "Second", 0)]),
        ({"teacher": "Second"}, [(0, "Second", 0), (1, "Second", 1)]),
        ({"teachers": ["Second", "First"], "samples": 1}, [(0, "Second", 0), (1, "First", 0)]),
    ],
)
def test_a_run_may_ask_others_and_less_often(project, teacher, strong, parameters, expected):
    ids = {each.name: each.pk for each in (teacher, strong)}
    wanted = {
        name: [ids[each] for each in value] if isinstance(value, list) else ids.get(value, value)
        for name, value in parameters.items()
    }
    prompt = factories.prompt(project)
    run(project, "collect", **wanted)
    assert stored(prompt) == expected


def test_the_command_says_how_often_each_is_asked(project, teacher_server):
    prompt = factories.prompt(project)
    call_command("collect_teacher", "--project", project.slug, "--samples", "3", "--inline")
    assert [name for _, name, _ in stored(prompt)] == ["First"] * 3 + ["Second"] * 3


def test_two_teachers_of_one_model_and_address_answer_apart(project, teacher):
    twin = factories.teacher("Twin", base_url=teacher.base_url)
    project.more_teachers.set([twin])
    prompt = factories.prompt(project)
    run(project, "collect")
    assert [sample for _, _, sample in stored(prompt)] == [0, 1, 2, 3]
    assert Call.objects.count() == 4


@pytest.mark.parametrize(("concurrency", "samples", "expected"), [(4, 2, 2), (8, 1, 8), (1, 20, 1)])
def test_what_is_in_hand_fits_what_the_teachers_answer_at_once(project, strong, concurrency, samples, expected):
    project.samples = samples
    project.save()
    project.teacher.concurrency = 50
    project.teacher.save()
    strong.concurrency = concurrency
    strong.save()
    assert collect.room(factories.run(project)) == expected


def test_a_teacher_that_fails_parks_nothing_while_another_answers(project, teacher_server):
    prompt = factories.prompt(project)
    teacher_server.script(teacher_replies.bad_request(), when=lambda body: body["model"] == "stand-in", always=True)
    ended = run(project, "collect")
    prompt.refresh_from_db()
    assert stored(prompt) == [(0, "Second", 0), (1, "Second", 1)]
    assert prompt.state == State.TO_FILTER
    assert ended.counters["candidates_failed"] == 2
    assert "parked" not in ended.counters


def test_where_all_fail_the_first_reason_parks(project, teacher_server):
    prompt = factories.prompt(project)
    of_first = lambda body: body["model"] == "stand-in"  # noqa: E731
    teacher_server.script(replace(teacher_replies.context_too_long(), delay=0.3), when=of_first, always=True)
    teacher_server.script(teacher_replies.bad_request(), always=True)
    ended = run(project, "collect")
    prompt.refresh_from_db()
    assert (prompt.state, prompt.error_class) == (State.PARKED, "context_too_long")
    assert not prompt.responses.exists()
    assert ended.counters["parked"] == 1


def test_an_answer_that_a_content_filter_took_is_no_candidate(project, teacher_server):
    prompt = factories.prompt(project)
    teacher_server.script(teacher_replies.filtered())
    ended = run(project, "collect")
    assert len(stored(prompt)) == 3
    assert ended.counters["candidates_failed"] == 1


def test_after_a_crash_half_way_only_what_was_not_answered_is_bought(project, teacher_server, monkeypatch):
    prompts = [factories.prompt(project) for _ in range(3)]
    save = collect.save

    def die(run, works):
        raise SystemExit("killed between the answers and their storing")

    monkeypatch.setattr(collect, "save", die)
    with pytest.raises(SystemExit):
        run(project, "collect")
    monkeypatch.setattr(collect, "save", save)
    assert not TeacherResponse.objects.exists()
    answered = Call.objects.filter(state="answered").count()
    assert answered >= 4
    asked = len(teacher_server.requests)
    killed = project.runs.get()
    killed.end("failed")
    Call.objects.filter(state="sent").update(lease_until=None)
    run(project, "collect")
    assert {tuple(stored(prompt)) for prompt in prompts} == {tuple(FOUR)}
    assert Call.objects.count() == 12
    assert len(teacher_server.requests) - asked == 12 - answered


@pytest.mark.parametrize("fresh", [True, None])
def test_asked_again_a_crash_buys_nothing_twice(project, teacher_server, monkeypatch, fresh):
    prompt = factories.prompt(project)
    run(project, "collect")
    prompt.refresh_from_db()
    prompt.go(State.TO_COLLECT, "asked_again", attempts=0)
    again, save, died = jobs.prepare(project, "collect", {"fresh": fresh}), collect.save, []

    def die(run, works):
        died.append(works)
        raise SystemExit("killed between the answers and their storing")

    monkeypatch.setattr(collect, "save", die)
    with pytest.raises(SystemExit):
        jobs.carry_out(again)
    monkeypatch.setattr(collect, "save", save)
    Prompt.objects.update(lease_until=None)
    jobs.carry_out(again)
    again.refresh_from_db()
    prompt.refresh_from_db()
    assert died
    assert (again.state, prompt.responses.count(), prompt.attempts) == ("finished", 8, 1)
    assert len(teacher_server.requests) == Call.objects.count() == 8


def test_an_endpoint_without_schemas_is_asked_more_plainly_for_every_candidate(project, teacher_server, strong):
    project.more_teachers.clear()
    prompt = factories.prompt(project)
    no_schema = teacher_replies.bad_request("response_format json_schema is not supported")
    teacher_server.script(
        no_schema, when=lambda body: body.get("response_format", {}).get("type") == "json_schema", always=True
    )
    run(project, "collect")
    assert stored(prompt) == FOUR[:2]


def test_another_attempt_asks_for_one_answer_that_was_not_bought_before(project, teacher_server):
    prompt = factories.prompt(project)
    teacher_server.script(teacher_replies.refusal_in_words(), always=True)
    run(project, "collect")
    run(project, "filter")
    run(project, "regenerate")
    prompt.refresh_from_db()
    assert (prompt.attempts, prompt.current_response.attempt, prompt.current_response.candidate) == (2, 2, 0)
    assert len(stored(prompt)) == 5
    assert TeacherResponse.objects.values("call").distinct().count() == len(teacher_server.requests) == 5


def test_a_hypothesis_asked_again_calls_its_method_back(teacher):
    project = factories.project(teacher=teacher, paired=True)
    pair = factories.pair(project, State.TO_REVIEW)
    former = pair.hypothesis.current_response
    pair.hypothesis.go(State.TO_COLLECT, "asked_again", attempts=0)
    run(project, "collect", limit=1)
    pair.hypothesis.refresh_from_db()
    pair.methodology.refresh_from_db()
    assert (pair.hypothesis.state, pair.methodology.state) == (State.TO_FILTER, State.TO_REGENERATE)
    assert pair.hypothesis.current_response.parent == former
    assert (pair.hypothesis.attempts, pair.hypothesis.current_response.attempt) == (1, 2)


class TestLonger:
    @pytest.fixture
    def project(self, teacher):
        teacher.parameters = {"max_tokens": 50}
        teacher.save()
        return factories.project(teacher=teacher, regen_teacher=teacher, paired=False)

    def test_a_cut_off_answer_is_asked_for_once_more_with_more_room(self, project, teacher_server):
        prompt = factories.prompt(project)
        teacher_server.script(teacher_replies.truncated(), when=lambda body: body["max_tokens"] == 50)
        run(project, "collect")
        assert [body["max_tokens"] for body in teacher_server.requests] == [50, 100]
        prompt.refresh_from_db()
        cut, whole = prompt.responses.order_by("candidate")
        assert (cut.finish_reason, whole.finish_reason) == ("length", "stop")
        assert (cut.is_replaced, whole.is_replaced) == (True, False)
        assert (prompt.current_response, prompt.attempts, prompt.state) == (whole, 1, State.TO_FILTER)

    def test_it_is_measured_and_kept_but_does_not_go_on(self, project, teacher_server, tmp_path):
        prompt = factories.prompt(project)
        long = factories.HYPOTHESIS * 40  # fails by its length, which the cut-off text does not
        whole = replace(teacher_replies.answer(long), finish_reason="stop")
        teacher_server.script(replace(teacher_replies.answer(factories.HYPOTHESIS), finish_reason="length"), whole)
        run(project, "collect")
        run(project, "filter")
        prompt.refresh_from_db()
        assert [r.filter_results.count() for r in prompt.responses.all()] == [1, 1]
        assert prompt.current_response.text == long
        assert prompt.state == State.TO_REGENERATE

    @pytest.mark.parametrize("second", [teacher_replies.truncated("If both are cut"), teacher_replies.truncated("")])
    def test_one_more_try_is_all(self, project, teacher_server, second):
        prompt = factories.prompt(project)
        teacher_server.script(teacher_replies.truncated(), second)
        run(project, "collect")
        assert len(teacher_server.requests) == 2
        prompt.refresh_from_db()
        assert prompt.current_response.candidate == 1

    def test_where_the_longer_try_fails_the_cut_off_text_stands(self, project, teacher_server):
        prompt = factories.prompt(project)
        teacher_server.script(teacher_replies.truncated(), teacher_replies.bad_request("too many tokens asked for"))
        ended = run(project, "collect")
        prompt.refresh_from_db()
        assert (prompt.state, prompt.responses.count()) == (State.TO_FILTER, 1)
        assert (prompt.current_response.finish_reason, prompt.current_response.is_replaced) == ("length", False)
        assert "candidates_failed" not in ended.counters

    @pytest.mark.parametrize(("most", "asked"), [(50, [50]), (70, [50, 70]), (400, [50, 100])])
    def test_more_room_than_the_model_has_is_not_asked_for(self, project, teacher, teacher_server, most, asked):
        teacher.profile = {"most_tokens": most}
        teacher.save()
        factories.prompt(project)
        teacher_server.script(teacher_replies.truncated())
        run(project, "collect")
        assert [body["max_tokens"] for body in teacher_server.requests] == asked

    def test_without_a_limit_in_the_body_there_is_no_larger_one(self, project, teacher, teacher_server):
        teacher.parameters = {}
        teacher.save()
        factories.prompt(project)
        teacher_server.script(teacher_replies.truncated())
        run(project, "collect")
        assert len(teacher_server.requests) == 1

    def test_each_candidate_has_its_own_longer_try(self, project, teacher_server):
        project.samples = 2
        project.save()
        prompt = factories.prompt(project)
        teacher_server.script(teacher_replies.truncated(), when=lambda body: body["max_tokens"] == 50, always=True)
        run(project, "collect")
        rows = prompt.responses.order_by("candidate")
        assert [row.metadata.get("longer_answer") for row in rows] == [1, None, 3, None]
        assert Call.objects.count() == 4

    def test_a_cap_without_room_for_it_lets_the_cut_off_text_stand(self, project, teacher, teacher_server):
        teacher.input_price, teacher.output_price = 0, 100_000  # ten cents for every token written
        teacher.save()
        prompt = factories.prompt(project)
        teacher_server.script(teacher_replies.truncated())
        capped = jobs.prepare(project, "collect")
        type(capped).objects.filter(pk=capped.pk).update(cap_usd=6)
        capped.refresh_from_db()
        jobs.carry_out(capped)
        prompt.refresh_from_db()
        capped.refresh_from_db()
        assert (capped.state, prompt.state, prompt.responses.count()) == ("finished", State.TO_FILTER, 1)
        assert 0 < capped.cost < 6
        assert len(teacher_server.requests) == 1

    def test_a_cut_off_attempt_is_not_bought_again_after_a_crash(self, project, teacher_server):
        prompt = factories.prompt(project)
        teacher_server.script(teacher_replies.truncated())
        run(project, "collect")
        TeacherResponse.objects.update(parent=None)
        Prompt.objects.filter(pk=prompt.pk).update(state=State.TO_COLLECT, current_response=None)
        TeacherResponse.objects.all().delete()
        run(project, "collect")
        assert len(teacher_server.requests) == 2
        assert prompt.responses.count() == 2
