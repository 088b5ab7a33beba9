"""Versions of the filter rules, gate thresholds and regeneration recipes that answers were held to."""

import hashlib
import json

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone


class Ruleset(models.Model):
    """One version of a project's filter rules, gate or recipes. What was done by it points at the version."""

    class Kind(models.TextChoices):
        FILTER = "filter", "Filters"
        GATE = "gate", "SampleGate"
        RECIPE = "recipe", "Regeneration recipes"

    project = models.ForeignKey("Project", models.CASCADE, related_name="rulesets")
    kind = models.CharField(max_length=8, choices=Kind)
    version = models.PositiveIntegerField()
    body = models.JSONField()
    sha256 = models.CharField(max_length=64, editable=False)
    origin = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["kind", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["project", "kind", "version"], name="ruleset_version_once"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["filter", "gate", "recipe"]), name="ruleset_kind_known"
            ),
        ]

    def __str__(self):
        return f"{self.get_kind_display()} v{self.version}"

    @classmethod
    @transaction.atomic
    def record(cls, project, kind, body, *, origin="", by=None):
        """Make these rules the project's current ones: a new version, unless the current one says the same.

        Rules that held once and hold again are a new version too: every answer gets a verdict by them, the old stay.
        """
        canonical = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        field = f"{kind}_ruleset"
        # Workers that begin a run together record one after the other, and the second finds what the first made.
        locked = type(project).objects.select_for_update(no_key=True).get(pk=project.pk)
        found = getattr(locked, field)
        if found is None or found.sha256 != digest:
            last = cls.objects.filter(project=project, kind=kind).aggregate(last=models.Max("version"))["last"] or 0
            found = cls.objects.create(
                project=project,
                kind=kind,
                version=last + 1,
                body=body,
                sha256=digest,
                origin=origin,
                created_by=by,
            )
            type(project).objects.filter(pk=project.pk).update(**{field: found})
        setattr(project, field, found)
        return found
