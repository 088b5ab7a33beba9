"""A new attempt opens with the complaints about the former one as a checklist; what people say of them is kept."""

import pytest
from django.urls import reverse

from curation.models import Annotation, ComplaintCheck, State
from curation.reviewing import Choice, submit
from tests import factories
from tests.review_forms import answer, fields, get, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(db):
    return factories.project(slug="oxides", reviews_required=1, paired=False)


@pytest.fixture
def prompt(project):
    """A prompt to review, of which the second attempt was asked to mend three things."""
    made = factories.prompt(project, State.TO_REVIEW, document=factories.document(project))
    second = factories.response(made, "If iron is added, the overpotential falls by 30 mV.")
    factories.complaint(second, "ban_citations", words="It cites [1].", met=True)
    factories.complaint(second, "judge_f_low_score", source="gate", words="The factuality judge gave 41 of 100.")
    factories.complaint(second, "too_vague", source="reviewer", words="Which iron?")
    return made


def complaints(prompt):
    return {each.code: each for each in prompt.current_response.complaints.all()}


def name(prompt, code):
    return f"met-{complaints(prompt)[code].pk}"


def checks():
    return dict(ComplaintCheck.objects.values_list("complaint__code", "met"))


def test_a_first_attempt_has_no_checklist(browser, project):
    factories.prompt(project, State.TO_REVIEW)
    assert "Was each complaint met?" not in get(browser)


def test_the_checklist_says_each_complaint_in_words_and_what_was_measured(browser, prompt):
    page = get(browser)
    for words in ("Was each complaint met?", "No citations", "It cites [1].", "met as measured", "Too vague"):
        assert words in page
    assert "Factuality below its threshold" in page
    assert page.count('value="yes"') == page.count('value="no"') == 3


def test_what_is_answered_is_stored_with_the_decision_and_the_rest_is_left_open(browser, prompt):
    more = {name(prompt, "ban_citations"): "yes", name(prompt, "too_vague"): "no"}
    send(browser, answer(get(browser), "accept", **more))
    assert Annotation.objects.get().action == "accept"
    assert checks() == {"ban_citations": True, "too_vague": False}


def test_nothing_has_to_be_answered(browser, prompt):
    send(browser, answer(get(browser), "accept"))
    assert (Annotation.objects.count(), checks()) == (1, {})


def test_a_draft_keeps_what_was_ticked(browser, ada, prompt):
    factories.draft(prompt.current_response, ada, **{name(prompt, "too_vague"): ["no"]})
    data = fields(get(browser))
    pk = prompt.current_response_id
    assert data[f"r{pk}-{name(prompt, 'too_vague')}"] == ["no"]
    assert data[f"r{pk}-{name(prompt, 'ban_citations')}"] == [""]


def test_a_draft_holds_a_long_checklist_for_both_halves(browser, project, prompt):
    for number in range(40):
        factories.complaint(prompt.current_response, f"reason_{number}", source="reviewer")
    data = fields(get(browser))
    assert sum("-met-" in each for each in data) == 30
    said = {
        **{"draft_form": "review", "draft_response": prompt.current_response_id},
        **{"draft_made": "2100-01-01T00:00:00+00:00"},
    }
    assert browser.post(reverse("draft_save", args=["oxides"]), data | said).json()["kept"]


def test_a_decision_that_is_changed_begins_with_what_was_ticked(browser, prompt, settings):
    settings.REVIEW_UNDO_SECONDS = 30
    send(browser, answer(get(browser), "accept", **{name(prompt, "too_vague"): "yes"}))
    page = get(browser, "review_prompt", prompt.key)
    data = answer(page, "reject")
    assert data[f"r{prompt.current_response_id}-{name(prompt, 'too_vague')}"] == ["yes"]
    send(browser, data)
    assert [row.complaint_checks.get().met for row in Annotation.objects.order_by("version")] == [True, True]


def test_sent_twice_it_is_stored_once_and_a_difference_in_the_checklist_is_noticed(project, ada, prompt):
    pk, vague = prompt.current_response_id, complaints(prompt)["too_vague"].pk
    first = Choice(pk, "accept", met={vague: True})
    assert not submit(project, ada, [first], idempotency_key="k").repeated
    assert not submit(project, ada, [first], idempotency_key="k").differs
    assert submit(project, ada, [Choice(pk, "accept", met={vague: False})], idempotency_key="k").differs
    assert ComplaintCheck.objects.count() == 1


