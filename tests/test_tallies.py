"""The kept counts say what a recount says, whatever people and machines did, and however many did it at once."""

from importlib import import_module
from random import Random

import pytest
from django.apps import apps

from curation import tallies
from curation.importing.outputs import Answer, PaidAnswers
from curation.models import Annotation, Prompt, State, Tally
from curation.models import tally as keeping
from curation.models.state import LEAVES_TO
from curation.reviewing import Choice, Conflict, TooLate, adjudicate, reopen, reopen_many, settle, submit, take_back
from curation.reviewing.adjudication import NotYours
from curation.reviewing.resolutions import close_round
from tests import factories
from tests.threads import together

REFUSALS = (Conflict, NotYours, TooLate, ValueError)  # a verb that may not be used now leaves everything as it is


@pytest.fixture(autouse=True)
def often(monkeypatch):
    """Steps are put together at every fourth step, where the product waits for a hundred."""
    monkeypatch.setattr(keeping, "TOGETHER_EVERY", 4)


def assert_true(project):
    assert (tallies.states(project), tallies.decisions(project)) == tallies.counted(project)


class World:
    """A project in which anything may happen next."""

    def __init__(self, seed):
        self.chance = Random(seed)
        self.project = factories.project(paired=self.chance.random() < 0.5, reviews_required=self.chance.choice([1, 2]))
        self.people = [factories.member(self.project, "reviewer", can_resolve=True) for _ in range(3)]
        for _ in range(3):
            factories.pair(self.project, State.TO_REVIEW)
        for state in State.values:
            factories.prompt(self.project, state, answer="An answer.")
        self.sent = 0

    def a_prompt(self):
        return self.chance.choice(list(self.project.prompts.select_related("current_response")))

    def someone(self):
        return self.chance.choice(self.people)

    def move(self):
        prompt = self.a_prompt()
        target = self.chance.choice(sorted(LEAVES_TO[prompt.state]))
        if target == State.PARKED:
            prompt.park("server", "HTTP 500")
        elif target in (State.TO_COLLECT, State.REJECTED) or prompt.current_response_id:
            prompt.go(target, "tested", source=prompt.state)

    def move_many(self):
        target = self.chance.choice([State.TO_REVIEW, State.REJECTED])
        self.project.prompts.filter(current_response__isnull=False).move(target, "tested")

    def unpark(self):
        self.project.prompts.unpark(actor=self.someone())

    def decide(self):
        prompt, person, self.sent = self.a_prompt(), self.someone(), self.sent + 1
        last = prompt.current_response.annotations.filter(reviewer=person).order_by("version").last()
        action = self.chance.choice(["accept", "accept", "regenerate", "reject"])
        choice = Choice(prompt.current_response_id, action, version=last.version if last else 0)
        submit(self.project, person, [choice], idempotency_key=f"sent{self.sent}", seconds=self.chance.randrange(90))

    def change_mind(self):
        annotation = self.chance.choice(list(Annotation.objects.all()))
        take_back(annotation.reviewer, annotation)

    def resolve(self):
        prompt = self.a_prompt()
        action = self.chance.choice(["accept", "regenerate", "reject"])
        adjudicate(self.project, self.someone(), prompt.current_response, action)

    def reopen(self):
        reopen(self.a_prompt(), self.someone(), "A look is due.")

    def reopen_all(self):
        chosen = dict(self.project.prompts.exclude(current_response=None).values_list("pk", "current_response"))
        reopen_many(self.project, chosen, self.someone(), "A look is due.")

    def begin_a_round(self):
        close_round(self.a_prompt())

    def new_hypothesis(self):
        self.project.prompts.filter(task_type="hypothesis").hypothesis_changed()

    def settle(self):
        settle(self.project)

    def answer_comes_from_a_file(self):
        PaidAnswers(self.project).store({self.a_prompt().key: [Answer("An imported answer.", {}, {})]})


