"""The prompt: one question to a teacher, and the one state that names what must happen to it next."""

import hashlib
import unicodedata

from django.db import models
from django.db.models import Q
from django.utils import timezone

from .pair import Pair
from .prompt_queryset import PromptQuerySet
from .state import State

AT_ONCE = 5000  # ids in one statement


def normalise(text):
    """NFC with \\n line ends: what counts as the same text."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))


def content_key(task_type, domain, user_prompt, context, system_prompt):
    """`Prompt.key`: sha256 over the normalised content; template, metadata, file and position do not enter."""
    digest = hashlib.sha256()
    for part in (task_type, domain, user_prompt, context, system_prompt):
        data = normalise(part).encode()
        # The length keeps ("ab", "c") and ("a", "bc") apart.
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


class Prompt(models.Model):
    """The teacher's input. Its identity is its content (`key`), never a row position."""

    # Project and run need no index of their own: one below begins with each.
    project = models.ForeignKey("Project", models.CASCADE, related_name="prompts", db_index=False)
    key = models.CharField(max_length=64)
    task_type = models.CharField(max_length=60)
    user_prompt = models.TextField(blank=True, help_text="Empty for text-only rows: rendered when collected")
    context = models.TextField(blank=True)
    system_prompt = models.TextField(blank=True)
    domain = models.CharField(max_length=120, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    document = models.ForeignKey("SourceDocument", models.PROTECT, null=True, blank=True, related_name="prompts")
    group_key = models.CharField(max_length=64, help_text="What must stay in one split: sha256 of locator or source")
    state = models.CharField(max_length=16, choices=State, default=State.TO_COLLECT)
    state_changed_at = models.DateTimeField(default=timezone.now, editable=False)
    current_response = models.ForeignKey(
        "TeacherResponse", models.PROTECT, null=True, blank=True, related_name="current_for"
    )
    rank = models.FloatField(default=0, help_text="Place among what waits for review: the highest first")
    pinned = models.BooleanField(default=False, help_text="Comes before everything else that waits for review")
    required = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Decisions it needs, where that is not the project's number"
    )
    given = models.PositiveSmallIntegerField(default=0, help_text="Current decisions of review on the current response")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Answers stored, those for a new hypothesis aside")
    run = models.ForeignKey("Run", models.SET_NULL, null=True, blank=True, related_name="prompts", db_index=False)
    lease_until = models.DateTimeField(null=True, blank=True)
    parked_from = models.CharField(max_length=16, blank=True)
    error_class = models.CharField(max_length=40, blank=True)
    error_detail = models.TextField(blank=True)
    withdrawal = models.ForeignKey(
        "Withdrawal", models.PROTECT, null=True, blank=True, related_name="prompts", db_index=False
    )
    failed_call = models.ForeignKey("Call", models.SET_NULL, null=True, blank=True, related_name="parked_prompts")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = PromptQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["project", "key"], name="prompt_key_once"),
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "to_collect",
                        "to_filter",
                        "to_judge",
                        "to_review",
                        "to_resolve",
                        "to_regenerate",
                        "accepted",
                        "rejected",
                        "parked",
                    ]
                ),
                name="prompt_state_known",
            ),
            models.CheckConstraint(
                condition=Q(required=None) | Q(required__gte=1), name="prompt_requires_at_least_one"
            ),
            models.CheckConstraint(condition=~Q(state="parked") | ~Q(parked_from=""), name="prompt_parked_says_from"),
            models.CheckConstraint(
                condition=Q(state__in=["to_collect", "rejected", "parked"]) | Q(current_response__isnull=False),
                name="prompt_answered_has_response",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "state", "id"]),
            models.Index(fields=["run", "state", "id"]),
            # What a run has in hand right now: few rows, whatever its size.
            models.Index(fields=["run", "lease_until"], condition=Q(lease_until__isnull=False), name="prompt_in_hand"),
            models.Index(fields=["project", "group_key"]),
            # The review queue in its order: the next one is found without looking at the others.
            models.Index(
                fields=["project", "-pinned", "-rank", "id"], condition=Q(state="to_review"), name="prompt_review_queue"
            ),
            models.Index(fields=["withdrawal", "id"], condition=Q(withdrawal__isnull=False), name="prompt_withdrawn"),
            models.Index(fields=["project", "state_changed_at", "id"]),
            models.Index(fields=["project", "id"]),  # as they came in; else SQLite sorts all of them for a page
        ]

    def __str__(self):
        return f"{self.task_type} {self.key[:12]}"

    @property
    def pair(self):
        """The pair this prompt belongs to, or None."""
        return Pair.objects.filter(Q(hypothesis=self) | Q(methodology=self)).first()

    @property
    def attempts_left(self):
        """How many more answers the project allows."""
        return max(0, self.project.attempt_limit - self.attempts)

    def go(self, target, kind, **options):
        """Send this one prompt on; see `PromptQuerySet.move`. Returns whether it moved."""
        moved = bool(Prompt.objects.filter(pk=self.pk).move(target, kind, **options))
        if moved:
            self.refresh_from_db()
        return moved

    def park(self, error_class, detail, *, run=None, call=None):
        """Set aside with the reason, and the call that failed, if one did; the run goes on with the others."""
        return self.go(
            State.PARKED,
            "parked",
            source=self.state,
            run=run,
            detail={"error_class": error_class, "error": detail[:500]},
            parked_from=self.state,
            error_class=error_class,
            error_detail=detail,
            failed_call=call,
        )

    def unpark(self, *, actor, reason=""):
        """Put a parked prompt back where it was; returns whether it was parked."""
        moved = bool(Prompt.objects.filter(pk=self.pk).unpark(actor=actor, reason=reason))
        if moved:
            self.refresh_from_db()
        return moved
