"""The hypothesis and the methodology that one source asks for."""

from django.db import models


class Pair(models.Model):
    """Two prompts of one source: the methodology is asked with the hypothesis that it must test."""

    project = models.ForeignKey("Project", models.CASCADE, related_name="pairs")
    document = models.ForeignKey("SourceDocument", models.CASCADE, null=True, blank=True, related_name="pairs")
    hypothesis = models.OneToOneField("Prompt", models.CASCADE, related_name="pair_as_hypothesis")
    methodology = models.OneToOneField("Prompt", models.CASCADE, related_name="pair_as_methodology")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(hypothesis=models.F("methodology")), name="pair_is_of_two_prompts"
            )
        ]

    def __str__(self):
        return f"pair of {self.hypothesis_id} and {self.methodology_id}"
