"""Every verb at once over pairs whose halves lie in either order: nobody waits for ever, and what is kept is true."""

import json
import random
import uuid

import pytest
from django.db import connection

from curation import annotations, changing, tallies
from curation.changing import bulk, fitting, fixing, undoing
from curation.models import Annotation, Pair, Resolution, State
from curation.reviewing import (
    Choice,
    Conflict,
    EmptyQueue,
    NotYours,
    TooLate,
    adjudicate,
    assigning,
    claim_next,
    reopen,
    settle,
    skip,
    submit,
    take_back,
)
from curation.reviewing.resolving import let_go, take_next
from tests import factories
from tests.threads import together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

PHRASE = "It is important to note that the"
TEXT = f"{PHRASE} film is dense. It is thin."
ROUNDS = {"postgresql": 40, "sqlite": 8}
REFUSALS = (Conflict, NotYours, TooLate, fixing.NotTaken, ValueError)


class Office:
    """A project and what people do in it, each by chance of their own."""

    def __init__(self, project, folder):
        self.project, self.folder, self.changes = project, folder, []
        self.reviewers = [factories.member(project, "reviewer") for _ in range(4)]
        self.managers = [factories.member(project, "manager") for _ in range(2)]
        for number in range(8):
            halves = [factories.prompt(project, "to_review", answer=TEXT, task_type=kind) for kind in ("one", "other")]
            hypothesis, methodology = halves[:: 1 if number % 2 else -1]
            source = factories.document(project)
            Pair.objects.create(project=project, document=source, hypothesis=hypothesis, methodology=methodology)
        self.keys = dict(project.prompts.values_list("key", "pk"))

    def work(self, user, verbs):
        luck = random.Random(user.pk)
        for _ in range(ROUNDS[connection.vendor]):
            try:
                luck.choice(verbs)(user, luck)
            except REFUSALS:
                continue  # somebody was faster; what else goes wrong fails the test

    def some(self, luck, number=6):
        return luck.sample(sorted(self.keys), number)

    def one(self, luck):
        return self.project.prompts.select_related("current_response").get(key=self.some(luck, 1)[0])

    def review(self, user, luck):
        item = claim_next(self.project, user)
        if isinstance(item, EmptyQueue):
            return
        if luck.random() < 0.1:
            skip(self.project, user, [prompt.pk for prompt in item.prompts])
            return
        row = submit(
            self.project, user, [self._choice(p, luck) for p in item.prompts], idempotency_key=uuid.uuid4().hex
        ).annotations[0]
        row = Annotation.objects.select_related("response__prompt__project").get(pk=row.pk)
        luck.choice([self._take_back, self._fix, lambda *_: None])(user, row, luck)

    def _choice(self, prompt, luck):
        action = luck.choice(["accept", "accept", "accept", "reject", "regenerate"])
        text = TEXT.replace(PHRASE, "The") if action == "accept" else None
        return Choice(prompt.current_response_id, action, edited_text=text)

    def _take_back(self, user, row, luck):
        take_back(user, row)

    def _fix(self, user, row, luck):
        for fit in fitting.fits(self.project, user, row)[:3]:
            fixing.take(self.project, user, row, Choice(fit.response.pk, "accept", (), fit.text, "", fit.version))
        change = fixing.change_of(row)
        if change and luck.random() < 0.5:
            fixing.take_back_all(change, user)

    def bring(self, user, luck):
        prompt, path = self.one(luck), self.folder / f"{uuid.uuid4()}.jsonl"
        row = {"task_type": prompt.task_type, "context": prompt.context, "prompt_key": prompt.key}
        row |= {"teacher_output": TEXT, "action": luck.choice(["accept", "reject"]), "comment": path.name}
        path.write_text(json.dumps(row))
        annotations.bring(self.project, path, user)

    def resolve(self, user, luck):
        prompt = take_next(self.project, user)
        if prompt:
            adjudicate(self.project, user, prompt.current_response, luck.choice(["accept", "reject"]))
            let_go(prompt, user)

    def say(self, user, luck):
        ids = [self.keys[key] for key in self.some(luck)]
        luck.choice([
            lambda: assigning.assign(self.project, ids, luck.choice(self.reviewers), user),
            lambda: assigning.pin(self.project, ids, user, on=luck.random() < 0.5),
            lambda: assigning.set_required(self.project, self.one(luck), luck.choice([None, 1, 2]), user),
            lambda: reopen(self.one(luck), user, "Once more."),
            lambda: settle(self.project),
        ])()  # fmt: skip

    def change(self, user, luck):
        wish = {"keys": self.some(luck), "reason": "Once more.", "people": [luck.choice(self.reviewers).pk]}
        name = luck.choice(["reopen", "reject", "pin", "unpin", "assign", "review"])
        change = changing.begin(self.project, name, wish, user)
        while bulk.go_on(change):
            pass
        self.changes.append(change)
        while luck.random() < 0.6 and undoing.take_back(luck.choice(self.changes), user):
            pass


def test_every_verb_at_once_leaves_what_is_kept_true(settings, tmp_path):
    settings.REVIEW_UNDO_SECONDS = 1
    project = factories.project(paired=True, reviews_required=2)
    office = Office(project, tmp_path)
    together(
        *[lambda user=user: office.work(user, [office.review]) for user in office.reviewers[1:]],
        lambda: office.work(office.reviewers[0], [office.review, office.bring]),
        *[lambda user=user: office.work(user, [office.say, office.change, office.resolve]) for user in office.managers],
    )
    assert (tallies.states(project), tallies.decisions(project)) == tallies.counted(project)
    settings.REVIEW_UNDO_SECONDS = 0
    for prompt in project.prompts.filter(state=State.TO_REVIEW):
        decisions = Annotation.objects.filter(response=prompt.current_response_id, purpose="review", current=True)
        assert prompt.given == decisions.count()
        pending = Resolution.objects.filter(response=prompt.current_response_id, current=True, applied_at=None)
        assert prompt.given < (prompt.required or project.reviews_required) or pending.exists()
