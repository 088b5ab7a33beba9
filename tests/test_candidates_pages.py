"""Several answers to one prompt, as people see them: settings, the prompt's page, the review card, resolving."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from curation.models import Prompt, State
from tests import factories
from tests.test_pages_projects import form_of

LOOKS = {
    "wide": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
    "narrow": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}
CUT = "If the concentration of iron in the electrolyte is raised from 0 to 20 µM, then the overpotential"


@pytest.fixture
def project(db):
    return factories.project(slug="oxides", paired=False)


def with_candidates(prompt):
    """Attempt 1 with one refused answer; attempt 2 with a cut-off answer, its longer one, and two more."""
    strong = factories.teacher(model="gpt-4o-2024-11-20")
    refused = factories.response(prompt, "I cannot help with that.", attempt=1)
    factories.filter_result(refused, failed=["ban_refusals"])
    texts = [CUT, CUT + " falls by 10 mV.", factories.HYPOTHESIS, "Iron changes the overpotential."]
    failed = [["ban_truncated"], [], [], ["min_char_length", "ban_citations"]]
    scores = {1: (81, 84), 2: (93, 90)}
    for number, text in enumerate(texts):
        made = factories.response(
            prompt,
            text,
            attempt=2,
            candidate=number,
            parent=refused,
            current=number == 2,
            finish_reason="length" if number == 0 else "stop",
            metadata={"longer_answer": 1} if number == 0 else {},
            **({"teacher": strong, "model_id": strong.model} if number > 1 else {}),
        )
        factories.filter_result(made, failed=failed[number])
        for rubric, score in zip(("factuality", "reasoning"), scores.get(number, ()), strict=False):
            factories.judge_score(made, rubric, score, rationale=f"It follows from the source: {score}.")
        if number in scores:
            limits = [(f"judge_{rubric}_score", score) for rubric, score in zip("fr", scores[number], strict=True)]
            factories.gate_result(
                made, measurements=[{"rule": r, "value": s, "limit": 80, "ok": True} for r, s in limits]
            )
    prompt.events.create(
        project=prompt.project,
        kind="gated",
        from_state=State.TO_JUDGE,
        to_state=State.TO_REVIEW,
        detail={"reasons": [], "chosen": 2, "of": 4, "why": "the best scores"},
    )
    Prompt.objects.filter(pk=prompt.pk).update(state=State.TO_REVIEW)
    prompt.refresh_from_db()
    return prompt


def words(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_further_teachers_and_samples_are_settings(project):
    manager = factories.client(factories.member(project, "manager"))
    first, second = factories.teacher(), factories.teacher()
    page = manager.get("/p/oxides/settings/").content.decode()
    assert "Further teachers" in page
    assert "Answers from each teacher" in page
    data = form_of(project, teacher=first.pk, more_teachers=[first.pk, second.pk], samples=3)
    assert manager.post("/p/oxides/settings/", data).status_code == 302
    project.refresh_from_db()
    assert (project.samples, list(project.more_teachers.all())) == (3, [second])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"samples": 0}, "greater than or equal to 1"),
        ({"samples": 21}, "less than or equal to 20"),
        ({"more_teachers": True}, "Choose the first teacher here"),
    ],
)
def test_settings_that_could_ask_nobody_are_refused(project, changes, said):
    manager = factories.client(factories.member(project, "manager"))
    if changes.get("more_teachers"):
        changes = {"more_teachers": [factories.teacher().pk]}
    response = manager.post("/p/oxides/settings/", form_of(project, **changes))
    assert response.status_code == 422
    assert said in response.content.decode()


def test_the_page_of_a_prompt_shows_every_candidate_and_which_went_on(project):
    prompt = with_candidates(factories.prompt(project))
    page = words(factories.client(factories.member(project, "viewer")).get(f"/p/oxides/prompts/{prompt.key}/"))
    assert "Attempt 2: 4 candidates (current)" in page
    assert "Candidate 3 went on." in page
    assert "Candidate 1 cut off: candidate 2 is the same question with more room" in page
    assert "candidate 3 of 4 went on: the best scores" in page
    assert page.count("✓ chosen") == 1
    assert "Attempt 1 " in page


def test_while_machines_look_none_is_chosen(project):
    prompt = with_candidates(factories.prompt(project))
    Prompt.objects.filter(pk=prompt.pk).update(state=State.TO_JUDGE)
    page = words(factories.client(factories.member(project, "viewer")).get(f"/p/oxides/prompts/{prompt.key}/"))
    assert "None is chosen yet" in page
    assert "✓ chosen" not in page


def test_answers_that_were_read_anew_keep_their_choice_in_sight(project):
    """Reading stored replies again makes a new attempt of all candidates, each the child of its former self."""
    prompt = with_candidates(factories.prompt(project))
    chosen = prompt.current_response
    for former in prompt.responses.filter(attempt=2):
        made = factories.response(
            prompt,
            former.text + ".",
            attempt=3,
            candidate=former.candidate,
            parent=former,
            metadata=former.metadata,
            current=former == chosen,
        )
    assert made.parent
    Prompt.objects.filter(pk=prompt.pk).update(state=State.TO_FILTER)
    page = words(factories.client(factories.member(project, "viewer")).get(f"/p/oxides/prompts/{prompt.key}/"))
    assert re.search(r"Attempt 3: 4 candidates \(current\) None is chosen yet", page)
    assert re.search(r"Attempt 2: 4 candidates Candidate 3 went on", page)


def test_a_prompt_with_many_candidates_asks_no_more_queries(project, django_assert_max_num_queries):
    viewer = factories.client(factories.member(project, "viewer"))
    prompt = with_candidates(factories.prompt(project))
    with django_assert_max_num_queries(26):  # one for a remark that was begun, one for what was to be mended
        viewer.get(f"/p/oxides/prompts/{prompt.key}/")


def test_the_chosen_one_is_reviewed_and_the_others_can_be_read(project):
    with_candidates(factories.prompt(project))
    page = words(factories.client(factories.member(project, "reviewer")).get("/p/oxides/review/"))
    assert "attempt 2, candidate 3 of 4" in page
    for number, said in (
        (1, "cut off, asked again with more room"),
        (2, "factuality 81"),
        (4, "✕ Shortest answer, in characters"),
    ):
        assert re.search(rf"Candidate {number} of 4, not chosen[^?]*?{said}", page), number
    assert "Candidate 3 of 4" not in page
    assert "Attempt 1" in page


def test_a_single_answer_is_not_called_a_candidate(project):
    factories.prompt(project, State.TO_REVIEW)
    page = words(factories.client(factories.member(project, "reviewer")).get("/p/oxides/review/"))
    assert "andidate" not in page


def test_who_resolves_can_read_them_too(project):
    prompt = with_candidates(factories.prompt(project))
    for action in ("accept", "reject"):
        factories.annotation(prompt.current_response, factories.member(project, "reviewer"), action)
    Prompt.objects.filter(pk=prompt.pk).update(state=State.TO_RESOLVE)
    page = words(factories.client(factories.member(project, "manager")).get(f"/p/oxides/resolve/{prompt.key}/"))
    assert "attempt 2, candidate 3 of 4" in page
    assert "Candidate 2 of 4, not chosen" in page


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("look", LOOKS)
def test_candidates_are_fit_to_be_read(chromium, live_server, transactional_db, look, tmp_path):
    project = factories.project(slug="oxides", paired=True)
    ada = factories.member(project, "manager", name="ada")
    for _ in range(3):
        factories.teacher()
    pair = factories.pair(project, methodology_state=State.TO_REVIEW)
    with_candidates(pair.hypothesis)
    pair.methodology.responses.update(hypothesis=Prompt.objects.get(pk=pair.hypothesis.pk).current_response)
    context = chromium.new_context(base_url=live_server.url, **LOOKS[look])
    session = factories.client(ada).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page = context.new_page()
    for name, path in (
        ("review", "/p/oxides/review/"),
        ("prompt", f"/p/oxides/prompts/{pair.hypothesis.key}/"),
        ("settings", "/p/oxides/settings/"),
    ):
        page.goto(path)
        if name == "review":
            page.locator(".rv-tab", has_text="2.2").locator("input").check(force=True)
            page.get_by_text("falls by 10 mV.").first.wait_for()
        page.screenshot(path=tmp_path / f"{name}-{look}.png", full_page=name != "review")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, name
        assert [each["id"] for each in Axe().run(page).response["violations"]] == [], name
    context.close()
