"""Files of annotations: JSON Lines as the scripts' label files have them, or as `rows` gives them."""

import json
import re

from ..models.review import Action

MOST_WRONG = 20  # lines that a refusal names
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # no database takes these


class Refused(ValueError):
    """The file cannot be read as annotations; the message names the wrong lines. Nothing was stored."""


def squeezed(text):
    """Text with every run of white space as one blank: the scripts flattened prompts and answers so."""
    return " ".join((text or "").split())


def read(path, name):
    """Yield (line number, row) of the file at `path`, called `name` in messages.

    A row has task_type, teacher_output and action; context, comment, edited_text, prompt_key and reviewer are texts or
    absent, reasons a list. Raises Refused at the end of a file with wrong lines: read it once before storing anything.
    """
    wrong = []
    try:
        # Other line ends, such as U+2028, may stand as they are in a JSON text.
        with open(path, encoding="utf-8-sig", newline="\n") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    row, problem = _parsed(line)
                    if problem:
                        wrong.append(f"{name}, line {number}: {problem}.")
                    else:
                        yield number, row
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{name} cannot be read as UTF-8 text: {error}") from None
    if wrong:
        more = [f"and {len(wrong) - MOST_WRONG:,} more lines"] if len(wrong) > MOST_WRONG else []
        raise Refused("\n".join(wrong[:MOST_WRONG] + more))


def _parsed(line):
    """(row, "") or (None, what is wrong)."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return None, f"is not JSON ({error})"
    problem = _problem(row)
    return (None, problem) if problem else (row, "")


def _problem(row):
    if not isinstance(row, dict):
        return "is not an object with task_type, context, teacher_output and action"
    missing = [key for key in ("task_type", "teacher_output", "action") if not isinstance(row.get(key), str)]
    if missing:
        return f"has no text in {', '.join(missing)}"
    for key in ("context", "comment", "edited_text", "prompt_key", "reviewer"):
        if not isinstance(row.get(key) or "", str):
            return f"has a {key} that is no text"
    if not isinstance(row.get("reasons") or [], list):
        return "has reasons that are no list"
    texts = {key: [row.get(key) or ""] for key in ("comment", "edited_text", "reviewer")}
    for key, said in (texts | {"reasons": row.get("reasons") or []}).items():
        if any(isinstance(text, str) and _UNSTORABLE.search(text) for text in said):
            return f"has a NUL or half a surrogate pair in {key}: take it out"
    if row["action"] not in Action.values:
        return f"has the action {row['action']!r}; known are {', '.join(Action.values)}"
    return ""
