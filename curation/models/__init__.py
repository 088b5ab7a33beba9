"""The record: what we know, what machines measured and what people decided. One file per noun."""

from .audit import Audit, AuditItem, AuditSettled
from .batch import Batch, BatchItem
from .call import Call
from .change import Change, ChangeItem
from .complaint import Complaint, ComplaintCheck
from .document import SourceDocument
from .event import Event
from .invitation import Invitation
from .membership import Membership
from .pair import Pair
from .project import LastManager, Project
from .prompt import Prompt
from .release import Release, ReleaseRecipe, ReleaseRow, SplitAssignment
from .response import TeacherResponse
from .review import Action, Annotation, Assignment, Draft, Gold, Resolution, ReviewClaim
from .rubric import Rubric
from .ruleset import Ruleset
from .run import Run
from .similarity import EvaluationSet, Fingerprint, Overlap
from .state import State
from .talk import Comment, Flag, Mention
from .tally import Tally
from .teacher import Teacher
from .template import PromptTemplate
from .verdict import FilterResult, GateResult, JudgeScore
from .view import SavedView
from .withdrawal import Tombstone, Withdrawal

__all__ = [
    "Action",
    "Annotation",
    "Assignment",
    "Audit",
    "AuditItem",
    "AuditSettled",
    "Batch",
    "BatchItem",
    "Call",
    "Change",
    "ChangeItem",
    "Comment",
    "Complaint",
    "ComplaintCheck",
    "Draft",
    "EvaluationSet",
    "Event",
    "FilterResult",
    "Fingerprint",
    "Flag",
    "GateResult",
    "Gold",
    "Invitation",
    "JudgeScore",
    "LastManager",
    "Membership",
    "Mention",
    "Overlap",
    "Pair",
    "Project",
    "Prompt",
    "PromptTemplate",
    "Release",
    "ReleaseRecipe",
    "ReleaseRow",
    "Resolution",
    "ReviewClaim",
    "Rubric",
    "Ruleset",
    "Run",
    "SavedView",
    "SourceDocument",
    "SplitAssignment",
    "State",
    "Tally",
    "Teacher",
    "TeacherResponse",
    "Tombstone",
    "Withdrawal",
]
