"""What managers and people say about single prompts in the queue: pinned, assigned, fewer decisions, skipped, left."""

from datetime import timedelta

import pytest
from django.utils import timezone

from curation.models import Assignment, Event, Prompt, Resolution, ReviewClaim, State
from curation.reviewing import assigning, claim_next, release, renew, skip, why_empty
from tests import factories
from tests.reviewed import decide, first, to_review

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def undo(settings):
    settings.REVIEW_UNDO_SECONDS = 30
    return settings


@pytest.fixture
def project(db):
    return factories.project(reviews_required=1, paired=False)


@pytest.fixture
def boss(project):
    return factories.member(project, "manager", name="boss")


def require(project, number):
    project.reviews_required = number
    project.save()


# --- pinned


def test_what_is_pinned_comes_first(project, boss, ada):
    _, _, third = to_review(project, 3)

    assert assigning.pin(project, [third.pk], boss) == 1
    assert first(project, ada) == third.pk
    assert assigning.pin(project, [third.pk], boss) == 0
    assert Event.objects.filter(kind="pinned", prompt=third, actor=boss).count() == 1


def test_a_pair_is_pinned_and_assigned_whole(project, boss, ada):
    project.paired = True
    project.save()
    _, pair = factories.pair(project, State.TO_REVIEW), factories.pair(project, State.TO_REVIEW)

    assert assigning.pin(project, Prompt.objects.filter(pk=pair.methodology_id), boss) == 2
    assert assigning.assign(project, [pair.methodology_id], ada, boss) == 2
    assert first(project, ada) == pair.hypothesis_id


# --- assigned


def test_what_is_assigned_comes_first_for_its_person_in_that_order(project, boss, ada):
    prompts = to_review(project, 4)
    assigning.assign(project, [prompts[3].pk], ada, boss)
    assigning.assign(project, [prompts[1].pk], ada, boss)
    assigning.pin(project, [prompts[2].pk], boss)

    given = []
    while pk := first(project, ada):
        given.append(pk)
        decide(project, ada, Prompt.objects.get(pk=pk))

    assert given == [prompts[place].pk for place in (3, 1, 2, 0)]
    assert not Assignment.objects.exists()


def test_a_place_is_kept_for_whom_it_was_assigned_to(project, boss, ada, bob):
    only, other = to_review(project, 2)
    assigning.assign(project, [only.pk], bob, boss)

    assert first(project, ada) == other.pk
    decide(project, ada, other)
    empty = claim_next(project, ada)
    assert (empty.kept, empty.kept_for, empty.all_done) == (1, ("bob",), False)

    assert first(project, bob) == only.pk


def test_of_two_places_one_is_kept(project, boss, ada, bob):
    require(project, 2)
    (only,) = to_review(project)
    cleo = factories.member(project, "reviewer", name="cleo")
    assigning.assign(project, [only.pk], bob, boss)

    assert first(project, ada) == only.pk
    assert first(project, cleo) is None
    assert first(project, bob) == only.pk


@pytest.mark.parametrize("how", ["unassigned", "skipped", "left", "inactive", "viewer"])
def test_a_place_is_kept_no_longer_than_it_can_be_taken(project, boss, ada, bob, how):
    (only,) = to_review(project)
    assigning.assign(project, [only.pk], bob, boss)
    assert first(project, ada) is None

    if how == "unassigned":
        assert assigning.unassign(project, [only.pk], bob, boss) == 1
    elif how == "skipped":
        first(project, bob)
        skip(project, bob, [only.pk])
    elif how == "left":
        project.remove_member(bob)
    elif how == "viewer":
        project.change_member(bob, "viewer")
    else:
        bob.is_active = False
        bob.save()

    assert first(project, ada) == only.pk


def test_nobody_is_assigned_who_may_not_review(project, boss):
    viewer = factories.member(project, "viewer", name="vera")
    (only,) = to_review(project)

    with pytest.raises(ValueError, match="vera may not review"):
        assigning.assign(project, [only.pk], viewer, boss)


