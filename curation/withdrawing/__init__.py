"""Taking sources, licences or rows out for good: which prompts that is, the deed, and what releases then say."""

from .chosen import HOLDING, UNKNOWN, Preview, WrongWish, chosen, documents, preview, spelled, without_licence
from .deeds import PORTION, begin, bury, go_on, made_before, take, taken_before, waiting, withdrawn_among
from .guard import Guard
from .listing import Line, of_text, read
from .matching import Match, Matched, begin_all, match, planned, preview_all
from .notices import Notice, formers, held_by, notice_of, notices

__all__ = [
    "HOLDING",
    "PORTION",
    "UNKNOWN",
    "Guard",
    "Line",
    "Match",
    "Matched",
    "Notice",
    "Preview",
    "WrongWish",
    "begin",
    "begin_all",
    "bury",
    "chosen",
    "documents",
    "formers",
    "go_on",
    "held_by",
    "made_before",
    "match",
    "notice_of",
    "notices",
    "of_text",
    "planned",
    "preview",
    "preview_all",
    "read",
    "spelled",
    "take",
    "taken_before",
    "waiting",
    "withdrawn_among",
    "without_licence",
]
