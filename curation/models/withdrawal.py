"""What was taken out of the releases afterwards, and where it had been."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Withdrawal(models.Model):
    """A source, a licence or a row that no release may hold any more, and why. Its prompts are rejected for good."""

    class Kind(models.TextChoices):
        SOURCE = "source", "Source"
        LICENCE = "licence", "Licence"
        ROW = "row", "Row"

    project = models.ForeignKey("Project", models.CASCADE, related_name="withdrawals")
    kind = models.CharField(max_length=8, choices=Kind)
    value = models.CharField(max_length=500, help_text="The locator, the licence or the row id")
    reason = models.TextField(help_text="Shown with every release that held it")
    run = models.ForeignKey("Run", models.SET_NULL, null=True, blank=True, related_name="withdrawals")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    purged_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    purged_at = models.DateTimeField(null=True, blank=True, help_text="When its texts were blanked, by law")

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["project", "kind", "value"], name="withdrawal_once"),
            models.CheckConstraint(condition=Q(kind__in=["source", "licence", "row"]), name="withdrawal_kind_known"),
        ]

    def __str__(self):
        return f"{self.get_kind_display()} {self.value}"


class Tombstone(models.Model):
    """A row of a published release that was withdrawn since."""

    withdrawal = models.ForeignKey(Withdrawal, models.CASCADE, related_name="tombstones")
    release = models.ForeignKey("Release", models.CASCADE, related_name="tombstones", db_index=False)
    prompt = models.ForeignKey("Prompt", models.SET_NULL, null=True, blank=True, related_name="tombstones")
    row_id = models.CharField(max_length=64)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["release", "row_id"], name="tombstone_once")]

    def __str__(self):
        return f"{self.row_id[:12]} of {self.release_id}"
