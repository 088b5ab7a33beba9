"""What the model is told to be: left out of a release unless its recipe asks for it, and never a stricter order."""

import json

import pytest

from curation.models import Release, State
from tests import factories
from tests.running import run

pytestmark = pytest.mark.django_db
STRICT = "Do not repeat: Drag falls. A reviewer said: vague."


def told(project, **recipe):
    """{user message: system message or ""} of a new release."""
    run(project, "package", recipe=recipe)
    release = Release.objects.filter(project=project).latest("version")
    assert release.state == "published", release.problems or release.error
    lines = [
        line for path in release.directory.glob("jsonl/messages/*.jsonl") for line in path.read_text().splitlines()
    ]
    found = [json.loads(line)["messages"] for line in lines if "messages" in json.loads(line)]
    return {turns[-2]["content"]: turns[0]["content"] if len(turns) == 3 else "" for turns in found}


def test_a_later_attempt_is_told_as_the_first_was():
    project = factories.project("Films", paired=False, near_duplicate_percent=0)
    for number, systems in enumerate((("Be exact.",), ("Be exact.", STRICT), ("", STRICT))):
        made = factories.prompt(project, State.ACCEPTED, user_prompt=f"Why {number}?")
        made.responses.update(sent_system=systems[0])
        for system in systems[1:]:
            factories.response(made, f"Answer {number}.", sent_system=system)
        factories.resolution(made.current_response)
    assert told(project) == {"Why 0?": "", "Why 1?": "", "Why 2?": ""}
    assert told(project, system=True) == {"Why 0?": "Be exact.", "Why 1?": "Be exact.", "Why 2?": ""}
