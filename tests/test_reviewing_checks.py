"""Gold and repeated items: mixed in, looking like any other, and without any effect but on what is known of people."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from curation import annotations, tallies
from curation.agreement import agreement_report
from curation.models import Annotation, Event, Gold, Prompt, Resolution, ReviewClaim, State, Tally
from curation.reviewing import (
    Choice,
    Conflict,
    EmptyQueue,
    TooLate,
    cards_of,
    checks,
    claim_next,
    last_decision,
    pending_counts,
    purpose_of,
    renew,
    reopen,
    reopen_many,
    settle,
    skip,
    submit,
    take_back,
)
from pipeline.calibrating.drawing import decided_of
from pipeline.regenerating import complaints_of
from pipeline.simulating.drawing import judged_of, policy_of
from pipeline.stages import again_filter
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(db):
    return factories.project(reviews_required=1, paired=False, gold_percent=50, split_seed="seed")


@pytest.fixture
def always(monkeypatch):
    """Every place in the queue draws this purpose."""

    def draw(purpose):
        monkeypatch.setattr(checks, "_drawn", lambda project, user, first: purpose)

    return draw


def gold(project, action="reject", state=State.ACCEPTED, **fields):
    prompt = factories.prompt(project, state)
    return factories.gold(prompt.current_response, action, **fields)


def decide(project, user, item, action="accept", **more):
    choices = [Choice(prompt.current_response_id, action, **more) for prompt in item.prompts]
    return submit(project, user, choices, idempotency_key=f"key{Annotation.objects.count()}")


def everything():
    """What a check must leave as it is."""
    return [list(model.objects.order_by("pk").values()) for model in (Prompt, Resolution, Event, Tally)]


def decided_before(project, user, number, state=State.ACCEPTED):
    """Prompts that `user` decided some time ago and that are settled since, the first decided first."""
    made = [factories.prompt(project, state) for _ in range(number)]
    for prompt in made:
        factories.annotation(prompt.current_response, user, seconds=30)
    return made


def test_a_gold_item_comes_before_an_ordinary_one_and_stays_until_it_is_decided(project, ada, always):
    always("gold")
    known = gold(project)
    ordinary = factories.prompt(project, State.TO_REVIEW)

    items = [claim_next(project, ada) for _ in range(3)]

    assert {item.prompts[0].pk for item in items} == {known.response.prompt_id}
    assert {item.purpose for item in items} == {"gold"}
    decide(project, ada, items[-1])
    assert claim_next(project, ada).prompts == (ordinary,)
    assert claim_next(project, ada).prompts == (ordinary,)  # no two checks in a row


@pytest.mark.parametrize("action", ["accept", "regenerate", "reject"])
def test_a_decision_on_a_gold_item_changes_nothing(project, ada, always, settings, action):
    settings.REVIEW_UNDO_SECONDS = 0
    always("gold")
    known = gold(project)
    factories.prompt(project, State.TO_REVIEW)
    before = everything()

    item = claim_next(project, ada)
    done = decide(project, ada, item, action, reasons=("too_vague",), comment="say how much")
    settle(project)

    (row,) = done.annotations
    assert (row.purpose, row.action, row.current, row.surplus, row.response) == (
        "gold",
        action,
        True,
        False,
        known.response,
    )
    assert everything() == before
    assert not ReviewClaim.objects.filter(purpose="gold").exists()


def test_what_was_decided_comes_again_blank(project, ada, always):
    always("repeat")
    project.repeat_percent = 50
    project.save()
    old, *_ = decided_before(project, ada, checks.APART + 1)
    factories.prompt(project, State.TO_REVIEW)

    item = claim_next(project, ada)
    (card,) = cards_of(item.unit, item.prompts, ada, purpose=item.purpose)

    assert (item.prompts, item.purpose) == ((old,), "repeat")
    assert (card.own, card.prefill, card.resolution) == (None, None, None)
    before = everything()
    done = decide(project, ada, item, "reject")
    assert [row.purpose for row in done.annotations] == ["repeat"]
    assert everything() == before
    first = Annotation.objects.get(response=old.current_response, purpose="review")
    assert first.current
    assert first.action == "accept"


def test_what_is_fresh_in_mind_or_was_repeated_is_not_repeated(project, ada, always):
    always("repeat")
    project.repeat_percent = 50
    project.save()
    first, second, *_ = decided_before(project, ada, checks.APART + 1)
    ordinary = [factories.prompt(project, State.TO_REVIEW) for _ in range(2)]

    assert claim_next(project, ada).prompts == (first,)
    decide(project, ada, claim_next(project, ada))
    # One more decision, and the second is old enough; the first was repeated.
    decide(project, ada, claim_next(project, ada))
    assert claim_next(project, ada).prompts == (second,)
    decide(project, ada, claim_next(project, ada))
    assert claim_next(project, ada).prompts == (ordinary[1],)


@pytest.mark.parametrize("case", ["inactive", "own", "decided", "waits for people", "older answer", "of another"])
def test_who_is_not_given_which_gold_item(project, ada, always, case):
    always("gold")
    known = gold(project, state=State.TO_RESOLVE if case == "waits for people" else State.ACCEPTED)
    if case == "inactive":
        Gold.objects.update(active=False)
    elif case == "own":
        Gold.objects.update(created_by=ada)
    elif case == "decided":
        factories.annotation(known.response, ada)
    elif case == "older answer":
        factories.response(known.response.prompt)
    elif case == "of another":
        known.delete()
        gold(factories.project())
    ordinary = factories.prompt(project, State.TO_REVIEW)

    assert claim_next(project, ada).prompts == (ordinary,)


def test_an_empty_queue_mixes_nothing_in(project, ada, always):
    always("gold")
    gold(project)

    assert isinstance(claim_next(project, ada), EmptyQueue)


def test_what_is_in_hand_is_not_pushed_aside(project, ada, always):
    always("")
    ordinary = factories.prompt(project, State.TO_REVIEW)
    assert claim_next(project, ada).prompts == (ordinary,)
    always("gold")
    gold(project)

    assert claim_next(project, ada).prompts == (ordinary,)


def test_a_skipped_one_does_not_come_again(project, ada, always):
    always("gold")
    known = gold(project)
    ordinary = factories.prompt(project, State.TO_REVIEW)
    assert claim_next(project, ada).purpose == "gold"

    skip(project, ada, [known.response.prompt_id])

    assert claim_next(project, ada).prompts == (ordinary,)
    decide(project, ada, claim_next(project, ada))
    factories.prompt(project, State.TO_REVIEW)
    assert claim_next(project, ada).purpose == "review"


def test_it_takes_no_place_from_anybody_and_is_counted_by_nobody(project, ada, always):
    always("gold")
    known = gold(project)
    ordinary = factories.prompt(project, State.TO_REVIEW)
    bob = factories.member(project, "reviewer", name="bob")
    counts = pending_counts(project, bob)

    assert claim_next(project, ada).purpose == "gold"
    reopen(known.response.prompt, factories.member(project, "manager"), "look again")

    assert pending_counts(project, bob)["review"] == counts["review"] + 1
    always("")
    assert claim_next(project, bob).prompts[0] in (ordinary, known.response.prompt)


def test_one_that_came_back_to_people_is_an_ordinary_one_again(project, ada, always):
    always("gold")
    known = gold(project)
    factories.prompt(project, State.TO_REVIEW)
    item = claim_next(project, ada)
    reopen(known.response.prompt, factories.member(project, "manager"), "look again")
    known.response.prompt.refresh_from_db()

    assert purpose_of(ada, known.response.prompt) == "review"
    assert claim_next(project, ada).purpose == "review"
    assert [row.purpose for row in decide(project, ada, item).annotations] == ["review"]


def test_it_is_taken_back_like_any_other_and_comes_again_with_what_was_said(project, ada, always, settings):
    settings.REVIEW_UNDO_SECONDS = 30
    always("gold")
    known = gold(project)
    factories.prompt(project, State.TO_REVIEW)
    (row,) = decide(project, ada, claim_next(project, ada), "reject", comment="no").annotations
    assert claim_next(project, ada).purpose == "review"
    before = everything()

    last = last_decision(project, ada)
    assert last.annotations == (row,)
    assert last.until > timezone.now() + timedelta(seconds=20)
    take_back(ada, row)

    assert everything() == before
    item = claim_next(project, ada)
    assert (item.prompts[0].pk, item.purpose) == (known.response.prompt_id, "gold")
    (card,) = cards_of(item.unit, item.prompts, ada, purpose=item.purpose)
    assert (card.prefill.action, card.prefill.comment) == ("reject", "no")
    (again,) = decide(project, ada, item, "accept", version=card.own.version).annotations
    assert (again.purpose, again.version) == ("gold", row.version + 1)
    with pytest.raises(TooLate):
        take_back(ada, row)


def test_too_late_to_take_back(project, ada, always, settings):
    settings.REVIEW_UNDO_SECONDS = 30
    always("gold")
    gold(project)
    factories.prompt(project, State.TO_REVIEW)
    (row,) = decide(project, ada, claim_next(project, ada)).annotations
    Annotation.objects.update(created_at=timezone.now() - timedelta(seconds=31))
    row.refresh_from_db()

    assert last_decision(project, ada) is None
    with pytest.raises(TooLate):
        take_back(ada, row)


def test_sent_twice_it_is_stored_once_and_from_another_window_refused(project, ada, always):
    always("gold")
    gold(project)
    factories.prompt(project, State.TO_REVIEW)
    item = claim_next(project, ada)
    choice = Choice(item.prompts[0].current_response_id, "accept")
    first = submit(project, ada, [choice], idempotency_key="one")
    again = submit(project, ada, [choice], idempotency_key="one")

    assert again.repeated
    assert again.annotations == first.annotations
    with pytest.raises(Conflict) as conflict:
        submit(project, ada, [choice], idempotency_key="two")
    assert [problem.kind for problem in conflict.value.problems] == ["own_newer"]
    assert Annotation.objects.count() == 1


def test_both_halves_of_a_pair_come_as_one(ada, project, always):
    always("gold")
    project.paired = True
    project.save()
    pair = factories.pair(project, State.ACCEPTED)
    factories.gold(pair.hypothesis.current_response)
    waits = factories.pair(project, State.ACCEPTED, methodology_state=State.TO_REVIEW)
    factories.gold(waits.hypothesis.current_response)  # its other half would be an ordinary decision

    item = claim_next(project, ada)

    assert (item.prompts, item.purpose) == ((pair.hypothesis, pair.methodology), "gold")
    assert {row.purpose for row in decide(project, ada, item).annotations} == {"gold"}


def test_the_blind_share_is_blind_here_too(project, ada, always):
    always("gold")
    project.blind_percent = 100
    project.save()
    known = gold(project)
    factories.judge_score(known.response)
    factories.prompt(project, State.TO_REVIEW)

    item = claim_next(project, ada)
    (card,) = cards_of(item.unit, item.prompts, ada, purpose=item.purpose)

    assert card.verdicts.hidden
    assert not card.verdicts.judgements
    assert decide(project, ada, item).annotations[0].blind


@pytest.mark.parametrize(("gold_percent", "repeat_percent"), [(10, 0), (10, 20), (0, 5), (50, 50)])
def test_shares_are_what_the_project_says(project, ada, gold_percent, repeat_percent):
    project.gold_percent, project.repeat_percent = gold_percent, repeat_percent
    drawn = [checks._drawn(project, ada, number) for number in range(4000)]

    given = 4000 + sum(map(bool, drawn))
    for purpose, percent in (("gold", gold_percent), ("repeat", repeat_percent)):
        assert 100 * drawn.count(purpose) / given == pytest.approx(min(percent, 25 if percent == 50 else 99), abs=2)


def test_people_are_drawn_for_differently(project, ada):
    project.gold_percent = 20
    bob = factories.member(project, "reviewer")
    assert [checks._drawn(project, ada, n) for n in range(50)] != [checks._drawn(project, bob, n) for n in range(50)]


def test_an_open_page_holds_on_to_it(project, ada, always):
    always("gold")
    known = gold(project)
    factories.prompt(project, State.TO_REVIEW)
    claim_next(project, ada)
    ReviewClaim.objects.update(until=timezone.now() - timedelta(minutes=5))

    assert renew(project, ada, [known.response.prompt_id]) > timezone.now()
    assert claim_next(project, ada).purpose == "gold"


def test_nothing_else_looks_at_what_people_say_of_checks(project, ada):
    """Regeneration, orders, the recount of the gate, judges against people, exports, counts, listing by filters."""
    prompt = factories.prompt(project, State.TO_REVIEW)
    for number, purpose in enumerate(("gold", "repeat")):
        said = {"purpose": purpose, "version": number + 1, "reasons": ["too_vague"], "comment": "Fishy.", "seconds": 9}
        factories.annotation(prompt.current_response, ada, "reject", **said)
    factories.judge_score(prompt.current_response)
    prompt.refresh_from_db()

    assert complaints_of(prompt) == []
    assert not project.prompts.filter(again_filter._reviewers_say("too_vague")).exists()
    assert not project.prompts.decided_by_people().exists()
    assert judged_of(project).waiting.all()
    assert policy_of(project).seconds is None
    assert decided_of(project) == ({}, False)
    assert tallies.decisions(project) == []
    assert agreement_report(project).decisions == 0
    assert not annotations.decisions(project).exists()
    assert prompt.given == 0
    assert reopen_many(project, {prompt.pk: prompt.current_response_id}, ada, "look again") == set()
    assert Annotation.objects.filter(current=True).count() == 2


def test_what_ends_a_round_ends_no_check(project, ada):
    prompt = factories.prompt(project, State.ACCEPTED)
    factories.annotation(prompt.current_response, ada, "reject", purpose="gold")
    factories.annotation(prompt.current_response, factories.member(project, "reviewer"), version=2)

    reopen(prompt, factories.member(project, "manager"), "look again")

    assert [row.purpose for row in Annotation.objects.filter(current=True)] == ["gold"]


def test_a_file_brings_no_checks_and_decides_none(project, ada, always, tmp_path):
    always("gold")
    known = gold(project)
    factories.prompt(project, State.TO_REVIEW)
    assert claim_next(project, ada).purpose == "gold"
    prompt = known.response.prompt
    row = {"task_type": prompt.task_type, "context": prompt.context, "teacher_output": known.response.text}
    row |= {"action": "accept", "reviewer": "ada"}
    path = tmp_path / "decisions.jsonl"
    path.write_text(json.dumps(row | {"purpose": "repeat"}) + "\n" + json.dumps(row) + "\n")

    report = annotations.bring(project, path, ada)

    assert (report.stored, report.unmatched, report.surplus) == (1, 1, 1)
    assert report.problems == [
        "decisions.jsonl, line 1: it was given on a gold or repeated item, and is no decision on the answer."
    ]
    assert [row.purpose for row in Annotation.objects.all()] == ["review"]
