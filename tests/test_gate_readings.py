"""Several judges, several times each: every reading is one call, bought once, and all of them make one score."""

import json
from collections import Counter

import pytest

from curation.models import Call, GateResult, JudgeScore, Prompt, Ruleset, State
from curation.reviewing.verdicts import judgements_of
from pipeline import jobs, quotes
from pipeline.gate import load_gate
from pipeline.stages import judge, questions
from pipeline.stages.packing import Unpacker, pack
from tests import factories, gates, teacher_replies
from tests.running import run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project(teacher_server, settings):
    settings.RETRY_PAUSE_SECONDS = 0.01
    first = factories.teacher("First", base_url=teacher_server.url, model="first")
    made = factories.project(judge_factuality=first, judge_reasoning=first, judge_repeats=2, on_gate_fail="rejected")
    made.more_judges.add(factories.teacher("Second", base_url=teacher_server.url, model="second"), first)
    return made


def asked(server):
    """How often each model was asked by each rubric."""
    return Counter(
        (body["model"], "reasoning" if "Hypothesis that the response must test" in words(body) else "factuality")
        for body in server.requests
    )


def words(body):
    return body["messages"][-1]["content"]


def scored(score, **fields):
    return teacher_replies.Reply(fields={"score": score} | fields)


def of_model(model):
    return lambda body: body["model"] == model


def test_every_reading_is_a_call_of_its_own(project, teacher_server):
    prompt = factories.prompt(project, State.TO_JUDGE)
    assert quotes.quote(project, "judge").calls.mid == len(project.readers) == 8
    run(project, "judge")
    assert set(asked(teacher_server).values()) == {2}
    assert len(asked(teacher_server)) == 4
    scores = JudgeScore.objects.filter(response=prompt.current_response)
    assert sorted(scores.values_list("judge__name", "rubric", "repeat")) == [
        (name, rubric, repeat)
        for name in ("First", "Second")
        for rubric in ("factuality", "reasoning")
        for repeat in (0, 1)
    ]
    assert len({score.call_id for score in scores}) == 8
    assert {each["n"] for each in GateResult.objects.get().measurements} == {4}


def test_the_score_is_the_mean_of_the_judges_means_with_its_spread(project, teacher_server):
    prompt = factories.prompt(project, State.TO_JUDGE)
    teacher_server.script(scored(100), when=of_model("first"), always=True)
    teacher_server.script(scored(70), when=of_model("second"), always=True)
    Ruleset.record(project, "gate", load_gate({"max_spread": 29}))
    run(project, "judge")
    result = GateResult.objects.get()
    assert [(each["value"], each["spread"], each["n"]) for each in result.measurements] == [(85, 30, 4), (85, 30, 4)]
    assert (result.score, result.reasons, result.passed) == (85, ["judges_disagree"], False)
    prompt.refresh_from_db()
    assert prompt.state == State.TO_REVIEW


def test_a_flag_of_one_of_eight_readings_goes_to_people(project, teacher_server):
    prompt = factories.prompt(project, State.TO_JUDGE)
    gates.let_in(prompt)
    teacher_server.script(teacher_replies.flagged("safety_chemical"))
    run(project, "judge")
    prompt.refresh_from_db()
    assert (prompt.state, GateResult.objects.get().reasons) == (State.TO_REVIEW, ["safety_critical_flag"])


def test_what_is_known_is_not_bought_again_and_what_is_new_is(project, teacher_server):
    prompt = factories.prompt(project, State.TO_JUDGE)
    run(project, "judge")
    Prompt.objects.filter(pk=prompt.pk).update(state=State.TO_JUDGE)
    run(project, "judge")
    assert len(teacher_server.requests) == 8
    project.judge_repeats = 3
    project.save()
    Prompt.objects.filter(pk=prompt.pk).update(state=State.TO_JUDGE)
    assert quotes.quote(project, "judge").calls.mid == 4
    run(project, "judge")
    assert len(teacher_server.requests) == 12
    assert Call.objects.count() == JudgeScore.objects.count() == 12


def test_an_unreadable_reading_is_asked_once_more_without_touching_the_other_repeats(project, teacher_server):
    project.more_judges.clear()
    factories.prompt(project, State.TO_JUDGE)
    teacher_server.script(*[teacher_replies.unreadable_judgement()] * 4)
    run(project, "judge")
    # Each of the four readings had a second call, and none shares its call with another.
    assert len(teacher_server.requests) == 8
    assert sorted(Call.objects.values_list("sample_index", flat=True)) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert set(JudgeScore.objects.values_list("repeat", "call__sample_index")) == {(0, 1), (1, 3)}
    assert JudgeScore.objects.filter(score=None).count() == 0


def test_cut_off_repeats_get_more_room_each(project, teacher_server):
    project.more_judges.clear()
    judge_row = project.judge_factuality
    judge_row.parameters = {"max_tokens": 30}
    judge_row.save()
    factories.prompt(project, State.TO_JUDGE)
    cut = teacher_replies.truncated('{"score": 8')
    teacher_server.script(cut, when=lambda body: body["max_tokens"] == 30, always=True)
    run(project, "judge")
    assert sorted(body["max_tokens"] for body in teacher_server.requests) == [30] * 4 + [60] * 4
    assert JudgeScore.objects.values("call").distinct().count() == 4


