"""Replies that no one expects: each is stored or parked with its reason, and none takes the run down."""

import json
from decimal import Decimal

import pytest

from curation.models import Call, Prompt, Run, State
from pipeline import ledger, teachers
from pipeline.answers.completions import read_completion
from pipeline.asks import Ask, Ticket
from tests import factories, teacher_replies
from tests.running import run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def teacher(teacher_server, settings):
    settings.RETRY_PAUSE_SECONDS = 0.01
    return factories.teacher(base_url=teacher_server.url, concurrency=4)


@pytest.fixture
def project(teacher):
    return factories.project(teacher=teacher, paired=False)


def completion(message, **more):
    choice = {"index": 0, "message": message, "finish_reason": "stop"} | more.pop("choice", {})
    return json.dumps({"choices": [choice]} | more).encode()


GOOD = {"role": "assistant", "content": "If A is raised then B falls by 3 mV."}


@pytest.mark.parametrize(
    "body",
    [
        completion({"content": {"text": "an object"}}),
        completion({"content": 7}),
        completion({"content": [{"type": "text", "text": None}, {"type": "text", "text": "An answer in parts."}]}),
        completion({"content": None, "refusal": True}),
        completion(GOOD, usage="none"),
        completion(GOOD, usage=[1]),
        completion(GOOD, usage={"prompt_tokens": 10**30, "completion_tokens": True}),
        completion(GOOD, usage={"note": "\x00 \ud800"}),
        completion(GOOD, choice={"finish_reason": {"why": "\x00\ud800"}}),
        b"[" * 200_000,
        b'{"choices": ' + b"[" * 200_000,
        completion({"content": "[" * 200_000}),
        completion({"content": '{"a":' * 200_000}),
        completion({"content": "\ud800 \x00"}),
        b'{"choices": [{"message": {"content": "text"}, "finish_reason": NaN}], "usage": {"prompt_tokens": NaN}}',
    ],
    ids=lambda body: body[:60].decode(),
)
def test_an_odd_reply_does_not_take_the_run_down(project, teacher_server, body):
    odd, other = factories.prompt(project), factories.prompt(project)
    teacher_server.script(teacher_replies.Reply(body=body), when=odd.context)
    ended = run(project, "collect")
    assert (ended.state, ended.done) == ("finished", 2), ended.error
    odd.refresh_from_db()
    assert odd.state in (State.TO_FILTER, State.PARKED)
    assert Prompt.objects.get(pk=other.pk).state == State.TO_FILTER
    assert run(project, "filter").state == "finished" if odd.state == State.TO_FILTER else True


@pytest.mark.parametrize(
    "message", ["\ud800 and \x00", {"why": "an object"}, "x" * 100_000], ids=["surrogate", "object", "long"]
)
def test_an_odd_error_parks_its_prompt(project, teacher_server, message):
    prompt = factories.prompt(project)
    teacher_server.script(teacher_replies.Reply(status=400, body=json.dumps({"error": {"message": message}}).encode()))
    ended = run(project, "collect")
    prompt.refresh_from_db()
    assert (ended.state, prompt.state) == ("finished", State.PARKED)


@pytest.mark.parametrize("score", ["9" * 400, "1e999", "NaN", '"\\ud800"', "[[[[1]]]]"])
def test_a_judges_odd_number_is_unreadable_and_goes_to_people(teacher, teacher_server, score):
    project = factories.project(
        teacher=teacher, judge_factuality=teacher, judge_reasoning=teacher, paired=False, on_gate_fail="rejected"
    )
    prompt = factories.prompt(project, State.TO_JUDGE)
    reply = completion({"content": f'{{"score": {score}, "flags": [], "rationale": "x"}}'})
    teacher_server.script(teacher_replies.Reply(body=reply), always=True)
    ended = run(project, "judge")
    prompt.refresh_from_db()
    assert (ended.state, prompt.state) == ("finished", State.TO_REVIEW), ended.error


def call_of(project, teacher, **fields):
    run = Run.objects.create(project=project, stage="collect")
    ask = Ask(teacher, teachers.payload(teacher, "", "What?"))
    return run, ledger.reserve([ask], run).to_send[0][0]


@pytest.mark.parametrize(
    "late",
    [
        teachers.Reply(completion({"content": "the second"}).decode(), 200),
        teachers.Reply("", 500, error_class="server_error", error="too late"),
    ],
    ids=["answer", "failure"],
)
def test_an_answered_call_is_never_answered_again(project, teacher, late):
    """A worker that stalled beyond its lease brings its reply after another one asked again and was answered."""
    run, call = call_of(project, teacher)
    first = teachers.Reply(completion({"content": "the first"}).decode(), 200)
    ledger.record([(Ticket(call.pk), first)], run)
    given = ledger.record([(Ticket(call.pk), late)], run)[call.pk]
    call.refresh_from_db()
    assert (call.state, read_completion(call.raw_reply).content) == ("answered", "the first")
    assert (given.state, read_completion(given.raw_reply).content) == ("answered", "the first")


