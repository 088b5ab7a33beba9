"""Splits that stay, and the datasets made of what was accepted."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class SplitAssignment(models.Model):
    """Where a group of prompts belongs, stored at first use, for ever."""

    project = models.ForeignKey("Project", models.CASCADE, related_name="split_assignments")
    group_key = models.CharField(max_length=64)
    split = models.CharField(max_length=12)
    stratum = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["project", "group_key"], name="split_group_once"),
            models.CheckConstraint(condition=Q(split__in=["train", "validation", "test"]), name="split_known"),
        ]

    def __str__(self):
        return f"{self.group_key[:12]} → {self.split}"


class Release(models.Model):
    """A published dataset: recipe, counts, files with sha256. It does not change after publication."""

    class State(models.TextChoices):
        BUILDING = "building", "Being built"
        DRAFT = "draft", "Draft: its checks failed"
        PUBLISHED = "published", "Published"
        FAILED = "failed", "Failed"

    project = models.ForeignKey("Project", models.CASCADE, related_name="releases")
    version = models.PositiveIntegerField()
    semver = models.CharField(max_length=40, blank=True, help_text="What changed since the last: major.minor.patch")
    base = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="patches", help_text="The release it corrects"
    )
    audit = models.ForeignKey("Audit", models.SET_NULL, null=True, blank=True, related_name="releases")
    state = models.CharField(max_length=10, choices=State, default=State.BUILDING)
    recipe = models.JSONField(default=dict)
    seed = models.CharField(max_length=64)
    counts = models.JSONField(default=dict)
    files = models.JSONField(default=list, help_text="[{path, sha256, bytes, rows}]")
    manifest = models.JSONField(default=dict)
    report = models.JSONField(default=dict, help_text="What was checked before it was published, and found")
    problems = models.JSONField(default=list, help_text="Why it stays a draft, in sentences")
    content_hash = models.CharField(max_length=64, blank=True, help_text="sha256 over the files' sha256")
    run = models.ForeignKey("Run", models.SET_NULL, null=True, blank=True, related_name="releases")
    error = models.TextField(blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-version"]
        constraints = [models.UniqueConstraint(fields=["project", "version"], name="release_version_once")]

    def __str__(self):
        return f"{self.project.slug} release {self.version}"

    @property
    def label(self):
        """What pages call it: its number, and its version in three parts where it has one."""
        return f"v{self.version} ({self.semver})" if self.semver else f"v{self.version}"

    @property
    def directory(self):
        """Where the files lie, once published."""
        return self.project.data_dir / "releases" / f"v{self.version}"


class ReleaseRecipe(models.Model):
    """A recipe under a name, to release by again. A release keeps a copy of what it was made by."""

    project = models.ForeignKey("Project", models.CASCADE, related_name="release_recipes")
    name = models.CharField(max_length=80)
    body = models.JSONField(default=dict)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="release_recipe_name_once")]

    def __str__(self):
        return self.name


class ReleaseRow(models.Model):
    """One row of a release: which answer to which prompt it is. What the files say stays; this finds it again."""

    release = models.ForeignKey(Release, models.CASCADE, related_name="rows", db_index=False)
    prompt = models.ForeignKey("Prompt", models.CASCADE, related_name="release_rows")
    response = models.ForeignKey("TeacherResponse", models.CASCADE, related_name="+", db_index=False)
    row_id = models.CharField(max_length=64, help_text="sha256 of prompt key and text, as in the files")
    split = models.CharField(max_length=12)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["release", "prompt"], name="release_row_once")]
        indexes = [models.Index(fields=["row_id"])]

    def __str__(self):
        return f"{self.row_id[:12]} of {self.release_id}"
