"""People, managers and machines who do all that there is to do to the same few prompts at once, each by chance."""

import itertools
import json
import random
import time
import uuid
from collections import Counter

from curation import annotations, changing, withdrawing
from curation.changing import bulk, fitting, fixing, undoing
from curation.importing import import_file
from curation.models import Annotation, Audit, AuditSettled, Flag, Pair, Run
from curation.reviewing import (
    Choice,
    Conflict,
    EmptyQueue,
    NotYours,
    TooLate,
    adjudicate,
    assigning,
    claim_next,
    claims,
    drafts,
    reopen,
    settle,
    skip,
    submit,
    take_back,
    talk,
)
from curation.reviewing.resolving import keep, let_go, take_next
from pipeline import jobs
from tests import factories

PHRASE = "It is important to note that the"
TEXT = f"{PHRASE} film is dense. It is thin."
REFUSALS = (
    *(Conflict, NotYours, TooLate, fixing.NotTaken, bulk.WrongWish, withdrawing.WrongWish, AuditSettled),
    jobs.CannotStart,
)
KNOWN_ERRORS = (  # the others that people are told in words
    "There is no answer to review yet",
    "It stays rejected",
    "may not review in",
    "Not all of the responses",
)
STAGES = ("pipeline", "filter", "judge", "regenerate", "collect", "package", "rank")
PAIRS = 8


