"""The record: what we know, what machines measured and what people decided. One file per noun."""

from .batch import Batch, BatchItem
from .call import Call
from .document import SourceDocument
from .event import Event
from .pair import Pair
from .project import Invitation, LastManager, Membership, Project
from .prompt import Prompt, State
from .release import Release, SplitAssignment
from .response import TeacherResponse
from .review import Annotation, Resolution, ReviewClaim
from .rubric import Rubric
from .ruleset import Ruleset
from .run import Run
from .similarity import EvaluationSet, Fingerprint, Overlap
from .teacher import Teacher
from .template import PromptTemplate
from .verdict import FilterResult, GateResult, JudgeScore

__all__ = [
    "Annotation",
    "Batch",
    "BatchItem",
    "Call",
    "EvaluationSet",
    "Event",
    "FilterResult",
    "Fingerprint",
    "GateResult",
    "Invitation",
    "JudgeScore",
    "LastManager",
    "Membership",
    "Overlap",
    "Pair",
    "Project",
    "Prompt",
    "PromptTemplate",
    "Release",
    "Resolution",
    "ReviewClaim",
    "Rubric",
    "Ruleset",
    "Run",
    "SourceDocument",
    "SplitAssignment",
    "State",
    "Teacher",
    "TeacherResponse",
]
