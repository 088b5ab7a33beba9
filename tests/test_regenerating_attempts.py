"""A second chance from end to end: what is asked, how it is stored, and what of it is met."""

import pytest

from curation.models import Complaint, Prompt, State
from pipeline import jobs
from pipeline.stages import regenerate
from tests import factories, teacher_replies
from tests.second_chances import CITED, failed, fresh, project_at, recipes, run, sent_back, told

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick_retries")]


@pytest.fixture
def project(teacher_server):
    return project_at(teacher_server)


def test_the_attempt_is_asked_stored_and_measured_with_its_complaints(project, teacher_server):
    prompt = failed(project, "ban_citations", "min_char_length")
    sent_back(prompt, factories.user("ada"), "no_control", comment="Against what?")
    run(project)
    attempt = fresh(prompt).current_response
    assert (attempt.attempt, attempt.parent.attempt, attempt.teacher.name) == (2, 1, "Strong")
    for words in (
        CITED,
        "- No citations",
        "- Write no citations",
        "- No control: “Against what?”",
        "- Name the control",
    ):
        assert words in attempt.sent_system
    assert "{{" not in attempt.sent_system
    assert (attempt.call.request["temperature"], attempt.call.request["max_tokens"]) == (0.3, 400)
    rows = Complaint.objects.filter(response=attempt)
    assert {row.recipes for row in rows} == {fresh(prompt).project.recipe_ruleset}
    assert set(told(prompt)) == {"filter:ban_citations", "filter:min_char_length", "reviewer:no_control"}
    assert {met for _, met in told(prompt).values()} == {None}
    run(project, "filter")
    assert {key: met for key, (_, met) in told(prompt).items()} == {
        "filter:ban_citations": True,
        "filter:min_char_length": True,
        "reviewer:no_control": None,
    }
    assert fresh(prompt).state == State.TO_REVIEW


def test_a_fault_that_is_still_there_is_not_met(project, teacher_server):
    prompt = failed(project, "ban_citations", "min_char_length")
    teacher_server.script(teacher_replies.answer(CITED))
    run(project)
    run(project, "filter")
    met = {key: met for key, (_, met) in told(prompt).items()}
    assert met == {"filter:ban_citations": False, "filter:min_char_length": True}


def test_a_rule_that_is_not_measured_any_more_tells_nothing(project):
    prompt = failed(project, "min_lines")
    run(project)
    run(project, "filter")
    assert told(prompt)["filter:min_lines"][1] is None


def test_the_gate_says_whether_its_reasons_are_met(project, teacher_server):
    strict, kind = (factories.teacher(base_url=teacher_server.url, model=name) for name in ("strict", "kind"))
    project.judge_factuality, project.judge_reasoning = strict, kind
    project.save()
    prompt = factories.prompt(project, State.TO_REGENERATE, answer=CITED)
    factories.gate_result(prompt.current_response, reasons=["judge_f_low_score", "judge_r_low_score"])
    run(project)
    run(project, "filter")
    assert {met for _, met in told(prompt).values()} == {None}
    teacher_server.script(teacher_replies.low_scores(12), when=lambda body: body["model"] == "strict", always=True)
    run(project, "judge")
    met = {key: met for key, (_, met) in told(prompt).items()}
    assert met == {"gate:judge_f_low_score": False, "gate:judge_r_low_score": True}


def test_an_answer_for_a_new_hypothesis_mends_nothing(teacher_server):
    project = project_at(teacher_server, paired=True, attempt_limit=1)
    pair = factories.pair(project, State.TO_REVIEW)
    factories.filter_result(pair.methodology.current_response, failed=["ban_citations"])
    Prompt.objects.filter(pk=pair.hypothesis.pk).hypothesis_changed()
    run(project)
    assert fresh(pair.methodology).state == State.TO_FILTER
    assert not Complaint.objects.exists()


def test_the_projects_own_template_without_instructions_is_told_what_to_do_too(project):
    factories.template(project, "system_regen", "Mend: {{reasons}}\nOf: {{previous}}")
    prompt = failed(project, "ban_citations")
    run(project)
    sent = fresh(prompt).current_response.sent_system
    assert sent.startswith("Mend: - No citations")
    assert "What to do about them:\n- Write no citations" in sent
    assert CITED in sent


