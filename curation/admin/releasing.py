"""What new attempts had to mend, audits before a release, and what was withdrawn after it."""

from curation.models import (
    Audit,
    AuditItem,
    Complaint,
    ComplaintCheck,
    ReleaseRecipe,
    Tombstone,
    Withdrawal,
)

from .records import register

register(
    Complaint,
    "response__prompt__project",
    ("response", "source", "code", "met", "recipes"),
    search=("code",),
    narrow=("source", "met"),
    joined=("response", "recipes"),
)
register(
    ComplaintCheck,
    "complaint__response__prompt__project",
    ("complaint", "annotation", "met"),
    narrow=("met",),
    joined=("complaint", "annotation__reviewer"),
)
register(ReleaseRecipe, "project", ("name", "project", "created_by", "updated_at"), joined=("project", "created_by"))
register(
    Audit,
    "project",
    ("__str__", "project", "state", "size", "allowed", "created_by", "created_at"),
    narrow=("state",),
    joined=("project", "created_by"),
)
register(
    AuditItem,
    "audit__project",
    ("row_id", "audit", "prompt", "bad", "decided_by"),
    search=("row_id",),
    narrow=("bad",),
    joined=("audit", "prompt", "decided_by"),
)
register(
    Withdrawal,
    "project",
    ("__str__", "project", "created_by", "created_at", "purged_at"),
    search=("value",),
    narrow=("kind",),
    joined=("project", "created_by"),
)
register(
    Tombstone,
    "release__project",
    ("row_id", "release", "prompt", "withdrawal"),
    search=("row_id",),
    joined=("release", "prompt", "withdrawal"),
)
