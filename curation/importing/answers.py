"""Answers that were written elsewhere, for prompts of the project that wait for one."""

from dataclasses import dataclass, field
from itertools import islice

from django.db import transaction

from curation.models import Pair, Prompt, State, TeacherResponse

from .errors import BadRow
from .rows import SHORT
from .values import json_cell, text_cell

BATCH = 200
USED = ("locator", "task_type", "text")


@dataclass
class AnswersReport:
    """How many answers were stored, how many prompts had one, and a sentence for every row that found no prompt."""

    imported: int = 0
    unchanged: int = 0
    problems: list = field(default_factory=list)


def import_answers(project, rows, teacher, *, render=None):
    """Store each of `rows` as the first attempt of the prompt it answers; returns an `AnswersReport`.

    A row is a dict with locator, task_type and text; what else it holds becomes the response's metadata. It answers
    the one prompt of that task type about the source with that locator, if nobody answered it yet. `render(prompt)`
    gives the (user, system) messages that the teacher would be sent; a methodology is rendered after its hypothesis
    was stored. Importing the same rows again changes nothing.
    """
    report = AnswersReport()
    # Hypotheses first: a methodology answers to the hypothesis that it tests.
    ordered = iter(sorted(enumerate(rows, start=1), key=lambda row: _value(row[1], "task_type") != "hypothesis"))
    while batch := list(islice(ordered, BATCH)):
        with transaction.atomic():
            _lock(project, [_value(row, "locator") for _, row in batch])
            for number, row in batch:
                _import(project, number, row, teacher, render, report)
    report.problems.sort()
    return report


def _lock(project, locators):
    """All prompts of a batch in the order of their ids, whatever the order of its rows."""
    named = {each.strip() for each in locators if isinstance(each, str)}
    Prompt.objects.filter(project=project, document__locator__in=named).lock()


def _value(row, name):
    return row.get(name) if isinstance(row, dict) else None


def _import(project, number, row, teacher, render, report):
    try:
        locator, task_type, text, metadata = _read(row)
        prompt = _prompt(project, locator, task_type)
    except BadRow as bad:
        report.problems.append(f"answer {number}: {bad}")
        return
    if prompt.responses.exists():
        report.unchanged += 1
        return
    _answer(prompt, text, metadata, teacher, render)
    report.imported += 1


def _read(row):
    if not isinstance(row, dict):
        raise BadRow("", f"a {type(row).__name__}", f"an object with {', '.join(USED)} is expected")
    found = [text_cell(name, row.get(name), limit=SHORT.get(name, 1_000_000)) for name in USED]
    for name, value in zip(USED, found, strict=True):
        if not value:
            raise BadRow(name, "empty", "text is expected")
    metadata = {name: json_cell(name, value) for name, value in row.items() if name not in USED}
    return found[0].strip(), found[1].strip(), found[2], metadata


def _prompt(project, locator, task_type):
    found = Prompt.objects.filter(project=project, document__locator=locator, task_type=task_type)
    prompts = list(found.select_for_update(no_key=True, of=("self",)).order_by("pk")[:2])
    if len(prompts) != 1:
        wrong = f"{'several prompts' if prompts else 'no prompt'} of type {task_type!r} about {locator!r}"
        raise BadRow("locator", wrong, "exactly one is expected")
    prompt = prompts[0]
    if prompt.withdrawal_id:
        raise BadRow("locator", f"{locator!r} was withdrawn", "it gets no answer any more")
    waits = prompt.state == State.TO_COLLECT and Prompt.objects.filter(pk=prompt.pk).free().exists()
    if not waits and not prompt.responses.exists():
        raise BadRow("locator", f"the prompt about {locator!r} is in work", "it must wait to be collected")
    return prompt


def _answer(prompt, text, metadata, teacher, render):
    user, system = render(prompt) if render else (prompt.user_prompt or prompt.context, prompt.system_prompt)
    pair = Pair.objects.filter(methodology=prompt).select_related("hypothesis").first()
    response = TeacherResponse.objects.create(
        prompt=prompt,
        teacher=teacher,
        hypothesis_id=pair.hypothesis.current_response_id if pair else None,
        text=text,
        form="imported",
        model_id=teacher.model,
        sent_user=user,
        sent_system=system,
        metadata=metadata,
    )
    prompt.go(State.TO_FILTER, "answer_imported", source=State.TO_COLLECT, current_response=response, attempts=1)
