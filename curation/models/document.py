"""The raw scientific text that prompts are about."""

from django.db import models
from django.utils import timezone


class SourceDocument(models.Model):
    """A source passage. Passages cut from one document share its locator, hence its split."""

    project = models.ForeignKey("Project", models.CASCADE, related_name="documents")
    content_hash = models.CharField(max_length=64, help_text="sha256 of the normalised text and the locator")
    text = models.TextField()
    title = models.TextField(blank=True)
    domain = models.CharField(max_length=120, blank=True)
    locator = models.CharField(max_length=500, blank=True, help_text="DOI, URL or file")
    passage = models.PositiveIntegerField(default=0, help_text="Place in a document that was cut, from 1; 0: whole")
    licence = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["project", "content_hash"], name="document_once")]

    def __str__(self):
        return self.title or self.locator or self.content_hash[:12]
