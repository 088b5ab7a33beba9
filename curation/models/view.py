"""A list's filters under a name."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class SavedView(models.Model):
    """A query of the prompt list that somebody keeps; a shared one is everybody's in the project."""

    project = models.ForeignKey("Project", models.CASCADE, related_name="views")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    name = models.CharField(max_length=80)
    query = models.TextField(blank=True, help_text="As in the address of the list")
    shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["project", "owner", "name"], name="view_name_once")]

    def __str__(self):
        return self.name
