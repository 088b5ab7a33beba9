"""Chat completions of many servers: content, reasoning, refusal and usage, whatever types they hold."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.answers import read_completion, why_not_a_completion


def reply(message, usage=None, **choice):
    made = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"} | choice]}
    return json.dumps(made | ({"usage": usage} if usage is not None else {}))


def called(*arguments):
    return [{"id": "1", "type": "function", "function": {"name": "hypothesis", "arguments": a}} for a in arguments]


@pytest.mark.parametrize(
    ("message", "content"),
    [
        ({"content": "Text."}, "Text."),
        ({"content": None}, ""),
        ({}, ""),
        ({"content": [{"type": "text", "text": "In "}, {"type": "text", "text": "parts."}]}, "In parts."),
        ({"content": [{"type": "text", "text": None}, "odd", 3, {"type": ["x"], "text": "kept"}]}, "kept"),
        ({"content": None, "tool_calls": called('{"statement": "A"}')}, '{"statement": "A"}'),
        ({"content": "", "tool_calls": called({"statement": "Ä"})}, '{"statement": "Ä"}'),
        ({"content": "I call it.", "tool_calls": called('{"statement": "A"}')}, '{"statement": "A"}'),
        ({"content": "The answer.", "tool_calls": called('{"statement": "A')}, "The answer."),
        ({"content": "", "tool_calls": called('{"statement": "A')}, '{"statement": "A'),
        ({"content": "", "tool_calls": called('{"a": 1}', '{"b": 2}')}, '{"a": 1}\n{"b": 2}'),
        ({"content": None, "function_call": {"name": "f", "arguments": '{"a": 1}'}}, '{"a": 1}'),
        ({"content": "x", "tool_calls": [None, {"function": None}, {"function": {"arguments": 4}}]}, "x"),
        ({"content": "x", "tool_calls": {"function": "no list"}}, "x"),
    ],
)
def test_the_content(message, content):
    body = reply(message)
    assert why_not_a_completion(body) == ""
    assert read_completion(body).content == content


@pytest.mark.parametrize(
    "message",
    [
        {"content": "A", "reasoning_content": " Because. "},
        {"content": "A", "reasoning": "Because."},
        {"content": "A", "reasoning": None, "thinking": "Because."},
        {
            "content": "A",
            "reasoning": {"odd": 1},
            "reasoning_details": [{"type": "reasoning.text", "text": "Because."}],
        },
        {"content": "A", "reasoning_details": [{"type": "reasoning.summary", "summary": "Because."}, None]},
        {"content": [{"type": "reasoning", "text": "Because."}, {"type": "text", "text": "A"}]},
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "Because."}]},
                {"type": "text", "text": "A"},
            ]
        },
    ],
)
def test_reasoning_in_fields_of_its_own_is_kept_apart(message):
    made = read_completion(reply(message))
    assert (made.content, made.thinking) == ("A", "Because.")


def test_refusals():
    assert read_completion(reply({"content": None, "refusal": "No."})).refusal == "No."
    assert read_completion(reply({"content": [{"type": "refusal", "refusal": "No."}]})).refusal == "No."
    assert read_completion(reply({"content": None, "refusal": True})).refusal == ""


@pytest.mark.parametrize(
    ("usage", "counts"),  # prompt, completion, total, reasoning, cached
    [
        ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}, (10, 5, 15, None, None)),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 50,
                "total_tokens": 60,
                "completion_tokens_details": {"reasoning_tokens": 40},
                "prompt_tokens_details": {"cached_tokens": 8},
            },
            (10, 50, 60, 40, 8),
        ),
        # Reasoning counted beside the answer, said and unsaid.
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 55,
                "completion_tokens_details": {"reasoning_tokens": 40},
            },
            (10, 45, 55, 40, None),
        ),
        ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 55}, (10, 45, 55, 40, None)),
        # A total that no count explains changes nothing.
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 99, "reasoning_tokens": 3},
            (10, 5, 99, 3, None),
        ),
        ({"prompt_tokens": 10, "total_tokens": 15}, (10, 5, 15, None, None)),
        ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 3}, (10, 5, 3, None, None)),
        ({"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 4}, (10, 5, None, None, 4)),
        ({"prompt_tokens": "10", "completion_tokens": True, "total_tokens": -1}, (None,) * 5),
        ({"prompt_tokens": 10**30, "completion_tokens": 1.5}, (None,) * 5),
        ({"completion_tokens_details": 3, "prompt_tokens_details": [1]}, (None,) * 5),
        ("none", (None,) * 5),
        ([1], (None,) * 5),
    ],
)
def test_usage(usage, counts):
    made = read_completion(reply({"content": "A"}, usage))
    given = (made.prompt_tokens, made.completion_tokens, made.total_tokens, made.reasoning_tokens, made.cached_tokens)
    assert given == counts
    assert made.usage == (usage if isinstance(usage, dict) else {})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "no chat completion"),
        ("null", "no chat completion"),
        ("<html>502 Bad Gateway</html>", "no chat completion"),
        ('{"choices": []}', "no chat completion"),
        ("[" * 200_000, "no chat completion"),
        ('{"choices": [{"message": "text"}]}', "no message"),
        (reply({"content": {"text": "an object"}}), "no text"),
        (reply({"content": 7}), "no text"),
        (reply({"content": ""}, error={"code": 502, "message": "Provider returned error"}), "Provider returned error"),
        (json.dumps({"error": {"message": "Upstream idle", "code": 504}}), "Upstream idle"),
    ],
)
def test_what_is_no_completion_says_why(body, said):
    assert said in why_not_a_completion(body)


NAMES = (
    *("choices", "message", "content", "refusal", "finish_reason", "error", "type", "text", "thinking", "usage"),
    *("tool_calls", "function", "function_call", "arguments", "reasoning", "reasoning_content", "reasoning_details"),
    *("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "prompt_tokens_details"),
    *("completion_tokens_details", "reasoning_tokens"),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), ANYTHING), st.dictionaries(st.sampled_from(NAMES), ANYTHING), ANYTHING)
def test_no_types_make_it_raise(message, choice, usage):
    body = json.dumps({"choices": [choice | {"message": message}], "usage": usage})
    if not why_not_a_completion(body):
        made = read_completion(body)
        assert isinstance(made.content, str)
        for text in (made.thinking, made.refusal, made.finish_reason):
            text.encode()
        json.dumps(made.usage, allow_nan=False)


@settings(deadline=None)
@given(ANYTHING | st.text())
def test_no_body_makes_it_raise(value):
    body = value if isinstance(value, str) else json.dumps(value)
    if not why_not_a_completion(body):
        read_completion(body)
