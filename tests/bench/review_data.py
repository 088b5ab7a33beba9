"""A project of any size with all that stands around its prompts, made in bulk for bench_review."""

import json
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from itertools import count
from random import Random

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.utils import timezone

from curation import searching, tallies
from curation.models import (
    Annotation,
    FilterResult,
    GateResult,
    JudgeScore,
    Membership,
    Project,
    Prompt,
    Resolution,
    State,
    TeacherResponse,
)
from curation.models.prompt import content_key
from curation.models.writing import insert_values
from tests import factories

BATCH = 5000
DAYS = 60
MANY = 200_000  # prompts from which PostgreSQL takes rows unchecked, and makes its indexes when all are there
# Of a hundred prompts of the large project.
SHARES = {
    State.TO_REVIEW: 40,
    State.ACCEPTED: 30,
    State.TO_COLLECT: 15,
    State.REJECTED: 6,
    State.TO_JUDGE: 3,
    State.TO_FILTER: 2,
    State.TO_REGENERATE: 2,
    State.TO_RESOLVE: 1,
    State.PARKED: 1,
}
STATES = [state for state, share in SHARES.items() for _ in range(share)]
JUDGED = {State.TO_REVIEW, State.ACCEPTED, State.REJECTED, State.TO_RESOLVE, State.TO_REGENERATE}
DOMAINS = ("chemistry", "physics", "biology", "earth science", "materials")
RULES = ("min_char_length", "ban_citations", "max_char_length", "ban_refusals")
SYLLABLES = ("al", "ber", "cor", "den", "el", "fir", "gan", "hol", "in", "jor", "kal", "lum", "mor", "nat", "or", "pel")
PLAIN = ("the", "of", "in", "to", "with", "by", "for", "is", "was", "that", "after", "each", "lowers", "raises", "film")


def people(project, reviewers):
    """A manager and so many reviewers, without passwords; returns [manager, *reviewers]."""
    model = get_user_model()
    names = ["bench-lead", *(f"bench-{number}" for number in range(1, reviewers + 1))]
    model.objects.bulk_create([model(username=name, password="!") for name in names], ignore_conflicts=True)
    users = list(model.objects.filter(username__in=names).order_by("pk"))
    Membership.objects.bulk_create(
        Membership(project=project, user=user, role="reviewer" if number else "manager", can_resolve=not number)
        for number, user in enumerate(users)
    )
    return users


def project_of(name, reviewers, **fields):
    """A project with judges and rules, and its people: (project, [manager, *reviewers])."""
    fields = {"paired": False, "judge_factuality": factories.some_teacher()} | fields
    project = Project.objects.create(name=name, slug=Project.free_slug(name), **fields)
    for kind in ("filter", "gate"):
        factories.ruleset(project, kind)
    project.refresh_from_db()
    return project, people(project, reviewers)


