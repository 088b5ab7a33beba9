"""Many prompts changed in one go, and what it takes to take that back."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Change(models.Model):
    """One deed over many prompts: a bulk action, or one edit made in many answers. It can be taken back as one."""

    class Kind(models.TextChoices):
        BULK = "bulk", "Bulk action"
        FIX = "fix", "One edit in many answers"

    project = models.ForeignKey("Project", models.CASCADE, related_name="changes")
    kind = models.CharField(max_length=4, choices=Kind)
    action = models.CharField(max_length=20, help_text="review, reopen, assign, pin, reject… or fix")
    run = models.ForeignKey("Run", models.SET_NULL, null=True, blank=True, related_name="changes")
    detail = models.JSONField(default=dict, blank=True, help_text="Reason, query, words before and after")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [models.CheckConstraint(condition=Q(kind__in=["bulk", "fix"]), name="change_kind_known")]
        indexes = [models.Index(fields=["project", "-created_at"])]

    def __str__(self):
        return f"{self.get_kind_display()}: {self.action}"


class ChangeItem(models.Model):
    """One prompt of a change: what it was before and after, to take it back where nothing else happened since."""

    change = models.ForeignKey(Change, models.CASCADE, related_name="items", db_index=False)
    prompt = models.ForeignKey("Prompt", models.CASCADE, related_name="changes")
    response = models.ForeignKey("TeacherResponse", models.CASCADE, null=True, blank=True, related_name="+")
    before = models.JSONField(default=dict, blank=True)
    after = models.JSONField(default=dict, blank=True)
    undone = models.BooleanField(null=True, help_text="Taken back; False: it was tried, but something happened since")

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["change", "prompt"], name="change_item_once")]

    def __str__(self):
        return f"{self.prompt_id} in change {self.change_id}"
