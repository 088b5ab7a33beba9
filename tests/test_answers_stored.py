"""What of a reply reaches the stored response: reasoning apart from the answer, tool arguments, mended JSON."""

import json

import pytest

from curation.models import Prompt, State
from pipeline import jobs
from tests import factories, teacher_replies

pytestmark = pytest.mark.django_db(transaction=True)
FIELDS = {
    "statement": "If A is raised from 1 to 3 mM, then B will fall by 3 mV.",
    "variable": "A",
    "outcome": "B",
    "direction": "decrease",
    "support": ["A source."],
}
WHOLE = json.dumps(FIELDS)


def stored(teacher_server, message, finish_reason="stop"):
    """The response that a collect run stores for a reply with this message."""
    project = factories.project(teacher=factories.teacher(base_url=teacher_server.url), paired=False)
    prompt = factories.prompt(project)
    body = {"choices": [{"index": 0, "message": message, "finish_reason": finish_reason}]}
    teacher_server.script(teacher_replies.Reply(body=json.dumps(body).encode()))
    jobs.carry_out(jobs.prepare(project, "collect", {}))
    prompt = Prompt.objects.select_related("current_response").get(pk=prompt.pk)
    assert prompt.state == State.TO_FILTER
    return prompt.current_response


@pytest.mark.parametrize(
    ("message", "thinking"),
    [
        ({"content": WHOLE}, ""),
        ({"content": f"<think>Hm.</think>{WHOLE}"}, "Hm."),
        ({"content": WHOLE, "reasoning_content": "Hm."}, "Hm."),
        ({"content": f"<think>So.</think>{WHOLE}", "reasoning": "Hm."}, "Hm.\n\nSo."),
        ({"content": None, "tool_calls": [{"function": {"name": "hypothesis", "arguments": WHOLE}}]}, ""),
        ({"content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": WHOLE}]}, "Hm."),
    ],
)
def test_reasoning_is_kept_beside_the_answer(teacher_server, message, thinking):
    response = stored(teacher_server, message)
    assert (response.text, response.fields, response.form) == (FIELDS["statement"], FIELDS, "json")
    assert (response.thinking, response.parse_error) == (thinking, "")


def test_an_answer_that_lacks_its_end_says_so(teacher_server):
    response = stored(teacher_server, {"content": WHOLE[:-8]})
    assert (response.text, response.form) == (FIELDS["statement"], "repaired_json")
    assert response.fields == FIELDS | {"support": []}
    assert "“support”" in response.parse_error


def test_half_an_answer_stays_as_it_came(teacher_server):
    response = stored(teacher_server, {"content": WHOLE[:70]})
    assert (response.text, response.fields, response.form) == (WHOLE[:70], None, "json")
    assert "cut off or broken" in response.parse_error


def test_a_routers_error_in_a_reply_of_status_200_is_tried_again(teacher_server, settings):
    settings.RETRY_PAUSE_SECONDS = 0.01
    hidden = {"error": {"code": 502, "message": "Provider returned error"}}
    teacher_server.script(teacher_replies.Reply(body=json.dumps(hidden).encode()))
    response = stored(teacher_server, {"content": WHOLE})
    assert (response.text, response.call.sends, response.call.http_status) == (FIELDS["statement"], 2, 200)
