"""The list of prompts, one prompt's life, and sending prompts back by hand."""

import re

import pytest

from curation import finding
from curation.models import State
from tests import factories

pytestmark = pytest.mark.django_db


def keys(page):
    """The keys of the prompts that a list shows, in order."""
    return re.findall(r'prompts/([0-9a-f]{64})/"', page.content.decode())


def listed(client, project, query=""):
    return keys(client.get(f"/p/{project.slug}/prompts/{query}"))


@pytest.fixture
def filled(project):
    """Four prompts that differ in what the list can be narrowed by."""
    zno = factories.prompt(project, "to_review", context="ZnO films were sputtered.", domain="materials")
    dust = factories.prompt(project, "accepted", context="Dust on snow.", domain="climate", task_type="methodology")
    own = factories.prompt(project, user_prompt="What does nickel do?", domain="chemistry")
    other = factories.prompt(project, "to_regenerate", answer="Albedo falls.", domain="climate")
    factories.filter_result(other.current_response, failed=["ban_citations", "min_char_length"])
    factories.filter_result(zno.current_response)
    zno.responses.update(parse_error="The answer is no JSON.")
    dust.responses.update(parse_error="A comma was mended.", fields={"statement": "Dust."})
    return {"zno": zno, "dust": dust, "own": own, "other": other}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["zno", "dust", "own", "other"]),
        ("?state=to_review", ["zno"]),
        ("?task_type=methodology", ["dust"]),
        ("?domain=climate", ["dust", "other"]),
        ("?domain=climate&state=accepted", ["dust"]),
        ("?failed=ban_citations", ["other"]),
        ("?failed=min_char", []),
        ("?answer=unread", ["zno"]),
        ("?q=zno", ["zno"]),
        ("?q=nickel", ["own"]),
        ("?q=albedo+falls", ["other"]),
        ("?q=albedo+zno", []),
        ("?q=100%25", []),
        ("?state=nonsense", ["zno", "dust", "own", "other"]),
    ],
)
def test_the_list_is_narrowed(filled, people, project, query, names):
    assert listed(people["viewer"], project, query) == [filled[name].key for name in names]


def test_the_beginning_of_a_key_finds_its_prompt(filled, people, project):
    assert listed(people["viewer"], project, f"?q={filled['dust'].key[:10]}") == [filled["dust"].key]


def test_filters_in_force_are_named_and_each_can_be_taken_away(filled, people, project):
    page = people["viewer"].get(f"/p/{project.slug}/prompts/?domain=climate&state=accepted").content.decode()
    assert "1 of 4 prompts" in " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert 'href="?state=accepted"' in page
    assert 'href="?domain=climate"' in page


def test_pages_follow_each_other_by_key_without_gap_or_repeat(people, project, monkeypatch):
    expected = [factories.prompt(project).key for _ in range(7)]
    factories.prompt(factories.project())
    monkeypatch.setattr(finding.find, "__defaults__", ("", 3))
    seen, query = [], ""
    while query is not None:
        page = people["viewer"].get(f"/p/{project.slug}/prompts/{query}")
        seen += keys(page)
        following = re.search(r'rel="next" href="([^"]+)"', page.content.decode())
        query = following.group(1).replace("&amp;", "&") if following else None
    assert seen == expected


@pytest.mark.parametrize("after", ["x", "-1", "9" * 40, "1e3"])
def test_a_broken_page_address_shows_the_first_page(filled, people, project, after):
    assert len(listed(people["viewer"], project, f"?after={after}")) == 4


def test_an_empty_project_says_what_a_prompt_is(people, project):
    page = people["manager"].get(f"/p/{project.slug}/prompts/").content.decode()
    assert "Import a file" in page
    assert "<table" not in page


def test_what_a_model_wrote_is_text_not_markup(people, project):
    prompt = factories.prompt(
        project, "accepted", context="<script>alert('source')</script>", answer="<img src=x onerror=alert('answer')>"
    )
    factories.judge_score(prompt.current_response, rationale="<b onclick=alert(1)>fine</b>")
    page = people["manager"].get(f"/p/{project.slug}/prompts/{prompt.key}/").content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=" in page
    assert "<b onclick" not in page


