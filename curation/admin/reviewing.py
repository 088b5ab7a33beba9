"""What stands around decisions: claims, drafts, gold, talk, changes, saved views and kept counts."""

from curation.models import (
    Assignment,
    Change,
    ChangeItem,
    Comment,
    Draft,
    Flag,
    Gold,
    Mention,
    ReviewClaim,
    SavedView,
    Tally,
)

from .records import register

OF_PROMPT = "prompt__project"
OF_RESPONSE = "response__prompt__project"

register(
    ReviewClaim,
    OF_PROMPT,
    ("prompt", "reviewer", "purpose", "until"),
    narrow=("purpose",),
    joined=("prompt", "reviewer"),
)
register(Assignment, OF_PROMPT, ("prompt", "reviewer", "created_by", "created_at"), joined=("prompt", "reviewer"))
register(Draft, OF_RESPONSE, ("response", "reviewer", "updated_at"), joined=("response", "reviewer"))
register(Gold, OF_RESPONSE, ("response", "action", "active", "created_by"), narrow=("action", "active"))
register(Comment, OF_PROMPT, ("prompt", "author", "text", "created_at"), search=("text",), joined=("prompt", "author"))
register(Mention, "comment__prompt__project", ("comment", "user", "seen_at"), joined=("comment", "user"))
register(Flag, OF_PROMPT, ("prompt", "note", "raised_by", "raised_at", "cleared_at"), joined=("prompt", "raised_by"))
register(Change, "project", ("__str__", "project", "created_by", "created_at", "undone_at"), narrow=("kind", "action"))
register(ChangeItem, "change__project", ("change", "prompt", "undone"), joined=("change", "prompt"))
register(SavedView, "project", ("name", "project", "owner", "shared"), joined=("project", "owner"))
register(
    Tally, "project", ("__str__", "project", "user", "day", "number"), narrow=("kind",), joined=("project", "user")
)
