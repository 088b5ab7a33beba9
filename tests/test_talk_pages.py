"""Remarks and flags over HTTP: without JavaScript, as HTMX asks, and what names me."""

import re

import pytest
from django.urls import reverse

from curation.models import Comment, Draft, Flag, Mention, State
from tests import factories
from tests.pages import HTMX

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(db):
    return factories.project(slug="oxides", reviews_required=2, paired=False)


@pytest.fixture
def people(project):
    return {
        "ada": factories.member(project, "reviewer", name="ada"),
        "ben": factories.member(project, "reviewer", name="ben"),
        "mia": factories.member(project, "manager", name="mia"),
        "vic": factories.member(project, "viewer", name="vic"),
    }


@pytest.fixture
def prompt(project):
    return factories.prompt(project, State.TO_REVIEW, document=factories.document(project))


def address(name, prompt, *more):
    return reverse(name, args=["oxides", prompt.key, *more])


def read(person, url, **headers):
    response = factories.client(person).get(url, headers=headers or None)
    assert response.status_code == 200, response
    return response.content.decode()


def post(person, name, prompt, *more, htmx=False, **data):
    return factories.client(person).post(address(name, prompt, *more), data, headers=HTMX if htmx else None)


@pytest.mark.parametrize("page", ["prompt_detail", "review_prompt", "talk"])
def test_what_is_said_stands_on_every_page_of_the_prompt(people, prompt, page):
    comment = factories.comment(prompt, people["ben"], "@ada is it new?", mentions=[people["ada"]])
    shown = read(people["ada"], address(page, prompt))

    assert f'id="comment-{comment.pk}"' in shown
    assert f"{address('prompt_detail', prompt)}#comment-{comment.pk}" in shown
    assert '<span class="talk-name me">@ada</span> is it new?' in shown
    assert address("talk_say", prompt) in shown


def test_a_viewer_reads_and_says_nothing(people, prompt):
    factories.comment(prompt, people["ben"], "Is it new?")
    shown = read(people["vic"], address("prompt_detail", prompt))

    assert "Is it new?" in shown
    assert address("talk_say", prompt) not in shown


def test_remarks_of_others_are_folded_before_deciding(people, prompt):
    factories.comment(prompt, people["ben"], "I would reject it.")
    for page in ("prompt_detail", "review_prompt"):
        shown = read(people["ada"], address(page, prompt))
        assert "1 remark of others: read after deciding" in shown
        assert re.search(r"<details class=\"talk-later\">.*I would reject it\..*?</details>", shown, re.DOTALL)


@pytest.mark.parametrize(
    ("place", "page"), [("prompt", "prompt_detail"), ("review", "talk"), ("resolve", "talk"), ("", "talk")]
)
def test_without_javascript_a_remark_leads_to_itself(people, prompt, place, page):
    response = post(people["ada"], "talk_say", prompt, text="Is it\r\nnew?", place=place)

    comment = Comment.objects.get()
    assert response.url == f"{address(page, prompt)}#comment-{comment.pk}"
    assert (comment.text, comment.author) == ("Is it\nnew?", people["ada"])


def test_to_htmx_the_fragment_is_answered(people, prompt):
    shown = post(people["ada"], "talk_say", prompt, text="Is it new?", place="review", htmx=True).content.decode()

    assert "<html" not in shown
    assert '<section id="talk"' in shown
    assert '<span id="talk-count" class="count" hx-swap-oob="true">1</span>' in shown
    assert "Is it new?" in shown


def test_the_same_form_twice_is_one_remark(people, prompt):
    for _ in range(2):
        assert post(people["ada"], "talk_say", prompt, text="Once.", key="k").status_code == 302
    assert Comment.objects.count() == 1


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize(
    ("name", "field", "typed", "words"),
    [
        ("talk_say", "text", " ", "Write what you want to say."),
        ("talk_say", "text", "x" * 5001, "at most 5000 characters"),
        ("talk_flag", "note", "", "Say in a sentence what a manager should look at."),
        ("talk_flag", "note", "y" * 501, "at most 500 characters"),
    ],
)
def test_what_cannot_be_stored_stays_in_its_form(people, prompt, htmx, name, field, typed, words):
    response = post(people["ada"], name, prompt, htmx=htmx, **{field: typed})
    shown = response.content.decode()

    assert response.status_code == 422
    assert words in shown
    assert typed.strip() in shown
    assert (Comment.objects.count(), Flag.objects.count()) == (0, 0)


def test_a_name_that_is_nobodys_is_said(people, prompt):
    shown = post(people["ada"], "talk_say", prompt, text="@bem and @ben", htmx=True).content.decode()

    assert "Nobody here is called @bem: nobody was told." in shown
    assert Mention.objects.get().user == people["ben"]


def test_what_people_write_is_text(people, prompt):
    evil = '<script>alert(1)</script> javascript:alert(1) https://example.org/"onclick="x @ben'
    post(people["ada"], "talk_say", prompt, text=evil)
    post(people["ada"], "talk_flag", prompt, note=evil)
    for page in (address("prompt_detail", prompt), "/mentions/"):
        shown = read(people["ben"], page)
        assert "<script>alert" not in shown
        assert "&lt;script&gt;alert(1)" in shown
        assert 'href="javascript' not in shown
        assert "onclick=&quot;x" in shown


