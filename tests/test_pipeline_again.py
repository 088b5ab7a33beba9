"""Asking again: only what would be sent another payload, decided ones only when named, nothing twice after a kill."""

from datetime import timedelta

import pytest
from django.utils import timezone

from curation.models import Call, Event, Prompt, ReviewClaim, Run, State
from pipeline import jobs
from pipeline.stages import again
from pipeline.stages.again import AgainFilter, WrongFilter, quote_again
from tests import factories
from tests.running import run
from tests.threads import together

pytestmark = pytest.mark.django_db(transaction=True)
NEW_SYSTEM = "You are a careful scientist. Answer in another way than before."


@pytest.fixture
def teacher(teacher_server):
    return factories.teacher(base_url=teacher_server.url, concurrency=4)


@pytest.fixture
def project(teacher):
    return factories.project(teacher=teacher, regen_teacher=teacher)


def collected(project, number=3):
    """Prompts with an answer each."""
    prompts = [factories.prompt(project) for _ in range(number)]
    run(project)
    return prompts


def change_system(project, body=NEW_SYSTEM):
    factories.template(project, "system_toolproto", body)


def states(prompts):
    rows = dict(Prompt.objects.values_list("pk", "state"))
    return [rows[prompt.pk] for prompt in prompts]


def test_nothing_changed_asks_nothing(project, teacher_server):
    prompts = collected(project)
    quote = quote_again(project, AgainFilter())
    assert (quote.chosen, quote.asked, quote.same) == (3, 0, 3)
    ended = run(project, again={})
    assert (ended.state, ended.total, ended.counters["left_same"]) == ("finished", 0, 3)
    assert "Nothing to ask" in ended.notice
    assert len(teacher_server.requests) == 3
    assert states(prompts) == [State.TO_FILTER] * 3
    assert not Event.objects.filter(kind="asked_again").exists()


def test_a_changed_system_prompt_asks_all_of_them_once(project, teacher_server):
    prompts = collected(project)
    change_system(project)
    quote = quote_again(project, AgainFilter())
    assert (quote.asked, quote.same) == (3, 0)
    ended = run(project, again={})
    assert (ended.state, ended.total, ended.done) == ("finished", 3, 3)
    assert len(teacher_server.requests) == 6
    assert {request["messages"][0]["content"] for request in teacher_server.requests[3:]} == {NEW_SYSTEM}
    rows = Prompt.objects.in_bulk([prompt.pk for prompt in prompts]).values()
    assert {(row.state, row.attempts, row.current_response.attempt) for row in rows} == {(State.TO_FILTER, 1, 2)}
    assert run(project, again={}).total == 0
    assert len(teacher_server.requests) == 6


def test_going_back_to_an_answered_payload_asks_nothing(project, teacher_server):
    collected(project)
    first = project.templates.get(name="system_toolproto").body
    change_system(project)
    run(project, again={})
    change_system(project, first)
    assert run(project, again={}).total == 0


def test_fresh_asks_the_same_payload_again(project, teacher_server):
    prompts = collected(project)
    assert quote_again(project, AgainFilter(), {"fresh": True}).asked == 3
    ended = run(project, again={}, fresh=True)
    assert ended.total == 3
    assert len(teacher_server.requests) == 6
    assert Call.objects.filter(state="answered").count() == 6
    assert states(prompts) == [State.TO_FILTER] * 3


def test_what_waits_to_be_collected_anyway_is_no_part_of_it(project, teacher_server):
    collected(project, 1)
    waiting = factories.prompt(project)
    change_system(project)
    assert run(project, again={}).total == 1
    assert states([waiting]) == [State.TO_COLLECT]


def test_decided_prompts_are_left_unless_named(project, teacher_server):
    prompts = collected(project, 5)
    person = factories.member(project, "reviewer")
    for prompt, state in zip(prompts, ["accepted", "rejected", "to_resolve", "to_review", "to_judge"], strict=True):
        Prompt.objects.filter(pk=prompt.pk).update(state=state)
        prompt.refresh_from_db()
    factories.annotation(prompts[2].current_response, person)
    change_system(project)
    quote = quote_again(project, AgainFilter())
    assert (quote.chosen, quote.asked, quote.decided_left) == (2, 2, 3)
    assert quote_again(project, AgainFilter.parse(["decided=yes"])).asked == 5
    assert quote_again(project, AgainFilter.parse(["state=accepted,rejected"])).asked == 2
    assert quote_again(project, AgainFilter.parse([f"key={prompts[0].key[:12]}"])).asked == 1
    assert run(project, again={}).total == 2
    assert states(prompts[:3]) == ["accepted", "rejected", "to_resolve"]
    assert run(project, again={"decided": True}).total == 3


