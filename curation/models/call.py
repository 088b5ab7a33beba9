"""The ledger of requests: bought once, kept as they came."""

from django.db import models
from django.db.models import Q
from django.utils import timezone


class Call(models.Model):
    """One request to an endpoint, known by the hash of its final wire payload and its sample index."""

    class State(models.TextChoices):
        RESERVED = "reserved", "Reserved"
        SENT = "sent", "Sent"
        ANSWERED = "answered", "Answered"
        FAILED = "failed", "Failed"

    payload_hash = models.CharField(max_length=64)
    sample_index = models.PositiveSmallIntegerField(default=0)
    teacher = models.ForeignKey("Teacher", models.PROTECT, related_name="calls")
    project = models.ForeignKey("Project", models.SET_NULL, null=True, related_name="calls", help_text="First buyer")
    run = models.ForeignKey("Run", models.SET_NULL, null=True, related_name="calls")
    batch = models.ForeignKey("Batch", models.SET_NULL, null=True, blank=True, related_name="calls")
    model = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State, default=State.RESERVED)
    request = models.JSONField(help_text="The body as sent; it carries no key.")
    raw_reply = models.TextField(blank=True, help_text="The reply's body as it came.")
    finish_reason = models.CharField(max_length=40, blank=True)
    prompt_tokens = models.PositiveIntegerField(null=True)
    completion_tokens = models.PositiveIntegerField(null=True)
    total_tokens = models.PositiveIntegerField(null=True)
    reasoning_tokens = models.PositiveIntegerField(null=True, help_text="Part of what was written, priced as such")
    cached_tokens = models.PositiveIntegerField(null=True, help_text="Part of what was read")
    usage = models.JSONField(default=dict, blank=True)
    cost = models.DecimalField("cost, USD", max_digits=14, decimal_places=8, null=True)
    held_usd = models.DecimalField(max_digits=14, decimal_places=8, default=0, help_text="Held against the run's cap")
    held_tokens = models.PositiveBigIntegerField(default=0)
    latency_ms = models.PositiveIntegerField(null=True)
    http_status = models.PositiveSmallIntegerField(null=True)
    error_class = models.CharField(max_length=40, blank=True)
    error_detail = models.TextField(blank=True)
    sends = models.PositiveSmallIntegerField(default=0, help_text="How often it was sent, retries after an error too")
    maybe_paid_twice = models.BooleanField(default=False, help_text="Sent again after a worker died waiting for it.")
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["payload_hash", "sample_index"], name="call_bought_once"),
            models.CheckConstraint(condition=~Q(state="answered") | ~Q(raw_reply=""), name="call_answered_has_reply"),
            models.CheckConstraint(
                condition=Q(state__in=["reserved", "sent", "answered", "failed"]), name="call_state_known"
            ),
        ]
        indexes = [models.Index(fields=["project", "state"])]

    def __str__(self):
        return f"{self.model} {self.payload_hash[:12]} {self.state}"

    @property
    def is_free(self):
        """Whether no worker holds it at this moment."""
        return self.lease_until is None or self.lease_until <= timezone.now()
