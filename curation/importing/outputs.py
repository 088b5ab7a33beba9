"""Answers that a file holds already, paid for elsewhere: what counts as one, and how they join their prompts."""

import math
import re
from collections import Counter
from typing import NamedTuple

from django.db.models import OuterRef, Subquery

from curation.models import JudgeScore, Prompt, State, Teacher, TeacherResponse
from curation.models.locking import update_in_order

from .values import json_cell, text_cell

# What the earlier scripts and our own files say of an answer, by the columns they say it in.
SAYS = {
    "model_id": ("model_id", "generation_model"),
    "finish_reason": ("finish_reason",),
    "prompt_tokens": ("prompt_tokens",),
    "completion_tokens": ("completion_tokens",),
    "total_tokens": ("total_tokens",),
    "latency_ms": ("latency_ms",),
}
NUMBERS = ("prompt_tokens", "completion_tokens", "total_tokens", "latency_ms")
# What judges elsewhere said of an answer; the first of these columns that a row has counts.
JUDGED = {"factuality": ("judge_f_response", "judge_f"), "reasoning": ("judge_r_response", "judge_r")}
# Kept with the answer as they are; with the prompt they would make it differ from its own input.
BESIDES = {
    *("cost", "cost_usd", "usage", "generation_timestamp", *JUDGED["factuality"], *JUDGED["reasoning"]),
    *("prompt_key", "prompt_rendered_from", "attempt", "state", "regenerated", "annotation_action", "failed_rules"),
    "rejection_reason",
    *("length_char_ok", "length_token_ok", "action_verb_ok", "no_citations", "passes_all", "quality_pass"),
}
COLUMNS = BESIDES.union(*SAYS.values())
NO_ANSWERS = {
    re.compile(r"(Choice|ChatCompletion\w*)\(.*\b(finish_reason|message|role|choices)=", re.DOTALL): (
        "Python's text of a reply object"
    ),
    re.compile(r"\[DRY RUN\]", re.IGNORECASE): "the placeholder of a dry run",
    re.compile(r"\[?ERROR\b[\]:]|Error( code)?: |\w*(Error|Exception)\(|Traceback \(most recent", re.IGNORECASE): (
        "an error message"
    ),
}
MOST = 2**31 - 1  # what the columns for numbers hold
UNKNOWN_MODEL = "unknown"
UNKNOWN_JUDGE = "judge"


class Answer(NamedTuple):
    """An answer to be; `said` are fields of TeacherResponse, `metadata` what else the row says of it."""

    text: str
    said: dict
    metadata: dict


def why_no_answer(text):
    """What a text in the column of answers is instead of an answer; "" if it may be one."""
    start = text.lstrip()[:2000]
    return next((why for pattern, why in NO_ANSWERS.items() if pattern.match(start)), "")


def read_answer(column, values, mapped):
    """(the `Answer` of a row or None, why its text is none). An empty cell is no answer, and nothing is wrong."""
    text = text_cell(column, values.get(column))
    if not text:
        return None, ""
    why = why_no_answer(text)
    if why:
        return None, f"{column}: {why} is no answer; the prompt waits to be collected"
    said, metadata = {}, {}
    for name in (name for name in values if name in COLUMNS and name not in mapped):
        field = next((field for field, names in SAYS.items() if name in names and field not in said), None)
        value = _fitting(field, values[name])
        if value is not None:
            said[field] = value
        elif json_cell(name, values[name]) is not None:
            metadata[name] = json_cell(name, values[name])
    return Answer(text, said, metadata), ""


def _fitting(field, value):
    """A cell as the field of a response keeps it, or None where it does not fit."""
    if field is None or value is None:
        return None
    if field in NUMBERS:
        return _number(value)
    longest = TeacherResponse._meta.get_field(field).max_length
    return value.strip() if isinstance(value, str) and 0 < len(value.strip()) <= longest else None


def _number(value):
    if isinstance(value, str):
        value = float(value) if re.fullmatch(r"\s*\d{1,10}(\.0*)?\s*", value) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    whole = math.isfinite(value) and value == int(value) and 0 <= value <= MOST
    return int(value) if whole else None


def as_it_is(prompt, text):
    """Fields of a response for an imported text, where nobody knows how to read more in it."""
    return {"text": text, "sent_user": prompt.user_prompt or prompt.context, "sent_system": prompt.system_prompt}


