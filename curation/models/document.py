"""The raw scientific text that prompts are about."""

from django.db import models
from django.utils import timezone

# Where a prompt without a source text keeps what its own row said of the source: fields of its metadata.
IN_METADATA = {"title": ("title",), "locator": ("locator",), "licence": ("licence", "license")}


def said_of_source(metadata):
    """{title, locator, licence} that a prompt's metadata gives, "" for what it does not."""
    said = metadata if isinstance(metadata, dict) else {}
    found = {name: [said.get(each) for each in names] for name, names in IN_METADATA.items()}
    return {name: next((each for each in those if isinstance(each, str)), "") for name, those in found.items()}


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