def test_one_that_stays_unreadable_goes_to_people_beside_the_others(project, teacher_server):
    prompt = factories.prompt(project, State.TO_JUDGE)
    teacher_server.script(teacher_replies.unreadable_judgement(), when=of_model("second"), always=True)
    run(project, "judge")
    result = GateResult.objects.get()
    assert result.reasons == ["judge_unreadable"]
    assert {each["n"] for each in result.measurements} == {2}
    prompt.refresh_from_db()
    assert prompt.state == State.TO_REVIEW


def test_a_judge_that_refuses_all_stops_the_run(project, teacher_server):
    prompt = factories.prompt(project, State.TO_JUDGE)
    teacher_server.script(teacher_replies.wrong_key(), when=of_model("second"), always=True)
    made = jobs.prepare(project, "judge")
    jobs.carry_out(made)
    made.refresh_from_db()
    prompt.refresh_from_db()
    assert made.state == "failed"
    assert "Second" in made.error
    assert prompt.state == State.TO_JUDGE


def test_killed_between_readings_it_buys_only_the_missing_ones(project, teacher_server):
    factories.prompt(project, State.TO_JUDGE)
    refuses = [teacher_replies.wrong_key()] * 8
    teacher_server.script(*refuses, when=of_model("second"))
    jobs.carry_out(jobs.prepare(project, "judge"))
    before = Call.objects.filter(state="answered").count()
    teacher_server.reset()
    run(project, "judge")
    assert len(teacher_server.requests) == 8 - before
    assert JudgeScore.objects.count() == 8


def test_repeats_of_one_prompt_differ_by_their_sample_alone(project):
    prompt = factories.prompt(project, State.TO_JUDGE)
    prompt.project = project
    (work,) = judge.prepare(factories.run(project, "judge"), [prompt])
    hashes = Counter(ask.payload_hash for ask in work.asks.values())
    assert set(hashes.values()) == {2}
    assert {ask.sample for ask in work.asks.values()} == {0, 2}


def test_what_a_judge_says_changes_no_text(project, teacher_server):
    text = "If the dust load is doubled, then the snow will melt nine days earlier."
    prompt = factories.prompt(project, State.TO_JUDGE, answer=text)
    gates.let_in(prompt)
    better = {"response": "A better text.", "text": "A better text.", "improved_response": "A better text."}
    teacher_server.script(scored(95, **better), always=True)
    run(project, "judge")
    prompt.refresh_from_db()
    assert prompt.state == State.ACCEPTED
    assert prompt.current_response.text == prompt.current_response.resolutions.get().text == text
    assert prompt.responses.count() == 1
    assert not JudgeScore.objects.filter(rationale__contains="better").exists()


def test_the_judges_room_is_shared_by_all_readings(project):
    project.judge_factuality.concurrency = 64
    project.judge_factuality.save()
    second = project.more_judges.get(name="Second")
    second.concurrency = 32
    second.save()
    project.refresh_from_db()
    assert judge.room(factories.run(project, "judge")) == 32 // 8


def test_batches_keep_apart_what_was_asked_several_times(project):
    prompt = factories.prompt(project, State.TO_JUDGE)
    prompt.project = project
    (work,) = judge.prepare(factories.run(project, "judge"), [prompt])
    kept = Unpacker().unpack(json.loads(json.dumps(pack(work.notes))))
    assert kept["of"].keys() == work.notes["of"].keys()
    assert kept["wanted"] == work.notes["wanted"]


def test_a_batch_that_was_filled_before_rubrics_were_data_is_understood(project):
    prompt = factories.prompt(project, State.TO_JUDGE)
    response, first = prompt.current_response, project.judge_factuality
    templates = {name: factories.template(project, f"judge_{name}") for name in project.judges}
    old = {"rubrics": templates, "judges": project.judges, "responses": [response], "tried": {"factuality of 1"}}
    old["of"] = {f"{name} of {response.pk}": (response, name) for name in templates}
    notes = questions.brought_up_to_date(project, old | {"candidates": 1})
    assert {(reader.rubric, judge) for _, reader, judge in notes["of"].values()} == {
        ("factuality", first),
        ("reasoning", first),
    }
    assert {reader.version for reader in notes["wanted"][response.pk]} == {
        questions.sheet(project, name).sha256 for name in templates
    }
    assert (notes["tried"], notes["candidates"]) == ({"factuality of 1"}, 1)
    assert questions.brought_up_to_date(project, notes) is notes


def test_under_the_same_gate_another_judge_makes_another_verdict(project, teacher_server):
    prompt = factories.prompt(project, State.TO_JUDGE)
    project.more_judges.clear()
    teacher_server.script(scored(20), when=of_model("first"), always=True)
    Ruleset.record(project, "gate", load_gate({"decides": False}))
    run(project, "judge")
    second = factories.teacher("Third", base_url=teacher_server.url, model="third")
    project.judge_factuality = project.judge_reasoning = second
    project.save()
    teacher_server.script(scored(90), when=of_model("third"), always=True)
    Prompt.objects.filter(pk=prompt.pk).update(state=State.TO_JUDGE)
    run(project, "judge")
    result = GateResult.objects.get()
    assert (result.score, result.reasons, {each["n"] for each in result.measurements}) == (90, [], {2})
    replaced = prompt.events.get(kind="gate_verdict_replaced").detail["was"]
    assert (replaced["score"], {each["value"] for each in replaced["measurements"]}) == (20, {20})
    scores = list(prompt.current_response.judge_scores.select_related("judge"))
    factuality, _ = judgements_of(scores, result, {})
    assert (factuality.score, factuality.counted, len(factuality.readable)) == (90, 2, 4)
