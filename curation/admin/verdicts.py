"""Answers, what was measured of them, what people decided, and the history."""

from curation.models import (
    Annotation,
    Batch,
    BatchItem,
    Call,
    EvaluationSet,
    Event,
    FilterResult,
    Fingerprint,
    GateResult,
    JudgeScore,
    Overlap,
    Pair,
    PromptTemplate,
    ReleaseRow,
    Resolution,
    Rubric,
    Ruleset,
    SourceDocument,
    SplitAssignment,
    TeacherResponse,
)

from .records import register

OF_RESPONSE = "response__prompt__project"

register(SourceDocument, "project", ("__str__", "project", "domain", "locator"), search=("title", "locator"))
register(Pair, "project", ("__str__", "project", "document"), joined=("project", "document"))
register(PromptTemplate, "project", ("name", "version", "project", "origin"), narrow=("name",), joined=("project",))
register(Ruleset, "project", ("kind", "version", "project", "origin"), narrow=("kind",), joined=("project",))
register(Rubric, "project", ("name", "version", "project", "origin"), narrow=("name",), joined=("project",))
register(Fingerprint, "project", ("__str__", "kind", "cluster", "unit", "score", "length"), narrow=("kind",))
register(EvaluationSet, "project", ("name", "project", "n", "texts", "ngrams", "created_at"), joined=("project",))
register(
    Overlap,
    "prompt__project",
    ("__str__", "prompt", "response", "shared", "share", "words"),
    joined=("evaluation_set", "prompt", "response"),
)
register(
    ReleaseRow, "release__project", ("row_id", "release", "prompt", "split"), search=("row_id",), narrow=("split",)
)
register(SplitAssignment, "project", ("group_key", "split", "stratum", "project"), narrow=("split",))
register(
    TeacherResponse,
    "prompt__project",
    ("__str__", "model_id", "finish_reason", "form", "completion_tokens", "created_at"),
    search=("model_id", "prompt__key"),
    narrow=("form", "finish_reason"),
)
register(
    Call,
    "project",
    ("__str__", "teacher", "state", "cost", "latency_ms", "error_class", "sends", "maybe_paid_twice"),
    search=("payload_hash",),
    narrow=("state", "error_class"),
    joined=("teacher",),
)
register(
    Batch,
    "project",
    ("__str__", "teacher", "run", "state", "requests", "remote_state", "submitted_at", "ended_at"),
    search=("key", "remote_id"),
    narrow=("state",),
    joined=("teacher", "run"),
)
register(BatchItem, "batch__project", ("__str__", "batch", "call"), joined=("batch", "call"))
register(FilterResult, OF_RESPONSE, ("response", "ruleset", "passed", "failed", "outcome"), narrow=("passed",))
register(GateResult, OF_RESPONSE, ("response", "ruleset", "passed", "reasons", "outcome"), narrow=("passed",))
register(
    JudgeScore, OF_RESPONSE, ("response", "rubric", "judge", "score", "error"), narrow=("rubric",), joined=("judge",)
)
register(
    Annotation,
    OF_RESPONSE,
    ("response", "reviewer", "action", "current", "surplus", "created_at"),
    search=("reviewer__username",),
    narrow=("action", "current"),
    joined=("reviewer", "response"),
)
register(
    Resolution,
    OF_RESPONSE,
    ("response", "action", "by", "decided_by", "current", "effective_at", "applied_at"),
    narrow=("action", "by", "current"),
    joined=("decided_by", "response"),
)
register(
    Event,
    "project",
    ("at", "kind", "from_state", "to_state", "prompt", "run", "actor"),
    narrow=("kind",),
    joined=("prompt", "run", "actor"),
)