class Office:
    """A paired project and what is done in it until `until`; `seed` decides who does what."""

    def __init__(self, folder, teacher, seed, until):
        self.folder, self.teacher, self.seed, self.until = folder, teacher, seed, until
        self.changes, self.sent, self.done = [], [], Counter()
        self.project = factories.project(
            "Films", paired=True, reviews_required=2, teacher=teacher, regen_teacher=teacher, audit_sample=2,
            audit_allowed=2, attempt_limit=4, judge_factuality=teacher,
        )  # fmt: skip
        self.reviewers = [factories.member(self.project, "reviewer") for _ in range(3)]
        self.managers = [factories.member(self.project, "manager") for _ in range(2)]
        for number in range(PAIRS):
            source = factories.document(self.project)
            kinds = ("hypothesis", "methodology")[:: 1 if number % 2 else -1]  # either may be the older one
            made = {
                kind: factories.prompt(self.project, self._state(number), answer=TEXT, task_type=kind, document=source)
                for kind in kinds
            }
            Pair.objects.create(project=self.project, document=source, **made)
        self.keys = dict(self.project.prompts.values_list("key", "pk"))

    @staticmethod
    def _state(number):
        return ("to_review", "to_review", "to_filter", "to_judge")[number % 4]

    def work(self, user, verbs):
        """Do one of `verbs` after another, ten at least; what is refused in words is as good as done."""
        luck = random.Random(f"{self.seed} {user.pk}")
        for turn in itertools.count(1):
            if turn > 10 and time.monotonic() > self.until:
                return
            verb = luck.choice(verbs)
            try:
                verb(user, luck)
            except REFUSALS as refusal:  # somebody was faster
                self.done[f"{verb.__name__}: {type(refusal).__name__}"] += 1
            except ValueError as error:
                if not any(known in str(error) for known in KNOWN_ERRORS):
                    raise
            else:
                self.done[verb.__name__] += 1

    def some(self, luck, number=6):
        return luck.sample(sorted(self.keys), number)

    def one(self, luck):
        return self.project.prompts.select_related("current_response").get(key=self.some(luck, 1)[0])

    # -- people -----------------------------------------------------------------------------------------------------

    def review(self, user, luck):
        """Take the next one; decide, and perhaps think better of it, or leave it."""
        item = claim_next(self.project, user)
        if isinstance(item, EmptyQueue):
            time.sleep(0.01)
            return
        ids = [prompt.pk for prompt in item.prompts]
        if luck.random() < 0.2:
            luck.choice([skip, claims.release, claims.renew])(self.project, user, ids)
            return
        choices = [self._choice(p, user, luck) for p in item.prompts]
        done = submit(self.project, user, choices, idempotency_key=uuid.uuid4().hex)
        self.sent += [(row.pk, row.action) for row in done.annotations]
        row = Annotation.objects.select_related("response__prompt__project").get(pk=done.annotations[0].pk)
        luck.choice([self._take_back, self._fix, lambda *_: None])(user, row, luck)

    def _choice(self, prompt, user, luck):
        action = luck.choice(["accept", "accept", "accept", "reject", "regenerate"])
        text = prompt.current_response.text.replace(PHRASE, "The") if action == "accept" else None
        own = Annotation.objects.filter(response=prompt.current_response_id, reviewer=user).order_by("version").last()
        return Choice(prompt.current_response_id, action, edited_text=text, version=own.version if own else 0)

    def _take_back(self, user, row, luck):
        take_back(user, row)

    def _fix(self, user, row, luck):
        for fit in fitting.fits(self.project, user, row)[:3]:
            choice = Choice(fit.response.pk, "accept", (), fit.text, "", fit.version)
            made = fixing.take(self.project, user, row, choice)
            self.sent.append((made.pk, made.action))
        change = fixing.change_of(row)
        if change and luck.random() < 0.5:
            fixing.take_back_all(change, user)

    def write(self, user, luck):
        """Type without submitting, say something about it, look at what others said."""
        prompt = self.one(luck)
        said = f"Look, @{luck.choice(self.managers).username}."
        luck.choice([
            lambda: prompt.current_response and drafts.keep_now(
                self.project, user, prompt.current_response, luck.choice(["review", "comment"]), {"comment": [said]}
            ),
            lambda: talk.say(self.project, prompt, user, said, key=luck.choice(["", "same"])),
            lambda: talk.raise_flag(prompt, user, "Is it cut off?"),
            lambda: [talk.clear_flag(flag, user) for flag in Flag.objects.filter(cleared_at=None)[:1]],
            lambda: talk.see(user),
        ])()  # fmt: skip

    def bring(self, user, luck):
        """Decisions that come as a file."""
        prompt, path = self.one(luck), self.folder / f"{uuid.uuid4()}.jsonl"
        if not prompt.current_response:
            return
        row = {"task_type": prompt.task_type, "context": prompt.context, "prompt_key": prompt.key}
        row |= {"teacher_output": prompt.current_response.text, "comment": path.name}
        row |= {"action": luck.choice(["accept", "reject"])}
        path.write_text(json.dumps(row))
        annotations.bring(self.project, path, user)

    # -- managers ---------------------------------------------------------------------------------------------------

    def resolve(self, user, luck):
        """Decide a disagreement."""
        prompt = take_next(self.project, user)
        if prompt:
            keep(self.project, user, prompt)
            adjudicate(self.project, user, prompt.current_response, luck.choice(["accept", "reject"]))
            let_go(prompt, user)

    def say(self, user, luck):
        """What is said of single prompts in the queue."""
        ids, person = [self.keys[key] for key in self.some(luck)], luck.choice(self.reviewers)
        luck.choice([
            lambda: assigning.assign(self.project, ids, person, user),
            lambda: assigning.unassign(self.project, ids, person, user),
            lambda: assigning.pin(self.project, ids, user, on=luck.random() < 0.5),
            lambda: assigning.set_required(self.project, self.one(luck), luck.choice([None, 1, 2]), user),
            lambda: reopen(self.one(luck), user, "Once more."),
            lambda: self.project.prompts.filter(pk__in=ids).unpark(actor=user),
            lambda: settle(self.project),
        ])()  # fmt: skip

    def change(self, user, luck):
        """A bulk action, and perhaps back."""
        wish = {"keys": self.some(luck), "reason": "Once more.", "people": [luck.choice(self.reviewers).pk]}
        name = luck.choice(["reopen", "reject", "pin", "unpin", "assign", "review", "retry"])
        change = changing.begin(self.project, name, wish, user)
        while bulk.go_on(change):
            pass
        self.changes.append(change)
        while luck.random() < 0.6 and undoing.take_back(luck.choice(self.changes), user):
            pass

    def audit(self, user, luck):
        """Look at rows that were drawn before a release."""
        audit = Audit.objects.filter(project=self.project, state="open").first()
        for item in audit.items.all() if audit else ():
            audit.look(item, luck.random() < 0.1, by=user)

    def withdraw(self, user, luck):
        """Take a source out for good; seldom, as it does not come back."""
        if luck.random() < 0.05:
            prompt = self.one(luck)
            made = withdrawing.begin(self.project, "source", prompt.document.locator, "Retracted.", user)
            self._carry_out(jobs.prepare(self.project, "withdraw", {"withdrawal": made.pk}, user), luck)
            self._carry_out(jobs.prepare(self.project, "purge", {"withdrawal": made.pk}, user), luck)

    def bring_prompts(self, user, luck):
        """A file whose rows are there already, in an order of its own, some with answers."""
        rows = [{"text": prompt.context, "title": prompt.document.title, "task_type": prompt.task_type}
                for prompt in self.project.prompts.select_related("document")]  # fmt: skip
        luck.shuffle(rows)
        path = self.folder / f"{uuid.uuid4()}.jsonl"
        path.write_text("\n".join(json.dumps(row) for row in rows[:6]))
        import_file(self.project, path, actor=user)

    # -- machines ---------------------------------------------------------------------------------------------------

    def run(self, user, luck):
        """Start a run and work on it, or join one that goes on; seldom to the end that it would have."""
        live = Run.objects.live().filter(project=self.project, stage__in=STAGES[:5]).order_by("?").first()
        if live and luck.random() < 0.5:
            run = live
        else:
            wish = {"batch_size": luck.choice([2, 5]), "cap_usd": luck.choice([None, "0.05"])}
            run = jobs.prepare(self.project, luck.choice(STAGES), wish, user)
        self._carry_out(run, luck)

    def _carry_out(self, run, luck):
        end = time.monotonic() + luck.choice([0.3, 5])
        if jobs.carry_out(run, lambda: time.monotonic() > min(end, self.until + 2)) == "stopped":
            luck.choice([lambda: jobs.cancel(run), lambda: run.end("failed", error="Stopped.")])()

    def finish(self):
        """What still goes on comes to an end, as it does when a server is started again."""
        for run in Run.objects.live():
            run.end("cancelled")
        settle(self.project)
