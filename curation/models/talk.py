"""What people say to each other about a prompt: comments, mentions, flags."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class Comment(models.Model):
    """A remark on a prompt, for everybody in the project; it decides nothing and is never edited."""

    prompt = models.ForeignKey("Prompt", models.CASCADE, related_name="comments")
    response = models.ForeignKey("TeacherResponse", models.CASCADE, null=True, blank=True, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    text = models.TextField()
    idempotency_key = models.CharField(max_length=64, blank=True, help_text="Of the form it came from; empty: of none")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["author", "idempotency_key"], condition=~models.Q(idempotency_key=""), name="comment_sent_once"
            )
        ]

    def __str__(self):
        return f"{self.author} on {self.prompt_id}"


class Mention(models.Model):
    """Somebody was named in a comment; unseen until they look at it."""

    comment = models.ForeignKey(Comment, models.CASCADE, related_name="mentions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="mentions")
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["comment", "user"], name="mention_once")]
        indexes = [models.Index(fields=["user"], condition=models.Q(seen_at=None), name="mention_unseen")]

    def __str__(self):
        return f"{self.user} in comment {self.comment_id}"


class Flag(models.Model):
    """Something about a prompt that a manager should look at; open until one clears it. It stops nothing."""

    prompt = models.ForeignKey("Prompt", models.CASCADE, related_name="flags")
    raised_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    note = models.CharField(max_length=500)
    raised_at = models.DateTimeField(default=timezone.now, editable=False)
    cleared_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    cleared_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=500, blank=True, help_text="What was done about it")

    class Meta:
        ordering = ["raised_at", "pk"]
        indexes = [models.Index(fields=["prompt"], condition=models.Q(cleared_at=None), name="flag_open")]

    def __str__(self):
        return f"{self.prompt_id}: {self.note}"