VERBS = [name for name in vars(World) if not name.startswith("_") and name not in ("a_prompt", "someone")]


@pytest.mark.parametrize("undo_seconds", [0, 30])
@pytest.mark.parametrize("seed", range(4))
def test_after_any_verbs_they_are_true(db, settings, seed, undo_seconds):
    settings.REVIEW_UNDO_SECONDS = undo_seconds
    world, used = World(seed), set()
    for _ in range(60):
        verb = world.chance.choice([*VERBS, "decide", "decide"])
        try:
            getattr(world, verb)()
            used.add(verb)
        except (*REFUSALS, AttributeError, IndexError):
            continue  # no such prompt now, or it has no answer
        assert_true(world.project)
    assert len(used) > len(VERBS) / 2


def test_an_import_and_an_order_count(project):
    accepted = factories.accepted(project)
    factories.annotation(accepted.current_response, factories.user(), seconds=12)
    factories.many_prompts(project, ["One text.", "Another text."])
    assert_true(project)
    assert tallies.states(project)["to_collect"] == 2
    assert tallies.decisions(project)[0].seconds == 12


def test_decisions_of_another_purpose_are_not_counted(project):
    response, person = factories.prompt(project, "to_review").current_response, factories.user()
    for number, purpose in enumerate(("gold", "repeat", "review")):
        factories.annotation(response, person, purpose=purpose, version=number + 1)
    assert_true(project)
    assert tallies.by_reviewer(project) == {person.pk: {"accept": 1}}
    assert Annotation.objects.all().withdraw() == 3
    assert tallies.by_reviewer(project) == {}


def test_they_are_found_again(project):
    factories.annotation(factories.prompt(project, "to_review").current_response, factories.user(), seconds=7)
    factories.prompt(project, "accepted")
    Tally.objects.filter(project=project).update(number=100)
    assert tallies.rebuild(project)
    assert_true(project)
    assert not tallies.rebuild(project)


def test_the_migration_counts_what_was_there(project):
    prompt = factories.prompt(project, "to_review")
    for person in (factories.user(), factories.user()):
        factories.annotation(prompt.current_response, person, seconds=7)
    factories.prompt(project, "accepted")
    Tally.objects.all().delete()
    Prompt.objects.update(given=0)
    import_module("curation.migrations.0005_kept_counts").count(apps, None)
    assert_true(project)
    prompt.refresh_from_db()
    assert prompt.given == 2


def test_steps_are_put_together(project, monkeypatch):
    monkeypatch.setattr(keeping, "TOGETHER_EVERY", 10**9)
    for number in range(40):
        Tally.objects.add_prompts(project.pk, to_collect=1, parked=1 if number % 2 else -1)
    assert Tally.objects.filter(project=project).count() == 80
    Tally.objects.put_together(project.pk, "state")
    assert list(Tally.objects.filter(project=project).values_list("key", "number")) == [("to_collect", 40)]


@pytest.mark.django_db(transaction=True)
def test_many_at_once(settings):
    settings.REVIEW_UNDO_SECONDS = 0
    project = factories.project(paired=False, reviews_required=1)
    people = [factories.member(project, "reviewer") for _ in range(5)]
    prompts = [[factories.prompt(project, State.TO_REVIEW) for _ in range(12)] for _ in people]

    def review(person, own):
        for prompt in own:
            choice = Choice(prompt.current_response_id, "accept")
            submit(project, person, [choice], idempotency_key=f"{prompt.pk}", seconds=3)
            reopen(prompt, person, "Once more.")

    def count_anew():
        for _ in range(10):
            tallies.rebuild(project)

    def look():
        for _ in range(30):
            assert sum(tallies.states(project).values()) == 60

    reviewing = [lambda p=person, own=own: review(p, own) for person, own in zip(people, prompts, strict=True)]
    together(*reviewing, count_anew, look)

    assert_true(project)
    assert tallies.states(project)["to_review"] == 60
    assert tallies.decisions(project) == []
