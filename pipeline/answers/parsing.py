"""A teacher's reply -> the one text of the response, with its fields where it was structured."""

import re
from dataclasses import dataclass, replace

from pipeline.answers.fields import fit, unwrapped
from pipeline.answers.hygiene import clean_text
from pipeline.answers.json_in_text import split_thinking, values_in, why_broken
from pipeline.answers.rendering import render_answer
from pipeline.answers.repairing import repair
from pipeline.answers.schemas import schema_for

PARSER_VERSION = 2  # raise it with any change that reads another text or other fields in the same reply
MAY_BE_CUT = {"support"}  # without any other field an answer is half an answer
NAME = r"(distilled[ _]response|reasoning|evidence(?:[ _]trace)?|instruction)"
SECTION = re.compile(
    rf"^[ \t]*(?:#{{1,6}}[ \t]*)?(?:(\*\*|__)[ \t]*{NAME}[ \t]*:?[ \t]*\1[ \t]*:?|{NAME}[ \t]*(?::|$))"
    r"[ \t]*(?P<rest>.*)$",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True)
class Parsed:
    """`text` is what rules, judges and people read. `form`: json, fenced_json, repaired_json, distilled or plain.

    `error` says why a reply that was meant to be structured could not be read as such; `text` is then as it came.
    `note` says what was mended in a reply that could be read all the same.
    """

    text: str
    fields: dict | None
    form: str
    error: str = ""
    thinking: str = ""
    note: str = ""


def parse_answer(raw_text, task_type):
    """Read a reply. Takes JSON by the schema of the task type (alone, fenced, or among words), the forms of the
    earlier scripts ({"distilled_response": ...}, **Distilled Response**), and plain text. Never raises on any text.
    """
    body, thinking, error = split_thinking(clean_text(raw_text or ""))
    body = body.strip("\n").rstrip()
    if error or not body.strip():
        return Parsed(body, None, "plain", error or "the reply holds no answer", thinking)
    parsed = _structured(body, task_type) or _sections(body) or Parsed(body, None, "plain")
    return replace(parsed, thinking=thinking)


def _structured(body, task_type):
    wanted = schema_for(task_type) is not None
    problem = ""
    found = []
    for value, form in values_in(body) if "{" in body else ():
        distilled = _distilled(value)
        if distilled is not None:
            return distilled
        fields, why = fit(value, task_type) if wanted else (None, "")
        problem = problem or why
        if fields is not None and fields not in [other for other, _ in found]:
            found.append((fields, form))
    if len(found) == 1:
        fields, form = found[0]
        return Parsed(render_answer(fields, task_type), fields, form)
    repaired = None if found or "{" not in body else _repaired(body, task_type)
    if repaired:
        return repaired
    if not wanted:
        return None
    if found:
        return Parsed(body, None, "json", f"{len(found)} answers in one reply; exactly one is asked for")
    problem = why_broken(body) or (problem if body[0] in "{[`" else "")
    return Parsed(body, None, "json", problem) if problem else None


def _repaired(body, task_type):
    """What a reply says whose JSON is not closed, where all that the answer needs is whole; else None."""
    found = repair(body)
    if found is None:
        return None
    distilled = _distilled(found.value)
    if distilled is not None:
        return replace(distilled, form="repaired_json", note=found.note)
    schema = schema_for(task_type)
    needed = set(schema["required"]) - MAY_BE_CUT if schema else set()
    value = unwrapped(found.value)
    if not needed or not isinstance(value, dict) or not needed <= value.keys():
        return None
    fields, _ = fit(value, task_type)
    return Parsed(render_answer(fields, task_type), fields, "repaired_json", note=found.note) if fields else None


def _distilled(value):
    """The earlier scripts' {"instruction", "distilled_response", "evidence_trace"}."""
    if isinstance(value, dict) and isinstance(value.get("distilled_response"), str):
        text = value["distilled_response"].strip("\n").rstrip()
        return Parsed(text, None, "distilled", "" if text.strip() else "distilled_response is empty")
    return None


def _sections(body):
    """The part under **Distilled Response**, up to the next section."""
    sections = list(SECTION.finditer(body))
    for number, section in enumerate(sections):
        if (section[2] or section[3]).lower().startswith("distilled"):
            end = sections[number + 1].start() if number + 1 < len(sections) else len(body)
            text = f"{section['rest']}{body[section.end() : end]}".strip("\n").rstrip()
            return Parsed(text.lstrip(" \t") if section["rest"] else text, None, "distilled", _unless(text))
    return None


def _unless(text):
    return "" if text.strip() else "there is no text under Distilled Response"
