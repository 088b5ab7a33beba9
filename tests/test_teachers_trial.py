"""The test of a teacher: one tiny call against the stand-in teacher, on the page and by the command."""

from io import StringIO

import pytest
from django.core import serializers
from django.core.management import CommandError, call_command

from curation.models import Call, Run, Teacher, TeacherResponse
from pipeline.teachers import CannotSend
from pipeline.teachers.trial import try_out
from tests import factories, teacher_replies

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "sk-very-secret-0123456789"


@pytest.fixture
def root(valkey):
    return factories.client(factories.user(superuser=True))


@pytest.fixture
def teacher(teacher_server, valkey):
    return factories.teacher("Local", base_url=teacher_server.url, input_price=1, output_price=2)


def press(client, teacher, **headers):
    """The page that the test button gives."""
    response = client.post(f"/teachers/{teacher.pk}/test/", **headers)
    assert response.status_code == 200
    return response.content.decode()


def test_a_good_answer_is_shown_with_all_that_came_of_it(root, teacher, teacher_server):
    page = press(root, teacher)
    for said in ("✓ It answers in", "stand-in", "as the source says", "Latency", "USD 0.0000", "read,", "<h1>Local"):
        assert said in page
    assert len(teacher_server.requests) == 1


def test_htmx_gets_the_part_alone(root, teacher):
    part = press(root, teacher, headers={"HX-Request": "true"})
    assert "✓ It answers" in part
    assert "<html" not in part


def test_it_is_nobodys_answer_but_counts_against_the_limits(root, teacher):
    Teacher.objects.update(requests_per_minute=60)
    press(root, teacher)
    assert [model.objects.count() for model in (Call, TeacherResponse, Run)] == [0, 0, 0]
    assert "1 of 60" in root.get("/teachers/").content.decode()
    press(root, teacher)
    assert "2 of 60" in root.get(f"/teachers/{teacher.pk}/").content.decode()


@pytest.mark.parametrize("structure", Teacher.Structure.values)
def test_it_asks_as_a_run_would(teacher, teacher_server, structure):
    teacher.structure, teacher.parameters = structure, {"temperature": 0.3, "max_tokens": 9000}
    teacher.profile = {"system_role": "user", "omit": ["top_p"]}
    trial = try_out(teacher)
    assert trial.good
    assert trial.text
    (body,) = teacher_server.requests
    assert [message["role"] for message in body["messages"]] == ["user"]
    assert (body["temperature"], body["max_tokens"]) == (0.3, 64)
    assert ("response_format" in body, "tools" in body) == (structure.startswith("json"), structure == "tool_call")


def test_a_reasoning_model_answers_out_of_the_box(teacher, teacher_server):
    teacher.model = "o3-mini"
    trial = try_out(teacher)
    assert trial.good
    assert trial.reasoning_tokens
    (body,) = teacher_server.requests
    assert body["max_completion_tokens"] > 64


def test_without_prices_or_usage_the_cost_is_unknown(root, teacher, teacher_server):
    Teacher.objects.update(input_price=None)
    assert "<dt>Cost</dt><dd>unknown</dd>" in press(root, teacher)
    Teacher.objects.update(input_price=1)
    teacher_server.script(teacher_replies.answer("ready", usage=False))
    page = press(root, teacher)
    assert "<dt>Cost</dt><dd>unknown</dd>" in page
    assert "does not say how many tokens" in page


UNKNOWN_MODEL = teacher_replies.failing(404, "The model `x` does not exist", code="model_not_found")
BAD = {
    "wrong key": (teacher_replies.wrong_key(), "unauthorised", ("401", "check the environment variable")),
    "unknown model": (UNKNOWN_MODEL, "unknown model", ("404", "correct the model", "The model `x` does not exist")),
    "no such page": (teacher_replies.failing(404, "Not Found"), "wrong address", ("correct its base URL",)),
    "too much": (teacher_replies.rate_limited(3600), "rate limited", ("429", "asked less")),
    "broken": (teacher_replies.server_error(), "server error", ("500", "failed by itself")),
    "gone": (teacher_replies.dropped(), "connection", ("hung up",)),
    "no quota": (teacher_replies.out_of_quota(), "quota", ("top up the account",)),
    "parameter": (
        teacher_replies.bad_request("Unsupported parameter: 'temperature' is not supported with this model."),
        "unsupported parameter",
        ("400", "temperature", "Runs learn this by themselves"),
    ),
    "a web page": (teacher_replies.not_http_json(), "not a completion", ("mostly ends in /v1", "Bad gateway")),
}


@pytest.mark.parametrize("case", BAD)
def test_an_error_is_told_in_words_and_tried_once(root, teacher, teacher_server, case):
    reply, error_class, said = BAD[case]
    Teacher.objects.update(parameters={"temperature": 0.5})
    teacher_server.script(reply, always=True)
    page = press(root, teacher)
    assert f"✕ No answer: {error_class}." in page
    for words in said:
        assert words in page
    assert len(teacher_server.requests) == 1
    assert Teacher.objects.get().profile == {}


