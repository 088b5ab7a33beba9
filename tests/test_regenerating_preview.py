"""The order of a second chance as a reviewer sees it before it is given."""

import pytest

from curation.models import Complaint, Event, PromptTemplate, Ruleset, State
from pipeline.quotes import preview
from pipeline.regenerating import Said
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project():
    strong = factories.teacher("Strong", input_price=1, output_price=2, parameters={"max_tokens": 500})
    return factories.project(teacher=factories.teacher("Weak"), regen_teacher=strong, paired=False)


def test_it_shows_the_exact_prompt_teacher_and_cost_and_writes_nothing(project):
    prompt = factories.prompt(project, State.TO_REVIEW)
    order = preview(prompt, [Said("reviewer", "no_control", "Against what?"), Said("reviewer", "citations")])
    assert order.trouble == ""
    assert order.teacher.name == "Strong"
    assert order.parameters == {"max_tokens": 500, "temperature": 0.3}
    assert "- No control: “Against what?”" in order.system
    assert "- Name the control group or condition" in order.system
    assert prompt.current_response.text in order.system
    assert prompt.context in order.user
    assert [(mend.label, mend.words) for mend in order.complaints] == [
        ("No control", "Against what?"),
        ("Citations", ""),
    ]
    assert order.quote.calls.mid == 1
    assert order.quote.price.mid > 0
    for model in (Complaint, Event, PromptTemplate, Ruleset):
        assert not model.objects.exists()