@pytest.mark.parametrize(
    ("words", "number"),
    [
        (["rule=ban_citations"], 1),
        (["rule=require_action_verb"], 0),
        (["reason=judge_f_low_score"], 1),
        (["reason=not_falsifiable"], 1),
        (["task_type=methodology"], 1),
        (["domain=physics"], 1),
        (["teacher=stand-in"], 4),
        (["teacher=gpt-4o"], 0),
        (["state=to_filter", "task_type=hypothesis"], 3),
        (["state=to_judge"], 0),
        (["error_class=server_error"], 1),
    ],
)
def test_filters_choose(project, words, number):
    made = [
        factories.prompt(project, "to_filter", domain="physics"),
        factories.prompt(project, "to_filter"),
        factories.prompt(project, "to_filter", task_type="methodology"),
        factories.prompt(project, "to_filter"),
    ]
    for prompt in made:
        call = factories.call(project)
        prompt.responses.update(call=call)
    factories.prompt(project, "parked", error_class="server_error")
    older = factories.ruleset(project, body={"min_char_length": 10})
    factories.filter_result(made[1].current_response, failed=["require_action_verb"], ruleset=older)
    newer = factories.ruleset(project, body={"min_char_length": 20})
    factories.filter_result(made[1].current_response, failed=["ban_citations"], ruleset=newer)
    factories.gate_result(made[0].current_response, reasons=["judge_f_low_score"])
    factories.annotation(
        made[3].current_response, factories.member(project, "reviewer"), "reject", reasons=["not_falsifiable"]
    )
    chosen = AgainFilter.parse([*words, "decided=yes"]).prompts(project)
    assert chosen.count() == number


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stat=to_judge"], "known are state, task_type"),
        (["state=judged"], "known are to_collect, to_filter"),
        (["rule=no_such"], "known are"),
        (["key=abc"], "at least its first 8"),
        (["decided=maybe"], "yes or no"),
        (["to_judge"], "write key=value"),
        (["state="], "write key=value"),
        (["domain=a", "domain=b"], "twice"),
    ],
)
def test_a_wrong_filter_names_what_is_known(words, said):
    with pytest.raises(WrongFilter, match=said):
        AgainFilter.parse(words)


def test_a_filter_survives_being_kept():
    words = ["state=to_judge,parked", "domain=cell biology", "decided=yes", "key=0123456789"]
    wanted = AgainFilter.parse(words)
    assert AgainFilter.from_json(wanted.as_json()) == wanted
    assert AgainFilter.from_json({}) == AgainFilter()


def test_a_wrong_filter_starts_no_run(project):
    with pytest.raises(jobs.CannotStart, match="no filter"):
        jobs.prepare(project, "collect", {"again": {"x": "y"}})
    assert not Run.objects.exists()


def test_what_a_run_or_a_reviewer_holds_is_left_and_counted(project, teacher_server):
    prompts = collected(project)
    other = factories.run(project, "filter", state="running")
    Prompt.objects.filter(pk=prompts[0].pk).update(run=other)
    ReviewClaim.objects.create(
        prompt=prompts[1], reviewer=factories.member(project, "reviewer"), until=timezone.now() + timedelta(minutes=5)
    )
    change_system(project)
    quote = quote_again(project, AgainFilter())
    assert (quote.chosen, quote.asked, quote.held, quote.claimed) == (3, 1, 1, 1)
    ended = run(project, again={})
    assert (ended.total, ended.counters["left_in_another_run"], ended.counters["left_with_a_reviewer"]) == (1, 1, 1)


def test_imported_answers_are_asked_only_when_named(project, teacher_server):
    prompt = factories.prompt(project, "to_filter")
    quote = quote_again(project, AgainFilter())
    assert (quote.chosen, quote.imported_left) == (0, 1)
    assert quote_again(project, AgainFilter.parse(["teacher=stand-in"])).asked == 1
    assert quote_again(project, AgainFilter(), {"fresh": True}).asked == 1
    assert run(project, again={"key": prompt.key}).total == 1


def test_a_parked_prompt_comes_back_without_its_error(project, teacher_server):
    prompt = factories.prompt(project, "parked")
    ended = run(project, again={"error_class": "server"})
    prompt.refresh_from_db()
    assert (ended.total, prompt.state, prompt.error_class, prompt.parked_from) == (1, State.TO_FILTER, "", "")


