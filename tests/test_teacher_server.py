"""The stand-in teacher itself: it must behave as the endpoints do that it stands for."""

import json

import openai
import pytest

from tests import teacher_replies as replies

HYPOTHESIS_SCHEMA = {
    "type": "object",
    "properties": {
        "statement": {"type": "string", "maxLength": 400},
        "direction": {"type": "string", "enum": ["increase", "decrease", "other"]},
        "support": {"type": "array", "items": {"type": "string"}, "maxItems": 1},
    },
}
JUDGE_SCHEMA = {
    "type": "object",
    "properties": {
        "score": {"type": "integer"},
        "dimensions": {"type": "object", "properties": {"tact": {"type": "integer"}}},
        "flags": {"type": "array", "items": {"type": "string"}},
    },
}


def ask(server, words="Source: dust of 10 g/m² made snow melt nine days earlier than clean snow.", **options):
    if "schema" in options:
        schema = {"name": "answer", "schema": options.pop("schema")}
        options["response_format"] = {"type": "json_schema", "json_schema": schema}
    with openai.OpenAI(base_url=server.url, api_key="sk-test", max_retries=0, timeout=options.pop("timeout", 5)) as api:
        options = {"model": "stand-in"} | options
        return api.chat.completions.create(messages=[{"role": "user", "content": words}], **options).choices[0]


def test_the_same_question_gets_the_same_answer_and_another_another(teacher_server):
    first, again, other = (ask(teacher_server, words) for words in ("Source: a", "Source: a", "Source: b"))
    assert first.message.content == again.message.content != other.message.content
    assert len(teacher_server.requests) == 3


def test_answers_follow_the_schema(teacher_server):
    answer = json.loads(ask(teacher_server, schema=HYPOTHESIS_SCHEMA).message.content)
    assert set(answer) == {"statement", "direction", "support"}
    assert answer["direction"] in ("increase", "decrease")
    assert answer["support"] == ["Source: dust of 10 g/m² made snow melt nine days earlier than clean snow."]
    judged = json.loads(ask(teacher_server, schema=JUDGE_SCHEMA).message.content)
    assert judged["score"] >= 80
    assert judged["flags"] == []
    assert set(judged["dimensions"]) == {"tact"}


def test_plain_text_by_the_words_of_the_request(teacher_server):
    assert ask(teacher_server).message.content.startswith("If the ")
    method = ask(teacher_server, "Hypothesis to test: warm is fast.").message.content
    assert [line[:2] for line in method.splitlines()] == ["1.", "2.", "3.", "4.", "5."]
    assert "score" in json.loads(ask(teacher_server, "Give a score from 0 to 100.").message.content)


@pytest.mark.parametrize(
    ("reply", "error", "status"),
    [
        (replies.rate_limited(), openai.RateLimitError, 429),
        (replies.out_of_quota(), openai.RateLimitError, 429),
        (replies.server_error(), openai.InternalServerError, 500),
        (replies.unavailable(), openai.InternalServerError, 503),
        (replies.wrong_key(), openai.AuthenticationError, 401),
        (replies.bad_request(), openai.BadRequestError, 400),
        (replies.context_too_long(), openai.BadRequestError, 400),
    ],
)
def test_scripted_errors_come_once_and_then_good_answers(teacher_server, reply, error, status):
    teacher_server.script(reply)
    with pytest.raises(error) as caught:
        ask(teacher_server)
    assert caught.value.status_code == status
    assert ask(teacher_server).finish_reason == "stop"


@pytest.mark.parametrize("reply", [replies.dropped(), replies.slow(30)])
def test_lost_connections(teacher_server, reply):
    teacher_server.script(reply)
    with pytest.raises(openai.APIConnectionError):
        ask(teacher_server, timeout=0.3)


def test_scripted_answers(teacher_server):
    teacher_server.script(replies.refusal(), replies.truncated(), replies.filtered(), replies.broken_json())
    assert ask(teacher_server).message.refusal
    assert ask(teacher_server).finish_reason == "length"
    assert ask(teacher_server).finish_reason == "content_filter"
    with pytest.raises(json.JSONDecodeError):
        json.loads(ask(teacher_server).message.content)


def test_scripts_choose_their_requests(teacher_server):
    teacher_server.script(replies.low_scores(12), when="kind:judgement", always=True)
    teacher_server.script(replies.answer("by content"), when="snow")
    assert json.loads(ask(teacher_server, schema=JUDGE_SCHEMA).message.content)["score"] == 12
    assert json.loads(ask(teacher_server, schema=JUDGE_SCHEMA).message.content)["score"] == 12
    assert ask(teacher_server, "Source: rain.").message.content != "by content"
    assert ask(teacher_server, "Source: snow.").message.content == "by content"
    assert len(teacher_server.asked("judgement")) == 2


def test_reasoning_models_refuse_what_the_real_ones_refuse(teacher_server):
    with pytest.raises(openai.BadRequestError, match="max_tokens"):
        ask(teacher_server, model="o3-mini", max_tokens=100)
    assert ask(teacher_server, model="o3-mini", max_completion_tokens=100)


def test_a_demanded_key(teacher_server):
    teacher_server.demand_key("sk-other")
    with pytest.raises(openai.AuthenticationError):
        ask(teacher_server)
    teacher_server.demand_key("sk-test")
    assert ask(teacher_server)
    assert "sk-test" not in json.dumps(teacher_server.requests)


def test_models_are_listed(teacher_server):
    with openai.OpenAI(base_url=teacher_server.url, api_key="sk-test", max_retries=0) as api:
        assert "stand-in" in [model.id for model in api.models.list()]