def test_what_came_back_is_escaped_and_shortened(root, teacher, teacher_server):
    teacher_server.script(teacher_replies.answer("<script>alert(1)</script>" + "x" * 9000 + "END"))
    page = press(root, teacher)
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "END" not in page


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (teacher_replies.refusal("I must decline."), ("The model refused", "I must decline.")),
        (teacher_replies.truncated(), ("cut off by the small limit",)),
        (teacher_replies.answer("plain words"), ("is no JSON object", "plain words")),
        (teacher_replies.answer(""), ("holds no text",)),
        (teacher_replies.answer("<think>Hm, so.</think>ready"), (">Hm, so.</pre>", ">ready</pre>")),
    ],
)
def test_what_an_answer_lacks_is_said(root, teacher, teacher_server, reply, said):
    teacher_server.script(reply)
    page = press(root, teacher)
    assert "✓ It answers" in page
    for words in said:
        assert words in page


def test_an_endpoint_that_is_not_there(root, teacher):
    Teacher.objects.update(base_url="http://127.0.0.1:9/v1")
    page = press(root, teacher)
    assert "✕ No answer: connection." in page
    assert "check the base URL" in page


def test_a_slow_one_is_not_waited_for_for_ever(root, teacher, teacher_server):
    Teacher.objects.update(timeout_seconds=1)
    teacher_server.script(teacher_replies.slow(5))
    page = press(root, teacher)
    assert "✕ No answer: timeout." in page
    assert "No answer in 1 s." in page


def test_limits_that_are_used_up_are_said(teacher, teacher_server, monkeypatch):
    teacher.requests_per_minute = 1
    assert try_out(teacher, seconds=60).good
    monkeypatch.setattr("pipeline.teachers.trial.TURN_SECONDS", 0.3)
    assert try_out(teacher, seconds=60).error_class == "unsent"
    assert len(teacher_server.requests) == 1


def test_the_key_is_sent_and_shown_nowhere(root, teacher, teacher_server, monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", SECRET)
    Teacher.objects.update(api_key_env="SOME_API_KEY")
    teacher_server.demand_key(SECRET)
    good = press(root, teacher)
    assert "✓ It answers" in good
    echoed = teacher_replies.failing(401, f"Incorrect API key provided: {SECRET}", code="invalid_api_key")
    teacher_server.script(echoed, teacher_replies.answer(f"Your key is {SECRET}"))
    teacher_server.demand_key(None)
    bad, told = press(root, teacher), press(root, teacher)
    assert "[key]" in bad
    assert "[key]" in told
    pages = good + bad + told + root.get("/teachers/").content.decode()
    pages += root.get(f"/teachers/{teacher.pk}/").content.decode()
    pages += root.get(f"/teachers/{teacher.pk}/edit/").content.decode()
    assert SECRET not in pages + serializers.serialize("json", Teacher.objects.all())


@pytest.mark.parametrize("key", ["sk-broken\nin-two-0123456789", "schlüssel-geheim-0123456789", "sk-x\x7f-0123456789"])
def test_a_key_that_no_header_takes_is_not_shown_either(root, teacher, monkeypatch, key):
    monkeypatch.setenv("SOME_API_KEY", key)
    Teacher.objects.update(api_key_env="SOME_API_KEY")
    page = press(root, teacher)
    assert "0123456789" not in page
    assert "a letter that no key has" in page


def test_a_key_that_is_not_set(root, teacher, teacher_server, monkeypatch):
    monkeypatch.delenv("SOME_API_KEY", raising=False)
    Teacher.objects.update(api_key_env="SOME_API_KEY")
    page = press(root, teacher)
    assert "✕ No answer: no key." in page
    assert "SOME_API_KEY is not set" in page
    assert teacher_server.requests == []


def test_imported_answers_have_no_test(root, valkey):
    teacher = factories.teacher(kind="imported", base_url="")
    assert "Test it" not in root.get(f"/teachers/{teacher.pk}/").content.decode()
    assert root.post(f"/teachers/{teacher.pk}/test/").status_code == 409
    with pytest.raises(CannotSend):
        try_out(teacher)


def test_the_command_says_the_same(teacher, teacher_server):
    out = StringIO()
    call_command("test_teacher", "Local", stdout=out)
    assert "Local answers in" in out.getvalue()
    assert "as stand-in" in out.getvalue()
    teacher_server.script(teacher_replies.wrong_key())
    with pytest.raises(CommandError, match=r"Local does not answer \(status 401.*unauthorised"):
        call_command("test_teacher", "Local")
    with pytest.raises(CommandError, match="there are: Local"):
        call_command("test_teacher", "Nobody")
