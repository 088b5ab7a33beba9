"""Requests handed over as one file, to be answered within a day at a lower price."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone


class Batch(models.Model):
    """One file of requests at an endpoint. Its `key` is ours, stored first and sent along, so that none is orphaned."""

    class State(models.TextChoices):
        PREPARED = "prepared", "Prepared"
        UPLOADED = "uploaded", "Uploaded"
        SUBMITTED = "submitted", "Submitted"
        COLLECTED = "collected", "Collected"
        FAILED = "failed", "Failed"

    OPEN = (State.PREPARED, State.UPLOADED, State.SUBMITTED)

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey("Project", models.CASCADE, related_name="batches")
    run = models.ForeignKey("Run", models.CASCADE, related_name="batches")
    teacher = models.ForeignKey("Teacher", models.PROTECT, related_name="batches")
    state = models.CharField(max_length=10, choices=State, default=State.PREPARED)
    requests = models.PositiveIntegerField(default=0)
    size = models.PositiveBigIntegerField("size, bytes", default=0)
    file_id = models.CharField(max_length=200, blank=True)
    remote_id = models.CharField(max_length=200, blank=True)
    remote_state = models.CharField(max_length=40, blank=True, help_text="What the endpoint says of it")
    remote_counts = models.JSONField(default=dict, blank=True)
    output_file_id = models.CharField(max_length=200, blank=True)
    error_file_id = models.CharField(max_length=200, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    submitted_at = models.DateTimeField(null=True)
    looked_at = models.DateTimeField(null=True, help_text="When the endpoint was last asked about it")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "batches"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["prepared", "uploaded", "submitted", "collected", "failed"]),
                name="batch_state_known",
            ),
        ]

    def __str__(self):
        return f"batch {self.key}"

    @property
    def ended_requests(self):
        """How many of its requests the endpoint has answered or given up."""
        return self.remote_counts.get("completed", 0) + self.remote_counts.get("failed", 0)

    @property
    def told(self):
        """Where it is, in words."""
        remote = self.remote_state.replace("_", " ")
        return {
            self.State.PREPARED: "Kept here, on its way to the endpoint",
            self.State.UPLOADED: "Uploaded, on its way to being handed over",
            self.State.SUBMITTED: f"At the endpoint: {remote or 'handed over'}",
            self.State.COLLECTED: f"Answers stored; it ended as {remote}"
            if remote
            else "Taken back before it was sent",
            self.State.FAILED: f"Failed; it ended as {remote}" if remote else "Failed before it was sent",
        }[self.state]

    def end(self, state, *, error=""):
        """Nothing more comes of it."""
        self.state, self.error, self.ended_at = state, error, timezone.now()
        self.save(update_fields=["state", "error", "ended_at"])


class BatchItem(models.Model):
    """What one prompt asks for in a batch, with what its stage must know when the answer comes, hours later."""

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="items")
    prompt = models.ForeignKey("Prompt", models.CASCADE, related_name="batch_items")
    call = models.ForeignKey("Call", models.PROTECT, related_name="batch_items")
    name = models.CharField(max_length=60, help_text="Which of the stage's questions this is")
    notes = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["batch", "prompt", "name"], name="batch_item_once")]

    def __str__(self):
        return f"{self.name} of prompt {self.prompt_id}"