class PaidAnswers:
    """Stores answers of one import, each as the first attempt of a prompt that waits to be collected.

    `read(prompt, text)` gives the fields of the response, `read_scores(metadata)` those of the JudgeScores that came
    with it. A prompt that has an answer keeps it.
    """

    def __init__(self, project, read=None, *, read_scores=None, run=None, actor=None):
        self.project, self.run, self.actor = project, run, actor
        self.read, self.read_scores = read or as_it_is, read_scores or (lambda metadata: ())
        self._teachers = {}

    def store(self, answers):
        """Store {key of a prompt: [Answer]} in the caller's transaction.

        Returns a Counter of `stored`, `unchanged`, `differs` (the prompt has another answer) and `left` (a run works
        on the prompt, or it was rejected).
        """
        prompts = Prompt.objects.filter(project=self.project, key__in=list(answers)).select_related("document")
        prompts = list(prompts.select_for_update(no_key=True, of=("self",)).order_by("pk"))
        known = self._known(prompts)
        takes = self._takes_answers(prompts)
        counted, rows = Counter(), []
        for prompt in prompts:
            for answer in answers[prompt.key]:
                if prompt.pk in known:
                    counted["unchanged" if answer.text in known[prompt.pk] else "differs"] += 1
                elif prompt.pk not in takes:
                    counted["left"] += 1
                else:
                    rows.append(self.response(prompt, answer))
                    known[prompt.pk] = {answer.text}
                    counted["stored"] += 1
        self._send_on(rows, [prompt.pk for prompt in prompts if prompt.state == State.PARKED])
        return counted

    def _known(self, prompts):
        """{prompt id: texts of its answers, as they were imported and as they are read}."""
        ids = [prompt.pk for prompt in prompts if prompt.current_response_id or prompt.attempts]
        known = {}
        for pk, text, metadata in TeacherResponse.objects.filter(prompt__in=ids).values_list(
            "prompt_id", "text", "metadata"
        ):
            known.setdefault(pk, set()).update((text, metadata.get("imported_text", text)))
        return known

    def _takes_answers(self, prompts):
        """Ids of those that wait to be collected, or were parked on the way, and that no run works on."""
        waiting = {
            prompt.pk for prompt in prompts if State.TO_COLLECT in (prompt.state, prompt.parked_from or prompt.state)
        }
        return set(Prompt.objects.filter(pk__in=waiting).free().values_list("pk", flat=True))

    def response(self, prompt, answer, **place):
        """The response that an answer becomes, not stored yet; `place` says which attempt it is, if not the first."""
        teacher = self._teacher(answer.said.get("model_id") or UNKNOWN_MODEL)
        fields = self.read(prompt, answer.text)
        metadata = answer.metadata
        if fields["text"] != answer.text:
            metadata = metadata | {"imported_text": answer.text}
        fields |= {"prompt": prompt, "teacher": teacher, "run": self.run, "form": "imported", "metadata": metadata}
        return TeacherResponse(**fields, **answer.said, **place)

    def _teacher(self, model):
        """The teacher that stands for imported answers of a model."""
        if model not in self._teachers:
            kind = Teacher.Kind.IMPORTED
            found = Teacher.objects.filter(kind=kind, model=model).order_by("pk").first()
            self._teachers[model] = found or Teacher.objects.create(kind=kind, model=model, name=_free_name(model))
        return self._teachers[model]

    def _send_on(self, rows, parked):
        if not rows:
            return
        TeacherResponse.objects.bulk_create(rows, batch_size=500)
        self.keep_scores(rows)
        ids = [row.prompt_id for row in rows]
        prompts = Prompt.objects.filter(pk__in=ids)
        if parked:
            prompts.filter(pk__in=parked).unpark(actor=self.actor, reason="An answer was imported.")
        own = TeacherResponse.objects.filter(prompt=OuterRef("pk")).order_by("attempt", "candidate")
        prompts.update(current_response=Subquery(own.values("pk")[:1]), attempts=1)
        prompts.move(State.TO_FILTER, "answer_imported", source=State.TO_COLLECT, run=self.run, actor=self.actor)

    def keep_scores(self, rows):
        """What judges elsewhere said of stored responses is taken as it is: SampleGate goes by it, and asks nobody."""
        scores = [
            JudgeScore(response=row, judge=self._teacher(UNKNOWN_JUDGE), rubric_version=JudgeScore.IMPORTED, **fields)
            for row in rows
            for fields in self.read_scores(row.metadata)
        ]
        JudgeScore.objects.bulk_create(scores, batch_size=500)


def _free_name(model):
    longest = Teacher._meta.get_field("name").max_length
    names = [f"{model[: longest - 20]} (imported)", *(f"{model[: longest - 20]} (imported {n})" for n in range(2, 100))]
    taken = set(Teacher.objects.filter(name__in=names).values_list("name", flat=True))
    return next(name for name in names if name not in taken)


def link_methods(project):
    """In a paired project, note on imported methodologies which answer of their hypothesis they stand beside."""
    if not project.paired:
        return 0
    unlinked = TeacherResponse.objects.filter(
        prompt__project=project,
        form="imported",
        hypothesis=None,
        prompt__pair_as_methodology__hypothesis__current_response__isnull=False,
    )
    beside = Prompt.objects.filter(pair_as_hypothesis__methodology=OuterRef("prompt")).values("current_response")
    return update_in_order(unlinked, hypothesis=Subquery(beside[:1]))
