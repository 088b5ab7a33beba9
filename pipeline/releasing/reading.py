"""Chosen rows -> Records, batch by batch, in the order of the rows. A batch costs a handful of statements."""

from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import FilteredRelation, Q

from curation.models import FilterResult, GateResult, Resolution, Teacher, TeacherResponse
from curation.models.response import LONGER
from pipeline.formats import Record, Refused, row_id

from .choosing import scores

BATCH = 1000


class Changed(Exception):
    """What was chosen is not what stands there now: somebody decided meanwhile."""


@dataclass
class Reader:
    """Reads the Records of chosen rows: `placed` are {group: split}, `partners` {prompt id: row of the other half},
    `needs` what the formats ask for beside the row itself ("partner", "refused")."""

    placed: dict
    partners: dict
    needs: frozenset = frozenset()

    def batches(self, rows, size=BATCH):
        """(rows, their Records) of some rows at a time."""
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            yield part, self.records(part)

    def records(self, rows):
        """The Records of these rows, in their order. Raises Changed where a text is not the one that was chosen."""
        others = self._partners_of(rows)
        found = _records([*rows, *others.values()], self.placed)
        for prompt_id, other in others.items():
            found[prompt_id].partner = found[other.prompt_id]
        if "refused" in self.needs:
            for prompt_id, refused in _refused({row.prompt_id: row.response_id for row in rows}).items():
                found[prompt_id].refused = refused
        return [found[row.prompt_id] for row in rows]

    def _partners_of(self, rows):
        if "partner" not in self.needs:
            return {}
        found = ((row, self.partners.get(row.prompt_id)) for row in rows)
        same = ((row, other) for row, other in found if other and self.placed[row.group] == self.placed[other.group])
        return {row.prompt_id: other for row, other in same}


def _records(rows, placed):
    """{prompt id: Record} of these rows."""
    of_response = {row.response_id: row for row in rows}
    score, found = scores(list(of_response)), {}
    for response, *values in _answers(list(of_response)):
        row = of_response[response]
        found[row.prompt_id] = _record(row, placed[row.group], score.get(response), Answer(*values))
    return found


class Answer(NamedTuple):
    """What is read of an answer; what the prompt's document says is None where it has none."""

    user: str
    system: str
    own: str  # the teacher's text
    attempt: int
    model: str
    kind: str
    teacher: str
    action: str | None  # of the resolution that holds, as the next ones
    by: str | None
    text: str | None
    reasons: list | None
    task_type: str
    locator: str | None
    licence: str | None
    title: str | None


def _answers(ids):
    held = FilteredRelation("resolutions", condition=Q(resolutions__current=True))
    return (
        TeacherResponse.objects.filter(pk__among=ids)
        .annotate(held=held)
        .order_by()
        .values_list(
            *("pk", "sent_user", "sent_system", "text", "attempt", "model_id", "teacher__kind", "teacher__name"),
            *("held__action", "held__by", "held__text", "held__reasons", "prompt__task_type"),
            *("prompt__document__locator", "prompt__document__licence", "prompt__document__title"),
        )
    )


def _record(row, split, score, answer):
    text = answer.text if answer.action == "accept" else answer.own
    if row_id(row.prompt_key, text) != row.row_id:
        raise Changed(f"the text of prompt {row.prompt_key[:12]} changed")
    edited = text != answer.own
    return Record(
        id=row.row_id,
        prompt_key=row.prompt_key,
        user=answer.user,
        system=answer.system,
        text=text,
        task_type=answer.task_type,
        domain=row.domain,
        group=row.group,
        split=split,
        status=_status(row, answer.by, edited),
        teacher=_called(answer.kind, answer.teacher, answer.model),
        attempt=answer.attempt,
        edited=edited,
        locator=answer.locator or "",
        licence=answer.licence or "",
        title=answer.title or "",
        score=score,
        original=answer.own if edited else "",
        reasons=tuple(answer.reasons or ()) if edited else (),
    )


def _called(kind, name, model):
    """What a release calls a teacher: the model that answered; of an imported answer the name that it came under."""
    return name if kind == Teacher.Kind.IMPORTED else model


def _status(row, by, edited):
    """Who stands behind a row: nobody yet, the project's policy, or people, who may have edited it."""
    if row.status == "unreviewed":
        return "unreviewed"
    if by == Resolution.By.POLICY:
        return "policy"
    return "edited" if edited else "accepted"


# -- what was refused -----------------------------------------------------------------------------------------------


def _refused(current):
    """{prompt id: (Refused, …)} for {prompt id: id of the accepted response}: other answers to the same question which
    filters, gate or people refused, with the codes of their reasons.

    A method for another hypothesis answered another question; an answer that was cut off is told by its longer one.
    """
    others = TeacherResponse.objects.filter(prompt__among=list(current)).exclude(pk__among=list(current.values()))
    others = others.exclude(text="").exclude(metadata__has_key=LONGER)
    names = ("pk", "prompt_id", "hypothesis_id", "text", "attempt", "candidate", "model_id", "teacher__kind")
    rows = list(others.order_by("pk").values_list(*names, "teacher__name"))
    reasons = _reasons([row[0] for row in rows]) if rows else {}
    about = _hypotheses({current[row[1]] for row in rows})
    found = defaultdict(list)
    for pk, prompt, hypothesis, text, attempt, candidate, model, kind, name in rows:
        if pk in reasons and hypothesis == about[current[prompt]]:
            called = _called(kind, name, model)
            found[prompt].append(Refused(text, tuple(sorted(reasons[pk])), attempt, called, candidate))
    return {
        prompt: tuple(sorted(those, key=lambda each: (each.attempt, each.candidate))) for prompt, those in found.items()
    }


def _hypotheses(responses):
    return dict(TeacherResponse.objects.filter(pk__among=responses).values_list("pk", "hypothesis_id"))


def _reasons(responses):
    """{response id: codes of all reasons} of those that were refused, by the newest verdict of each kind."""
    found = {}
    results = FilterResult.objects.filter(response__among=responses).order_by("pk")
    for response, codes in dict(results.values_list("response", "failed")).items():
        if codes:
            found.setdefault(response, set()).update(f"filter:{code}" for code in codes)
    gated = GateResult.objects.filter(response__among=responses).order_by("pk")
    gated = {row[0]: row[1:] for row in gated.values_list("response", "passed", "reasons")}
    for response, (passed, codes) in gated.items():
        if not passed:
            found.setdefault(response, set()).update(f"gate:{code}" for code in codes)
    held = Resolution.objects.filter(response__among=responses, current=True).exclude(action="accept").order_by()
    for response, codes in held.values_list("response", "reasons"):
        found.setdefault(response, set()).update(f"reviewer:{code}" for code in codes)
    return found
