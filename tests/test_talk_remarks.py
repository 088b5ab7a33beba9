"""Remarks and flags: who is told, who reads what when, and what is stored of it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from curation.access import membership
from curation.models import Comment, Flag, Mention, State
from curation.reviewing import Choice, submit
from curation.reviewing.talk import (
    Piece,
    clear_flag,
    mentions_of,
    named_in,
    pieces_of,
    raise_flag,
    say,
    see,
    talk_of,
    unseen_mentions,
)
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(db):
    return factories.project(slug="oxides", reviews_required=2, paired=False)


@pytest.fixture
def people(project):
    return {name: factories.member(project, "reviewer", name=name) for name in ("ada", "ben")} | {
        "mia": factories.member(project, "manager", name="mia")
    }


@pytest.fixture
def prompt(project):
    return factories.prompt(project, State.TO_REVIEW)


def read(project, user, *prompts, **options):
    """The Talk of `user`, as a page that has looked up their membership gets it."""
    project.member = membership(user, project)
    return talk_of(project, user, prompts, **options)


def texts(remarks):
    return [remark.comment.text for remark in remarks]


@pytest.mark.parametrize(
    ("text", "named", "unknown"),
    [
        ("@ada look", ["ada"], []),
        ("Look, @ada.", ["ada"], []),
        ("(@ada, @ben.k!) and @ada", ["ada", "ben.k"], []),
        ("@ben.k. and @ben.kk", ["ben.k"], ["ben.kk"]),
        ("mail ada@example.org", [], []),
        ("@@ada", [], []),
        ("an @ alone", [], []),
        ("@Ada", [], ["Ada"]),
        ("@zoe?", [], ["zoe"]),
        ("at 20 µM@ada", [], []),
    ],
)
def test_who_a_text_names(text, named, unknown):
    assert named_in(text, {"ada", "ben.k"}) == (named, unknown)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("plain", [("", "plain")]),
        ("@ada, see", [("me", "@ada"), ("", ", see")]),
        ("ask @ben.", [("", "ask "), ("name", "@ben"), ("", ".")]),
        ("@zoe", [("", "@zoe")]),
        ("see https://example.org/a?b=1.", [("", "see "), ("link", "https://example.org/a?b=1"), ("", ".")]),
        ("javascript:alert(1)", [("", "javascript:alert(1)")]),
        ("<b>@ben</b>", [("", "<b>"), ("name", "@ben"), ("", "</b>")]),
    ],
)
def test_what_of_a_text_is_marked(text, pieces):
    assert pieces_of(text, {"ada", "ben"}, "ada") == [Piece(*piece) for piece in pieces]


def test_a_remark_tells_the_members_it_names_and_nobody_else(project, people, prompt):
    stranger = factories.user("zoe")
    gone = factories.member(project, "viewer", name="gus")
    gone.is_active = False
    gone.save()

    comment, unknown = say(project, prompt, people["ada"], "@ben @mia @ada @zoe @gus look.")

    assert unknown == ["zoe", "gus"]
    assert set(comment.mentions.values_list("user__username", flat=True)) == {"ben", "mia"}
    assert (comment.response, comment.prompt) == (prompt.current_response, prompt)
    assert [unseen_mentions(user) for user in (people["ben"], people["ada"], stranger)] == [1, 0, 0]


def test_the_same_form_twice_is_one_remark(project, people, prompt):
    first, _ = say(project, prompt, people["ada"], "Once.", key="k")
    again, _ = say(project, prompt, people["ada"], "Once.", key="k")
    other, _ = say(project, prompt, people["ben"], "Once.", key="k")

    assert first == again != other
    assert Comment.objects.count() == 2


@pytest.mark.parametrize(("text", "words"), [("  \n", "needs words"), ("x" * 5001, "at most 5,000 characters")])
def test_a_remark_that_cannot_be(project, people, prompt, text, words):
    with pytest.raises(ValueError, match=words):
        say(project, prompt, people["ada"], text)


def test_before_deciding_others_are_folded_unless_they_name_me(project, people, prompt):
    factories.comment(prompt, people["ben"], "I would reject it.")
    factories.comment(prompt, people["ben"], "@ada what do you think?", mentions=[people["ada"]])
    factories.comment(prompt, people["ada"], "I wonder.")
    flag = factories.flag(prompt, people["ben"])

    talk = read(project, people["ada"], prompt)
    assert texts(talk.remarks) == ["@ada what do you think?", "I wonder."]
    assert texts(talk.folded) == ["I would reject it."]
    assert (talk.flags, talk.folded_flags, talk.later, talk.number, talk.unseen) == ([], [flag], 2, 4, 1)

    submit(project, people["ada"], [Choice(prompt.current_response_id, "accept")], idempotency_key="1")
    talk = read(project, people["ada"], prompt)
    assert (len(talk.remarks), talk.later, talk.flags) == (3, 0, [flag])


@pytest.mark.parametrize("state", [State.TO_RESOLVE, State.ACCEPTED, State.REJECTED])
def test_what_nobody_decides_any_more_is_read_at_once(project, people, state):
    prompt = factories.prompt(project, state, answer="An answer.")
    factories.comment(prompt, people["ben"], "I would reject it.")

    assert texts(read(project, people["ada"], prompt).remarks) == ["I would reject it."]


def test_who_may_not_decide_reads_at_once(project, people, prompt):
    factories.comment(prompt, people["ben"])

    assert read(project, factories.member(project, "viewer"), prompt).later == 0


@pytest.mark.parametrize("purpose", ["gold", "repeat"])
def test_a_check_looks_like_what_nobody_has_spoken_of(project, people, purpose):
    prompt = factories.prompt(project, State.ACCEPTED)
    ada = people["ada"]
    factories.comment(prompt, people["ben"], "I would reject it.")
    factories.comment(prompt, ada, "Before.")
    factories.comment(prompt, people["ben"], "@ada!", mentions=[ada])
    factories.flag(prompt, people["ben"])
    if purpose == "repeat":
        factories.annotation(prompt.current_response, ada)
        factories.comment(prompt, ada, "And now.")
    prompt.claims.create(reviewer=ada, purpose=purpose, until=timezone.now() + timedelta(hours=1))

    talk = read(project, ada, prompt, reviewing=True)

    assert texts(talk.remarks) == (["And now."] if purpose == "repeat" else ["Before."])
    assert (talk.later, talk.flags, talk.cleared) == (0, [], [])


def test_a_flag_is_open_until_a_manager_clears_it(project, people, prompt):
    flag = raise_flag(prompt, people["ada"], " The source is cut off. ")
    assert raise_flag(prompt, people["ada"], "The source is cut off.") == flag

    assert clear_flag(flag, people["mia"], "It is\nwhole now.")
    assert not clear_flag(flag, people["mia"], "Twice.")

    talk = read(project, people["mia"], prompt)
    assert (talk.flags, talk.cleared) == ([], [flag])
    flag = Flag.objects.get()
    assert (flag.note, flag.answer, flag.cleared_by) == ("The source is cut off.", "It is whole now.", people["mia"])
    assert raise_flag(prompt, people["ada"], "The source is cut off.") != flag


def test_mentions_of_projects_one_has_left_are_gone(project, people, prompt):
    ada = people["ada"]
    for text in ("@ada one", "@ada two"):
        say(project, prompt, people["ben"], text)
    see(ada, [Comment.objects.get(text="@ada one").pk])
    assert [row.comment.text for row in mentions_of(ada)] == ["@ada two", "@ada one"]

    project.remove_member(ada)

    assert (unseen_mentions(ada), list(mentions_of(ada))) == (0, [])
    assert Mention.objects.filter(user=ada).count() == 2


def test_the_newest_remarks_are_shown(project, people, prompt, monkeypatch):
    monkeypatch.setattr("curation.reviewing.talk.SHOWN", 2)
    for text in "abc":
        factories.comment(prompt, people["ada"], text)

    assert texts(read(project, people["ada"], prompt).remarks) == ["b", "c"]