def test_what_is_settled_is_not_assigned_and_nothing_twice(project, boss, ada):
    (only,), settled = to_review(project), factories.accepted(project)

    assert assigning.assign(project, [only.pk, settled.pk], ada, boss) == 1
    assert assigning.assign(project, [only.pk], ada, boss) == 0


def test_an_assigned_one_that_is_held_by_others_waits_its_turn(project, boss, ada, bob):
    one, other = to_review(project, 2)
    assert first(project, ada) == one.pk
    assigning.assign(project, [one.pk], bob, boss)

    assert first(project, bob) == other.pk


# --- how many decisions


def test_a_lowered_number_weighs_what_was_given(project, boss, ada):
    require(project, 2)
    factories.member(project, "reviewer")
    (only,) = to_review(project)
    decide(project, ada, only)

    assigning.set_required(project, only, 1, boss)

    assert Resolution.objects.get().action == "accept"
    assert Event.objects.get(kind="decisions_needed").detail == {"number": 1}


def test_more_decisions_than_the_project_asks_for(project, boss, ada, bob):
    (only,) = to_review(project)
    assigning.set_required(project, only, 2, boss)

    assert first(project, ada) == first(project, bob) == only.pk
    decide(project, ada, only)
    assert not Resolution.objects.exists()
    decide(project, bob, only)
    assert Resolution.objects.count() == 1


@pytest.mark.parametrize("number", [0, 3, 12])
def test_a_number_that_cannot_be_reached_is_refused(project, boss, ada, number):
    (only,) = to_review(project)

    with pytest.raises(ValueError, match="give 1 to 2"):
        assigning.set_required(project, only, number, boss)


def test_too_few_people_are_told_and_a_manager_lets_those_decide(project, ada):
    require(project, 2)
    one, other = to_review(project, 2)
    decide(project, ada, one)

    empty_for = why_empty(project, ada)
    assert (empty_for.short, empty_for.people, empty_for.all_done) == (2, 1, False)
    assert assigning.lower(project, ada) == 2

    assert (Prompt.objects.get(pk=one.pk).required, assigning.short(project).number) == (1, 0)
    assert Resolution.objects.get().response_id == one.current_response_id
    assert first(project, ada) == other.pk


def test_decisions_of_people_who_left_still_count(project, boss, ada, bob):
    require(project, 3)
    one, _ = to_review(project, 2)
    decide(project, bob, one)
    project.remove_member(bob)

    assert assigning.short(project) == assigning.Short(1, 2)


def test_nobody_is_missing_while_there_are_enough(project, ada, bob):
    require(project, 2)
    to_review(project)

    assert assigning.short(project).number == 0
    assert assigning.lower(project, ada) == 0


# --- skipped and left


def test_what_everybody_skips_goes_to_those_who_resolve(project, boss, ada, bob):
    only, other = to_review(project, 2)
    skip_all = [first(project, ada), skip(project, ada, [only.pk]), first(project, bob), skip(project, bob, [only.pk])]

    only.refresh_from_db()
    event = Event.objects.get(kind="skipped_by_all")
    assert (only.state, event.detail, skip_all[0]) == (State.TO_RESOLVE, {"skipped_by": ["ada", "bob"]}, only.pk)
    assert first(project, ada) == other.pk


def test_one_who_reviews_alone_gets_back_what_they_skipped(project, boss, ada):
    (only,) = to_review(project)

    first(project, ada)
    skip(project, ada, [only.pk])

    assert first(project, ada) == only.pk


def test_managers_who_review_are_among_everybody(project, boss, ada):
    only, other = to_review(project, 2)
    assert first(project, boss) == only.pk
    skip(project, boss, [only.pk])
    first(project, ada)

    skip(project, ada, [only.pk])

    only.refresh_from_db()
    assert only.state == State.TO_RESOLVE


def test_who_decided_need_not_skip(project, ada, bob):
    require(project, 2)
    (only,) = to_review(project)
    decide(project, ada, only)
    first(project, bob)

    skip(project, bob, [only.pk])

    only.refresh_from_db()
    assert only.state == State.TO_RESOLVE


