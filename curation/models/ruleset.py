"""Versions of the filter rules and gate thresholds that verdicts were given under."""

import hashlib
import json

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone


class Ruleset(models.Model):
    """One version of a project's filter rules, or of its gate. Verdicts point at the version that gave them."""

    class Kind(models.TextChoices):
        FILTER = "filter", "Filters"
        GATE = "gate", "SampleGate"

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
            models.UniqueConstraint(fields=["project", "kind", "sha256"], name="ruleset_body_once"),
            models.CheckConstraint(condition=models.Q(kind__in=["filter", "gate"]), name="ruleset_kind_known"),
        ]

    def __str__(self):
        return f"{self.get_kind_display()} v{self.version}"

    @classmethod
    @transaction.atomic
    def record(cls, project, kind, body, *, origin="", by=None):
        """The version of `project` with this body, made if there is none; it becomes the project's current one."""
        canonical = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        of_kind = cls.objects.filter(project=project, kind=kind)
        found = of_kind.filter(sha256=digest).first()
        if found is None:
            # Workers that begin a run together record one after the other, and the second finds what the first made.
            type(project).objects.select_for_update(no_key=True).get(pk=project.pk)
            found = of_kind.filter(sha256=digest).first()
        if found is None:
            last = of_kind.aggregate(last=models.Max("version"))["last"] or 0
            found = cls.objects.create(
                project=project,
                kind=kind,
                version=last + 1,
                body=body,
                sha256=digest,
                origin=origin,
                created_by=by,
            )
        field = f"{kind}_ruleset"
        if getattr(project, f"{field}_id") != found.pk:
            setattr(project, field, found)
            project.save(update_fields=[field])
        return found
