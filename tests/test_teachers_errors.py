"""Errors as endpoints word them, and the class of each: what is tried again, set aside, or stops the run."""

import json
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import failures
from pipeline.answers import schema_for
from pipeline.teachers import FATAL, RETRIED, classify, payload, refused
from pipeline.teachers.errors import hidden_status, sentence, words
from tests import teacher_replies

# What is in the field: OpenAI, Azure, vLLM, llama.cpp, Ollama, OpenRouter, Together, Mistral, DeepSeek, Groq, Qwen …


def openai(message, code=None, kind="invalid_request_error", param=None):
    return json.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}})


def vllm(message, kind="BadRequestError", code=400):
    return json.dumps({"object": "error", "message": message, "type": kind, "param": None, "code": code})


RETRIED_BODIES = [
    (429, openai("Rate limit reached for gpt-4o on tokens per min (TPM): Limit 30000, Used 29000.", "rate_limit"), 0),
    (
        429,
        '{"error": {"code": "429", "message": "Requests to the ChatCompletions_Create Operation under Azure OpenAI API '
        "version 2024-02-01 have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry "
        'after 60 seconds. Please go here: https://aka.ms/oai/quotaincrease to increase the default."}}',
        0,
    ),
    (
        429,
        '[{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "You exceeded your current quota, please '
        "check your plan and billing details. * Quota exceeded for metric: generate_content_requests, limit: 10. "
        'Please retry in 12.5s."}}]',
        0,
    ),
    (429, "", 0),
    (408, "", "timeout"),
    (409, openai("The resource is locked"), "conflict"),
    (500, openai("The server had an error while processing your request", kind="server_error"), "server_error"),
    (502, "<html><body>502 Bad Gateway</body></html>", "server_error"),
    (
        503,
        '{"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}',
        "server_error",
    ),
    (503, openai("That model is currently overloaded with other requests.", kind="server_error"), "server_error"),
    (524, "error code: 524", "server_error"),
    (529, '{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}', "server_error"),
]

QUOTA = [
    (429, openai("You exceeded your current quota, please check your plan and billing details.", "insufficient_quota")),
    (402, '{"error": {"message": "Insufficient Balance", "type": "unknown_error", "param": null, "code": null}}'),
    (
        402,
        '{"error": {"message": "This request requires more credits, or fewer max_tokens. You requested up to 4096 '
        'tokens, but can only afford 4000.", "code": 402}}',
    ),
    (400, '{"error": {"message": "Your credit balance is too low to access the API.", "type": "invalid_request"}}'),
    (400, openai("Billing hard limit has been reached", "billing_hard_limit_reached")),
    (403, '{"error": "Your team has used all available credits or reached its monthly spending limit."}'),
    (429, '{"error": {"message": "Rate limit exceeded: free-models-per-day. Add 10 credits.", "code": 429}}'),
    (402, ""),
]

UNKNOWN_MODEL = [
    (404, openai("The model `gpt-9` does not exist or you do not have access to it.", "model_not_found")),
    (403, openai("Project `proj_1` does not have access to model `gpt-4`", "model_not_found")),
    (
        404,
        '{"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist. If '
        'you created the deployment within the last 5 minutes, please wait a moment and try again."}}',
    ),
    (404, vllm("The model `x` does not exist.", "NotFoundError", 404)),
    (404, openai("model 'llama9' not found, try pulling it first", kind="api_error")),
    (404, '{"error": {"message": "No endpoints found for nous/hermes:free.", "code": 404}}'),
    (400, '{"error": {"message": "openai/gpt-9 is not a valid model ID", "code": 400}}'),
    (400, openai("Model Not Exist", "invalid_request_error")),
    (400, '{"object": "error", "message": "Invalid model: foo", "type": "invalid_model", "code": "1500"}'),
    (404, openai("Unable to access model foo. Please visit the list of models", "model_not_available", param="model")),
    (400, openai("The model `mixtral` has been decommissioned and is no longer supported.", "model_decommissioned")),
]

WRONG_ADDRESS = [
    (404, openai("Invalid URL (POST /v1/v1/chat/completions)")),
    (404, '{"error": {"code": "404", "message": "Resource not found"}}'),
    (404, '{"detail": "Not Found"}'),
    (404, '{"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}}'),
    (404, "404 page not found"),
    (404, '{"message": "no Route matched with those values"}'),
    (404, ""),
    (405, '{"detail": "Method Not Allowed"}'),
]

