"""The order of a second chance as a reviewer sees it before it is given."""

import pytest

from curation.models import Complaint, Event, Prompt, PromptTemplate, Ruleset, State
from pipeline import jobs
from pipeline.quotes import preview
from pipeline.regenerating import Said, record_recipes, shipped
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
NO_CONTROL = Said("reviewer", "no_control", "Against what?")


@pytest.fixture
def strong(teacher_server):
    parameters = {"max_tokens": 500}
    return factories.teacher(
        "Strong", base_url=teacher_server.url, input_price=1, output_price=2, parameters=parameters
    )


@pytest.fixture
def project(strong):
    return factories.project(teacher=factories.teacher("Weak"), regen_teacher=strong, paired=False)


@pytest.fixture
def prompt(project):
    return factories.prompt(project, State.TO_REVIEW)


def test_it_shows_the_exact_prompt_teacher_and_cost_and_writes_nothing(prompt):
    order = preview(prompt, [NO_CONTROL, Said("reviewer", "citations")])
    assert order.trouble == ""
    assert order.teacher.name == "Strong"
    assert order.parameters == {"max_tokens": 500, "temperature": 0.3}
    assert "- No control: “Against what?”" in order.system
    assert "- Name the control group or condition" in order.system
    assert prompt.current_response.text in order.system
    assert prompt.context in order.user
    told = [(mend.label, mend.words) for mend in order.complaints]
    assert told == [("No control", "Against what?"), ("Citations", "")]
    assert order.quote.calls.mid == 1
    assert order.quote.price.mid > 0
    for model in (Complaint, Event, PromptTemplate, Ruleset):
        assert not model.objects.exists()


def test_what_is_sent_later_is_what_was_shown(prompt, teacher_server):
    order = preview(prompt, [NO_CONTROL])
    factories.annotation(
        prompt.current_response, factories.user("ada"), "regenerate", reasons=["no_control"], comment="Against what?"
    )
    prompt.go(State.TO_REGENERATE, "resolved", source=State.TO_REVIEW)
    jobs.carry_out(jobs.prepare(prompt.project, "regenerate", {}))
    sent = Prompt.objects.get(pk=prompt.pk).current_response
    assert (sent.sent_system, sent.sent_user) == (order.system, order.user)
    assert order.parameters.items() <= sent.call.request.items()
    assert preview(prompt, [NO_CONTROL]).trouble == ""


def test_only_the_sources_that_may_be_read_are_shown(prompt):
    factories.filter_result(prompt.current_response, failed=["ban_citations"])
    factories.gate_result(prompt.current_response, reasons=["judge_f_low_score"])
    factories.judge_score(prompt.current_response, score=40, rationale="A secret doubt.")
    factories.annotation(prompt.current_response, factories.user("ada"), "reject", reasons=["unsafe"], comment="Ha!")
    everything = preview(prompt, [NO_CONTROL])
    assert {mend.source for mend in everything.complaints} == {"filter", "gate", "reviewer"}
    blind = preview(prompt, [NO_CONTROL], sources=("filter",))
    assert [mend.code for mend in blind.complaints] == ["ban_citations", "no_control"]
    for word in ("secret", "Ha!"):
        assert word in everything.system
        assert word not in blind.system


def test_the_teacher_is_that_of_the_reasons_ladder(prompt):
    body = shipped()
    body["recipes"]["reviewer:no_control"]["ladder"] = ["Weak"]
    record_recipes(prompt.project, body)
    assert preview(prompt, [NO_CONTROL]).teacher.name == "Weak"
    assert preview(prompt, [Said("reviewer", "too_vague")]).teacher.name == "Strong"


def test_an_order_that_would_buy_nothing_says_why(prompt, project):
    factories.complaint(prompt.current_response, "no_control", source="reviewer")
    order = preview(prompt, [NO_CONTROL])
    assert order.trouble == "The same reason came back (No control): reject it."
    assert order.quote is None
    assert order.system
    project.attempt_limit = 1
    project.save()
    assert preview(Prompt.objects.get(pk=prompt.pk), []).trouble == "No attempt is left of 1: reject it."


@pytest.mark.parametrize("state", [State.TO_COLLECT, State.PARKED])
def test_where_there_is_no_answer_there_is_no_order(project, state):
    order = preview(factories.prompt(project, state), [NO_CONTROL])
    assert order.trouble == "There is no answer yet that could be sent back."
    assert [mend.label for mend in order.complaints] == ["No control"]


def test_without_a_teacher_it_says_so(prompt, project):
    project.teacher = project.regen_teacher = None
    project.save()
    order = preview(Prompt.objects.get(pk=prompt.pk), [NO_CONTROL])
    assert order.trouble == "This project has no teacher for regeneration: choose one in its settings."


def test_a_template_that_cannot_be_filled_says_so(prompt, project):
    factories.template(project, "system_regen", "{{reasons}} {{hypothesis}}")
    assert "missing value: hypothesis" in preview(prompt, [NO_CONTROL]).trouble


def test_a_method_is_asked_with_its_hypothesis(strong):
    project = factories.project(teacher=strong, regen_teacher=strong, paired=True)
    pair = factories.pair(project, State.TO_REVIEW)
    order = preview(pair.methodology, [NO_CONTROL])
    assert pair.hypothesis.current_response.text in order.user


def test_a_price_that_is_unknown_is_not_zero(prompt, strong):
    strong.input_price = None
    strong.save()
    prompt = Prompt.objects.get(pk=prompt.pk)
    order = preview(prompt, [NO_CONTROL])
    assert order.quote.price is None
    assert "unknown" in order.quote.sentence


def test_what_nobody_sent_back_is_not_said_to_have_been(prompt):
    order = preview(prompt)
    assert "- No fault was named." in order.system
    assert "sent back" not in order.system
