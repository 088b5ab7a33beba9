"""Acceptance sampling: some of what is about to be released is looked at once more."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone


class Audit(models.Model):
    """n rows drawn by keyed hash from what a recipe would release; it passes with at most `allowed` bad ones."""

    class State(models.TextChoices):
        OPEN = "open", "Being looked at"
        PASSED = "passed", "Passed"
        FAILED = "failed", "Failed"
        OVERRIDDEN = "overridden", "Overridden"

    project = models.ForeignKey("Project", models.CASCADE, related_name="audits")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    recipe = models.JSONField(default=dict)
    rows_sha256 = models.CharField(max_length=64, help_text="sha256 over the sorted row ids it was drawn from")
    rows = models.PositiveIntegerField(help_text="Rows it was drawn from")
    size = models.PositiveIntegerField(help_text="Rows drawn")
    allowed = models.PositiveIntegerField(help_text="Bad ones it may hold")
    override_reason = models.TextField(blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["open", "passed", "failed", "overridden"]), name="audit_state_known"
            ),
            models.CheckConstraint(condition=Q(size__lte=F("rows")), name="audit_size_within_rows"),
            models.CheckConstraint(
                condition=~Q(state="overridden") | ~Q(override_reason=""), name="audit_override_has_reason"
            ),
        ]

    def __str__(self):
        return f"audit of {self.size} among {self.rows} rows"


class AuditItem(models.Model):
    """One row that an audit drew, and what was found."""

    audit = models.ForeignKey(Audit, models.CASCADE, related_name="items", db_index=False)
    prompt = models.ForeignKey("Prompt", models.CASCADE, related_name="+")
    response = models.ForeignKey("TeacherResponse", models.CASCADE, related_name="+")
    row_id = models.CharField(max_length=64)
    bad = models.BooleanField(null=True, help_text="Empty: not looked at yet")
    note = models.TextField(blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["row_id"]
        constraints = [models.UniqueConstraint(fields=["audit", "row_id"], name="audit_item_once")]

    def __str__(self):
        return f"{self.row_id[:12]} of audit {self.audit_id}"
