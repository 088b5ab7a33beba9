"""Acceptance sampling: some of what is about to be released is looked at once more."""

from django.conf import settings
from django.db import models, transaction
from django.db.models import Count, F, Q
from django.utils import timezone

from .event import Event


class AuditSettled(Exception):
    """A change of an audit that has had its effect; the message says so."""


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

    @property
    def holds(self):
        """Whether what it was drawn from may be released."""
        return self.state in (self.State.PASSED, self.State.OVERRIDDEN)

    @property
    def is_settled(self):
        """Whether no verdict of it changes any more: it was overridden, or a release stands on it."""
        return self.state == self.State.OVERRIDDEN or self.releases.exists()

    def found(self):
        """{"looked": rows looked at, "bad": bad ones among them}."""
        looked = Count("pk", filter=Q(bad__isnull=False))
        return self.items.aggregate(looked=looked, bad=Count("pk", filter=Q(bad=True)))

    def settle(self, by=None):
        """Set what the verdicts make of it: failed with more than `allowed` bad ones, passed once all are looked at."""
        found = self.found()
        state = self.State.OPEN
        if found["bad"] > self.allowed:
            state = self.State.FAILED
        elif found["looked"] == self.size:
            state = self.State.PASSED
        if state != self.state:
            ended = (None, None) if state == self.State.OPEN else (by, timezone.now())
            self.state, (self.ended_by, self.ended_at) = state, ended
            self.save(update_fields=["state", "ended_by", "ended_at"])

    @transaction.atomic
    def look(self, item, bad, *, note="", by):
        """Store a verdict on one of its rows; a changed one leaves the old one in the history.

        Raises AuditSettled where nothing changes any more.
        """
        locked = Audit.objects.select_for_update(no_key=True).get(pk=self.pk)
        if locked.is_settled:
            raise AuditSettled("Nothing of this audit changes any more: a release stands on it, or it was overridden.")
        item = locked.items.select_for_update(no_key=True).get(pk=item.pk)
        detail = {"audit": self.pk, "row_id": item.row_id, "bad": bad, "was": item.bad}
        item.bad, item.note, item.decided_by, item.decided_at = bad, note, by, timezone.now()
        item.save(update_fields=["bad", "note", "decided_by", "decided_at"])
        Event.objects.create(
            project_id=self.project_id, prompt_id=item.prompt_id, actor=by, kind="audited", detail=detail
        )
        locked.settle(by)
        return locked

    @transaction.atomic
    def override(self, reason, by):
        """Let a release pass in spite of the audit, for a written reason. Raises AuditSettled without need for it."""
        reason = reason.strip()
        if not reason:
            raise ValueError("An audit is overridden with a written reason.")
        changed = Audit.objects.filter(pk=self.pk, state__in=(self.State.OPEN, self.State.FAILED)).update(
            state=self.State.OVERRIDDEN, override_reason=reason, ended_by=by, ended_at=timezone.now()
        )
        if not changed:
            raise AuditSettled("This audit holds nothing back: there is nothing to override.")
        detail = {"audit": self.pk, "reason": reason} | self.found()
        Event.objects.create(project_id=self.project_id, actor=by, kind="audit_overridden", detail=detail)


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
