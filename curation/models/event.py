"""The append-only history: what happened to what, by whom and when."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class EventQuerySet(models.QuerySet):
    def delete(self):
        raise TypeError("Events are history: they are never deleted one by one.")


class Event(models.Model):
    """One thing that happened. Every change of a prompt's state leaves one, with the state before and after."""

    # An index below begins with the project, another with the prompt: one more of each would only cost.
    project = models.ForeignKey("Project", models.CASCADE, related_name="events", db_index=False)
    prompt = models.ForeignKey("Prompt", models.CASCADE, null=True, blank=True, related_name="events", db_index=False)
    run = models.ForeignKey("Run", models.SET_NULL, null=True, blank=True, related_name="events")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=40)
    from_state = models.CharField(max_length=16, blank=True)
    to_state = models.CharField(max_length=16, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(default=timezone.now, editable=False)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["at", "pk"]
        indexes = [models.Index(fields=["project", "-at"]), models.Index(fields=["prompt", "at"])]

    def __str__(self):
        return f"{self.kind}: {self.from_state} → {self.to_state}" if self.to_state else self.kind