def test_a_complaint_of_another_answer_is_refused(project, ada, prompt):
    other = factories.response(factories.prompt(project, State.TO_REVIEW))
    strange = factories.complaint(other).pk
    with pytest.raises(ValueError, match="not of this answer"):
        submit(project, ada, [Choice(prompt.current_response_id, "accept", met={strange: True})], idempotency_key="k")
    assert not Annotation.objects.exists()


def test_who_decides_blind_reads_no_complaint_of_the_judges(browser, project, prompt):
    project.blind_percent = 100
    project.save()
    page = get(browser)
    assert "Factuality below" not in page
    assert "gave 41 of 100" not in page
    assert "1 of the judges’ is hidden until you decide" in page
    assert "Too vague" in page


def test_what_changed_meanwhile_keeps_the_checklist_too(browser, prompt):
    data = answer(get(browser), "accept", **{name(prompt, "too_vague"): "no"})
    send(browser, data)
    response = send(browser, data | {"key": ["another"]})
    assert response.status_code == 409
    assert f'name="r{prompt.current_response_id}-{name(prompt, "too_vague")}" value="no"' in response.content.decode()


def page_of(project, prompt, role):
    browser = factories.client(factories.member(project, role))
    return browser.get(reverse("prompt_detail", args=["oxides", prompt.key])).content.decode()


def test_a_prompts_page_tells_what_each_attempt_had_to_mend_and_what_became_of_it(project, ada, prompt):
    vague = complaints(prompt)["too_vague"].pk
    submit(project, ada, [Choice(prompt.current_response_id, "accept", met={vague: False})], idempotency_key="k")
    waiting = page_of(project, prompt, "reviewer")
    assert "Asked to mend:" in waiting
    assert "ada: " not in waiting  # each reviewer answers alone
    prompt.go(State.ACCEPTED, "resolved")
    page = page_of(project, prompt, "viewer")
    for words in ("It cites [1].", "✓ met as measured", "Which iron?", "ada: <span"):
        assert words in page


def test_the_life_of_a_prompt_tells_it_too(project, ada, prompt):
    vague = complaints(prompt)["too_vague"].pk
    submit(project, ada, [Choice(prompt.current_response_id, "accept", met={vague: False})], idempotency_key="k")
    prompt.go(State.ACCEPTED, "resolved")
    browser = factories.client(factories.member(project, "viewer"))
    life = browser.get(reverse("prompt_json", args=["oxides", prompt.key])).json()
    assert life["attempts"][0]["complaints"] == []
    told = {each["code"]: each for each in life["attempts"][1]["complaints"]}
    assert told["ban_citations"] | {"addendum": "", "recipes": None} == told["ban_citations"]
    assert (told["ban_citations"]["met"], told["ban_citations"]["reviewers"]) == (True, [])
    assert told["too_vague"]["reviewers"] == [{"reviewer": "ada", "met": False}]
    text = browser.get(reverse("prompt_text", args=["oxides", prompt.key])).content.decode()
    assert "to mend: No citations (met as measured)" in text
    assert "to mend: Too vague (ada: not met)\n  Which iron?" in text


@pytest.mark.parametrize("form", ["prompt_detail", "prompt_json", "prompt_text"])
def test_who_decides_blind_reads_no_complaint_of_the_judges_there_either(browser, project, prompt, form):
    project.blind_percent = 100
    project.save()
    page = browser.get(reverse(form, args=["oxides", prompt.key])).content.decode()
    assert "Which iron?" in page
    assert "gave 41 of 100" not in page


def test_who_resolves_reads_what_reviewers_ticked(project, ada, prompt):
    given = factories.annotation(prompt.current_response, ada)
    factories.annotation(prompt.current_response, factories.user(), "reject")
    complaints(prompt)["too_vague"].checks.create(annotation=given, met=False)
    type(prompt).objects.filter(pk=prompt.pk).update(state=State.TO_RESOLVE)
    browser = factories.client(factories.member(project, "manager"))
    page = browser.get(reverse("resolve_prompt", args=["oxides", prompt.key])).content.decode()
    assert "Which iron?" in page
    assert "ada: <span" in page
    assert reverse("regeneration_order", args=["oxides", prompt.key]) in page


def test_the_list_of_what_was_not_sent_shows_words_and_no_ticks(browser, ada, prompt):
    factories.draft(prompt.current_response, ada, comment=["Half a thought"], **{name(prompt, "too_vague"): ["no"]})
    page = browser.get(reverse("draft_list", args=["oxides"])).content.decode()
    assert "Half a thought" in page
    assert "met-" not in page
    assert "met " not in page.split("Half a thought")[0].split("<main")[1]