CONTEXT = [
    (
        400,
        openai(
            "This model's maximum context length is 8192 tokens. However, you requested 8256 tokens (64 in the "
            "messages, 8192 in the completion). Please reduce the length of the messages or completion.",
            "context_length_exceeded",
            param="messages",
        ),
    ),
    (400, vllm("max_tokens must be at least 1, got -186.")),
    (
        400,
        '{"error": {"message": "You passed 1015 input tokens and requested 10 output tokens. However, the model\'s '
        "context length is only 1024 tokens, resulting in a maximum input length of 1014 tokens. (parameter="
        'input_tokens, value=1015)", "type": "BadRequestError", "param": "input_tokens", "code": 400}}',
    ),
    (
        400,
        '{"error": {"code": 400, "message": "request (4390 tokens) exceeds the available context size (4096 tokens), '
        'try increasing it", "type": "exceed_context_size_error", "n_prompt_tokens": 4390, "n_ctx": 4096}}',
    ),
    (500, '{"error": {"code": 500, "message": "Context size has been exceeded.", "type": "server_error"}}'),
    (
        422,
        '{"error": {"message": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 65537. Given: '
        '79993 `inputs` tokens and 1024 `max_new_tokens`", "type": "invalid_request_error"}}',
    ),
    (413, "<html><head><title>413 Request Entity Too Large</title></head></html>"),
    (
        413,
        openai("Request too large for model `llama` on tokens per minute (TPM): Limit 6000, Requested 7001", "tokens"),
    ),
    (
        429,
        openai(
            "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 30601. The input or output "
            "tokens must be reduced in order to run successfully.",
            "rate_limit_exceeded",
        ),
    ),
    (
        400,
        '{"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 210000 tokens"}}',
    ),
]

FILTER = [
    (
        400,
        '{"error": {"message": "The response was filtered due to the prompt triggering Azure OpenAI\'s content '
        'management policy.", "code": "content_filter", "status": 400, "innererror": {"code": '
        '"ResponsibleAIPolicyViolation"}}}',
    ),
    (400, openai("Content Exists Risk", "invalid_request_error")),
    (400, '{"error": {"code": "data_inspection_failed", "message": "Input data may contain inappropriate content."}}'),
    (
        403,
        '{"error": {"code": 403, "message": "Your chosen model requires moderation and your input was flagged", '
        '"metadata": {"flagged_input": "text"}}}',
    ),
]

STRUCTURE = [
    (400, openai("This response_format type is unavailable now", "invalid_request_error")),
    (
        400,
        openai(
            "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
            param="response_format",
        ),
    ),
    (
        422,
        "Failed to deserialize the JSON body into the target type: response_format.type: unknown variant "
        "`json_schema`, expected `text` or `json_object` at line 1 column 132",
    ),
    (400, openai("registry.ollama.ai/library/gemma3:4b does not support tools", kind="api_error")),
    (404, '{"error": {"message": "No endpoints found that support tool use.", "code": 404}}'),
    (400, vllm('"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set')),
    (400, '{"error": {"code": 400, "message": "failed to parse grammar", "type": "invalid_request_error"}}'),
    (500, '{"error": {"code": 500, "message": "Failed to initialize samplers: failed to parse grammar"}}'),
    (
        400,
        openai(
            "Invalid schema for response_format 'hypothesis': In context=('properties', 'support'), 'maxItems' is not "
            "permitted.",
            param="response_format",
        ),
    ),
    (400, openai("Thinking mode does not support this tool_choice")),
]

