"""Counts that are kept: what pages show of a project of any size without counting its rows."""

from django.conf import settings
from django.db import models
from django.db.models import Q


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

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "tallies"
        constraints = [models.CheckConstraint(condition=Q(kind__in=["state", "decision"]), name="tally_kind_known")]
        indexes = [models.Index(fields=["project", "kind"])]

    def __str__(self):
        return f"{self.kind} {self.key}: {self.number:+}"
