"""What people decided: claims, annotations, and the resolution that holds."""

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from .locking import in_order
from .tally import Tally


class Action(models.TextChoices):
    ACCEPT = "accept", "Accept"
    REGENERATE = "regenerate", "Regenerate"
    REJECT = "reject", "Reject"


class Purpose(models.TextChoices):
    REVIEW = "review", "Review"
    REPEAT = "repeat", "Repeat"
    GOLD = "gold", "Gold"


class ReviewClaimQuerySet(models.QuerySet):
    def in_order(self):
        """The same claims for one statement that writes them: locked in the order in which they are made."""
        return in_order(self, "prompt_id", "reviewer_id")


class ReviewClaim(models.Model):
    """Who holds which prompt until when. A lapsed claim is nobody's.

    One of purpose gold or repeat says what its reviewer was shown the prompt for; it takes no place from anybody.
    """

    prompt = models.ForeignKey("Prompt", models.CASCADE, related_name="claims")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="review_claims")
    purpose = models.CharField(max_length=8, choices=Purpose, default=Purpose.REVIEW)
    until = models.DateTimeField()
    skipped_at = models.DateTimeField(null=True, help_text="Put at the end of this reviewer's own queue then.")

    objects = ReviewClaimQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["prompt", "reviewer"], name="claim_once_each")]

    def __str__(self):
        return f"{self.reviewer} holds {self.prompt_id} until {self.until}"


class AnnotationQuerySet(models.QuerySet):
    """Decisions become current and cease to be so here alone: how many there are is kept (see tally.py)."""

    @transaction.atomic(savepoint=False)
    def decide(self, project, **fields):
        """Store a decision in this project; returns it."""
        row = self.create(**fields)
        if row.current:
            Tally.objects.add_decisions(project.pk, [row])
        return row

    @transaction.atomic(savepoint=False)
    def withdraw(self):
        """These decisions count no more, of whatever purpose; they stay on record. Returns how many it were."""
        ids = list(self.filter(current=True).order_by().values_list("pk", flat=True))
        if not ids:
            return 0
        rows = Annotation.objects.filter(pk__among=ids, current=True).select_for_update(no_key=True).order_by("pk")
        rows = {row.pk: row for row in rows.only("purpose", "action", "reviewer", "created_at", "seconds")}
        if not rows:
            return 0
        chosen, projects = Annotation.objects.filter(pk__among=rows), {}
        for pk, project in chosen.values_list("pk", "response__prompt__project").order_by():
            projects.setdefault(project, []).append(rows[pk])
        chosen.update(current=False)
        for project, ended in projects.items():
            Tally.objects.add_decisions(project, ended, sign=-1)
        return len(rows)

    @transaction.atomic
    def reinstate(self, project):
        """These decisions in this project, which a change had ended, count again. Returns how many it were."""
        rows = list(self.filter(current=False).select_for_update(no_key=True, of=("self",)).order_by("pk"))
        Annotation.objects.filter(pk__among=[row.pk for row in rows]).update(current=True)
        Tally.objects.add_decisions(project.pk, rows)
        return len(rows)


class Annotation(models.Model):
    """One person's decision on one response. A changed mind is a new version; nothing is edited in place."""

    Purpose = Purpose

    response = models.ForeignKey("TeacherResponse", models.CASCADE, related_name="annotations")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="annotations")
    purpose = models.CharField(max_length=8, choices=Purpose, default=Purpose.REVIEW)
    version = models.PositiveSmallIntegerField(default=1)
    current = models.BooleanField(default=True, help_text="Taken back, replaced or reopened ones are not.")
    action = models.CharField(max_length=12, choices=Action)
    reasons = models.JSONField(default=list, blank=True)
    edited_text = models.TextField(null=True, blank=True)
    comment = models.TextField(blank=True)
    seconds = models.PositiveIntegerField(default=0, help_text="Active time, seconds")
    blind = models.BooleanField(default=False, help_text="The judges' scores were not shown before this decision.")
    surplus = models.BooleanField(default=False, help_text="Came after the deciding ones: kept, without effect.")
    change = models.ForeignKey(
        "Change",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="annotations",
        help_text="The change it is part of",
    )
    origin = models.CharField(max_length=200, blank=True, help_text="The file it was imported from")
    idempotency_key = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = AnnotationQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["response", "reviewer", "purpose", "version"], name="annotation_version_once"
            ),
            models.UniqueConstraint(
                fields=["response", "reviewer", "purpose"], condition=Q(current=True), name="annotation_one_current"
            ),
            models.UniqueConstraint(fields=["reviewer", "response", "idempotency_key"], name="annotation_sent_once"),
            models.CheckConstraint(
                condition=Q(action__in=["accept", "regenerate", "reject"]), name="annotation_action_known"
            ),
        ]
        # What somebody decided last, and what they sent at once.
        indexes = [
            models.Index(fields=["reviewer", "created_at"]),
            models.Index(fields=["reviewer", "idempotency_key"]),
            models.Index(fields=["id"], condition=Q(purpose="repeat"), name="annotation_repeated"),
        ]

    def __str__(self):
        return f"{self.reviewer}: {self.action}"


