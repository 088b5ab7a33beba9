"""What a refusal teaches: the profile changes once, the question is asked in its new shape, and it comes to an end."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.models import Call, JudgeScore, Prompt, State, Teacher
from curation.profiles import check_profile
from pipeline import jobs, setup, teachers
from pipeline.asks import Ask
from pipeline.stages import adapting
from pipeline.stages.adapting import can_learn, learn
from tests import factories, teacher_replies
from tests.teacher_server import THOUGHT
from tests.threads import together

pytestmark = pytest.mark.django_db(transaction=True)
SCHEMA = ("hypothesis", {"type": "object", "properties": {"a": {"type": "array", "maxItems": 6, "minItems": 1}}})
WANTED = {"max_tokens": 9, "temperature": 0.2, "top_p": 0.9, "seed": 1, "reasoning_effort": "low"}


@pytest.fixture
def teacher(teacher_server, settings):
    settings.RETRY_PAUSE_SECONDS = 0.01
    return factories.teacher(base_url=teacher_server.url, concurrency=4, parameters=WANTED)


def run(project, stage):
    made = jobs.prepare(project, stage, {})
    jobs.carry_out(made)
    made.refresh_from_db()
    return made


def error(message, **more):
    return json.dumps({"error": {"message": message, "type": "invalid_request_error", "param": None} | more})


def asked(teacher):
    return Ask(teacher, teachers.payload(teacher, "Be exact.", "What?", schema=SCHEMA))


def failed(body, status=400):
    return Call(
        state="failed",
        http_status=status,
        raw_reply=body,
        error_class=teachers.classify(status, body),
        error_detail=body[:500],
    )


def taught(teacher, body, status=400):
    """Whether the teacher learns from this reply, after `can_learn` said the same."""
    ask, call = asked(teacher), failed(body, status)
    expected = can_learn(ask, call)
    assert learn(ask, call) == expected
    teacher.refresh_from_db()
    return expected


@pytest.mark.parametrize(
    ("told", "structure", "changed"),
    [
        ("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", "", {"token_parameter": 0}),
        ("Unsupported value: 'temperature' does not support 0.2 with this model.", "", {"omit": ["temperature"]}),
        ("temperature is deprecated for this model.", "", {"omit": ["temperature"]}),
        ("invalid temperature: only 1 is allowed for this model", "", {"omit": ["temperature"]}),
        ("temperature and top_p cannot both be specified for this model.", "", {"sampling": "temperature"}),
        ("Unsupported parameter: 'top_p' is not supported with this model.", "", {"omit": ["top_p"]}),
        ("Unrecognized request argument supplied: reasoning_effort", "", {"omit": ["reasoning_effort"]}),
        ("`reasoning_effort` must be one of `none` or `default`", "", {"omit": ["reasoning_effort"]}),
        ("Unsupported value: 'messages[0].role' does not support 'system'.", "", {"system_role": "user"}),
        ("System role not supported", "", {"system_role": "user"}),
        ("This model supports at most 5 completion tokens; max_tokens is too large", "", {"most_tokens": 5}),
        ("Invalid max_tokens value, the valid range of max_tokens is [1, 7]", "", {"most_tokens": 7}),
        ("'maxItems' is not permitted in this schema", "json_schema", {"schema_without": ["maxItems"]}),
        ("Thinking mode does not support this tool_choice", "tool_call", {"tool_choice": "auto"}),
        ("Extra inputs are not permitted: 'tools.0.function.strict'", "tool_call", {"strict": False}),
        ("This response_format type is unavailable now", "json_schema", "json_object"),
        ("response_format json_object is not supported", "json_object", "text"),
        ("gemma3:4b does not support tools", "tool_call", "json_object"),
    ],
)
def test_what_a_refusal_changes(teacher, told, structure, changed):
    Teacher.objects.update(structure=structure or "text")
    teacher.refresh_from_db()
    before = asked(teacher).body
    assert taught(teacher, error(told))
    learned = teacher.profile["learned"]
    assert len(learned) == 1
    assert told in learned[0]["from"]
    if isinstance(changed, str):
        assert (teacher.structure, learned[0]["changed"]) == (changed, {"structure": changed})
    else:
        changed = changed if "token_parameter" not in changed else {"token_parameter": "max_completion_tokens"}
        assert learned[0]["changed"] == changed
        assert teacher.profile.items() >= changed.items()
    assert asked(teacher).body != before
    assert check_profile(teacher.profile) == []


@pytest.mark.parametrize(
    "body",
    [
        error("We could not parse your request."),
        error("Unsupported parameter"),
        error("Unsupported parameter: 'stream'"),
        error("Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead."),
        error(
            "maximum context length is 8192 tokens; max_tokens is not supported at this size",
            code="context_length_exceeded",
        ),
        "<html>temperature is not supported</html>" * 0,
        "",
    ],
)
def test_what_teaches_nothing(teacher, body):
    assert not taught(teacher, body)
    assert teacher.profile == {}


@pytest.mark.parametrize("status", [200, 429, 500])
def test_only_refusals_teach(teacher, status):
    assert not taught(teacher, error("Unsupported parameter: 'top_p'"), status)


def test_what_an_endpoint_repeats_of_a_prompt_is_not_noted(teacher):
    """A teacher serves many projects."""
    told = {
        "type": "extra_forbidden",
        "loc": ["body", "seed"],
        "msg": "Extra inputs are not permitted",
        "input": "secret",
    }
    for body in (json.dumps({"detail": [told]}), json.dumps({"object": "error", "message": str([told])})):
        Teacher.objects.update(profile={})
        teacher.refresh_from_db()
        assert taught(teacher, body, 422)
        assert teacher.profile["omit"] == ["seed"]
        assert "secret" not in json.dumps(teacher.profile)


def test_two_parameters_refused_at_once(teacher):
    told = [
        {"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted"} for name in WANTED
    ]
    assert taught(teacher, json.dumps({"message": {"detail": told[3:]}}), 422)
    assert teacher.profile["omit"] == ["seed", "reasoning_effort"]


def test_a_limit_refused_under_both_names_is_for_a_person_to_mend(teacher):
    assert taught(teacher, error("Unsupported parameter: 'max_tokens'"))
    assert not taught(teacher, error("Unsupported parameter: 'max_completion_tokens'"))
    assert "max_completion_tokens" in asked(teacher).body


def test_the_system_prompt_ends_in_the_user_message(teacher):
    Teacher.objects.update(profile={"system_role": "developer"})
    teacher.refresh_from_db()
    roles = []
    while taught(teacher, error("messages[0].role: unknown variant `developer`, expected one of `system`, `user`")):
        roles.append(teacher.profile["system_role"])
    assert roles == ["system", "user"]
    assert asked(teacher).body["messages"][0]["role"] == "user"


def test_a_larger_limit_of_a_second_try_teaches_nothing(teacher):
    ask = asked(teacher)
    ask.body = teachers.bigger(ask.body)
    assert not learn(
        ask, failed(error("max_tokens is too large: 18. This model supports at most 10 completion tokens"))
    )


def test_two_workers_at_once_learn_one_lesson(teacher):
    ask, call = asked(teacher), failed(error("Unsupported parameter: 'max_tokens'"))
    both = together(*[lambda: learn(Ask(Teacher.objects.get(pk=teacher.pk), ask.body), call)] * 4)
    assert both == [True] * 4
    teacher.refresh_from_db()
    assert teacher.profile["token_parameter"] == "max_completion_tokens"
    assert len(teacher.profile["learned"]) == 1


WORDS = st.lists(
    st.sampled_from(
        [
            *(
                "unsupported",
                "'max_tokens'",
                "`temperature`",
                "top_p",
                "'messages[0].role'",
                "system role not supported",
            ),
            *("response_format", "tools", "tool_choice", "'strict'", "maxItems", "is not permitted", "schema", "both"),
            *("at most 3 completion", "reasoning_effort", "'seed'", "unknown", "max_completion_tokens", "grammar"),
        ]
    ),
    max_size=6,
)


@settings(deadline=None)
@given(st.lists(WORDS, max_size=40), st.sampled_from(["json_schema", "tool_call", "json_object", "text"]))
def test_learning_comes_to_an_end_whatever_is_said(said, structure):
    """However an endpoint refuses, the lessons are few, each is one of the table, and each changes what is sent."""
    teacher = Teacher(pk=1, model="m", structure=structure, parameters=WANTED, profile={})
    lessons = 0
    for words in said * 2:
        ask, call = asked(teacher), failed(error(" ".join(words)))
        if not _learn_unsaved(teacher, ask, call):
            continue
        lessons += 1
        assert asked(teacher).body != ask.body
        assert check_profile(teacher.profile) == []
    assert lessons <= 16


def _learn_unsaved(teacher, ask, call):
    """`learn` without a database."""
    refused = adapting._refused(ask, call)
    return bool(refused) and adapting._teach(teacher, refused, ask, call)


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"response_format": {"type": "json_object"}}, "This response_format type is unavailable now"),
        ({"tools": [{"type": "function", "function": {"name": "a", "strict": True}}]}, "Unknown field 'tools.strict'"),
    ],
)
def test_what_a_person_put_into_the_parameters_is_not_asked_again_for_ever(teacher, parameters, told):
    Teacher.objects.update(structure="text", parameters=parameters)
    teacher.refresh_from_db()
    for _ in range(3):
        ask = Ask(teacher, teachers.payload(teacher, "", "What?"))
        assert not learn(ask, failed(error(told)))
    assert teacher.profile == {}


# -- through the wire ------------------------------------------------------------------------------------------------


def refuse(server, message, when):
    server.script(teacher_replies.bad_request(message), when=when, always=True)


def test_a_picky_endpoint_is_learned_and_every_prompt_answered(teacher, teacher_server):
    project = factories.project(teacher=teacher, paired=False)
    prompts = [factories.prompt(project) for _ in range(6)]
    refuse(
        teacher_server, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'.", lambda b: "max_tokens" in b
    )
    refuse(teacher_server, "Unsupported value: 'temperature' does not support 0.2.", lambda b: "temperature" in b)
    refuse(teacher_server, "System role not supported", lambda b: b["messages"][0]["role"] != "user")
    refuse(teacher_server, "This response_format type is unavailable now", lambda b: "json_schema" in str(b))
    ended = run(project, "collect")
    teacher.refresh_from_db()
    assert (ended.state, ended.done) == ("finished", len(prompts)), ended.error
    assert {p.state for p in Prompt.objects.all()} == {State.TO_FILTER}
    assert teacher.structure == "json_object"
    assert teacher.profile["system_role"] == "user"
    assert [each["part"] for each in teacher.profile["learned"]] == [
        *("max_tokens", "temperature", "role system", "structure json_schema"),
    ]
    before = len(teacher_server.requests)
    factories.prompt(project)
    assert run(project, "collect").done == 1
    assert len(teacher_server.requests) == before + 1


def test_what_cannot_be_learned_stops_the_run_in_a_sentence(teacher, teacher_server):
    project = factories.project(teacher=teacher, paired=False)
    factories.prompt(project)
    refuse(teacher_server, "Unsupported parameter: 'max_tokens'.", lambda b: "max_tokens" in b)
    refuse(teacher_server, "Unsupported parameter: 'max_completion_tokens'.", lambda b: "max_completion_tokens" in b)
    ended = run(project, "collect")
    assert ended.state == "failed"
    assert "refuses a parameter" in ended.error
    assert "'max_completion_tokens'" in ended.error
    assert Prompt.objects.get().state == State.TO_COLLECT


@pytest.mark.parametrize("structure", ["json_schema", "json_object", "tool_call", "text"])
def test_answers_and_judgements_in_every_structure(teacher, structure):
    Teacher.objects.update(structure=structure)
    teacher.refresh_from_db()
    project = factories.project(teacher=teacher, judge_factuality=teacher, judge_reasoning=teacher, paired=True)
    factories.pair(project)
    ended = run(project, "pipeline")
    assert ended.state == "finished", ended.error
    assert {p.state for p in Prompt.objects.all()} == {State.TO_REVIEW}
    for prompt in Prompt.objects.select_related("current_response"):
        assert prompt.current_response.form == ("plain" if structure == "text" else "json")
        assert not prompt.current_response.parse_error
    assert JudgeScore.objects.filter(score__isnull=False).count() == 4


def test_a_reasoning_model_regenerates_out_of_the_box(teacher_server, monkeypatch):
    """o3-mini refuses max_tokens, temperature and top_p; what it thinks is counted and paid for."""
    monkeypatch.setenv("OPENAI_BASE_URL", teacher_server.url)
    strong = setup.teacher_for("o3-mini")
    Teacher.objects.filter(pk=strong.pk).update(input_price=1, output_price=4)
    project = factories.project(
        teacher=factories.teacher(base_url=teacher_server.url), regen_teacher=strong, paired=False
    )
    prompt = factories.prompt(project)
    teacher_server.script(teacher_replies.refusal_in_words())
    for stage in ("collect", "filter", "regenerate"):
        ended = run(project, stage)
        assert ended.state == "finished", ended.error
    prompt.refresh_from_db()
    call = prompt.current_response.call
    assert (prompt.state, call.model, call.sends) == (State.TO_FILTER, "o3-mini", 1)
    assert {"max_tokens", "temperature", "top_p"}.isdisjoint(call.request)
    assert call.request["max_completion_tokens"] >= 4096
    assert call.reasoning_tokens == THOUGHT
    assert call.completion_tokens > THOUGHT
    assert call.cost == Decimal(call.prompt_tokens + 4 * call.completion_tokens) / 1_000_000