@pytest.mark.parametrize("body", ["Be strict about {{domain}}.", "Be strict about {domain}."])
def test_a_template_that_asks_for_nothing_is_told_all_of_it_at_its_end(project, body):
    factories.template(project, "system_regen", body)
    prompt = failed(project, "ban_citations")
    run(project)
    sent = fresh(prompt).current_response.sent_system
    assert sent.startswith("Be strict about chemistry.\n\nFaults of the earlier answer:\n- No citations")
    assert "What to do about them:\n- Write no citations" in sent
    assert CITED in sent


def test_a_template_that_asks_for_what_is_not_there_parks_the_prompt_by_name(project):
    factories.template(project, "system_regen", "{{reasons}} {{hypothesis}}")
    prompt = failed(project, "ban_citations")
    run(project)
    assert (fresh(prompt).state, fresh(prompt).error_class) == (State.PARKED, "cannot_compose")
    assert "hypothesis" in fresh(prompt).error_detail


def test_a_project_of_imported_answers_needs_no_teacher_but_its_ladder(project):
    project.teacher = project.regen_teacher = None
    project.save()
    prompt = failed(project, "ban_citations")
    with pytest.raises(jobs.CannotStart, match="no teacher for regeneration"):
        jobs.prepare(project, "regenerate", {})
    recipes(project, ladder=["Best"])
    run(project)
    assert fresh(prompt).current_response.teacher.name == "Best"


def test_a_second_save_stores_no_complaint_twice(project):
    prompt = failed(project, "ban_citations")
    run(project)
    attempt = fresh(prompt).current_response
    works = [
        regenerate.Work(
            prompt, notes={"attempt": 2, "recipes": None, "complaints": [["filter", "ban_citations", "", ""]]}
        )
    ]
    regenerate._store_complaints(works)
    assert Complaint.objects.filter(response=attempt).count() == 1


def test_the_whole_chain_of_attempts_stays_each_with_its_verdicts(project, teacher_server):
    """Filters, people and the gate each refuse one attempt; the fourth is accepted."""
    ada = factories.member(project, "reviewer")
    judge = factories.teacher("Judge", base_url=teacher_server.url, model="judge")
    project.judge_factuality = project.judge_reasoning = judge
    project.save()
    prompt = factories.prompt(project)
    teacher_server.script(teacher_replies.answer(CITED), when=lambda body: body["model"] == "model-weak")
    run(project, "pipeline")
    assert fresh(prompt).state == State.TO_REGENERATE
    for stage in ("regenerate", "pipeline"):
        run(project, stage)
    assert fresh(prompt).state == State.TO_REVIEW
    sent_back(fresh(prompt), ada, "no_control", comment="Against what?")
    prompt.go(State.TO_REGENERATE, "resolved", source=State.TO_REVIEW)
    teacher_server.script(teacher_replies.low_scores(30), teacher_replies.low_scores(30), when="kind:judgement")
    for stage in ("regenerate", "pipeline"):
        run(project, stage)
    assert fresh(prompt).state == State.TO_REGENERATE
    for stage in ("regenerate", "pipeline"):
        run(project, stage)
    assert (fresh(prompt).state, fresh(prompt).attempts) == (State.TO_REVIEW, 4)
    chain = list(prompt.responses.order_by("attempt"))
    assert [each.parent for each in chain] == [None, *chain[:-1]]
    assert [each.filter_results.get().passed for each in chain] == [False, True, True, True]
    assert [[gate.passed for gate in each.gate_results.all()] for each in chain] == [[], [True], [False], [True]]
    mended = [sorted(f"{row.source}:{row.code} {row.met}" for row in each.complaints.all()) for each in chain]
    assert mended == [
        [],
        ["filter:ban_citations True"],
        ["reviewer:no_control None"],
        ["gate:judge_f_low_score True", "gate:judge_r_low_score True"],
    ]
