"""Bodies in the shape that each model takes, and the profile that says which."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from curation.profiles import KEYS, check_profile
from pipeline import teachers
from pipeline.answers import judge_schema, read_completion, schema_for
from pipeline.teachers import default_profile, payload, structure_of
from pipeline.teachers.payload import schema_in, without

SCHEMAS = {
    "hypothesis": schema_for("hypothesis"),
    "methodology": schema_for("methodology"),
    "judgement": judge_schema(["falsifiability", "safety_awareness"]),
}


def teacher(model="gpt-4o-mini", structure="json_schema", parameters=None, **profile):
    return SimpleNamespace(model=model, structure=structure, parameters=parameters or {}, profile=profile)


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize("structure", ["json_schema", "json_object", "tool_call", "text"])
def test_every_schema_in_every_structure(name, structure):
    body = payload(teacher(structure=structure), "Be exact.", "What?", schema=(name, SCHEMAS[name]))
    assert structure_of(body) == structure
    said = json.dumps(body)
    assert all(field in said for field in SCHEMAS[name]["properties"]) == (structure != "text")
    if structure == "json_schema":
        assert body["response_format"]["json_schema"] == {"name": name, "strict": True, "schema": SCHEMAS[name]}
    if structure == "tool_call":
        function = body["tools"][0]["function"]
        assert (function["name"], function["strict"], function["parameters"]) == (name, True, SCHEMAS[name])
        assert body["tool_choice"] == {"type": "function", "function": {"name": name}}
        assert "response_format" not in body
    if structure == "json_object":
        assert body["response_format"] == {"type": "json_object"}
        assert "JSON" in body["messages"][-1]["content"]


def test_without_a_schema_no_structure_is_asked_for():
    assert structure_of(payload(teacher(structure="tool_call"), "", "What?")) == "text"


@pytest.mark.parametrize(
    ("profile", "parameters", "sent"),
    [
        ({}, {"max_tokens": 9, "temperature": 1}, {"max_tokens": 9, "temperature": 1}),
        ({"token_parameter": "max_completion_tokens"}, {"max_tokens": 9}, {"max_completion_tokens": 9}),
        ({"most_tokens": 5}, {"max_tokens": 9}, {"max_tokens": 5}),
        ({"most_tokens": 5}, {"max_tokens": "9"}, {"max_tokens": "9"}),
        ({"sampling": False}, {"temperature": 0.2, "top_p": 0.9, "seed": 1}, {"seed": 1}),
        ({"sampling": "temperature"}, {"temperature": 0.2, "top_p": 0.9}, {"temperature": 0.2}),
        ({"sampling": "temperature"}, {"top_p": 0.9}, {"top_p": 0.9}),
        ({"omit": ["seed", "top_p"]}, {"temperature": 0.2, "top_p": 0.9, "seed": 1}, {"temperature": 0.2}),
        ({"reasoning_effort": "low"}, {}, {"reasoning_effort": "low"}),
        ({"reasoning_effort": "low"}, {"reasoning_effort": "high"}, {"reasoning_effort": "high"}),
        ({"reasoning_effort": None}, {}, {}),
        ({"reasoning_effort": "low", "omit": ["reasoning_effort"]}, {}, {}),
    ],
)
def test_parameters(profile, parameters, sent):
    body = payload(teacher(parameters=parameters, **profile), "", "What?")
    assert {name: body[name] for name in body if name not in ("model", "messages")} == sent


@pytest.mark.parametrize(
    ("role", "messages"),
    [
        ("system", [("system", "Be exact."), ("user", "What?")]),
        ("developer", [("developer", "Be exact."), ("user", "What?")]),
        ("user", [("user", "Be exact.\n\nWhat?")]),
    ],
)
def test_the_role_of_the_system_prompt(role, messages):
    body = payload(teacher(system_role=role), "Be exact.", "What?")
    assert [(each["role"], each["content"]) for each in body["messages"]] == messages
    assert payload(teacher(system_role=role), "", "What?")["messages"] == [{"role": "user", "content": "What?"}]


def test_structure_facts():
    schema = ("methodology", SCHEMAS["methodology"])
    body = payload(teacher(schema_without=["maxItems", "minItems"]), "", "What?", schema=schema)
    assert "maxItems" not in json.dumps(schema_in(body))
    assert SCHEMAS["methodology"]["properties"]["steps"]["maxItems"] == 6
    tool = teacher(structure="tool_call", tool_choice="auto", strict=False)
    body = payload(tool, "", "What?", schema=schema)
    assert body["tool_choice"] == "auto"
    assert "strict" not in body["tools"][0]["function"]


def test_a_field_named_as_a_keyword_stays():
    schema = {"type": "object", "properties": {"pattern": {"type": "string", "pattern": "a"}}, "required": ["pattern"]}
    assert without(schema, ["pattern"]) == {
        **schema,
        "properties": {"pattern": {"type": "string"}},
    }


@pytest.mark.parametrize(
    ("model", "reasoning"),
    [
        ("o3-mini", True),
        ("openai/o1", True),
        ("gpt-5.1", True),
        ("gpt-5-chat-latest", False),
        ("gpt-4o", False),
        ("org/olmo-2", False),
    ],
)
def test_the_first_guess_by_the_name(model, reasoning):
    guess = default_profile(model)
    assert guess["sampling"] is not reasoning
    assert guess["token_parameter"] == ("max_completion_tokens" if reasoning else "max_tokens")
    assert check_profile(guess) == []


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ({}, None),
        ({"sampling": "temperature", "omit": ["seed"], "most_tokens": 4096, "reasoning_effort": None}, None),
        ({"learned": [{"at": "2026-01-01", "part": "top_p", "from": "no", "changed": {"omit": ["top_p"]}}]}, None),
        ({"answer_schema": {"leave_out": ["support"], "patterns": {"steps": ["^a$"]}, "max_length": {"a": 9}}}, None),
        ([], "JSON object"),
        ({"temprature": False}, "“temprature” is no key"),
        ({"sampling": "yes"}, "“sampling” must be true, false"),
        ({"sampling": 1}, "“sampling” must be"),
        ({"token_parameter": "max_new_tokens"}, "max_tokens or max_completion_tokens"),
        ({"token_parameter": []}, "max_tokens or max_completion_tokens"),
        ({"system_role": "assistant"}, "system, developer, user"),
        ({"system_role": {}}, "system, developer, user"),
        ({"reasoning_effort": ""}, "“reasoning_effort” must be"),
        ({"omit": "seed"}, "“omit” must be a list"),
        ({"most_tokens": True}, "“most_tokens” must be"),
        ({"most_tokens": 0}, "“most_tokens” must be"),
        ({"answer_schema": {"leave": ["support"]}}, "“answer_schema” must be"),
        ({"judge_schema": {"max_length": [1]}}, "“judge_schema” must be"),
        ({"learned": "much"}, "“learned” must be"),
    ],
)
def test_a_profile_is_checked_in_words(profile, words):
    problems = check_profile(profile)
    assert len(problems) == (words is not None)
    assert words is None or words in problems[0]


def test_every_key_of_a_profile_says_what_it_does():
    assert all(key.takes and key.help.endswith(".") for key in KEYS.values())


def test_a_tools_arguments_are_the_answer():
    arguments = json.dumps({"statement": "If A then B."})
    call = {"id": "1", "type": "function", "function": {"name": "hypothesis", "arguments": arguments}}
    body = {"choices": [{"message": {"content": None, "tool_calls": [call]}, "finish_reason": "tool_calls"}]}
    assert read_completion(json.dumps(body)).content == arguments


def test_the_docs_name_the_same_keys_and_classes():
    docs = (Path(__file__).parent.parent / "docs/teachers.md").read_text()
    for name, key in KEYS.items():
        assert f"| `{name}` | {key.takes} | {key.help} |" in docs
    for error_class in teachers.FATAL | teachers.RETRIED:
        assert f"`{error_class}`" in docs
