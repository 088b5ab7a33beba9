"""Versions of the rubrics that judges read answers by."""

import hashlib
import json

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone


class Rubric(models.Model):
    """One version of a project's rubric: dimensions with their meaning and options, and flags. Never edited."""

    project = models.ForeignKey("Project", models.CASCADE, related_name="rubrics")
    name = models.CharField(max_length=40, help_text="factuality or reasoning")
    version = models.PositiveIntegerField()
    body = models.JSONField()
    sha256 = models.CharField(max_length=64, editable=False)
    origin = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name", "-version"]
        constraints = [models.UniqueConstraint(fields=["project", "name", "version"], name="rubric_version_once")]

    def __str__(self):
        return f"{self.name} v{self.version}"

    @staticmethod
    def digest(body):
        """sha256 of a rubric's content, whatever the order of its keys."""
        canonical = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    @classmethod
    def current(cls, project, name):
        """The newest version of `name` in `project`, or None."""
        return cls.objects.filter(project=project, name=name).order_by("-version").first()

    @classmethod
    @transaction.atomic
    def record(cls, project, name, body, *, origin="", by=None):
        """The newest version of `name` if it has this body already, else a new version."""
        digest = cls.digest(body)
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
