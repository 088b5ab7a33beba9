"""Many prompts changed in one go: bulk actions portion by portion, one edit in many answers, and taking either back."""

from .actions import ACTIONS, PREVIEW_CAP, Action, Preview, label, preview
from .bulk import begin, go_on, wrong_wish
from .chosen import MOST_TICKED, chosen
from .undoing import take_back, why_not_undo

__all__ = [
    "ACTIONS",
    "MOST_TICKED",
    "PREVIEW_CAP",
    "Action",
    "Preview",
    "begin",
    "chosen",
    "go_on",
    "label",
    "preview",
    "take_back",
    "why_not_undo",
    "wrong_wish",
]
