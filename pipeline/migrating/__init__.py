"""From the earlier scripts' files into a project: prompts, paid answers, decisions; and what the scripts got wrong."""

from .finding import KINDS, Source, find
from .moving import migrate
from .report import Report
from .writing import write_report

__all__ = ["KINDS", "Report", "Source", "find", "migrate", "write_report"]