def test_a_limit_puts_back_no_more(project, teacher_server):
    collected(project, 5)
    change_system(project)
    assert run(project, again={}, limit=2).total == 2
    assert run(project, again={}).total == 3


def test_putting_back_goes_on_where_a_killed_worker_was(project, teacher_server, monkeypatch):
    collected(project, 6)
    change_system(project)
    monkeypatch.setattr(again, "BATCH", 2)
    made = jobs.prepare(project, "collect", {"again": {}})
    again_moved = again._move
    moves = []

    def killed(run, ids):
        moves.append(ids)
        again_moved(run, ids)
        if len(moves) == 2:
            raise KeyboardInterrupt  # within the transaction: nothing of the second batch stays

    monkeypatch.setattr(again, "_move", killed)
    with pytest.raises(KeyboardInterrupt):
        jobs.carry_out(made)
    assert Prompt.objects.filter(state=State.TO_COLLECT).count() == 2
    jobs.carry_out(made)
    made.refresh_from_db()
    assert (made.state, made.total, made.done) == ("finished", 6, 6)
    assert Event.objects.filter(kind="asked_again").count() == 6
    assert len(teacher_server.requests) == 12


def test_a_stopped_run_goes_on_later(project, teacher_server):
    collected(project)
    change_system(project)
    made = jobs.prepare(project, "collect", {"again": {}})
    assert jobs.carry_out(made, lambda: True) == "stopped"
    assert jobs.carry_out(made) == "ended"
    made.refresh_from_db()
    assert (made.state, made.done) == ("finished", 3)


def test_a_quote_beyond_the_exact_number_is_estimated_and_says_so(project, teacher_server, monkeypatch):
    collected(project, 6)
    change_system(project)
    monkeypatch.setattr(again, "EXACT", 4)
    quote = quote_again(project, AgainFilter())
    assert (quote.chosen, quote.asked, quote.sampled) == (6, 6, 4)
    assert "Estimated from 4" in " ".join(quote.sentences)
    assert "about 6 would be asked" in quote.sentences[0]


def test_a_hypothesis_asked_again_calls_its_method_back(project, teacher_server):
    project.paired = True
    project.save()
    pair = factories.pair(project)
    run(project)
    Prompt.objects.filter(pk=pair.hypothesis_id).update(state=State.TO_REVIEW)
    run(project)
    Prompt.objects.filter(pk=pair.methodology_id).update(state=State.TO_REVIEW)
    factories.template(project, "hypothesis", "Write another hypothesis about: {{context}}")
    quote = quote_again(project, AgainFilter())
    assert (quote.chosen, quote.asked, quote.same) == (2, 1, 1)
    assert run(project, again={}).total == 1
    pair.hypothesis.refresh_from_db()
    pair.methodology.refresh_from_db()
    assert (pair.hypothesis.state, pair.methodology.state) == (State.TO_FILTER, State.TO_REGENERATE)


def test_a_changed_system_prompt_asks_a_pair_in_its_order(project, teacher_server):
    project.paired = True
    project.save()
    pair = factories.pair(project)
    run(project)
    Prompt.objects.filter(pk=pair.hypothesis_id).update(state=State.TO_REVIEW)
    run(project)
    change_system(project)
    ended = run(project, again={})
    assert (ended.state, ended.total, ended.done) == ("finished", 2, 1)
    assert states([pair.hypothesis, pair.methodology]) == [State.TO_FILTER, State.TO_COLLECT]
    Prompt.objects.filter(pk=pair.hypothesis_id).update(state=State.TO_REVIEW)
    assert run(project).done == 1
    method = Prompt.objects.select_related("current_response__hypothesis", "pair_as_methodology__hypothesis").get(
        pk=pair.methodology_id
    )
    assert method.current_response.hypothesis == method.pair_as_methodology.hypothesis.current_response


def test_workers_put_back_side_by_side_and_each_prompt_is_asked_once(project, teacher_server, monkeypatch):
    monkeypatch.setattr(again, "BATCH", 7)
    collected(project, 40)
    change_system(project)
    made = jobs.prepare(project, "collect", {"again": {}})
    together(*[lambda: jobs.carry_out(Run.objects.select_related("project").get(pk=made.pk))] * 3)
    made.refresh_from_db()
    assert (made.state, made.total, made.done) == ("finished", 40, 40)
    assert len(teacher_server.requests) == 80
    assert Event.objects.filter(kind="asked_again").count() == 40