PARAMETER = [
    (
        400,
        openai(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
            "instead.",
            "unsupported_parameter",
            param="max_tokens",
        ),
    ),
    (
        400,
        openai(
            "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is "
            "supported.",
            "unsupported_value",
            param="temperature",
        ),
    ),
    (
        400,
        openai(
            "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
            "unsupported_value",
            param="messages[0].role",
        ),
    ),
    (400, '{"type": "error", "error": {"message": "`temperature` is deprecated for this model."}}'),
    (400, '{"error": {"message": "temperature and top_p cannot both be specified for this model. Use only one."}}'),
    (400, '{"error": {"message": "invalid temperature: only 1 is allowed for this model"}}'),
    (400, openai("Unrecognized request argument supplied: reasoning_effort")),
    (400, '{"error": {"message": "property \'reasoning_effort\' is unsupported, did you mean \'reasoning_format\'?"}}'),
    (400, '{"message": "`reasoning_effort` must be one of `none` or `default`", "type": "invalid_request_error"}'),
    (
        422,
        '{"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", '
        '"max_completion_tokens"], "msg": "Extra inputs are not permitted", "input": 32000}]}}',
    ),
    (
        400,
        vllm(
            "[{'type': 'extra_forbidden', 'loc': ('body', 'max_completion_tokens'), 'msg': 'Extra inputs are not "
            "permitted', 'input': 800}]"
        ),
    ),
    (
        422,
        "Failed to deserialize the JSON body into the target type: messages[0].role: unknown variant `developer`, "
        "expected one of `system`, `user`, `assistant`, `tool` at line 1 column 85",
    ),
    (400, vllm("System role not supported")),
    (500, '{"error": {"code": 500, "message": "Only user and assistant roles are supported!"}}'),
    (400, vllm("Conversation roles must alternate user/assistant/user/assistant/...")),
    (
        400,
        openai(
            "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.",
            "decimal_above_max_value",
            param="temperature",
        ),
    ),
    (404, '{"error": {"message": "No endpoints found that can handle the requested parameters.", "code": 404}}'),
]

OUTPUT_LIMIT = [
    (
        400,
        openai(
            "max_tokens is too large: 8192. This model supports at most 4096 completion tokens, whereas you provided "
            "8192.",
            param="max_tokens",
        ),
    ),
    (400, openai("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", "invalid_request_error")),
    (400, "<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, 8192]"),
    (
        400,
        openai(
            "`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens` is less than the "
            "`context_window` for this model",
            param="max_tokens",
        ),
    ),
    (400, openai("max_tokens is too large for this tier", param="max_tokens")),
    (400, '{"error": {"message": "max_tokens: 21333 > 4096, which is the maximum allowed number of output tokens"}}'),
]

OTHER = [
    (
        400,
        vllm(
            "'max_tokens' or 'max_completion_tokens' is too large: 4096. This model's maximum context length is 2048."
        ),
        "context_too_long",
    ),
    (400, "[" * 500 + "]" * 500, "bad_request"),
    (401, openai("Incorrect API key provided", "invalid_api_key"), "unauthorised"),
    (400, '[{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key."}}]', "unauthorised"),
    (403, "<html>Access denied</html>", "forbidden"),
    (400, openai("Unsupported parameter"), "bad_request"),
    (400, openai("We could not parse the JSON body of your request."), "bad_request"),
    (400, openai("Failed to validate JSON. Please adjust your prompt.", "json_validate_failed"), "bad_request"),
    (422, '{"detail": [{"loc": ["body", "messages"], "msg": "field required"}]}', "bad_request"),
    (418, "", "bad_request"),
]


@pytest.mark.parametrize(("status", "body", "error_class"), RETRIED_BODIES)
def test_what_is_tried_again(status, body, error_class):
    assert classify(status, body) == (error_class or "rate_limited")
    assert classify(status, body) in RETRIED


@pytest.mark.parametrize(
    ("status", "body", "error_class"),
    [
        *((*case, "quota") for case in QUOTA),
        *((*case, "unknown_model") for case in UNKNOWN_MODEL),
        *((*case, "wrong_address") for case in WRONG_ADDRESS),
        *((*case, "unsupported_parameter") for case in PARAMETER),
    ],
)
def test_what_stops_the_run(status, body, error_class):
    assert classify(status, body) == error_class
    assert error_class in FATAL


@pytest.mark.parametrize(
    ("status", "body", "error_class"),
    [
        *((*case, "context_too_long") for case in CONTEXT),
        *((*case, "content_filter") for case in FILTER),
        *((*case, "unsupported_structure") for case in STRUCTURE),
        *((*case, "output_limit") for case in OUTPUT_LIMIT),
    ],
)
def test_what_concerns_one_prompt_or_can_be_asked_otherwise(status, body, error_class):
    assert classify(status, body) == error_class
    assert error_class not in FATAL | RETRIED


@pytest.mark.parametrize(("status", "body", "error_class"), OTHER)
def test_the_rest(status, body, error_class):
    assert classify(status, body) == error_class


