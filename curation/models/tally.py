"""Counts that are kept: what pages show of a project of any size without counting its rows."""

import random
from collections import Counter
from datetime import UTC

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Q

TOGETHER_EVERY = 100  # one in so many who add steps puts those of the project together
AT_ONCE = 1000  # of the newest; a year of decisions by fifty people are some ten thousand that are left alone


class TallyQuerySet(models.QuerySet):
    """Adding steps. Whoever changes what is counted does it in the transaction of the change, with its rows locked."""

    def add_prompts(self, project_id, **numbers):
        """So many prompts more (or fewer) in these states: `add_prompts(1, to_collect=20)`."""
        kind = Tally.Kind.STATE
        self._add(Tally(project_id=project_id, kind=kind, key=key, number=n) for key, n in numbers.items() if n)

    def moved(self, before, projects, target):
        """Prompts went from their states, {id: state}, to `target`; `projects` are {id: project id}."""
        left = Counter((projects[pk], state) for pk, state in before.items())
        steps = {}
        for (project, state), number in left.items():
            states = steps.setdefault(project, Counter())
            states[state] -= number
            states[target] += number
        for project, states in steps.items():
            self.add_prompts(project, **states)

    def add_decisions(self, project_id, annotations, sign=1):
        """These decisions are current now, or with `sign` -1 no longer. Other purposes than review are not counted."""
        numbers, seconds = Counter(), Counter()
        for row in annotations:
            if row.purpose == "review":
                place = (row.action, row.reviewer_id, row.created_at.astimezone(UTC).date())
                numbers[place] += sign
                seconds[place] += sign * row.seconds
        said = {"project_id": project_id, "kind": Tally.Kind.DECISION}
        self._add(
            Tally(key=key, user_id=user, day=day, number=number, seconds=seconds[key, user, day], **said)
            for (key, user, day), number in numbers.items()
        )

    def _add(self, steps):
        steps = self.bulk_create(steps)
        # By chance, since nobody knows how many steps there are without counting them.
        if steps and random.randrange(TOGETHER_EVERY) == 0:
            self.put_together(steps[0].project_id, steps[0].kind)

    @transaction.atomic
    def put_together(self, project_id, kind):
        """Make one step of those of the newest that count the same thing.

        Nobody waits for it: steps that another one has in hand are left as they are.
        """
        rows = Tally.objects.filter(project=project_id, kind=kind).order_by("-pk")
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True)
        same = {}
        for row in rows[:AT_ONCE]:
            same.setdefault((row.key, row.user_id, row.day), []).append(row)
        several = {place: steps for place, steps in same.items() if len(steps) > 1}
        Tally.objects.filter(pk__among=[step.pk for steps in several.values() for step in steps]).delete()
        sums = (
            Tally(project_id=project_id, kind=kind, key=key, user_id=user, day=day,
                  number=sum(step.number for step in steps), seconds=sum(step.seconds for step in steps))
            for (key, user, day), steps in several.items()
        )  # fmt: skip
        Tally.objects.bulk_create(each for each in sums if each.number or each.seconds)


class Tally(models.Model):
    """A step of a count: how many more (or fewer) there are of something. The count is the sum of its steps.

    Steps are only added, so that nobody who writes waits for another; now and then they are put together into one.
    """

    class Kind(models.TextChoices):
        STATE = "state", "Prompts in a state"
        DECISION = "decision", "Current decisions of a reviewer, by action and day"

    project = models.ForeignKey("Project", models.CASCADE, related_name="tallies", db_index=False)
    kind = models.CharField(max_length=8, choices=Kind)
    key = models.CharField(max_length=40, help_text="The state, or the action")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+")
    day = models.DateField(null=True, blank=True, help_text="UTC")
    number = models.BigIntegerField()
    seconds = models.BigIntegerField(default=0, help_text="Active time, of decisions")

    objects = TallyQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "tallies"
        constraints = [models.CheckConstraint(condition=Q(kind__in=["state", "decision"]), name="tally_kind_known")]
        indexes = [models.Index(fields=["project", "kind"])]

    def __str__(self):
        return f"{self.kind} {self.key}: {self.number:+}"
