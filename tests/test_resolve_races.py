"""Resolvers who press at the same moment: real threads, each with a connection of its own, on either database."""

from datetime import timedelta

import pytest
from django.utils import timezone

from curation.models import Comment, Event, Resolution, State
from curation.reviewing import Choice, Conflict, adjudicate, submit
from curation.reviewing.resolving import keep, let_go, take_next
from curation.reviewing.talk import raise_flag, say
from tests import factories
from tests.threads import together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project(settings):
    settings.REVIEW_UNDO_SECONDS = 30
    return factories.project(paired=False, reviews_required=2)


def disputed(project, number=1):
    """Prompts on which two reviewers disagree."""
    people = [factories.member(project, "reviewer") for _ in range(2)]
    prompts = [factories.prompt(project, State.TO_REVIEW) for _ in range(number)]
    for prompt in prompts:
        for person, action in zip(people, ("accept", "reject"), strict=True):
            submit(
                project, person, [Choice(prompt.current_response_id, action)], idempotency_key=f"{person}{prompt.pk}"
            )
        prompt.refresh_from_db()
    return prompts


@pytest.mark.parametrize("attempt", range(3))
def test_each_of_many_resolvers_is_given_another_one(project, attempt):
    prompts = disputed(project, 4)
    people = [factories.member(project, "manager") for _ in range(6)]

    given = together(*[lambda user=user: take_next(project, user) for user in people])

    assert sorted(each.pk for each in given if each) == [prompt.pk for prompt in prompts]
    assert sum(each is None for each in given) == 2


def test_one_decision_holds_where_many_decide_at_once(project):
    (prompt,) = disputed(project)
    people = [factories.member(project, "manager") for _ in range(4)]

    def decide(user, action):
        try:
            return adjudicate(project, user, prompt.current_response, action, comment=str(user))
        except Conflict as conflict:
            return conflict.problems[0].kind

    given = together(
        *[lambda u=user, a=action: decide(u, a) for user, action in zip(people, ["accept", "reject"] * 2, strict=True)]
    )

    held = Resolution.objects.get()
    assert sorted(map(str, given)) == sorted([str(held), "decided", "decided", "decided"])
    assert Event.objects.filter(kind="adjudicated").count() == 1


def test_all_are_resolved_once_by_many_who_go_on(project):
    prompts = disputed(project, 12)
    people = [factories.member(project, "manager") for _ in range(4)]

    def work(user):
        done, last = [], None
        while found := take_next(project, user, after=last):
            adjudicate(project, user, found.current_response, "reject")
            let_go(found, user)
            done.append(found.pk)
            last = found
        return done

    done = together(*[lambda user=user: work(user) for user in people])

    assert sorted(pk for each in done for pk in each) == [prompt.pk for prompt in prompts]
    assert Resolution.objects.count() == 12


def test_a_hold_is_kept_until_it_lapses_and_another_takes_it(project):
    (prompt,) = disputed(project)
    mia, zoe = (factories.member(project, "manager") for _ in range(2))

    assert take_next(project, mia) == prompt
    assert (take_next(project, zoe), keep(project, zoe, prompt)) == (None, None)
    assert keep(project, mia, prompt) > timezone.now()
    prompt.claims.update(until=timezone.now() - timedelta(seconds=1))
    assert take_next(project, zoe) == prompt
    assert keep(project, mia, prompt) is None


def test_the_same_remark_and_flag_sent_at_once_are_one(project):
    prompt = factories.prompt(project, State.TO_REVIEW)
    ada = factories.member(project, "reviewer")

    said = together(*[lambda: say(project, prompt, ada, "Once.", key="k")[0] for _ in range(4)])
    flags = together(*[lambda: raise_flag(prompt, ada, "Cut off.") for _ in range(4)])

    assert len({comment.pk for comment in said}) == 1
    assert Comment.objects.count() == 1
    assert len({flag.pk for flag in flags}) == 1
