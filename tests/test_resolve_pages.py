"""The resolve queue over HTTP: what comes next to whom, why it is there, and what is said in answer to a conflict."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from curation.models import Draft, Resolution, State
from curation.reviewing import Choice, adjudicate, submit
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(db, settings):
    settings.REVIEW_UNDO_SECONDS = 30
    return factories.project(slug="oxides", reviews_required=2, paired=False)


@pytest.fixture
def people(project):
    made = {name: factories.member(project, "reviewer", name=name) for name in ("ada", "ben")}
    made |= {name: factories.member(project, "manager", name=name) for name in ("mia", "zoe")}
    return made | {"rob": factories.member(project, "reviewer", name="rob", can_resolve=True)}


def disputed(project, one, other, *actions, **edit):
    prompt = factories.prompt(project, State.TO_REVIEW, document=factories.document(project))
    for person, action in zip((one, other), actions or ("accept", "reject"), strict=True):
        text = edit.get(person.get_username())
        choice = Choice(prompt.current_response_id, action, edited_text=text)
        submit(project, person, [choice], idempotency_key=f"{person}{prompt.pk}")
    prompt.refresh_from_db()
    assert prompt.state == State.TO_RESOLVE
    return prompt


def at(name, *prompts):
    return reverse(name, args=["oxides", *(prompt.key for prompt in prompts)])


def read(person, url, **headers):
    response = factories.client(person).get(url, headers=headers or None)
    assert response.status_code == 200, response
    return response.content.decode()


def decide(person, prompt, action="reject", htmx=False, **data):
    data = {"response": prompt.current_response_id, "action": action} | data
    headers = {"HX-Request": "true"} if htmx else None
    return factories.client(person).post(at("resolve_submit", prompt), data, headers=headers)


def go_on(person, after=None):
    """The address that the next disagreement is at."""
    query = {"after": after.key} if after else {}
    return factories.client(person).get(at("resolve_next"), query).url


def test_a_decision_leads_to_the_next_and_the_last_to_the_list(project, people):
    first, second = (disputed(project, people["ada"], people["ben"]) for _ in range(2))

    assert go_on(people["mia"]) == at("resolve_prompt", first)
    assert decide(people["mia"], first).url == at("resolve_prompt", second)
    shown = read(people["mia"], at("resolve_prompt", second))
    assert "Decided: <strong>reject</strong>" in shown
    assert at("resolve_take_back", first) in shown
    assert decide(people["mia"], second).url == at("resolve")


def test_what_is_put_off_comes_after_the_others(project, people):
    first, second, third = (disputed(project, people["ada"], people["ben"]) for _ in range(3))

    after = [go_on(people["mia"], each) for each in (first, second, third)]
    assert after == [at("resolve_prompt", each) for each in (second, third, first)]
    assert not first.claims.filter(reviewer=people["mia"], until__gt=timezone.now()).exclude(prompt=first).exists()


def test_what_another_has_open_is_left_to_them(project, people):
    first = disputed(project, people["ada"], people["ben"])
    read(people["zoe"], at("resolve_prompt", first))

    assert go_on(people["mia"]) == at("resolve")
    listed = read(people["mia"], at("resolve"))
    assert "zoe has it open" in listed
    assert "zoe has it open too; the first decision holds" in read(people["mia"], at("resolve_prompt", first))
    first.claims.update(until=timezone.now() - timedelta(seconds=1))
    assert go_on(people["mia"]) == at("resolve_prompt", first)


def test_ones_own_disagreement_comes_only_where_nobody_else_can_decide(project, people):
    mine = disputed(project, people["ada"], people["rob"])
    other = disputed(project, people["ada"], people["ben"])

    assert go_on(people["rob"]) == at("resolve_prompt", other)
    assert go_on(people["rob"], other) == at("resolve")
    for name in ("mia", "zoe"):
        people[name].is_active = False
        people[name].save()
    assert go_on(people["rob"], other) == at("resolve_prompt", mine)


@pytest.mark.parametrize(
    ("actions", "edits", "words"),
    [
        (("accept", "reject"), {}, "They decided differently."),
        (("accept", "accept"), {"ada": "Mine."}, "All accept, with different texts."),
    ],
)
def test_the_page_says_why_it_is_there(project, people, actions, edits, words):
    prompt = disputed(project, people["ada"], people["ben"], *actions, **edits)

    assert words in read(people["mia"], at("resolve_prompt", prompt))


@pytest.mark.parametrize("decided", [False, True])
def test_what_everybody_skipped_is_decided_here(project, people, decided):
    prompt = factories.prompt(project, State.TO_REVIEW, document=factories.document(project))
    if decided:
        submit(project, people["ada"], [Choice(prompt.current_response_id, "accept")], idempotency_key="1")
    prompt.go(State.TO_RESOLVE, "skipped_by_all", detail={"skipped_by": ["ada", "ben"]})

    assert "skipped by everyone" in read(people["mia"], at("resolve"))
    shown = read(people["mia"], at("resolve_prompt", prompt))
    assert "Skipped by ada, ben." in shown
    assert ("1 decided before." in shown) is decided
    assert decide(people["mia"], prompt, "accept", text_from="own", text="Of Mia.").status_code == 302
    assert Resolution.objects.get().text == "Of Mia."


def test_each_edit_is_compared_with_the_teachers_and_the_others(project, people):
    prompt = disputed(
        project, people["ada"], people["ben"], "accept", "accept", ada="It falls by 30 mV.", ben="It falls by 60 mV."
    )
    shown = read(people["mia"], at("resolve_prompt", prompt))

    assert "Compared with the text of ada" in shown
    assert "<del>30 </del><ins>60 </ins>mV." in shown
    assert "<del>60 </del><ins>30 </ins>mV." in shown


def test_who_comes_second_sees_what_holds_beside_what_they_typed(project, people):
    prompt = disputed(project, people["ada"], people["ben"])
    adjudicate(project, people["zoe"], prompt.current_response, "accept", text="Of Zoe.", comment="Read it again.")
    response = decide(people["mia"], prompt, "accept", text_from="own", text="Of Mia.", comment="Typed.")
    shown = response.content.decode()

    assert response.status_code == 409
    for words in ("zoe decided accept meanwhile: “Read it again.”", "<del>Zoe.</del><ins>Mia.</ins>", "Typed."):
        assert words in shown, words
    assert Resolution.objects.get().decided_by == people["zoe"]


def test_to_htmx_the_page_that_came_says_its_address(project, people):
    first, second = (disputed(project, people["ada"], people["ben"]) for _ in range(2))
    invalid = decide(people["mia"], first, "", htmx=True)
    assert (invalid.status_code, invalid["HX-Replace-Url"]) == (422, at("resolve_prompt", first))
    page = factories.client(people["mia"]).get(at("resolve_prompt", second), headers={"HX-Request": "true"})
    assert page["HX-Push-Url"] == at("resolve_prompt", second)


def test_while_the_page_is_open_it_is_held(project, people):
    prompt = disputed(project, people["ada"], people["ben"])
    beat = at("resolve_heartbeat", prompt)
    for name, words in (("mia", "held by you until"), ("zoe", "mia has it open too")):
        assert words in factories.client(people[name]).post(beat).content.decode()
    decide(people["mia"], prompt)
    shown = factories.client(people["mia"]).post(beat).content.decode()
    assert "held by" not in shown
    assert "open too" not in shown


def test_what_was_typed_on_another_device_is_in_the_form(project, people):
    prompt = disputed(project, people["ada"], people["ben"])
    body = {"action": ["accept"], "text_from": ["own"], "text": ["Half a"], "reasons": ["too_vague"], "comment": ["As"]}
    Draft.objects.create(response=prompt.current_response, reviewer=people["mia"], form=Draft.Form.RESOLVE, body=body)
    shown = read(people["mia"], at("resolve_prompt", prompt))

    for words in ("Half a</textarea>", "As</textarea>", 'value="own" checked', 'value="too_vague" checked'):
        assert words in shown, words
    decide(people["mia"], prompt, "accept", text_from="own", text="Half a text.")
    assert not Draft.objects.exists()


def test_a_page_costs_the_same_however_many_decided(project, people, django_assert_max_num_queries):
    prompt = disputed(project, people["ada"], people["ben"])
    for _ in range(5):
        factories.annotation(prompt.current_response, factories.user(), edited_text="Another.", surplus=True)
        factories.comment(prompt, people["ada"], mentions=[people["ben"]])
    browser = factories.client(people["mia"])
    browser.get(at("resolve"))
    with django_assert_max_num_queries(40):
        browser.get(at("resolve_prompt", prompt))