def test_of_a_pair_either_half_is_spoken_of(people):
    project = factories.project(slug="pairs", paired=True)
    ada = people["ada"]
    project.add_member(ada, "reviewer")
    pair = factories.pair(project, State.TO_REVIEW)
    other = factories.pair(project, State.TO_REVIEW)
    url = reverse("talk_say", args=["pairs", pair.hypothesis.key])
    browser = factories.client(ada)
    data = {"text": "No control.", "place": "review", "about": pair.methodology.key}

    shown = browser.post(url, data, headers=HTMX).content.decode()
    assert Comment.objects.get().prompt == pair.methodology
    assert "on the methodology" in shown
    assert browser.post(url, data | {"about": other.methodology.key}).status_code == 422
    assert browser.post(url, data | {"place": "prompt"}).status_code == 422
    assert 'name="about"' in read(ada, reverse("review_prompt", args=["pairs", pair.hypothesis.key]))


def test_a_flag_is_raised_and_cleared_by_a_manager(people, prompt):
    assert post(people["ada"], "talk_flag", prompt, note="Cut off.", place="prompt").status_code == 302
    flag = Flag.objects.get()
    clear = address("talk_flag_clear", prompt, flag.pk)
    assert clear not in read(people["ada"], address("prompt_detail", prompt))
    assert clear in read(people["mia"], address("prompt_detail", prompt))

    shown = post(people["mia"], "talk_flag_clear", prompt, flag.pk, answer="It is whole.", htmx=True).content.decode()
    assert "cleared by mia" in shown
    assert "It is whole." in shown
    again = post(people["mia"], "talk_flag_clear", prompt, flag.pk, answer="Twice.", htmx=True).content.decode()
    assert "Somebody had cleared this flag already." in again
    assert "Twice." not in again


@pytest.mark.parametrize(("name", "told"), [("mia", True), ("ada", False), ("vic", False)])
def test_managers_are_told_of_flags_on_the_front_page(people, prompt, name, told):
    factories.flag(prompt, people["ada"])
    factories.flag(prompt, people["ben"])
    shown = read(people[name], "/p/oxides/")
    assert ("prompt is flagged for a manager" in shown) is told
    if told:
        listed = read(people[name], "/p/oxides/prompts/?flagged=open")
        assert prompt.key in listed


def test_a_flag_of_another_prompt_is_not_found(project, people, prompt):
    flag = factories.flag(factories.prompt(project, State.TO_REVIEW), people["ada"])

    assert post(people["mia"], "talk_flag_clear", prompt, flag.pk).status_code == 404


def test_what_names_me_is_counted_listed_and_seen(people, prompt):
    ada = people["ada"]
    for text in ("@ada one", "@ada two"):
        post(people["ben"], "talk_say", prompt, text=text)
    home = read(ada, "/")
    assert re.search(r'<span class="count">2</span>', home)

    listed = read(ada, "/mentions/")
    assert listed.index("@ada two") < listed.index("@ada one")
    assert f"#comment-{Comment.objects.get(text='@ada one').pk}" in listed
    assert Mention.objects.filter(seen_at=None).count() == 2  # the list is not the remark

    first = read(ada, address("prompt_detail", prompt))
    assert first.count("new for you") == 2
    assert "new for you" not in read(ada, address("prompt_detail", prompt))
    assert "Mark all as seen" not in read(ada, "/mentions/")


@pytest.mark.parametrize("page", ["review_prompt", "resolve_prompt"])
def test_in_a_menu_a_remark_is_seen_when_it_is_opened(project, people, page):
    prompt = factories.prompt(project, State.TO_RESOLVE if page == "resolve_prompt" else State.TO_REVIEW)
    comment = factories.comment(prompt, people["ben"], "@mia!", mentions=[people["mia"]])
    assert "● for you" in read(people["mia"], address(page, prompt))
    assert Mention.objects.filter(seen_at=None).exists()

    factories.client(people["mia"]).post("/mentions/seen/", {"comment": comment.pk})
    assert "● for you" not in read(people["mia"], address(page, prompt))


def test_all_is_marked_as_seen_and_only_of_mine(people, prompt):
    factories.comment(prompt, people["ada"], "@ben @mia", mentions=[people["ben"], people["mia"]])

    assert factories.client(people["mia"]).post("/mentions/seen/").url == "/mentions/"
    assert [row.user for row in Mention.objects.filter(seen_at=None)] == [people["ben"]]


def test_nothing_names_me(people):
    assert "Nobody has named you yet" in read(people["ada"], "/mentions/")


def test_a_remark_begun_elsewhere_is_in_its_form(people, prompt):
    Draft.objects.create(
        response=prompt.current_response, reviewer=people["ada"], form=Draft.Form.COMMENT, body={"text": ["Half a"]}
    )
    shown = read(people["ada"], address("prompt_detail", prompt))
    assert re.search(r'<textarea id="talk-text"[^>]*>\s*Half a</textarea>', shown)

    post(people["ada"], "talk_say", prompt, text="Half a thought.")
    assert not Draft.objects.exists()
    assert "Half a</textarea>" not in read(people["ada"], address("prompt_detail", prompt))