@pytest.mark.parametrize("status", [400, 422])
def test_the_words_of_a_prompt_are_not_taken_for_the_endpoints(status):
    """Validators repeat what was sent."""
    prompt = "The maximum context length of 'temperature' is unsupported; insufficient_quota, content_filter."
    told = {"detail": [{"type": "missing", "loc": ["body", "messages", 0], "msg": "Field required", "input": prompt}]}
    assert classify(status, json.dumps(told)) == "bad_request"
    assert (
        classify(status, json.dumps({"message": f"[{{'msg': 'Field required', 'input': {prompt!r}}}]"}))
        == "bad_request"
    )


@pytest.mark.parametrize(
    "body",
    ["", "[]", "null", "[" * 10_000, '{"error": null}', '{"error": [1]}', '{"error": {"message": {"a": 1}}}', "\0"],
)
@pytest.mark.parametrize("status", [400, 404, 418, 429, 500])
def test_odd_bodies_are_classed_too(status, body):
    assert classify(status, body)
    assert isinstance(words(body), str)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{"error": {"message": "a  b"}}', "a b"),
        ('[{"error": {"message": "a"}}]', "a"),
        ('{"error": "a"}', "a"),
        ('{"object": "error", "message": "a"}', "a"),
        ('{"detail": "Not Found"}', "Not Found"),
        ("<html>", "<html>"),
    ],
)
def test_the_endpoints_own_words(body, told):
    assert words(body) == told


def test_every_class_that_stops_a_run_has_its_sentence():
    for error_class in FATAL:
        told = sentence("The teacher", error_class, "the words")
        assert told.endswith("It says: the words")
        assert "cannot be asked" not in told


def test_the_stand_ins_errors_are_classed_as_the_real_ones():
    for reply, error_class in (
        (teacher_replies.rate_limited(), "rate_limited"),
        (teacher_replies.out_of_quota(), "quota"),
        (teacher_replies.unavailable(), "server_error"),
        (teacher_replies.wrong_key(), "unauthorised"),
        (teacher_replies.context_too_long(), "context_too_long"),
    ):
        assert classify(reply.status, json.dumps({"error": reply.error})) == error_class


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"error": {"code": 502, "message": "Provider returned error"}}', 502),
        ('{"choices": [{"finish_reason": "error", "message": {"content": ""}, "error": {"code": 429}}]}', 429),
        ('{"choices": [{"message": {"content": "Half of it"}, "error": {"code": 502}}]}', None),
        ('{"choices": [{"message": {"content": "\\"error\\""}}]}', None),
        ('{"choices": [{"message": {"content": null}}], "error": null}', None),
        ('{"error": "words"}', None),
        ('{"error": {"code": "server_error"}}', None),
        ('{"error": {"code": 200}}', None),
        ('["error"]', None),
        ('"error"', None),
    ],
)
def test_an_error_in_a_reply_of_status_200(body, status):
    assert hidden_status(body) == status


WORDS = st.lists(
    st.sampled_from(
        [
            *("unsupported", "'max_tokens'", "temperature", "role", "response_format", "context length", "quota", "["),
            *(
                "model",
                "not found",
                "too large",
                "at most 3 completion",
                "tools",
                "'strict'",
                "maxItems",
                "{",
                '"',
                "'",
            ),
        ]
    ),
    max_size=8,
).map(" ".join)
BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "message", "code", "type", "param", "detail", "loc", "msg", "input", "choices"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
SENT = payload(
    SimpleNamespace(model="m", structure="tool_call", parameters={"max_tokens": 9, "temperature": 1}, profile={}),
    "Be exact.",
    "What?",
    schema=("hypothesis", schema_for("hypothesis")),
)


@settings(deadline=None)
@given(st.sampled_from([400, 401, 403, 404, 413, 422, 429, 500, 503]), BODIES | st.text())
def test_no_body_makes_it_raise(status, value):
    body = value if isinstance(value, str) else json.dumps(value)
    assert classify(status, body)
    assert isinstance(refused(body, SENT), list)
    words(body).encode("utf-8", "surrogatepass")
    hidden_status(body)


def test_every_class_has_a_name_and_a_meaning_in_the_failed_ledger():
    classes = {error_class for *_, error_class in OTHER} | FATAL | RETRIED
    assert classes | {"output_limit", "unsupported_structure", "content_filter"} <= set(failures.CLASSES)