@pytest.mark.parametrize("key", ["sk-very-secret-key", "sk-very-secret-key\n", "sk-very-secret-kéy…"])
def test_a_key_that_the_endpoint_repeats_is_stored_nowhere(project, teacher, teacher_server, monkeypatch, caplog, key):
    monkeypatch.setenv("STANDIN_API_KEY", key)
    teacher.api_key_env = "STANDIN_API_KEY"
    teacher.save()
    factories.prompt(project)
    teacher_server.script(
        teacher_replies.failing(400, f"The key {key.strip()} has no such model", kind="invalid_request_error")
    )
    with caplog.at_level("DEBUG"):
        ended = run(project, "collect")
    stored = [list(model.objects.values()) for model in (Call, Run, Prompt)]
    assert "sk-very" not in json.dumps(stored, default=str, ensure_ascii=False) + caplog.text
    assert ended.done == 1 or ended.state == "failed"


@pytest.mark.parametrize("header", [("Retry-After", "86400"), ("Retry-After-Ms", "inf")])
def test_an_endpoint_that_asks_to_wait_for_hours_stops_the_run(project, teacher_server, header):
    prompt = factories.prompt(project)
    teacher_server.script(teacher_replies.failing(429, "Come back tomorrow", headers=dict([header])), always=True)
    ended = run(project, "collect")
    prompt.refresh_from_db()
    assert (ended.state, prompt.state) == ("failed", State.TO_COLLECT)
    assert "asks to wait" in ended.error


USED = completion({"content": "yes"}, usage={"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}).decode()

ABSURD = {"prompt_tokens": 2**31 - 1, "completion_tokens": 2**31 - 1, "total_tokens": 2**31 - 1}


@pytest.mark.parametrize(
    ("reply", "kept"),
    [
        (teachers.Reply(USED, 200), 0),
        (teachers.Reply(USED, 200, sends=3, lost=2), 2),
        (teachers.Reply("", error_class="timeout", error="No answer.", sends=5, lost=5), 5),
        (teachers.Reply("", 500, error_class="server_error", error="Down.", sends=5), 0),
        (teachers.Reply(completion({"content": "yes"}, usage=None).decode(), 200), 1),
        (teachers.Reply(error_class=teachers.UNSENT, sends=0), 0),
    ],
    ids=["answered", "after two timeouts", "timeouts alone", "failed", "usage unknown", "unsent"],
)
def test_the_cap_keeps_what_may_have_been_billed(project, reply, kept):
    """Each try that ended without a word holds what one can cost at most."""
    price = Decimal(1)
    teacher = factories.teacher(input_price=price, output_price=price, parameters={"max_tokens": 100})
    run = Run.objects.create(project=project, stage="collect", cap_usd=1, cap_tokens=10**6)
    ask = Ask(teacher, teachers.payload(teacher, "", "What?"))
    call = ledger.reserve([ask], run).to_send[0][0]
    run.refresh_from_db()
    usd, tokens = ask.most()
    assert (run.held_usd, run.held_tokens) == (usd, tokens)
    ledger.record([(Ticket(call.pk), reply)], run)
    run.refresh_from_db()
    assert (run.held_usd, run.held_tokens) == (kept * usd, kept * tokens)


def test_an_absurd_usage_costs_no_answer(project):
    """What it cost is then unknown, and the cap keeps what was held for it."""
    prices = dict.fromkeys(("input_price", "output_price"), Decimal(900_000))
    teacher = factories.teacher(parameters={"max_tokens": 100}, **prices)
    run = Run.objects.create(project=project, stage="collect", cap_usd=1000)
    ask = Ask(teacher, teachers.payload(teacher, "", "What?"))
    call = ledger.reserve([ask], run).to_send[0][0]
    ledger.record([(Ticket(call.pk), teachers.Reply(completion({"content": "yes"}, usage=ABSURD).decode(), 200))], run)
    call.refresh_from_db()
    run.refresh_from_db()
    assert (call.state, call.cost, run.cost, run.cost_unknown) == ("answered", None, 0, 1)
    assert run.held_usd == ask.most()[0]


def test_a_tight_cap_goes_to_the_first_prompts_first(project):
    """Otherwise it would buy one candidate of many prompts, and finish none."""
    teacher = factories.teacher(parameters={"max_tokens": 100})
    asks = [
        Ask(teacher, teachers.payload(teacher, "", f"What is {letter}?"), sample)
        for letter in "ABCDE"
        for sample in range(4)
    ]
    room = sum(ask.most()[1] for ask in asks[:6])
    run = Run.objects.create(project=project, stage="collect", cap_tokens=room)
    reserved = ledger.reserve(asks, run)
    assert [ask.identity for _, ask in reserved.to_send] == [ask.identity for ask in asks[:6]]
    assert reserved.too_dear == {ask.identity for ask in asks[6:]}
