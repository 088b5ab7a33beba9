"""Chosen rows -> Records, batch by batch, in the order of the rows. A batch costs a handful of statements."""

import json
from collections import defaultdict

from django.db.models import TextField
from django.db.models.functions import Cast, NullIf

from curation.models import FilterResult, GateResult, Resolution, Teacher, TeacherResponse
from curation.models.response import LONGER
from pipeline.formats import Record, Refused, row_id

from . import proof

BATCH = 1000
KNOWN = len(proof.ANSWER)


class Changed(Exception):
    """What was chosen is not what stands there now: somebody decided meanwhile."""


class Reader:
    """Reads the Records of chosen rows, and what stands behind them.

    `placed` are {group: split}, `partners` {prompt id: row of the other half}, `needs` what the formats ask for beside
    the row itself ("partner", "refused"), `behind` a proof.Reader.
    """

    def __init__(self, placed, partners, needs, behind):
        self.placed, self.partners, self.needs, self.behind = placed, partners, needs, behind

    def batches(self, rows, size=BATCH):
        """(Records, what is known of each) of some rows at a time, in their order.

        Raises Changed where a text is not the one that was chosen.
        """
        for start in range(0, len(rows), size):
            yield self._read(rows[start : start + size])

    def _read(self, rows):
        others = self._partners_of(rows)
        responses = [row.response_id for row in rows]
        answers = _answers(responses + [other.response_id for other in others.values()])
        gate = _gate(answers)
        found = {}
        for row in (*rows, *others.values()):
            _, score = gate.get(row.response_id, (None, None))
            found[row.prompt_id] = _record(row, self.placed[row.group], score, *answers[row.response_id][KNOWN:])
        _as_first_asked(found)
        for prompt_id, other in others.items():
            found[prompt_id].partner = found[other.prompt_id]
        if "refused" in self.needs:
            for prompt_id, refused in _refused({row.prompt_id: row.response_id for row in rows}).items():
                found[prompt_id].refused = refused
        known = {response: answers[response][:KNOWN] for response in responses}
        rulesets = {response: gate[response][0] for response in responses if response in gate}
        return [found[row.prompt_id] for row in rows], self.behind.read(responses, known, rulesets)

    def _partners_of(self, rows):
        if "partner" not in self.needs:
            return {}
        found = ((row, self.partners.get(row.prompt_id)) for row in rows)
        same = ((row, other) for row, other in found if other and self.placed[row.group] == self.placed[other.group])
        return {row.prompt_id: other for row, other in same}


def _answers(ids):
    """{response id: values of proof.ANSWER, then those that `_record` takes}; all of one statement."""
    rows = proof.annotated(TeacherResponse.objects.filter(pk__among=frozenset(ids)).order_by())
    # The accepted text comes only where it is another one: nearly always it is the teacher's, which comes anyway.
    rows = rows.annotate(why=Cast("held__reasons", TextField()), another=NullIf("held__text", "text"))
    values = rows.values_list(
        *("pk", *proof.ANSWER, "sent_user", "sent_system", "text", "attempt", "teacher__kind", "teacher__name"),
        *("held__action", "another", "why", "prompt__task_type"),
        *("prompt__document__locator", "prompt__document__licence", "prompt__document__title", "model_id", "held__by"),
    )
    return {row[0]: row[1:] for row in values}


def _as_first_asked(found):
    """Give {prompt id: Record} of later attempts the system message of the first: the stricter one of a second chance
    holds the refused answer and what was said of it, which is nothing to learn from."""
    again = {prompt_id: record for prompt_id, record in found.items() if record.attempt > 1}
    if not again:
        return
    first = TeacherResponse.objects.filter(prompt__among=list(again), attempt=1).order_by("-candidate")
    systems = dict(first.values_list("prompt_id", "sent_system"))
    for prompt_id, record in again.items():
        record.system = systems.get(prompt_id, "")


def _gate(ids):
    """{response id: (id of the ruleset, score) of its newest gate result}"""
    results = GateResult.objects.filter(response__among=frozenset(ids)).order_by("pk")
    return {row[0]: row[1:] for row in results.values_list("response_id", "ruleset_id", "score")}


def _record(
    row,
    split,
    score,
    user,
    system,
    own,
    attempt,
    kind,
    name,
    action,
    another,
    why,
    task_type,
    locator,
    licence,
    title,
    model,
    by,
):
    text = another if action == "accept" and another is not None else own
    if row_id(row.prompt_key, text) != row.row_id:
        raise Changed(f"the text of prompt {row.prompt_key[:12]} changed")
    edited = text != own
    return Record(
        id=row.row_id,
        prompt_key=row.prompt_key,
        user=user,
        system=system,
        text=text,
        task_type=task_type,
        domain=row.domain,
        group=row.group,
        split=split,
        status=_status(row, by, edited),
        teacher=_called(kind, name, model),
        attempt=attempt,
        edited=edited,
        locator=locator or "",
        licence=licence or "",
        title=title or "",
        score=score,
        original=own if edited else "",
        reasons=tuple(json.loads(why)) if edited and why else (),
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
    others = TeacherResponse.objects.filter(prompt__among=frozenset(current))
    others = others.exclude(pk__among=frozenset(current.values()))
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
