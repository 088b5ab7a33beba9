"""Versions of the prompt texts that a project has used."""

import hashlib

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone


class PromptTemplate(models.Model):
    """One version of a named prompt text. A new text is a new version; a version is never edited."""

    project = models.ForeignKey("Project", models.CASCADE, related_name="templates")
    name = models.CharField(max_length=60)
    version = models.PositiveIntegerField()
    body = models.TextField()
    sha256 = models.CharField(max_length=64, editable=False)
    origin = models.CharField(max_length=200, blank=True, help_text="The shipped file or the page it came from")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name", "version"], name="template_version_once"),
            models.CheckConstraint(condition=models.Q(version__gte=1), name="template_version_from_one"),
        ]

    def __str__(self):
        return f"{self.name} v{self.version}"

    @classmethod
    @transaction.atomic
    def record(cls, project, name, body, *, origin="", by=None):
        """The newest version of `name` if it has this body already, else a new version."""
        digest = hashlib.sha256(body.encode()).hexdigest()
        newest = cls.current(project, name)
        if newest and newest.sha256 == digest:
            return newest
        # Workers that begin a run together record one after the other, and the second finds what the first made.
        type(project).objects.select_for_update(no_key=True).get(pk=project.pk)
        newest = cls.current(project, name)
        if newest and newest.sha256 == digest:
            return newest
        return cls.objects.create(
            project=project,
            name=name,
            version=newest.version + 1 if newest else 1,
            body=body,
            sha256=digest,
            origin=origin,
            created_by=by,
        )

    @classmethod
    def current(cls, project, name):
        """The newest version of `name` in `project`, or None."""
        return cls.objects.filter(project=project, name=name).order_by("-version").first()
