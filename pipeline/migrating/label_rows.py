"""One row of the scripts' labels: which answer it quotes, what it says of it, and when that was said."""

import re
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from curation.annotations.bringing import EARLIEST
from curation.importing.errors import BadRow
from curation.importing.values import json_cell
from curation.models.review import Action

from .kinds import OUTPUTS

NAMED = {"accepted": Action.ACCEPT, "rejected": Action.REJECT, "regenerate": Action.REGENERATE}
STAMP = re.compile(r"(\d{8})[_-](\d{6})")
WORDS = {"accepted": "accept", "rejected": "reject", "regenerated": "regenerate"}


def read_row(values, path, config):
    """What a row of labels says, in the words of an annotations file. Raises BadRow."""
    if isinstance(values, BadRow):
        raise values
    row = {str(name): json_cell(str(name), value) for name, value in values.items()}
    output = next((row[name] for name in (config.defaults.output_column, *OUTPUTS, "output") if row.get(name)), None)
    if not isinstance(output, str) or not output.strip():
        raise BadRow("teacher_output", "no answer is quoted", "a label quotes the answer that it is about")
    named = next((action for word, action in NAMED.items() if word in path.name), "")
    action = str(row.get("action") or named).strip().lower()
    action = WORDS.get(action, action)
    if action not in Action.values:
        raise BadRow("action", repr(row.get("action")), f"one of {', '.join(Action.values)} is expected")
    task_type = row.get("task_type") or row.get("template_name") or row.get(config.columns.get("task_type", ""))
    kept = {name: row[name] for name in ("prompt_key", "reviewer", "comment", "edited_text") if _is_text(row.get(name))}
    kept |= {name: row[name] for name in ("purpose", "current") if row.get(name) in ("gold", "repeat", False)}
    kept |= {"reasons": row["reasons"]} if isinstance(row.get("reasons"), list) else {}
    context = row.get("context") or row.get(config.columns.get("context", "")) or ""
    texts = {"task_type": _text(task_type), "context": _text(context), "teacher_output": output}
    return kept | texts | {"action": action, "timestamp": row.get("timestamp")}


def _is_text(value):
    return isinstance(value, str) and bool(value)


def _text(value):
    return value if isinstance(value, str) else ""


def moment(said):
    """When a row says that it was decided; the scripts wrote UTC without saying so. None if it does not say."""
    if isinstance(said, (int, float)) and not isinstance(said, bool):
        said = _from_epoch(said)
    try:
        at = said if isinstance(said, datetime) else datetime.fromisoformat(str(said))
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return at if EARLIEST <= at <= timezone.now() - timedelta(minutes=1) else None


def _from_epoch(seconds):
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return ""


def time_of(path):
    """When a file of labels was written: by its name (labels_20251103_120000.jsonl), else by the file itself."""
    found = STAMP.search(path.name)
    at = moment(_stamped(found)) if found else None
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(microsecond=0)
    return at or min(written, timezone.now().replace(microsecond=0) - timedelta(minutes=1))


def _stamped(found):
    try:
        return datetime.strptime("".join(found.groups()), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return ""
