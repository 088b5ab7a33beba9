"""Fix once: which answers an edit fits, each taken as an ordinary decision, and all taken back as one."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.utils import timezone

from curation import searching, tallies
from curation.changing import fitting, fixing
from curation.models import Annotation, Change, Event, Fingerprint, Prompt, Resolution, ReviewClaim, State
from curation.reviewing import Choice, Conflict, claim_next, settle, submit, take_back
from tests import factories
from tests.threads import together

pytestmark = pytest.mark.django_db

PHRASE = "It is important to note that"
TEXT = "If iron is added, then the overpotential falls by 30 mV. {} The film must be dense."
WITH, WITHOUT = TEXT.format(f"{PHRASE} the electrolyte stays clean."), TEXT.format("The electrolyte stays clean.")


@pytest.fixture(autouse=True)
def window(settings):
    settings.REVIEW_UNDO_SECONDS = 30


def waiting(project, text=WITH, **fields):
    return factories.prompt(project, "to_review", answer=text, **fields)


def edited(project, person, before=WITH, after=WITHOUT):
    """A decision with this edit, sent by `person`."""
    prompt = waiting(project, before)
    choice = Choice(prompt.current_response_id, "accept", (), after)
    return submit(project, person, [choice], idempotency_key=f"edit-{prompt.pk}").annotations[0]


def found(project, person, row):
    return [fit.prompt.pk for fit in fitting.fits(project, person, row)]


def take(project, person, row, fit):
    choice = Choice(fit.response.pk, "accept", (), fit.text, "", fit.version)
    return fixing.take(project, person, row, choice, 5)


def take_all(project, person, row):
    return [take(project, person, row, fit) for fit in fitting.fits(project, person, row)]


# -- what is offered -------------------------------------------------------------------------------------------------


def test_waiting_answers_with_the_same_words_are_offered_with_the_edit_in_them(project, ada):
    other = waiting(project, f"{PHRASE} snow melts early. Dust does it.")
    waiting(project, "Nothing of the kind.")
    factories.prompt(project, "accepted", answer=WITH)
    waiting(factories.project(), WITH)
    row = edited(project, ada)
    (fit,) = fitting.fits(project, ada, row)
    assert (fit.prompt, fit.text, fit.near) == (other, "Snow melts early. Dust does it.", False)
    assert [change.kind for change in fit.changes][0] == "removed"


def test_what_this_person_cannot_be_given_is_not_offered(project, ada):
    decided, held = waiting(project), waiting(project)
    submit(project, ada, [Choice(decided.current_response_id, "reject")], idempotency_key="mine")
    other = factories.member(project, "reviewer")
    until = timezone.now() + timedelta(minutes=5)
    ReviewClaim.objects.create(prompt=held, reviewer=other, until=until)
    check = waiting(project)
    ReviewClaim.objects.create(prompt=check, reviewer=ada, until=until, purpose="repeat")
    assert found(project, ada, edited(project, ada)) == []


def test_no_offer_without_an_edit_that_stands(project, ada):
    waiting(project)
    plain = submit(
        project, ada, [Choice(waiting(project).current_response_id, "accept")], idempotency_key="plain"
    ).annotations[0]
    assert fitting.fits(project, ada, plain) == []
    row = edited(project, ada)
    assert found(project, ada, row)
    take_back(ada, row)
    row.refresh_from_db()
    assert found(project, ada, row) == []


def test_an_edit_that_says_too_little_is_offered_nowhere(project, ada):
    waiting(project, WITH.replace("iron", "iron"))
    row = edited(project, ada, WITH, WITH.replace("iron", "cobalt"))
    assert found(project, ada, row) == []


def cluster(*responses):
    for place, response in enumerate(responses):
        factories.fingerprint(response.prompt, response, cluster=7, joined=80, score=90 - place, length=100)


def test_near_duplicates_are_offered_though_the_edited_one_holds_them_back(project, ada):
    project.near_duplicate_percent = 80
    project.save()
    mate, away = waiting(project, WITH + " Twice."), waiting(project, "Nothing of the kind.")
    row = edited(project, ada, WITH, WITH.replace("iron", "cobalt"))
    cluster(row.response, mate.current_response, away.current_response)
    assert found(project, ada, row) == [mate.pk]
    (fit,) = fitting.fits(project, ada, row)
    assert (fit.prompt, fit.near, fit.text) == (mate, True, WITH.replace("iron", "cobalt") + " Twice.")
    take(project, ada, row, fit)
    assert Annotation.objects.get(response=mate.current_response).edited_text == fit.text


def test_words_that_are_everywhere_are_looked_for_in_what_comes_next(project, ada, monkeypatch):
    monkeypatch.setattr(fitting, "LOOK", 3)
    prompts = [waiting(project) for _ in range(6)]
    Prompt.objects.filter(pk=prompts[-1].pk).update(pinned=True)
    row = edited(project, ada)
    searching.catch_up()
    offered = found(project, ada, row)
    assert offered[0] == prompts[-1].pk
    assert len(offered) == 3


def test_at_most_a_page_is_offered_at_once(project, ada, monkeypatch):
    for _ in range(5):
        waiting(project)
    row = edited(project, ada)
    assert len(fitting.fits(project, ada, row, most=3)) == 4


def test_a_pair_s_halves_are_decided_one_by_one(project, ada):
    project.paired = True
    project.save()
    pairs = [factories.pair(project, "to_review") for _ in range(2)]
    phrase = "Wear gloves and goggles,"
    own = pairs[0]
    text = own.methodology.current_response.text
    rows = submit(
        project, ada,
        [Choice(own.hypothesis.current_response_id, "accept"),
         Choice(own.methodology.current_response_id, "accept", (), text.replace(phrase, "Wear a mask,"))],
        idempotency_key="pair",
    ).annotations  # fmt: skip
    (fit,) = fitting.fits(project, ada, rows[1])
    assert fit.prompt == pairs[1].methodology
    taken = take(project, ada, rows[1], fit)
    assert "Wear a mask," in taken.edited_text
    assert not ReviewClaim.objects.filter(prompt__in=[pairs[1].hypothesis, pairs[1].methodology]).exists()
    item = claim_next(project, ada)
    assert item.prompts == (pairs[1].hypothesis,)
    assert item.for_reading == (pairs[1].methodology,)


def test_a_method_whose_hypothesis_was_refused_waits(project, ada):
    project.paired = True
    project.save()
    own, other = (factories.pair(project, "to_review") for _ in range(2))
    submit(project, ada, [Choice(other.hypothesis.current_response_id, "reject")], idempotency_key="no")
    text = own.methodology.current_response.text
    choice = Choice(own.methodology.current_response_id, "accept", (), text.replace("Wear gloves and goggles,", "Take"))
    row = submit(project, ada, [choice], idempotency_key="edit").annotations[0]
    assert found(project, ada, row) == []


# -- taking ----------------------------------------------------------------------------------------------------------


def test_each_is_an_ordinary_decision_and_all_are_one_change(project, ada):
    others = [waiting(project) for _ in range(3)]
    row = edited(project, ada)
    first, second, third = fitting.fits(project, ada, row)
    made = take(project, ada, row, first)
    assert (made.action, made.edited_text, made.seconds, made.purpose) == ("accept", WITHOUT, 5, "review")
    assert Event.objects.filter(prompt=others[0], kind="decided", actor=ada).count() == 1
    fixing.leave(row, second.response.pk)
    take(project, ada, row, third)
    change = Change.objects.get()
    assert (change.kind, change.created_by) == ("fix", ada)
    assert set(change.annotations.values_list("response__prompt", flat=True)) == {others[0].pk, others[2].pk}
    assert found(project, ada, row) == []
    assert claim_next(project, ada).prompts == (others[1],)
    Resolution.objects.update(effective_at=timezone.now())
    settle(project)
    assert project.prompts.in_state(State.ACCEPTED).count() == 3
    assert (tallies.states(project), tallies.decisions(project)) == tallies.counted(project)


def test_the_same_press_twice_is_one_decision(project, ada):
    waiting(project)
    row = edited(project, ada)
    (fit,) = fitting.fits(project, ada, row)
    assert take(project, ada, row, fit) == take(project, ada, row, fit)
    assert Annotation.objects.filter(response=fit.response).count() == 1


@pytest.mark.parametrize(
    ("happens", "says"),
    [
        ("held", "ben has it in hand"),
        ("decided", "waits for you no more"),
        ("moved", "It is rejected now"),
        ("answered", "another answer"),
    ],
)
def test_what_happened_meanwhile_is_said_and_nothing_decided(project, ada, happens, says):
    prompt, row = waiting(project), None
    row = edited(project, ada)
    (fit,) = fitting.fits(project, ada, row)
    ben = factories.member(project, "reviewer", name="ben")
    if happens == "held":
        ReviewClaim.objects.create(prompt=prompt, reviewer=ben, until=timezone.now() + timedelta(minutes=5))
    elif happens == "decided":
        submit(project, ben, [Choice(prompt.current_response_id, "reject")], idempotency_key="ben")
    elif happens == "moved":
        prompt.go(State.REJECTED, "resolved")
    else:
        factories.response(prompt, "Another answer.")
    with pytest.raises(fixing.NotTaken, match=says):
        take(project, ada, row, fit)
    assert not Annotation.objects.filter(response=fit.response, reviewer=ada).exists()


def test_a_decision_given_since_in_the_queue_is_a_conflict(project, ada):
    project.reviews_required = 2
    project.save()
    waiting(project)
    row = edited(project, ada)
    (fit,) = fitting.fits(project, ada, row)
    submit(project, ada, [Choice(fit.response.pk, "reject")], idempotency_key="queue")
    with pytest.raises((Conflict, fixing.NotTaken)):
        take(project, ada, row, fit)
    assert Annotation.objects.get(response=fit.response, current=True).action == "reject"


@pytest.mark.django_db(transaction=True)
def test_two_people_never_both_take_the_last_place(project, ada):
    for _ in range(4):
        waiting(project)
    people = [ada, factories.member(project, "reviewer", name="ben")]
    rows = [edited(project, person) for person in people]
    offers = [fitting.fits(project, person, row) for person, row in zip(people, rows, strict=True)]

    def work(place):
        for fit in offers[place]:
            with suppress(fixing.NotTaken):
                take(project, people[place], rows[place], fit)

    together(lambda: work(0), lambda: work(1))
    for fit in offers[0]:
        assert Annotation.objects.filter(response=fit.response, current=True).count() == 1
    assert Change.objects.count() <= 2


@pytest.mark.django_db(transaction=True)
def test_presses_in_two_windows_make_one_change(project, ada):
    for _ in range(4):
        waiting(project)
    row = edited(project, ada)
    offers = fitting.fits(project, ada, row)
    together(*[lambda fit=fit: take(project, ada, row, fit) for fit in (*offers, *offers)])
    change = Change.objects.get()
    assert (change.items.count(), change.annotations.count()) == (4, 4)


# -- taken back as one -----------------------------------------------------------------------------------------------


def test_all_are_taken_back_as_one_and_wait_again(project, ada):
    others = [waiting(project) for _ in range(3)]
    row = edited(project, ada)
    take_all(project, ada, row)
    change = fixing.change_of(row)
    assert fixing.take_back_all(change, ada) == (3, 0)
    for prompt in others:
        prompt.refresh_from_db()
        assert (prompt.state, prompt.given) == (State.TO_REVIEW, 0)
    assert not Resolution.objects.filter(current=True).exclude(response=row.response).exists()
    assert Annotation.objects.get(current=True) == row
    assert (tallies.states(project), tallies.decisions(project)) == tallies.counted(project)
    with pytest.raises(fixing.NotTaken, match="already"):
        fixing.take_back_all(change, ada)

    assert len(take_all(project, ada, row)) == 3  # and can be made again
    assert Change.objects.count() == 2


def test_what_took_effect_stays_and_is_listed(project, ada):
    waiting(project), waiting(project)
    row = edited(project, ada)
    early, late = fitting.fits(project, ada, row)
    take(project, ada, row, early)
    Resolution.objects.filter(response=early.response).update(effective_at=timezone.now())
    settle(project)
    take(project, ada, row, late)
    change = fixing.change_of(row)
    assert fixing.take_back_all(change, ada) == (1, 1)
    stays = change.items.get(undone=False)
    assert (stays.prompt, stays.after["since"]) == (early.prompt, "it has taken effect: accepted")


def test_where_others_are_still_to_decide_there_is_no_hurry(project, ada):
    project.reviews_required = 2
    project.save()
    waiting(project)
    row = edited(project, ada)
    (made,) = take_all(project, ada, row)
    Annotation.objects.filter(pk=made.pk).update(created_at=timezone.now() - timedelta(hours=1))
    assert fixing.take_back_all(fixing.change_of(row), ada) == (1, 0)


def test_a_disagreement_it_led_to_is_open_again(project, ada):
    project.reviews_required = 2
    project.save()
    prompt = waiting(project)
    submit(
        project, factories.member(project, "reviewer"), [Choice(prompt.current_response_id, "reject")],
        idempotency_key="other",
    )  # fmt: skip
    row = edited(project, ada)
    take_all(project, ada, row)
    prompt.refresh_from_db()
    assert prompt.state == State.TO_RESOLVE
    assert fixing.take_back_all(fixing.change_of(row), ada) == (1, 0)
    prompt.refresh_from_db()
    assert (prompt.state, prompt.given) == (State.TO_REVIEW, 1)


def test_one_decided_otherwise_since_stays(project, ada):
    waiting(project)
    row = edited(project, ada)
    (made,) = take_all(project, ada, row)
    choice = Choice(made.response_id, "reject", version=made.version)
    submit(project, ada, [choice], idempotency_key="changed my mind")
    change = fixing.change_of(row)
    assert fixing.take_back_all(change, ada) == (0, 1)
    assert change.items.get().after["since"] == "you decided otherwise since"
    assert Annotation.objects.get(response=made.response, current=True).action == "reject"
    assert Fingerprint.objects.count() == 0