class Resolution(models.Model):
    """What holds for a response, and the authoritative text. It takes effect some seconds after the last decision."""

    class By(models.TextChoices):
        CONSENSUS = "consensus", "Consensus"
        ADJUDICATOR = "adjudicator", "Adjudicator"
        MANAGER = "manager", "Manager, together with many others"
        POLICY = "policy", "Project policy, without a person"

    response = models.ForeignKey("TeacherResponse", models.CASCADE, related_name="resolutions")
    by = models.CharField(max_length=12, choices=By)
    action = models.CharField(max_length=12, choices=Action)
    text = models.TextField(blank=True, help_text="The authoritative text")
    edited = models.BooleanField(default=False, help_text="The text is not the teacher's.")
    reasons = models.JSONField(default=list, blank=True)
    comment = models.TextField(blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    current = models.BooleanField(default=True)
    effective_at = models.DateTimeField(default=timezone.now)
    applied_at = models.DateTimeField(null=True, help_text="When the prompt was sent on")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["response"], condition=Q(current=True), name="resolution_one_current"),
            models.CheckConstraint(
                condition=Q(action__in=["accept", "regenerate", "reject"]), name="resolution_action_known"
            ),
        ]
        indexes = [
            models.Index(fields=["effective_at"], condition=Q(current=True, applied_at=None), name="resolution_due")
        ]

    def __str__(self):
        return f"{self.action} by {self.by}"


class Assignment(models.Model):
    """A manager gave this prompt to this person: it comes first in their queue, and keeps a place for them."""

    prompt = models.ForeignKey("Prompt", models.CASCADE, related_name="assignments")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="assignments")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["prompt", "reviewer"], name="assignment_once_each")]

    def __str__(self):
        return f"{self.prompt_id} for {self.reviewer}"


class Draft(models.Model):
    """What a person typed about a response and has not submitted; the newest wins, and a submit removes it."""

    class Form(models.TextChoices):
        REVIEW = "review", "Decision"
        RESOLVE = "resolve", "Resolving"
        COMMENT = "comment", "Comment"

    response = models.ForeignKey("TeacherResponse", models.CASCADE, related_name="drafts")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="drafts")
    form = models.CharField(max_length=8, choices=Form, default=Form.REVIEW)
    body = models.JSONField(default=dict, help_text="Lists of what stands in the form, by the names of its fields")
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["response", "reviewer", "form"], name="draft_once_each")]

    def __str__(self):
        return f"draft of {self.reviewer} on response {self.response_id}"


class Gold(models.Model):
    """A response whose right decision is known; mixed in among what reviewers are given, to see how they decide."""

    response = models.OneToOneField("TeacherResponse", models.CASCADE, related_name="gold")
    action = models.CharField(max_length=12, choices=Action)
    reasons = models.JSONField(default=list, blank=True)
    note = models.TextField(blank=True, help_text="Why this is the right decision")
    active = models.BooleanField(default=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "gold"
        constraints = [
            models.CheckConstraint(condition=Q(action__in=["accept", "regenerate", "reject"]), name="gold_action_known")
        ]

    def __str__(self):
        return f"{self.response_id}: {self.action}"
