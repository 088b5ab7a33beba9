"""What endpoints taught a teacher's profile, told in words; and how one such lesson is taken back."""

import json
from dataclasses import dataclass

from django.db import transaction

from curation.models import Teacher

STRUCTURE = "structure"  # the one thing a lesson changes that stands beside the profile


@dataclass(frozen=True)
class Lesson:
    """One line under "learned". `part` names what was refused, and the lesson: none is learned twice."""

    at: str
    part: str
    words: str  # the endpoint's own
    changed: dict

    @property
    def effects(self):
        """[(what it is called, the value it has got)]."""
        return [(name.replace("_", " "), in_words(value)) for name, value in self.changed.items()]


def lessons(teacher):
    """Every Lesson of a teacher, the oldest first; what is no lesson in a profile written by hand is passed over."""
    lines = teacher.profile.get("learned") if isinstance(teacher.profile, dict) else None
    found = [line for line in lines or () if isinstance(line, dict) and isinstance(line.get("part"), str)]
    return [
        Lesson(
            str(line.get("at", "")),
            line["part"],
            str(line.get("from", "")),
            line["changed"] if isinstance(line.get("changed"), dict) else {},
        )
        for line in found
    ]


@transaction.atomic
def forget(pk, part):
    """Take the lesson about `part` back: the teacher, or None where it has no such lesson.

    What it changed becomes what it was, or is guessed again; a value that somebody changed since stays.
    """
    teacher = Teacher.objects.select_for_update(no_key=True).get(pk=pk)
    known = lessons(teacher)
    lesson = next((each for each in known if each.part == part), None)
    if lesson is None:
        return None
    before = known[: known.index(lesson)]
    learned = [line for line in teacher.profile["learned"] if not (isinstance(line, dict) and line.get("part") == part)]
    profile = teacher.profile | {"learned": learned}
    for name, value in lesson.changed.items():
        if name == STRUCTURE:
            if teacher.structure == value:
                teacher.structure = _structure_before(part)
        else:
            _undo(profile, name, value, part, before)
    teacher.profile = {name: value for name, value in profile.items() if name != "learned" or value}
    teacher.save(update_fields=["profile", "structure"])
    return teacher


def _undo(profile, name, value, part, before):
    """Set one key of a profile back to what it was before a lesson set it to `value`."""
    if isinstance(value, list) and isinstance(profile.get(name), list):
        said = part.split()[-1]
        profile[name] = [each for each in profile[name] if each != said]
        if not profile[name]:
            del profile[name]
    elif profile.get(name) == value:
        earlier = [each.changed[name] for each in before if name in each.changed]
        if earlier:
            profile[name] = earlier[-1]
        else:
            del profile[name]


def _structure_before(part):
    """The structure that a lesson took away: of "structure json_schema" the second word; tool calls otherwise."""
    word = part.removeprefix("structure ")
    return word if part.startswith("structure ") and word in Teacher.Structure.values else Teacher.Structure.TOOL_CALL


def in_words(value):
    """A value of a profile as a person would write it."""
    if value is None or isinstance(value, bool):
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
