"""Annotations files as orders: the last word counts, in the file and against what people decided since."""

import json

import pytest

from curation.models import Prompt, Resolution, State
from pipeline.orders import order_regeneration
from tests import factories

pytestmark = pytest.mark.django_db

LONG_AGO, FAR_AHEAD = "2020-01-01T00:00:00", "2099-01-01T00:00:00"


@pytest.fixture
def order(project, tmp_path):
    """A function that orders by rows about one prompt: (action, timestamp) each."""

    def order(prompt, *rows):
        path = tmp_path / "orders.jsonl"
        about = {
            "task_type": prompt.task_type,
            "context": prompt.context,
            "teacher_output": prompt.current_response.text,
        }
        lines = [about | {"action": action} | ({"timestamp": at} if at else {}) for action, at in rows]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        report = order_regeneration(project, path)
        prompt.refresh_from_db()
        return report

    return order


@pytest.mark.parametrize(
    ("actions", "state"),
    [
        (["reject"], State.TO_REGENERATE),
        (["reject", "accept"], State.TO_REVIEW),
        (["accept", "regenerate"], State.TO_REGENERATE),
        (["accept"], State.TO_REVIEW),
    ],
)
def test_the_last_row_of_a_file_decides(project, order, actions, state):
    prompt = factories.prompt(project, State.TO_REVIEW)
    order(prompt, *[(action, LONG_AGO) for action in actions])
    assert prompt.state == state


def test_an_order_goes_over_an_earlier_reject(project, order):
    prompt = factories.prompt(project, State.REJECTED, answer="A refused answer.")
    assert order(prompt, ("reject", LONG_AGO)).ordered == 1
    assert prompt.state == State.TO_REGENERATE


@pytest.mark.parametrize(("at", "moves"), [(LONG_AGO, False), (None, False), (FAR_AHEAD, True)])
def test_an_accept_of_people_stands_against_an_older_order(project, order, at, moves):
    prompt = factories.prompt(project, State.ACCEPTED)
    Resolution.objects.create(response=prompt.current_response, by="consensus", action="accept", text="x")
    report = order(prompt, ("reject", at))
    assert (prompt.state == State.TO_REGENERATE) is moves
    assert (report.ordered, len(report.problems)) == ((1, 0) if moves else (0, 1))
    assert Prompt.objects.count() == 1