def test_one_page_shows_every_attempt_with_what_was_said_of_it(people, project):
    ben = factories.member(project, "reviewer", name="ben")
    prompt = factories.prompt(project, "accepted", answer="The first answer.")
    first = prompt.current_response
    factories.filter_result(first, failed=["ban_citations"])
    factories.response(prompt, "The second answer.")
    second = prompt.current_response
    factories.judge_score(second, score=91, rationale="Well grounded.")
    factories.judge_score(second, rubric="reasoning", score=None, error="The reply is not JSON.")
    factories.annotation(second, ben, comment="Clear.", reasons=["too_long"])
    factories.resolution(second, edited=True, text="The edited answer.")
    page = people["viewer"].get(f"/p/{project.slug}/prompts/{prompt.key}/").content.decode()
    for words in (
        *("The first answer.", "The second answer.", "No citations", "Well grounded.", "unreadable"),
        *("The reply is not JSON.", "Clear.", "Too long", "The edited answer.", prompt.context),
    ):
        assert words in page


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"support": ["Dust made snow melt nine days earlier."]}, "quoted by the teacher"),
        ({}, "found by shared words"),
    ],
)
def test_the_source_shows_what_the_current_answer_leans_on(people, project, fields, said):
    prompt = factories.prompt(project, "accepted", context="It was cold. Dust made snow melt nine days earlier.")
    factories.response(prompt, "With more dust the snow will melt ten days earlier.", fields=fields)
    page = people["viewer"].get(f"/p/{project.slug}/prompts/{prompt.key}/").content.decode()
    assert re.search(
        r"It was cold. <span id=.[^>]+></span><mark[^>]*>Dust made snow melt nine days earlier.</mark>", page
    )
    assert said in page


@pytest.mark.parametrize(
    ("state", "role", "shown"),
    [
        ("to_review", "reviewer", False),
        ("to_review", "viewer", False),
        ("to_review", "manager", True),
        ("accepted", "reviewer", True),
    ],
)
def test_others_decisions_are_read_only_once_all_is_decided(people, project, state, role, shown):
    ben = factories.member(project, "reviewer", name="ben")
    prompt = factories.prompt(project, state)
    factories.annotation(prompt.current_response, ben, comment="I liked it.")
    page = people[role].get(f"/p/{project.slug}/prompts/{prompt.key}/").content.decode()
    assert ("I liked it." in page) == shown


def test_reopening_needs_a_reason_and_keeps_it(people, project):
    prompt = factories.accepted(project)
    url = f"/p/{project.slug}/prompts/{prompt.key}/reopen/"
    page = people["manager"].post(url, {"reason": "  "}, follow=True).content.decode()
    assert "Say why it is reopened" in page
    people["manager"].post(url, {"reason": "The number is wrong."})
    prompt.refresh_from_db()
    assert prompt.state == State.TO_REVIEW
    assert prompt.events.get(kind="reopened").detail == {"reason": "The number is wrong."}
    assert "Nothing changed" in people["manager"].post(url, {"reason": "again"}, follow=True).content.decode()


def test_retrying_puts_a_parked_prompt_back(people, project):
    prompt = factories.prompt(project, "parked")
    url = f"/p/{project.slug}/prompts/{prompt.key}/retry/"
    people["manager"].post(url)
    prompt.refresh_from_db()
    assert (prompt.state, prompt.error_class, prompt.parked_from) == (State.TO_COLLECT, "", "")
    assert "Nothing changed" in people["manager"].post(url, follow=True).content.decode()


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (True, "✓ passed (shown only: factuality below its threshold, a judge asks for a person)"),
        (False, "✕ held (factuality below its threshold, a judge asks for a person)"),
    ],
)
def test_the_gate_gives_its_reasons_in_words(project, people, passed, said):
    prompt = factories.prompt(project, "accepted")
    codes = ["judge_f_low_score", "safety_flag_human_review"]
    gate = factories.gate_result(prompt.current_response, reasons=codes)
    gate.passed = passed  # as where the scores are shown and decide nothing
    gate.save()
    page = people["viewer"].get(f"/p/{project.slug}/prompts/{prompt.key}/").content.decode()
    assert said in " ".join(re.sub(r"<[^>]+>", "", page).split())
