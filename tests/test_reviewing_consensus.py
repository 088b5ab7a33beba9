"""The contract of consensus, held against the database by walks of chance.

The first `required` current decisions on a response decide, once all are in; later ones are surplus. More than half
must name one action (all, under unanimity), accepts must agree on the text; anything else goes to an adjudicator. What
was agreed takes effect when its last decision is 30 s old; until then it can be taken back or changed. Another number
applies to undecided responses alone. The oracle below says that again in its own words.
"""

import random
from collections import Counter
from datetime import timedelta

import pytest

from curation.models import Annotation, Prompt, Resolution, State
from curation.reviewing import Choice, Conflict, TooLate, newest_own, recount, settle, submit, take_back
from tests import factories

pytestmark = pytest.mark.django_db
PEOPLE = ("ada", "bob", "cleo", "dan")
ACTIONS = ("accept", "accept", "accept", "reject", "regenerate")
UNDO = 30
STEP = 10  # seconds; what a test itself takes is less
TEXTS = {"as it came": None, "edited": "An edited text.", "another": "Another edited text."}
SENT_ON = {"accept": State.ACCEPTED, "reject": State.REJECTED, "regenerate": State.TO_REGENERATE}


class Oracle:
    """What should hold, from the contract alone."""

    def __init__(self, required):
        self.required, self.unanimous = required, False
        self.now, self.state = 0, State.TO_REVIEW
        self.current = []  # (name, action, text, when), the oldest first
        self.pending = None  # (action, text, when it takes effect)
        self.deciding = set()  # names, where something is pending or people disagree

    def own(self, name):
        return next((row for row in self.current if row[0] == name), None)

    def decide(self, name, action, text):
        """Whether it is taken in."""
        own = self.own(name)
        if own and (self.state != State.TO_REVIEW or (self.pending and self.pending[2] <= self.now)):
            return False
        if own:
            self._leave(own)
        self.current.append((name, action, text if action == "accept" else "", self.now))
        self._weigh()
        return True

    def take_back(self, name):
        own = self.own(name)
        if own is None or self.state not in (State.TO_REVIEW, State.TO_RESOLVE):
            return False
        until = self.pending[2] if self.pending and name in self.deciding else own[3] + UNDO
        if until <= self.now:
            return False
        if self.state == State.TO_RESOLVE and name in self.deciding:
            self.state, self.deciding = State.TO_REVIEW, set()
        self._leave(own)
        self._weigh()
        return True

    def _leave(self, own):
        self.current.remove(own)
        if own[0] in self.deciding:
            self.pending, self.deciding = None, set()

    def _weigh(self):
        if self.state != State.TO_REVIEW or self.pending or len(self.current) < self.required:
            return
        first = self.current[: self.required]
        self.deciding = {name for name, *_ in first}
        votes = Counter(action for _, action, *_ in first)
        winners = [a for a, n in votes.items() if (n == len(first) if self.unanimous else 2 * n > len(first))]
        texts = {text for _, action, text, _ in first if action == "accept"}
        if not winners or (winners == ["accept"] and len(texts) > 1):
            self.state = State.TO_RESOLVE
        else:
            text = texts.pop() if winners == ["accept"] else ""
            self.pending = (winners[0], text, max(when for *_, when in first) + UNDO)

    def settle(self):
        if self.pending and self.pending[2] <= self.now and self.state == State.TO_REVIEW:
            self.state = SENT_ON[self.pending[0]]

    def recount(self, required, unanimous):
        self.required, self.unanimous = required, unanimous
        self._weigh()


class World:
    """The same in the database."""

    def __init__(self, required, by_prompt):
        self.project = factories.project(paired=False, reviews_required=1 if by_prompt else required)
        self.people = {name: factories.member(self.project, "reviewer", name=name) for name in PEOPLE}
        self.prompt = factories.prompt(self.project, State.TO_REVIEW)
        self.by_prompt = by_prompt
        self.require(required, False)

    def require(self, required, unanimous):
        self.project.consensus = "unanimity" if unanimous else "majority"
        if not self.by_prompt:
            self.project.reviews_required = required
        self.project.save()
        Prompt.objects.filter(pk=self.prompt.pk).update(required=required if self.by_prompt else None)

    def recount(self, required, unanimous):
        self.require(required, unanimous)
        recount(self.project)

    def decide(self, name, action, text):
        user, response = self.people[name], self.prompt.current_response_id
        own = newest_own(response, user)
        version = own.version if own else 0
        choice = Choice(response, action, edited_text=TEXTS[text], version=version)
        try:
            submit(self.project, user, [choice], idempotency_key=f"{name}-{version}")
        except Conflict:
            return False
        return True

    def take_back(self, name):
        row = Annotation.objects.filter(reviewer=self.people[name], current=True).first()
        try:
            if row is None:
                raise TooLate
            take_back(self.people[name], row)
        except TooLate:
            return False
        return True

    def pass_time(self, seconds):
        past = timedelta(seconds=seconds)
        for row in Annotation.objects.all():
            Annotation.objects.filter(pk=row.pk).update(created_at=row.created_at - past)
        for row in Resolution.objects.all():
            Resolution.objects.filter(pk=row.pk).update(effective_at=row.effective_at - past)

    def compare(self, oracle):
        self.prompt.refresh_from_db()
        assert self.prompt.state == oracle.state
        rows = Annotation.objects.filter(current=True).select_related("reviewer")
        texts = {edit: name for name, edit in TEXTS.items()}
        said = [(r.reviewer.username, r.action, texts[r.edited_text] if r.action == "accept" else "") for r in rows]
        assert said == [row[:3] for row in oracle.current]
        if oracle.deciding:
            assert {row.reviewer.username for row in rows if not row.surplus} == oracle.deciding
        if oracle.state == State.TO_REVIEW:
            assert self.prompt.given == len(oracle.current)
        held = Resolution.objects.filter(current=True).first()
        assert bool(held) == bool(oracle.pending)
        if held:
            answer = self.prompt.current_response.text
            said = oracle.pending[1] and (TEXTS[oracle.pending[1]] or answer)
            assert (held.action, held.text) == (oracle.pending[0], said)


@pytest.mark.parametrize("by_prompt", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_walks_of_chance(settings, seed, by_prompt):
    settings.REVIEW_UNDO_SECONDS = UNDO
    chance = random.Random(f"{seed}-{by_prompt}")
    required = chance.choice([1, 2, 2, 3, 3, 4])
    oracle, world = Oracle(required), World(required, by_prompt)
    for _ in range(30):
        name = chance.choice(list(world.people))
        deed = chance.choices(["decide", "take back", "wait", "recount"], [6, 2, 3, 1])[0]
        if deed == "decide":
            action = chance.choice(ACTIONS)
            said = (name, action, chance.choice(list(TEXTS)) if action == "accept" else "as it came")
            assert world.decide(*said) == oracle.decide(*said)
        elif deed == "take back":
            assert world.take_back(name) == oracle.take_back(name)
        elif deed == "wait":
            seconds = chance.choice([1, 1, 2, 4]) * STEP
            oracle.now += seconds
            world.pass_time(seconds)
            settle(world.project)
            oracle.settle()
        else:
            said = (chance.choice([1, 2, 3]), chance.random() < 0.3)
            world.recount(*said)
            oracle.recount(*said)
        world.compare(oracle)
        if oracle.state not in (State.TO_REVIEW, State.TO_RESOLVE) and chance.random() < 0.5:
            break
