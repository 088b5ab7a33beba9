"""Gold from a file: known answers, matched to current answers by content as decisions are."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from ..reviewing.gold import mark_gold
from ..reviewing.reasons import known_reasons
from .reading import read, squeezed


@dataclass
class GoldReport:
    """`marked` rows are gold now; `problems` say of each other row why it is not."""

    marked: int = 0
    problems: list = field(default_factory=list)


def mark_file(project, path, user):
    """Mark what the JSON Lines file at `path` says as gold, by `user`; returns the GoldReport.

    Rows are those of decisions: task_type, context and teacher_output say which answer, action what is right, comment
    why; prompt_key tells apart what is alike. Raises Refused, with every wrong line, before anything is marked.
    """
    name, report = Path(path).name, GoldReport()
    wanted = {_identity(row["task_type"], row.get("context"), row["teacher_output"]) for _, row in read(path, name)}
    matches, known = _matches(project, wanted), known_reasons(project)
    for number, row in read(path, name):
        found = matches[_identity(row["task_type"], row.get("context"), row["teacher_output"])]
        found = [prompt for prompt in found if row.get("prompt_key") in (None, "", prompt.key)]
        if len(found) != 1:
            several = f"{len(found)} current answers (prompt_key tells them apart)" if found else "no current answer"
            said = f"{several} with this task type, context and teacher output"
            report.problems.append(f"{name}, line {number}: {said}.")
            continue
        reasons = [code for code in row.get("reasons") or [] if isinstance(code, str) and code in known]
        mark_gold(found[0].current_response, row["action"], user, reasons=reasons, note=row.get("comment") or "")
        report.marked += 1
    return report


def _identity(*parts):
    return tuple(map(squeezed, parts))


def _matches(project, wanted):
    """{identity: [prompt]} of the current answers that rows speak of."""
    found = defaultdict(list)
    rows = project.prompts.filter(current_response__isnull=False).select_related("current_response").order_by("pk")
    for prompt in rows.iterator(chunk_size=2000):
        identity = _identity(prompt.task_type, prompt.context, prompt.current_response.text)
        if identity in wanted:
            prompt.current_response.prompt = prompt
            prompt.project = project
            found[identity].append(prompt)
    return found
