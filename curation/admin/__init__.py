"""The record in Django's admin: to look things up, and to press the same verbs that the pages press.

Rows are read-only here, whoever looks; staff see those of their projects, superusers all. Project, Run and Release
are registered by the pipeline, whose verbs their actions call.
"""

from . import people, prompts, releasing, reviewing, verdicts  # noqa: F401  registers them
from .records import RecordAdmin, RowAdmin

__all__ = ["RecordAdmin", "RowAdmin"]
