"""What machines measured of a response: filters, judges, and the gate that decides from them."""

from django.db import models
from django.db.models import Q
from django.utils import timezone


class FilterResult(models.Model):
    """Every rule of one ruleset version, measured on one response."""

    # The constraint's index begins with the response.
    response = models.ForeignKey("TeacherResponse", models.CASCADE, related_name="filter_results", db_index=False)
    ruleset = models.ForeignKey("Ruleset", models.PROTECT, related_name="filter_results")
    run = models.ForeignKey("Run", models.SET_NULL, null=True, blank=True, related_name="+")
    measurements = models.JSONField(help_text="[{rule, value, limit, ok, note}]")
    failed = models.JSONField(default=list, help_text="ids of the rules that failed, all of them")
    passed = models.BooleanField()
    outcome = models.CharField(max_length=16, blank=True, help_text="The state it sent the prompt to, if it moved it")
    flips = models.BooleanField(default=False, help_text="Differs from the verdict under which people decided")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["response", "ruleset"], name="filter_result_once")]
        indexes = [models.Index(fields=["run"], condition=Q(flips=True), name="filter_flips")]

    def __str__(self):
        return "passed" if self.passed else f"failed {', '.join(self.failed)}"


class GateResult(models.Model):
    """What SampleGate decided on a response under one gate version, with every reason."""

    response = models.ForeignKey("TeacherResponse", models.CASCADE, related_name="gate_results")
    ruleset = models.ForeignKey("Ruleset", models.PROTECT, related_name="gate_results")
    run = models.ForeignKey("Run", models.SET_NULL, null=True, blank=True, related_name="+")
    measurements = models.JSONField(default=list, help_text="[{rule, value, limit, ok, spread, n}]")
    reasons = models.JSONField(default=list, help_text="reason codes, without numbers")
    score = models.FloatField(null=True, help_text="Mean of the rubrics' scores, 0–100; empty where one is missing")
    pair_score = models.FloatField(null=True, help_text="Of a method: mean of its score and its hypothesis'")
    passed = models.BooleanField()
    outcome = models.CharField(max_length=16, blank=True)
    audit = models.BooleanField(default=False, help_text="In the accept band, and sent to people all the same")
    flips = models.BooleanField(default=False, help_text="Differs from the verdict under which people decided")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["response", "ruleset"], name="gate_result_once")]
        indexes = [models.Index(fields=["run"], condition=Q(flips=True), name="gate_flips")]

    def __str__(self):
        return "passed" if self.passed else f"held: {', '.join(self.reasons)}"


class JudgeScore(models.Model):
    """One judge's reading of one response by one rubric, or why its reply could not be read. Never a made-up zero."""

    IMPORTED = "imported"  # in place of a rubric's version: it came with a file, and nobody knows what was asked

    response = models.ForeignKey("TeacherResponse", models.CASCADE, related_name="judge_scores")
    judge = models.ForeignKey("Teacher", models.PROTECT, related_name="judge_scores")
    rubric = models.CharField(max_length=40, help_text="factuality or reasoning")
    rubric_version = models.CharField(max_length=64, help_text="sha256 of the rubric and its prompt")
    repeat = models.PositiveSmallIntegerField(default=0)
    score = models.FloatField(null=True, help_text="0–100; empty where the reply could not be read")
    dimensions = models.JSONField(default=dict, blank=True)
    flags = models.JSONField(default=list, blank=True)
    requires_human_review = models.BooleanField(default=False)
    rationale = models.TextField(blank=True)
    error = models.TextField(blank=True, help_text="why the reply could not be read")
    call = models.ForeignKey("Call", models.PROTECT, null=True, blank=True, related_name="judge_scores")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["response", "judge", "rubric", "rubric_version", "repeat"], name="judge_score_once"
            ),
            models.CheckConstraint(
                condition=Q(score=None) | Q(score__gte=0, score__lte=100), name="judge_score_0_to_100"
            ),
            models.CheckConstraint(
                condition=Q(score=None) & ~Q(error="") | Q(score__isnull=False) & Q(error=""),
                name="judge_score_or_error",
            ),
        ]

    def __str__(self):
        return f"{self.rubric} {'unreadable' if self.score is None else self.score}"
