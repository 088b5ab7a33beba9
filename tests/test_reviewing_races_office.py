"""Fifty reviewers at once over two thousand prompts, who vanish, press twice and send what is out of date.

SQLite has one writer at a time: there a few people over a few prompts meet as often.
"""

import random
import threading
import uuid
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from curation.models import Annotation, Event, Prompt, Resolution, ReviewClaim, State
from curation.reviewing import Choice, Conflict, EmptyQueue, claim_next, settle, skip, submit
from curation.reviewing.claims import release
from tests import factories
from tests.threads import together

SIZES = {"postgresql": (50, 2000), "sqlite": (8, 120)}  # people, prompts
REQUIRED = 2
VANISH, LEAVE, SKIP, TWICE, STALE = 0.04, 0.04, 0.03, 0.1, 0.05  # how often each happens
WATCH_EVERY = 0.2

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

TOO_MANY = """
SELECT id, taken FROM (
    SELECT p.id,
        (SELECT COUNT(*) FROM curation_reviewclaim c WHERE c.prompt_id = p.id AND c.until > %s)
        + (SELECT COUNT(*) FROM curation_annotation a WHERE a.response_id = p.current_response_id AND a.current)
        AS taken
    FROM curation_prompt p WHERE p.project_id = %s
) each_prompt WHERE taken > %s
"""


class Office:
    """The people and what they saw, for the questions afterwards."""

    def __init__(self, project, prompts):
        self.project, self.prompts = project, prompts
        self.over, self.counts = [], Counter()
        self.going = threading.Event()
        self.going.set()

    def review(self, user):
        """Take, decide, and now and then do what people and networks do, until nothing is left for this person."""
        luck = random.Random(user.pk)
        while True:
            item = claim_next(self.project, user)
            if isinstance(item, EmptyQueue):
                if not item.held:
                    return
                # Others may vanish with what they hold: their claims lapse at once here, not after their minutes.
                threading.Event().wait(0.02 * luck.random())
                continue
            self._decide(user, item.prompts[0], luck)

    def _decide(self, user, prompt, luck):
        what = luck.random()
        if what < VANISH:
            # The client dies with its claim, which lapses; on another day the person comes back.
            ReviewClaim.objects.filter(prompt=prompt, reviewer=user).update(until=timezone.now() - timedelta(seconds=1))
            self.counts["vanished"] += 1
        elif what < VANISH + LEAVE:
            release(self.project, user, [prompt.pk])
        elif what < VANISH + LEAVE + SKIP:
            skip(self.project, user, [prompt.pk])
            self.counts["skipped"] += 1
        else:
            self._send(user, prompt, luck)

    def _send(self, user, prompt, luck):
        choice, key = Choice(prompt.current_response_id, "accept"), uuid.uuid4().hex
        if luck.random() < STALE:
            try:
                submit(self.project, user, [Choice(choice.response_id, "reject", version=7)], idempotency_key="stale")
            except Conflict:
                self.counts["refused"] += 1
        for _ in range(2 if luck.random() < TWICE else 1):
            done = submit(self.project, user, [choice], idempotency_key=key)
            self.counts["repeated" if done.repeated else "sent"] += 1

    def watch(self):
        """Look all the time whether more people hold a prompt, or decided it, than it has room for."""
        while self.going.is_set():
            with connection.cursor() as cursor:
                now = connection.ops.adapt_datetimefield_value(timezone.now())
                cursor.execute(TOO_MANY, [now, self.project.pk, REQUIRED])
                self.over += cursor.fetchall()
            threading.Event().wait(WATCH_EVERY)


def test_every_prompt_is_decided_by_two_people_and_nothing_is_lost(settings):
    settings.REVIEW_UNDO_SECONDS = 3600  # nothing is settled while it goes on: what is asked is what was given
    project = factories.project(paired=False, reviews_required=REQUIRED)
    number, size = SIZES[connection.vendor]
    people = [factories.member(project, "reviewer") for _ in range(number)]
    prompts = [factories.prompt(project, State.TO_REVIEW) for _ in range(size)]
    office = Office(project, prompts)
    watcher = threading.Thread(target=_closing, args=(office.watch,))
    watcher.start()
    try:
        together(*[lambda user=user: office.review(user) for user in people])
    finally:
        office.going.clear()
        watcher.join()

    given = list(Annotation.objects.filter(current=True).values_list("response__prompt", "reviewer", "surplus"))
    assert office.over == []
    assert Counter(prompt for prompt, _, _ in given) == {prompt.pk: REQUIRED for prompt in prompts}
    assert len({(prompt, reviewer) for prompt, reviewer, _ in given}) == size * REQUIRED
    assert not any(surplus for _, _, surplus in given)
    assert Annotation.objects.count() == office.counts["sent"] == Event.objects.filter(kind="decided").count()
    assert set(Prompt.objects.values_list("given", flat=True)) == {REQUIRED}
    assert not ReviewClaim.objects.filter(until__gt=timezone.now()).exists()
    assert Resolution.objects.filter(current=True, action="accept").count() == size
    assert all(office.counts[what] for what in ("vanished", "skipped", "refused", "repeated")), office.counts

    Resolution.objects.update(effective_at=timezone.now())
    assert settle(project, limit=50) == Prompt.objects.filter(state=State.ACCEPTED).count() == 50


def _closing(function):
    try:
        function()
    finally:
        connection.close()