class Maker:
    """Makes prompts of `project`, decided by `users`; the same seed makes the same ones."""

    def __init__(self, project, users, seed=1):
        self.project, self.users = project, users
        self.teacher = factories.some_teacher()
        self.chance, self.now = Random(seed), timezone.now()
        self.sentences = [self._sentence() for _ in range(20_000)]

    def make(self, number, states=STATES):
        """`number` prompts, in `states` by turns; counts are kept, as the product would have."""
        unchecked = number >= MANY and connection.vendor == "postgresql"
        with _unchecked() if unchecked else nullcontext():
            for start in range(0, number, BATCH):
                with transaction.atomic():
                    self._batch([states[n % len(states)] for n in range(start, min(start + BATCH, number))], start)
            if unchecked:
                _mark(self.project)
            searching.catch_up()
        tallies.rebuild(self.project)
        wrong = Prompt.objects.filter(project=self.project, current_response__prompt__project__isnull=False)
        expected = sum(states[n % len(states)] not in (State.TO_COLLECT, State.PARKED) for n in range(number))
        if wrong.count() != expected:
            raise SystemExit("The made rows do not belong together: start with an empty database.")
        return number

    def _sentence(self):
        words = self.chance.choices(PLAIN, k=7) + ["".join(self.chance.choices(SYLLABLES, k=3)) for _ in range(6)]
        self.chance.shuffle(words)
        return " ".join(words).capitalize() + "."

    def _text(self, number, sentences):
        return " ".join(
            [f"Specimen {number} was kept at {number % 97} K.", *self.chance.choices(self.sentences, k=sentences)]
        )

    def _batch(self, states, start):
        rows = {model: [] for model in COLUMNS}
        prompt_id, response_id = count(_next_id(Prompt)), count(_next_id(TeacherResponse))
        for number, state in enumerate(states, start):
            answered = state not in (State.TO_COLLECT, State.PARKED)
            response = next(response_id) if answered else None
            text = self._text(number, 5)
            moved = self._moment()
            given = int(state == State.TO_REVIEW and number % 1000 < 100 and self.project.reviews_required > 1)
            self._add_prompt(rows, number, state, text, response, moved, given)
            prompt = next(prompt_id)
            if answered:
                rows[TeacherResponse].append((prompt, self._text(number + 7, 3), text, moved))
                self._add_measurements(rows, response, number, state)
                self._add_decisions(rows, response, number, state, given)
        for model, made in rows.items():
            insert_values(model, COLUMNS[model], made, **self._constants(model))

    def _moment(self):
        moment = self.now - timedelta(seconds=self.chance.randrange(DAYS * 86_400))
        return connection.ops.adapt_datetimefield_value(moment)

    def _add_prompt(self, rows, number, state, text, response, moved, given):
        task = "methodology" if number % 2 else "hypothesis"
        domain = DOMAINS[number % 5]
        key = content_key(task, domain, "", text, "")
        parked = ("to_collect", "server") if state == State.PARKED else ("", "")
        rank = self.chance.random() if state == State.TO_REVIEW else 0.0
        rows[Prompt].append(
            (key, task, text, domain, key, state, moved, response, rank, given, int(bool(response)), *parked)
        )

    def _add_measurements(self, rows, response, number, state):
        if state == State.TO_FILTER:
            return
        failed = [RULES[number % 4]] if number % 10 == 0 else []
        said = [{"rule": r, "value": number % 300, "limit": 120, "ok": r not in failed, "note": ""} for r in RULES]
        rows[FilterResult].append((response, json.dumps(said), json.dumps(failed), not failed))
        if state not in JUDGED:
            return
        scores = [self.chance.randrange(40, 101) for _ in range(2)]
        for rubric, score in zip(("factuality", "reasoning"), scores, strict=True):
            rows[JudgeScore].append((response, rubric, score, "It fits the source, but a number is not in it."))
        rows[GateResult].append((response, sum(scores) / 2, "[]", True))

    def _add_decisions(self, rows, response, number, state, given):
        actions = {State.ACCEPTED: ["accept"], State.REJECTED: ["reject"], State.TO_RESOLVE: ["accept", "reject"]}
        actions = (actions.get(state, []) * 2)[: self.project.reviews_required] or ["accept"] * given
        reviewers = self.users[1:] or self.users
        for place, action in enumerate(actions):
            user = reviewers[(number * 7 + place * 11 + number // 1000) % len(reviewers)]
            rows[Annotation].append(
                (response, user.pk, action, 5 + number % 90, f"made{number}-{place}", self._moment())
            )
        if state in (State.ACCEPTED, State.REJECTED):
            rows[Resolution].append((response, actions[0], self._moment()))

    def _constants(self, model):
        return {
            Prompt: {"project_id": self.project.pk},
            TeacherResponse: {"teacher_id": self.teacher.pk, "form": "plain", "model_id": "stand-in"},
            FilterResult: {"ruleset_id": self.project.filter_ruleset_id},
            JudgeScore: {"judge_id": self.teacher.pk, "rubric_version": "0" * 64},
            GateResult: {"ruleset_id": self.project.gate_ruleset_id},
            Annotation: {},
            Resolution: {"by": "consensus", "text": "The text that holds.", "applied_at": self.now},
        }[model]


# Answers stand before prompts, whose search index reads them.
COLUMNS = {
    TeacherResponse: ("prompt_id", "text", "sent_user", "created_at"),
    Prompt: (
        *("key", "task_type", "context", "domain", "group_key", "state", "state_changed_at", "current_response_id"),
        *("rank", "given", "attempts", "parked_from", "error_class"),
    ),
    FilterResult: ("response_id", "measurements", "failed", "passed"),
    JudgeScore: ("response_id", "rubric", "score", "rationale"),
    GateResult: ("response_id", "score", "reasons", "passed"),
    Annotation: ("response_id", "reviewer_id", "action", "seconds", "idempotency_key", "created_at"),
    Resolution: ("response_id", "action", "created_at"),
}


def _next_id(model):
    """The id that the next row gets, where nobody else writes."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
            return (cursor.fetchone() or (0,))[0] + 1
        cursor.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), COALESCE(MAX(id), 0) + 1, false) FROM {table}"
        )
        return cursor.fetchone()[0]


@contextmanager
def _unchecked():
    """No trigger, no foreign key and no index that is no constraint, until all rows are there."""
    tables = [model._meta.db_table for model in COLUMNS] + ["curation_search"]
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s)"
            " AND indexname NOT IN (SELECT conname FROM pg_constraint)",
            [tables],
        )
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        yield
        cursor.execute("SET maintenance_work_mem = '512MB'")
        for _, definition in indexes:
            cursor.execute(definition)
        cursor.execute("RESET session_replication_role; RESET synchronous_commit; RESET maintenance_work_mem")


def _mark(project):
    """What the trigger does for prompts that are checked."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO curation_search_mark (prompt_id) SELECT id FROM curation_prompt WHERE project_id = %s",
            [project.pk],
        )
