"""Taking a source, a licence or a row out for good: which prompts that is, the deed, and what releases then say."""

from .chosen import HOLDING, UNKNOWN, Preview, WrongWish, chosen, documents, preview, spelled, without_licence
from .deeds import begin, bury, go_on, made_before, waiting, withdrawn_among
from .guard import Guard
from .notices import Notice, notice_of, notices

__all__ = [
    "HOLDING",
    "UNKNOWN",
    "Guard",
    "Notice",
    "Preview",
    "WrongWish",
    "begin",
    "bury",
    "chosen",
    "documents",
    "go_on",
    "made_before",
    "notice_of",
    "notices",
    "preview",
    "spelled",
    "waiting",
    "withdrawn_among",
    "without_licence",
]