def test_a_skip_of_an_earlier_time_in_review_does_not_count(project, ada, bob):
    (only,) = to_review(project)
    for user in (ada, bob):
        first(project, user)
        skip(project, user, [only.pk])
        if user == ada:
            Prompt.objects.filter(pk=only.pk).update(state_changed_at=timezone.now())

    only.refresh_from_db()
    assert only.state == State.TO_REVIEW


def test_who_leaves_the_page_lets_others_have_it_and_finds_it_again(project, ada, bob):
    one, other = to_review(project, 2)
    assert first(project, ada) == one.pk

    assert release(project, ada, [one.pk]) == 1

    assert release(project, ada, [one.pk]) == 0
    assert first(project, bob) == one.pk
    skip(project, bob, [one.pk])
    assert first(project, ada) == one.pk


def test_a_page_that_comes_back_takes_its_claim_up_again(project, ada):
    (only,) = to_review(project)
    first(project, ada)
    release(project, ada, [only.pk])

    assert renew(project, ada, [only.pk]) > timezone.now()


def test_nobody_lets_go_of_what_others_hold(project, ada, bob):
    (only,) = to_review(project)
    first(project, ada)

    assert release(project, bob, [only.pk]) == 0
    assert ReviewClaim.objects.get().until > timezone.now() + timedelta(seconds=10)


# --- pages


def test_managers_do_all_of_it_on_the_prompts_page(project, people):
    require(project, 2)
    (only,) = to_review(project)
    manager, bea = people["manager"], factories.member(project, "reviewer", name="bea")
    url = f"/p/{project.slug}/prompts/{only.key}/"

    def send(**form):
        return manager.post(f"{url}queue/", form, follow=True).content.decode()

    assert "Pinned: it comes before" in send(do="pin")
    assert "Assigned to bea" in send(do="assign", member=bea.pk)
    assert "It needs 1 decision." in send(do="require", number="1")
    only.refresh_from_db()
    assert (only.pinned, only.required, Assignment.objects.get().reviewer) == (True, 1, bea)

    assert "No longer pinned" in send(do="unpin")
    assert "No longer assigned to bea" in send(do="unassign", member=bea.pk)
    assert "It needs 2 decisions." in send(do="require", number="")
    only.refresh_from_db()
    assert (only.pinned, only.required, Assignment.objects.count()) == (False, None, 0)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"do": "dance"}, "Say what to do"),
        ({"do": "assign", "member": "999999"}, "Choose a member"),
        ({"do": "assign", "member": "x"}, "Choose a member"),
        ({"do": "require", "number": "ten"}, "is no number of decisions"),
        ({"do": "require", "number": "99"}, "give 1 to"),
    ],
)
def test_a_wrong_wish_says_what_is_right(project, people, form, said):
    (only,) = to_review(project)

    page = people["manager"].post(f"/p/{project.slug}/prompts/{only.key}/queue/", form, follow=True)

    assert said in page.content.decode()
    only.refresh_from_db()
    assert (only.pinned, only.required) == (False, None)


def test_only_managers_see_the_block(project, people):
    (only,) = to_review(project)
    url = f"/p/{project.slug}/prompts/{only.key}/"

    assert 'id="queue"' in people["manager"].get(url).content.decode()
    assert 'id="queue"' not in people["reviewer"].get(url).content.decode()


def test_pages_say_that_people_are_too_few(project, boss, ada):
    require(project, 3)
    to_review(project)
    manager, reviewer = factories.client(boss), factories.client(ada)

    page = manager.get(f"/p/{project.slug}/").content.decode()
    assert "one more reviewer" in page
    assert "/queue/lower/" in page
    assert "/queue/lower/" not in reviewer.get(f"/p/{project.slug}/").content.decode()

    page = manager.post(f"/p/{project.slug}/queue/lower/", follow=True).content.decode()
    assert "1 prompt needs fewer decisions now." in page
    assert "one more reviewer" not in page
    assert Prompt.objects.get().required == 2
