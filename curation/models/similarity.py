"""What resembles what: fingerprints of texts with their clusters, and overlaps with evaluation sets."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Fingerprint(models.Model):
    """The MinHash of one prompt or one response, and the cluster of near-duplicates it belongs to.

    Clusters are data, not verdicts: they change no state. `score`, `length` and `unit` order the members of a cluster
    the same way everywhere: the best first. A pair is one unit, so that both halves have one place in that order.
    """

    class Kind(models.TextChoices):
        PROMPT = "prompt", "Prompts"
        RESPONSE = "response", "Responses"

    project = models.ForeignKey("Project", models.CASCADE, related_name="fingerprints")
    kind = models.CharField(max_length=8, choices=Kind)
    prompt = models.ForeignKey("Prompt", models.CASCADE, related_name="fingerprints")
    response = models.ForeignKey("TeacherResponse", models.CASCADE, null=True, blank=True, related_name="fingerprints")
    method = models.CharField(max_length=40, help_text="How the signature was made; another method, another signature")
    signature = models.BinaryField()
    cluster = models.PositiveBigIntegerField(null=True, help_text="Id of the cluster's first fingerprint")
    joined = models.PositiveSmallIntegerField(
        default=0, help_text="Per cent from which its near-duplicates were looked for; 0: not yet"
    )
    score = models.FloatField(default=-1, help_text="Gate score of the unit, 0–100; -1 where there is none")
    length = models.PositiveIntegerField(default=0, help_text="Characters of the unit's answers")
    unit = models.PositiveBigIntegerField(help_text="Id of the prompt, of a pair the hypothesis'")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["prompt"], condition=Q(kind="prompt"), name="fingerprint_of_prompt_once"),
            models.UniqueConstraint(
                fields=["response"], condition=Q(kind="response"), name="fingerprint_of_response_once"
            ),
            models.CheckConstraint(
                condition=Q(kind="prompt", response=None) | Q(kind="response", response__isnull=False),
                name="fingerprint_kind_fits",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "kind", "id"]),
            models.Index(fields=["project", "kind", "joined"]),  # what is still to be looked at, without its signature
            models.Index(
                fields=["project", "kind", "cluster"], condition=Q(cluster__isnull=False), name="fingerprint_clusters"
            ),
            # The best of a cluster first: what holds the others back is found at once, in a cluster of thousands too.
            models.Index(
                fields=["cluster", "-score", "-length", "unit"],
                condition=Q(cluster__isnull=False),
                name="fingerprint_mates",
            ),
        ]

    def __str__(self):
        return f"{self.kind} {self.response_id or self.prompt_id}"


class EvaluationSet(models.Model):
    """Texts of an evaluation that no training row may repeat; their n-grams are kept under the project's folder."""

    project = models.ForeignKey("Project", models.CASCADE, related_name="evaluation_sets")
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64, help_text="Of the n-grams")
    n = models.PositiveSmallIntegerField(help_text="Words of an n-gram")
    texts = models.PositiveIntegerField()
    ngrams = models.PositiveIntegerField()
    checked_prompt = models.PositiveBigIntegerField(default=0, help_text="The last prompt that was held against it")
    checked_response = models.PositiveBigIntegerField(default=0, help_text="The last response that was")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["project", "sha256", "n"], name="evaluation_set_once")]

    def __str__(self):
        return self.name


class Overlap(models.Model):
    """What a prompt (with its source) or a response shares with an evaluation set: training on it would leak."""

    evaluation_set = models.ForeignKey(EvaluationSet, models.CASCADE, related_name="overlaps")
    prompt = models.ForeignKey("Prompt", models.CASCADE, related_name="overlaps")
    response = models.ForeignKey(
        "TeacherResponse", models.CASCADE, null=True, blank=True, related_name="overlaps", help_text="Empty: the prompt"
    )
    run = models.ForeignKey("Run", models.SET_NULL, null=True, blank=True, related_name="+")
    shared = models.PositiveIntegerField(help_text="n-grams shared")
    share = models.FloatField(help_text="Of the text's own n-grams, 0–1")
    words = models.TextField(help_text="The first shared words")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["evaluation_set", "prompt"], condition=Q(response=None), name="overlap_of_prompt_once"
            ),
            models.UniqueConstraint(fields=["evaluation_set", "response"], name="overlap_of_response_once"),
        ]

    def __str__(self):
        return f"{self.shared} n-grams of {self.evaluation_set}"
