"""Files of prompts and texts into a project: Parquet, CSV, JSON Lines, JSON, text and Markdown, each also gzipped.

`sniff` looks, `import_file` imports, `import_answers` brings answers for prompts that wait. Knows no HTTP.
"""

from .answers import AnswersReport, import_answers
from .errors import ImportRefused
from .load import ImportReport, import_file, import_plan
from .mapping import FIELDS, PRESETS, suggest
from .plan import Plan, Preview, prepare, sniff
from .rows import DEFAULT_TASK_TYPES, group_key

__all__ = [
    "DEFAULT_TASK_TYPES",
    "FIELDS",
    "PRESETS",
    "AnswersReport",
    "ImportRefused",
    "ImportReport",
    "Plan",
    "Preview",
    "group_key",
    "import_answers",
    "import_file",
    "import_plan",
    "prepare",
    "sniff",
    "suggest",
]
