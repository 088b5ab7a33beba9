"""What a teacher answered."""

from django.db import models
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

LONGER = "longer_answer"  # in `metadata`: the candidate that took the place of one that was cut off


class TeacherResponseQuerySet(models.QuerySet):
    def with_authoritative_text(self):
        """Annotate `authoritative`: the text that people accepted, else the teacher's own."""
        from .review import Resolution

        accepted = Resolution.objects.filter(response=OuterRef("pk"), current=True, action="accept")
        return self.annotate(authoritative=Coalesce(Subquery(accepted.values("text")[:1]), F("text")))


class TeacherResponse(models.Model):
    """One answer to a prompt. Rules, judges, people and releases speak of its `text`; it is never rewritten."""

    prompt = models.ForeignKey("Prompt", models.CASCADE, related_name="responses")
    attempt = models.PositiveSmallIntegerField(default=1)
    candidate = models.PositiveSmallIntegerField(default=0)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    call = models.ForeignKey("Call", models.PROTECT, null=True, blank=True, related_name="responses")
    teacher = models.ForeignKey("Teacher", models.PROTECT, related_name="responses")
    run = models.ForeignKey("Run", models.SET_NULL, null=True, blank=True, related_name="responses")
    hypothesis = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="methodologies", help_text="What it must test"
    )
    text = models.TextField(blank=True)
    fields = models.JSONField(null=True, blank=True, help_text="The parsed parts of a structured answer")
    form = models.CharField(
        max_length=20, blank=True, help_text="json, fenced_json, repaired_json, distilled, plain, imported"
    )
    parse_error = models.TextField(blank=True, help_text="Why it could not be read, or what was mended in it")
    thinking = models.TextField(blank=True)
    refusal = models.TextField(blank=True)
    finish_reason = models.CharField(max_length=40, blank=True)
    model_id = models.CharField(max_length=200, blank=True)
    prompt_tokens = models.PositiveIntegerField(null=True)
    completion_tokens = models.PositiveIntegerField(null=True)
    total_tokens = models.PositiveIntegerField(null=True)
    latency_ms = models.PositiveIntegerField(null=True)
    sent_user = models.TextField(help_text="The user message as sent, context included")
    sent_system = models.TextField(blank=True)
    templates = models.JSONField(default=dict, blank=True, help_text="Name → version and sha256 of the templates used")
    renderer = models.PositiveSmallIntegerField(default=1, help_text="Version of the rendering to text")
    parser = models.PositiveSmallIntegerField(default=1, help_text="Version of the parsing")
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = TeacherResponseQuerySet.as_manager()

    class Meta:
        ordering = ["prompt_id", "attempt", "candidate"]
        constraints = [
            models.UniqueConstraint(fields=["prompt", "attempt", "candidate"], name="response_attempt_once"),
            models.CheckConstraint(condition=models.Q(attempt__gte=1), name="response_attempt_from_one"),
        ]

    def __str__(self):
        return f"attempt {self.attempt} of prompt {self.prompt_id}"

    @property
    def is_replaced(self):
        """Whether it was cut off by its token limit, and a longer candidate of the attempt took its place."""
        return LONGER in self.metadata
