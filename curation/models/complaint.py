"""What a new attempt has to mend, and whether it did."""

from django.db import models
from django.db.models import Q


class Complaint(models.Model):
    """One fault of the former answer that this attempt was asked to mend, in the words that its teacher read."""

    class Source(models.TextChoices):
        FILTER = "filter", "Filter rule"
        GATE = "gate", "SampleGate"
        REVIEWER = "reviewer", "Reviewer"

    response = models.ForeignKey("TeacherResponse", models.CASCADE, related_name="complaints", db_index=False)
    source = models.CharField(max_length=8, choices=Source)
    code = models.CharField(max_length=80, help_text="Id of the rule, the gate's reason or the reviewers' reason")
    words = models.TextField(blank=True, help_text="What was measured or said")
    addendum = models.TextField(blank=True, help_text="What the recipe added to the prompt for it")
    recipes = models.ForeignKey(
        "Ruleset", models.PROTECT, null=True, blank=True, related_name="complaints", help_text="The recipes in force"
    )
    met = models.BooleanField(null=True, help_text="As filters and gate measured the attempt; empty: only people know")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["response", "source", "code"], name="complaint_once"),
            models.CheckConstraint(
                condition=Q(source__in=["filter", "gate", "reviewer"]), name="complaint_source_known"
            ),
        ]

    def __str__(self):
        return f"{self.source}: {self.code}"


class ComplaintCheck(models.Model):
    """A reviewer's word on whether an attempt met a complaint, given with a decision."""

    complaint = models.ForeignKey(Complaint, models.CASCADE, related_name="checks", db_index=False)
    annotation = models.ForeignKey("Annotation", models.CASCADE, related_name="complaint_checks")
    met = models.BooleanField()

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["complaint", "annotation"], name="complaint_check_once")]

    def __str__(self):
        return f"{self.complaint_id}: {'met' if self.met else 'not met'}"
